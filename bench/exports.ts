// Which files of a folder compile, and agree with another runtime on random inputs:
//
//   node scripts/run.mjs bench/exports.ts FOLDER [PATTERN]
//
// bench/exports.py makes a folder of what Ultralytics makes of its networks, bench/exports-classifiers.py of what PyTorch's
// exporters make of timm's and torchvision's, bench/exports-nodes.py of onnx's own tests of operators. ONNX files are compared
// with onnxruntime-web, TFLite files with tfjs-tflite, those with a test in NAME.json beside them with what that wants. A line
// a file: the largest difference over the largest magnitude of each output, or why the file is refused.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import process from 'node:process';
import { compileModel } from '../src/compile.ts';
import { loadModel, Tensor } from '../src/index.ts';
import { elementCount } from '../src/tensor.ts';
import { randomFloats, relativeError } from '../test/kernels/wasm.ts';
import { runPeer, type PeerOutput } from '../test/peers/index.ts';
import { runOnnxModels } from '../test/peers/onnxruntime.ts';

/** Of files that leave sizes open. */
const dimensions = { height: 128, width: 128 };

/** A row of one list may be one of the other in another place, if no number of theirs differs by more than this share. */
const sameRow = 1e-4;

const [, , folder, pattern = '.'] = process.argv;
const files = readdirSync(folder)
  .filter((name) => /\.(onnx|tflite)$/.test(name) && new RegExp(pattern).test(name))
  .toSorted();
for (const file of files) console.log(`${file.padEnd(34)} ${await verdict(file)}`);

async function verdict(file: string): Promise<string> {
  const path = `${folder}/${file}`;
  const bytes = readFileSync(path);
  try {
    const model = await loadModel(
      compileModel(bytes, file.includes('.dynamic.') ? { name: file, dimensions } : { name: file }),
    );
    const test = testOf(path);
    const random = randomFloats(5);
    const inputs = Object.fromEntries(
      model.inputs.map(({ name, shape, dtype }) => {
        const given = test?.inputs.find((tensor) => tensor.name === name);
        if (given) return [name, new Tensor(dtype, given.shape, numbersOf(given))];
        const data = random(elementCount(shape)).map((v) => 0.5 + 0.5 * v);
        return [name, new Tensor('float32', shape, data)];
      }),
    );
    const ours = await model.run(inputs);
    model.dispose();
    const run = () => (file.endsWith('.onnx') ? runOnnx(bytes, inputs) : runTflite(path, inputs));
    const theirs = test
      ? test.outputs.map((output) => ({ ...output, data: Float32Array.from(numbersOf(output)) }))
      : await run();
    return theirs.map((output, i) => difference(ours[output.name ?? model.outputs[i].name], output)).join(', ');
  } catch (error) {
    return (error as Error).message.replaceAll('\n', ' ').slice(0, 600);
  }
}

/** A tensor of a test, as bench/exports-nodes.py writes it. */
interface Given {
  name: string;
  shape: number[];
  /** As Python writes numbers. */
  data: string[];
}

function testOf(path: string): { inputs: Given[]; outputs: Given[] } | undefined {
  const json = path.replace(/(\.constants)?\.\w+$/, '.json');
  return existsSync(json) ? (JSON.parse(readFileSync(json, 'utf8')) as ReturnType<typeof testOf>) : undefined;
}

function numbersOf({ data }: Given): number[] {
  return data.map((v) => Number(v.replace('inf', 'Infinity')));
}

async function runOnnx(model: Uint8Array, inputs: Record<string, Tensor>): Promise<PeerOutput[]> {
  const [outputs] = await runOnnxModels([{ model, inputs }]);
  if (outputs instanceof Error) throw new Error(`onnxruntime-web: ${outputs.message}`, { cause: outputs });
  return outputs;
}

async function runTflite(path: string, inputs: Record<string, Tensor>): Promise<PeerOutput[]> {
  const data = Object.values(inputs).map((tensor) => tensor.data as Float32Array);
  const { outputs } = await runPeer('tfjs-tflite', path, data);
  return outputs.map(({ shape, data: numbers }) => ({ shape, data: numbers }));
}

function difference(ours: Tensor, theirs: PeerOutput): string {
  const shape = `[${theirs.shape}]`;
  if (ours.shape.join() !== theirs.shape.join()) return `[${ours.shape}] instead of ${shape}`;
  const error = relativeError(Array.from(ours.data as ArrayLike<number>, Number), theirs.data);
  const rows = theirs.shape.length === 3 && theirs.shape[1] === 300 ? inOrder(ours, theirs) : undefined;
  return `${shape} ${error.toExponential(1)}${rows ? `; ${rows}` : ''}`;
}

/**
 * Detections whose scores round to each other may change places, and some at the cut may be others: how many, and how far their
 * scores are from the lowest that is kept.
 */
function inOrder(ours: Tensor, { shape, data }: PeerOutput): string {
  const columns = shape[2];
  const largest = data.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  const row = (from: ArrayLike<number>, i: number) => Array.from({ length: columns }, (_, j) => from[i * columns + j]);
  const rows = (from: ArrayLike<number>) => Array.from({ length: shape[1] }, (_, i) => row(from, i));
  const [own, other] = [rows(ours.data as Float32Array), rows(data)];
  const isIn = (list: number[][], one: number[]) =>
    list.some((that) => that.every((v, k) => Math.abs(v - one[k]) <= sameRow * largest));
  const scores = Math.max(...own.map((one, i) => Math.abs(one[4] - other[i][4])));
  const lost = own.filter((one) => !isIn(other, one));
  const lowest = Math.min(...other.map((one) => one[4]));
  const gap = Math.max(0, ...lost.map((one) => Math.abs(one[4] - lowest)));
  return `scores ${scores.toExponential(1)}, ${lost.length} other rows, whose scores are within ${gap.toExponential(1)} of the lowest`;
}
