// Makes models/imagenet.filigree, MobileNetV2 in eight bits. The package contains this file.
//
//   node scripts/run.mjs models/imagenet.ts mobilenet_v2_1.0_224_quant.tflite PHOTOGRAPHS models/imagenet.filigree
//
// The network is published; its own ranges, of training with eight bits in mind, are not used: layers are measured as those of the other
// models are. PHOTOGRAPHS is a folder of everyday photographs that no measurement uses. The published file used 294 of COCO's train2017.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { compileModel } from '../src/compile.ts';
import { decodeImage } from '../src/images/decode.ts';
import { choosePreprocessing } from '../src/vision/classifier-metadata.ts';
import { imageNetLabels } from '../src/vision/imagenet-labels.ts';

const [tflite, folder, artifact] = process.argv.slice(2);
if (!artifact)
  throw new Error('usage: node scripts/run.mjs models/imagenet.ts NETWORK.tflite PHOTOGRAPHS ARTIFACT.filigree');
const photographs = (await readdir(folder)).filter((file) => /\.(jpe?g|png|webp)$/i.test(file)).toSorted();
async function* images() {
  for (const file of photographs) yield decodeImage(await readFile(join(folder, file)), { name: file });
}
const metadata = {
  title: 'MobileNetV2 1.0 224, 1000 classes of ImageNet and a background, eight bits',
  license: 'Apache-2.0',
  copyright: 'The TensorFlow Authors',
  homepage: 'https://github.com/tensorflow/models/tree/master/research/slim/nets/mobilenet',
  paper: 'https://arxiv.org/abs/1801.04381',
  source: { repository: 'google-coral/test_data', file: basename(tflite), photographs: photographs.length },
  vision: {
    task: 'classify',
    preprocessing: choosePreprocessing('mobilenet', { width: 224, height: 224 }),
    labels: ['background', ...imageNetLabels],
    activation: 'none',
  },
};
const small = await compileModel(await readFile(tflite), {
  name: basename(artifact, '.filigree'),
  metadata,
  int8: { calibrate: images(), preprocessing: 'mobilenet' },
  weights: 'int8',
});
await writeFile(artifact, small);
console.log(`${artifact}: ${small.length} bytes, calibrated on ${photographs.length} photographs`);
