// Which files of a folder compile, and agree with onnxruntime-web on random inputs:
//
//   node scripts/run.mjs bench/exports.ts FOLDER [PATTERN]
//
// bench/exports.py makes a folder of what Ultralytics makes of its networks. A line a file: the largest difference over the
// largest magnitude of each output, or why the file is refused.
import { readdirSync, readFileSync } from 'node:fs';
import process from 'node:process';
import { compileModel } from '../src/compile.ts';
import { loadModel, Tensor } from '../src/index.ts';
import { elementCount } from '../src/tensor.ts';
import { randomFloats, relativeError } from '../test/kernels/wasm.ts';
import type { PeerOutput } from '../test/peers/index.ts';
import { runOnnxModels } from '../test/peers/onnxruntime.ts';

/** Of files that leave sizes open. */
const dimensions = { height: 128, width: 128 };

const [, , folder, pattern = '.'] = process.argv;
const files = readdirSync(folder)
  .filter((name) => name.endsWith('.onnx') && new RegExp(pattern).test(name))
  .toSorted();
for (const file of files) console.log(`${file.padEnd(34)} ${await verdict(readFileSync(`${folder}/${file}`), file)}`);

async function verdict(bytes: Uint8Array, name: string): Promise<string> {
  try {
    const model = await loadModel(compileModel(bytes, name.includes('.dynamic.') ? { name, dimensions } : { name }));
    const random = randomFloats(5);
    const inputs = Object.fromEntries(
      model.inputs.map(({ name: input, shape }) => {
        const data = random(elementCount(shape)).map((v) => 0.5 + 0.5 * v);
        return [input, new Tensor('float32', shape, data)];
      }),
    );
    const ours = await model.run(inputs);
    model.dispose();
    const [theirs] = await runOnnxModels([{ model: bytes, inputs }]);
    if (theirs instanceof Error) return `onnxruntime-web: ${theirs.message}`;
    return theirs.map((output) => difference(ours[output.name!], output)).join(', ');
  } catch (error) {
    return (error as Error).message.replaceAll('\n', ' ').slice(0, 600);
  }
}

function difference(ours: Tensor, theirs: PeerOutput): string {
  const shape = `[${theirs.shape}]`;
  if (ours.shape.join() !== theirs.shape.join()) return `[${ours.shape}] instead of ${shape}`;
  const error = relativeError(ours.data as Float32Array, theirs.data);
  const rows = theirs.shape.length === 3 && theirs.shape[1] === 300 ? inOrder(ours, theirs) : undefined;
  return `${shape} ${error.toExponential(1)}${rows ? `; ${rows}` : ''}`;
}

/** Detections whose scores round to each other may change places: how far each is from the nearest of its class. */
function inOrder(ours: Tensor, { shape, data }: PeerOutput): string {
  const columns = shape[2];
  const largest = data.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  const row = (from: ArrayLike<number>, i: number) => Array.from({ length: columns }, (_, j) => from[i * columns + j]);
  let farthest = 0;
  let scores = 0;
  for (let i = 0; i < shape[1]; i++) {
    const own = row(ours.data as Float32Array, i);
    scores = Math.max(scores, Math.abs(own[4] - data[i * columns + 4]));
    const distances = Array.from({ length: shape[1] }, (_, j) =>
      Math.max(...row(data, j).map((v, k) => Math.abs(v - own[k]))),
    );
    farthest = Math.max(farthest, Math.min(...distances));
  }
  return `scores ${scores.toExponential(1)}, rows in any order ${(farthest / largest).toExponential(1)}`;
}
