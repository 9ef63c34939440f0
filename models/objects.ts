// Makes models/objects.filigree and models/objects-small.filigree, PicoDet-S in eight bits. The package contains these files.
//
//   node scripts/run.mjs models/objects.ts picodet_s_416_coco.onnx PHOTOGRAPHS models/objects.filigree
//   node scripts/run.mjs models/objects.ts picodet_s_320_coco.onnx PHOTOGRAPHS models/objects-small.filigree
//
// PHOTOGRAPHS is a folder of everyday photographs that no measurement uses; the first 64 by name are taken. The published files used
// COCO's train2017.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { compileModel } from '../src/compile.ts';
import { decodeImage } from '../src/images/decode.ts';

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
const all = (await readdir(folder)).filter((file) => /\.(jpe?g|png|webp)$/i.test(file));
const photographs = all.toSorted().slice(0, 64);
async function* images() {
  for (const file of photographs) yield decodeImage(await readFile(join(folder, file)), { name: file });
}
const source = {
  repository: 'hpc203/picodet-onnxruntime',
  file: `coco/${basename(onnx)}`,
  photographs: photographs.length,
};
const small = await compileModel(bytes, {
  name,
  metadata: { ...metadata, source },
  int8: { calibrate: images() },
  weights: 'int8',
});
await writeFile(artifact, small);
console.log(`${artifact}: ${small.length} bytes, calibrated on ${photographs.length} photographs`);
