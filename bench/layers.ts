// Each operator of a quantised TFLite file alone, on the numbers that tfjs-tflite gives it:
//
//   node scripts/run.mjs bench/layers.ts FILE [--integers] [--photo PHOTO] [--signed]
//
// Outputs of deep quantised networks drift apart by rounding, which hides an operator that is wrong. Here nothing drifts: every
// operator gets what the peer computed before it. A line a operator whose result is more than a step from the peer's: the
// largest difference and the mean one, in steps of its tensor. Results of floats are compared by their largest magnitude.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { compileModel } from '../src/compile.ts';
import { decodeImage } from '../src/images/decode.ts';
import { readModel, type TfliteOperator, type TfliteTensor } from '../src/import/tflite/schema.ts';
import { loadModel, Tensor } from '../src/index.ts';
import { elementCount } from '../src/tensor.ts';
import { randomFloats } from '../test/kernels/wasm.ts';
import { runPeer } from '../test/peers/index.ts';
import { partOf } from '../test/peers/tflite-parts.ts';

const { values: options, positionals } = parseArgs({
  options: { integers: { type: 'boolean' }, photo: { type: 'string' }, signed: { type: 'boolean' } },
  allowPositionals: true,
});
const [file] = positionals;
if (!file) {
  console.error('usage: node scripts/run.mjs bench/layers.ts FILE [--integers] [--photo PHOTO] [--signed]');
  process.exit(1);
}
const name = path.basename(file);
const bytes = new Uint8Array(readFileSync(file));
const { tensors, operators, inputs, buffers } = readModel(bytes, name);

/** Numbers that the peer shows. */
const isShown = ({ type }: TfliteTensor) => ['float32', 'int8', 'uint8', 'int32'].includes(type);
const isComputed = (index: number) => index >= 0 && buffers[tensors[index].buffer].length === 0;
const realOf = ({ type, quantization }: TfliteTensor, stored: Float32Array) =>
  type === 'float32' || !quantization
    ? stored
    : stored.map((v) => (v - quantization.zeroPoints[0]) * quantization.scales[0]);

const known = await peerNumbers();
let [alike, unseen] = [0, 0];
for (const operator of operators) {
  const given = [...new Set(operator.inputs.filter(isComputed))];
  if (given.length === 0 || ![...given, ...operator.outputs].every((index) => known.has(index))) {
    unseen++;
    continue;
  }
  const difference = await differenceOf(operator, given);
  if (difference) console.log(`${operator.index} ${operator.name}`.padEnd(26), difference);
  else alike++;
}
console.log(`${alike} of ${operators.length} operators within a step, or 1e-5 of their largest float`);
if (unseen > 0)
  console.log(`${unseen} have numbers that the peer does not show (int64, bool), or nothing computed to read`);

/** What the peer computes, by tensor, from a photograph stretched to the input, or from noise. */
async function peerNumbers(): Promise<Map<number, Float32Array>> {
  const shown = [...new Set(operators.flatMap(({ outputs }) => outputs))].filter((index) => isShown(tensors[index]));
  const folder = mkdtempSync(path.join(tmpdir(), 'filigree-layers-'));
  try {
    const whole = path.join(folder, 'whole.tflite');
    writeFileSync(whole, partOf(bytes, { outputs: shown }));
    const given = await Promise.all(inputs.map((index) => inputOf(tensors[index])));
    const { outputs } = await runPeer('tfjs-tflite', whole, given);
    return new Map([
      ...inputs.map((index, i) => [index, given[i]] as const),
      ...shown.map((index, i) => [index, outputs[i].data] as const),
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function inputOf({ shape, type, quantization }: TfliteTensor): Promise<Float32Array> {
  const reals = options.photo ? await photograph(shape) : randomFloats(5)(elementCount(shape)).map((v) => 0.5 + v / 2);
  const real = options.signed ? reals.map((v) => 2 * v - 1) : reals;
  if (type === 'float32' || !quantization) return real;
  const [low, high] = type === 'int8' ? [-128, 127] : [0, 255];
  const { scales, zeroPoints } = quantization;
  return real.map((v) => Math.min(high, Math.max(low, Math.round(v / scales[0] + zeroPoints[0]))));
}

/** 0 … 1, RGB, the nearest pixels. */
async function photograph([, height, width]: readonly number[]): Promise<Float32Array> {
  const photo = await decodeImage(new Uint8Array(readFileSync(options.photo!)), { name: options.photo! });
  const channels = photo.data.length / (photo.width * photo.height);
  return Float32Array.from({ length: height * width * 3 }, (_, i) => {
    const [pixel, channel] = [Math.floor(i / 3), i % 3];
    const y = Math.floor((Math.floor(pixel / width) * photo.height) / height);
    const x = Math.floor(((pixel % width) * photo.width) / width);
    return photo.data[(y * photo.width + x) * channels + channel] / 255;
  });
}

async function differenceOf({ index, outputs }: TfliteOperator, given: number[]): Promise<string | undefined> {
  try {
    const part = partOf(bytes, { inputs: given, outputs, operators: [index] });
    using model = await loadModel(compileModel(part, { name, integers: options.integers }));
    const ours = await model.run(
      Object.fromEntries(
        model.inputs.map(({ name: input, shape }, i) => {
          return [input, new Tensor('float32', shape, realOf(tensors[given[i]], known.get(given[i])!))];
        }),
      ),
    );
    return (
      outputs
        .flatMap((output, i) => inSteps(tensors[output], ours[model.outputs[i].name], known.get(output)!) ?? [])
        .join(', ') || undefined
    );
  } catch (error) {
    return (error as Error).message.replaceAll('\n', ' ').slice(0, 200);
  }
}

function inSteps({ type, quantization, shape }: TfliteTensor, { data }: Tensor, stored: Float32Array) {
  if (data.length !== stored.length) return `${data.length} elements instead of ${stored.length}`;
  const isFloat = type === 'float32' || !quantization;
  const [step, zero] = isFloat ? [1, 0] : [quantization.scales[0], quantization.zeroPoints[0]];
  const [low, high] = type === 'int8' ? [-128, 127] : type === 'uint8' ? [0, 255] : [-Infinity, Infinity];
  let [largest, sum, magnitude, at] = [0, 0, 0, 0];
  stored.forEach((theirs, i) => {
    const number = Number(data[i]) / step + zero;
    const difference = Math.abs((isFloat ? number : Math.min(high, Math.max(low, Math.round(number)))) - theirs);
    if (difference > largest) [largest, at] = [difference, i];
    sum += difference;
    magnitude = Math.max(magnitude, Math.abs(theirs));
  });
  if (largest <= (isFloat ? 1e-5 * magnitude : 1)) return undefined;
  const where = `at ${at} of [${shape}]: ${Number(data[at]) / step + zero} instead of ${stored[at]}`;
  return `${largest.toPrecision(3)} (mean ${(sum / stored.length).toPrecision(2)}) ${where}`;
}
