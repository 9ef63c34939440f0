// What the page shows and npm has: models, compiled, and sample photos. Into public/, where Vite serves them from.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { compileModel } from 'filigree/compile';

const require = createRequire(import.meta.url);
const packageFolder = (name) => dirname(require.resolve(`${name}/package.json`));
const models = join(import.meta.dirname, 'public/models');
const samples = join(import.meta.dirname, 'public/samples');
mkdirSync(models, { recursive: true });
mkdirSync(samples, { recursive: true });

const faces = readFileSync(join(packageFolder('@mediapipe/face_detection'), 'face_detection_full_range_sparse.tflite'));
// objectron's assets hold a TFLite model of their own
const objects = readFileSync(
  join(packageFolder('@mediapipe/objectron'), 'objectron_solution_packed_assets.data'),
).subarray(184, 9987912);

for (const [name, bytes, options] of [
  ['faces', faces, {}],
  // the same weights, every zero multiplied: what other runtimes do
  ['faces-dense', faces, { dense: true }],
  ['objects', objects, {}],
]) {
  const artifact = compileModel(bytes, { name, ...options });
  writeFileSync(join(models, `${name}.filigree`), artifact);
  console.log(`models/${name}.filigree  ${artifact.length} bytes`);
}
for (const number of [5, 2, 4, 6]) {
  const name = `sample${number}.jpg`;
  copyFileSync(join(packageFolder('@vladmandic/face-api'), 'demo', name), join(samples, name));
}
