// The models that the page shows, compiled and packed: into public/, where Vite serves them from.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { compileModel } from 'filigree/compile';

const require = createRequire(import.meta.url);
const mediapipe = path.dirname(require.resolve('@mediapipe/face_detection/package.json'));
const filigree = path.dirname(require.resolve('filigree/package.json'));
const models = path.join(import.meta.dirname, 'public/models');
rmSync(models, { recursive: true, force: true });
mkdirSync(models, { recursive: true });

function write(name, bytes) {
  const packed = gzipSync(bytes, { level: 9 });
  writeFileSync(path.join(models, `${name}.gz`), packed);
  console.log(`models/${name}.gz  ${packed.length} bytes`);
}

const faces = readFileSync(path.join(mediapipe, 'face_detection_full_range_sparse.tflite'));
// eight bits a weight: a file half as large, and the same weights in both
for (const [name, options] of [
  ['faces', {}],
  ['faces-dense', { dense: true }], // every zero multiplied: what other runtimes do
]) {
  write(`${name}.filigree`, compileModel(faces, { name, weights: 'int8', ...options }));
}
write('objects.filigree', readFileSync(path.join(filigree, 'dist/models/objects.filigree')));
