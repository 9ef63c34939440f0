// Makes models/objects.filigree and models/objects-small.filigree, PicoDet-S in eight bits. The package contains these files.
//
//   node scripts/run.mjs models/objects.ts picodet_s_416_coco.onnx PHOTOGRAPHS models/objects.filigree
//   node scripts/run.mjs models/objects.ts picodet_s_320_coco.onnx PHOTOGRAPHS models/objects-small.filigree
//
// PHOTOGRAPHS is a folder of everyday photographs that no measurement uses. The published files used 294 of COCO's train2017.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Calibration, compileGraph, compileModel, importModel } from '../src/compile.ts';
import { writeArtifact } from '../src/artifact/write.ts';
import { decodeImage } from '../src/images/decode.ts';
import { loadModel } from '../src/runtime/load.ts';
import { readVisionMetadata } from '../src/vision/metadata.ts';
import { runImage } from '../src/vision/run-image.ts';

/** Share of a layer's inputs on the photographs within its range. Covering rare extremes would make all steps coarser. */
const share = 0.9999;

const metadata = {
  title: 'PicoDet-S, 80 COCO classes, eight bits',
  license: 'Apache-2.0',
  copyright: 'The PaddlePaddle Authors',
  homepage: 'https://github.com/PaddlePaddle/PaddleDetection/tree/release/2.3/configs/picodet',
  paper: 'https://arxiv.org/abs/2111.00902',
};

const [onnx, folder, artifact] = process.argv.slice(2);
if (!artifact)
  throw new Error('usage: node scripts/run.mjs models/objects.ts NETWORK.onnx PHOTOGRAPHS ARTIFACT.filigree');
const bytes = await readFile(onnx);
const name = basename(artifact, '.filigree');
const vision = readVisionMetadata(compileGraph(importModel(bytes, name)).metadata);
if (!vision) throw new Error(`${onnx}: not recognised as a detector`);
const calibration = new Calibration(importModel(bytes, name));
using model = await loadModel(writeArtifact(calibration.program));
const photographs = (await readdir(folder)).filter((file) => /\.(jpe?g|png|webp)$/i.test(file)).toSorted();
for (const file of photographs) {
  const photograph = await decodeImage(await readFile(join(folder, file)), { name: file });
  calibration.observe((await runImage(model, photograph, vision.preprocessing)).outputs);
}
const source = {
  repository: 'hpc203/picodet-onnxruntime',
  file: `coco/${basename(onnx)}`,
  photographs: photographs.length,
};
const small = compileModel(bytes, {
  name,
  metadata: { ...metadata, source },
  int8: { ranges: calibration.ranges({ share }) },
  weights: 'int8',
});
await writeFile(artifact, small);
console.log(`${artifact}: ${small.length} bytes, calibrated on ${photographs.length} photographs`);
