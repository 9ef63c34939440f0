// Which files of a folder compile, and agree with onnxruntime-web on random inputs:
//
//   node scripts/run.mjs bench/exports.ts FOLDER [PATTERN]
//
// scripts/exports.py makes a folder of what exporters make of their networks. A line a file: the largest difference over the
// largest magnitude of each output, or why the file is refused.
import { readdirSync, readFileSync } from 'node:fs';
import process from 'node:process';
import { compileModel } from '../src/compile.ts';
import { loadModel, Tensor } from '../src/index.ts';
import { elementCount } from '../src/tensor.ts';
import { randomFloats, relativeError } from '../test/kernels/wasm.ts';
import type { PeerOutput } from '../test/peers/index.ts';
import { runOnnxModels } from '../test/peers/onnxruntime.ts';

const [, , folder, pattern = '.'] = process.argv;
const files = readdirSync(folder)
  .filter((name) => name.endsWith('.onnx') && new RegExp(pattern).test(name))
  .toSorted();
for (const file of files) console.log(`${file.padEnd(34)} ${await verdict(readFileSync(`${folder}/${file}`), file)}`);

async function verdict(bytes: Uint8Array, name: string): Promise<string> {
  try {
    const model = await loadModel(compileModel(bytes, { name }));
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
  return `${shape} ${relativeError(ours.data as Float32Array, theirs.data).toExponential(1)}`;
}
