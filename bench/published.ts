// What becomes of published model files: whether they compile, what they are recognised as, and whether they agree with
// another runtime on photographs:
//
//   node scripts/run.mjs bench/published.ts --photos PHOTO,PHOTO [--head NAME] [--threshold SCORE] [--integers] FILE_OR_FOLDER…
//
// ONNX files are compared with onnxruntime-web, TFLite files with tfjs-tflite, on the very numbers that the photograph
// becomes for us. A line a file: the head, the largest difference over the largest magnitude of each output, and for
// detectors how many boxes of each are the other's, read by the same head from both runtimes' outputs. Classifiers: whether
// the best class is the same. Of a segmenter's ArgMax: for how many pixels the class is another, and how far below its own best
// score the peer's score of that class is. `--integers` compiles quantised files to integer programs.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { writeArtifact } from '../src/artifact/write.ts';
import { compileGraph, compileModel, importModel } from '../src/compile.ts';
import type { Port } from '../src/graph/graph.ts';
import { decodeImage } from '../src/images/decode.ts';
import { loadModel } from '../src/runtime/load.ts';
import type { Model } from '../src/runtime/model.ts';
import { elementCount, Tensor } from '../src/tensor.ts';
import { same } from '../src/vision/classifier-metadata.ts';
import { createDetector } from '../src/vision/create.ts';
import type { Detection } from '../src/vision/detection.ts';
import type { Detector } from '../src/vision/detector.ts';
import type { HeadName } from '../src/vision/head-names.ts';
import { readVisionMetadata } from '../src/vision/metadata.ts';
import { tensorOutputs } from '../src/vision/outputs.ts';
import { imageGeometry, type Pixels, type Preprocessing } from '../src/vision/preprocessing.ts';
import { quantizedBytes } from '../src/vision/quantized-bytes.ts';
import { imageInput } from '../src/vision/recognise.ts';
import { runImage } from '../src/vision/run-image.ts';
import { randomFloats, relativeError } from '../test/kernels/wasm.ts';
import { runPeer, type PeerOutput } from '../test/peers/index.ts';
import { beforeArgMax } from '../test/peers/tflite-parts.ts';

const { values, positionals } = parseArgs({
  options: {
    photos: { type: 'string' },
    integers: { type: 'boolean' },
    threshold: { type: 'string' },
    head: { type: 'string' },
  },
  allowPositionals: true,
});
if (!values.photos || positionals.length === 0) {
  console.error('usage: node scripts/run.mjs bench/published.ts --photos PHOTO,PHOTO [--integers] FILE_OR_FOLDER…');
  process.exit(1);
}
const photographs = await Promise.all(
  values.photos.split(',').map((name) => decodeImage(new Uint8Array(readFileSync(name)), { name })),
);
const files = positionals.flatMap((given) =>
  statSync(given).isDirectory()
    ? readdirSync(given)
        .filter((name) => /\.(onnx|tflite)$/.test(name))
        .toSorted()
        .map((name) => path.join(given, name))
    : [given],
);
for (const file of files) console.log(`${path.basename(file).padEnd(48)} ${await verdict(file)}`);

async function verdict(file: string): Promise<string> {
  try {
    return await compared(file);
  } catch (error) {
    return (error as Error).message.replaceAll('\n', ' ').slice(0, 500);
  }
}

async function compared(file: string): Promise<string> {
  const bytes = new Uint8Array(readFileSync(file));
  const name = path.basename(file);
  using model = await loadModel(compileModel(bytes, { name, integers: values.integers }));
  const detector = await createDetector(model, {
    ...(values.threshold && { scoreThreshold: Number(values.threshold) }),
    ...(values.head && { head: values.head as HeadName }),
  }).catch((error: Error) => error);
  const kind =
    detector instanceof Error ? shortly(detector) : (values.head ?? readVisionMetadata(model.metadata)?.head.type);
  const lines = [];
  for (const photo of photographs) lines.push(await onPhoto(file, model, detector, photo));
  return `${kind}: ${lines.join('; ')}`;
}

function shortly({ message }: Error): string {
  return isOfClassifier(message) ? 'classifier' : message.replace(/^[^:]*: /, '').slice(0, 200);
}

function isOfClassifier(message: string): boolean {
  return message.includes('a classifier, not a detector') || message.includes('found "classify"');
}

/** How the outputs of one photograph differ from the peer's, and what a detector reads from both. */
async function onPhoto(file: string, model: Model, detector: Detector<Model> | Error, photo: Pixels): Promise<string> {
  const graph = importModel(new Uint8Array(readFileSync(file)), path.basename(file));
  const [port] = graph.inputs;
  const preprocessing = detector instanceof Error ? stretched(model, port) : detector.preprocessing;
  const real = preprocessing
    ? await inputOf(file, photo, preprocessing)
    : randomFloats(5)(elementCount(model.inputs[0].shape));
  const { scale, zeroPoint } = port.quantization ?? { scale: 1, zeroPoint: 0 };
  const stored = port.dtype === 'float32' ? real : real.map((v) => saturated(v / scale + zeroPoint, port.dtype));
  const ours = preprocessing
    ? (await runImage(model, photo, preprocessing)).outputs
    : await model.run({ [model.inputs[0].name]: new Tensor('float32', model.inputs[0].shape, real) });
  const outputs = await peerOutputs(file, stored);
  const chosen =
    outputs.length === 4 &&
    outputs[3].data.length === 1 &&
    elementCount(model.outputs[0].shape) !== outputs[0].data.length;
  if (chosen && !(detector instanceof Error)) {
    const found = detector.find(tensorOutputs(ours), imageGeometry(photo, detector.preprocessing));
    return alike(found, chosenBoxes(outputs, detector, photo));
  }
  const [first] = model.outputs;
  const scores = outputs[0].data;
  if (outputs.length === 1 && scores.length > elementCount(first.shape)) return otherClasses(ours[first.name], scores);
  const theirs = Object.fromEntries(
    model.outputs.map((output, i) => {
      const { data } = outputs.find((peer) => peer.name === output.name) ?? outputs[i];
      if (data.length !== elementCount(output.shape)) throw new Error(`${output.name}: ${data.length} elements`);
      const { quantization } = graph.outputs[i];
      const reals = quantization ? data.map((v) => (v - quantization.zeroPoint) * quantization.scale) : data;
      return [output.name, new Tensor('float32', output.shape, reals)];
    }),
  );
  const errors = model.outputs.map(({ name }) =>
    relativeError(Array.from(ours[name].data as ArrayLike<number>, Number), theirs[name].data as Float32Array),
  );
  const error = errors.map((e) => e.toExponential(1)).join(' ');
  if (detector instanceof Error) return `${error}${isOfClassifier(detector.message) ? best(ours, theirs) : ''}`;
  const geometry = imageGeometry(photo, detector.preprocessing);
  const found = (tensors: Record<string, Tensor>) => detector.find(tensorOutputs(tensors), geometry);
  return `${error}, ${alike(found(ours), found(theirs))}`;
}

/** What the peer gives on stored numbers; of an ArgMax the scores that it reads, pixel by pixel. */
async function peerOutputs(file: string, stored: Float32Array): Promise<PeerOutput[]> {
  if (file.endsWith('.onnx')) return (await runPeer('onnxruntime', file, [stored])).outputs;
  const cut = beforeArgMax(new Uint8Array(readFileSync(file)), path.basename(file));
  if (!cut) return (await runPeer('tfjs-tflite', file, [stored])).outputs;
  const folder = mkdtempSync(path.join(tmpdir(), 'filigree-published-'));
  try {
    const copy = path.join(folder, 'cut.tflite');
    writeFileSync(copy, cut);
    return (await runPeer('tfjs-tflite', copy, [stored])).outputs;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Of a segmenter's classes and the peer's stored scores: the pixels of other classes, and what they lack to the best score. */
function otherClasses({ data }: Tensor, scores: Float32Array): string {
  const classes = scores.length / data.length;
  const lacks = Array.from(data as ArrayLike<number>, (k, pixel) => {
    const own = scores.subarray(pixel * classes, (pixel + 1) * classes);
    return Math.max(...own) - own[Number(k)];
  }).filter((lack) => lack > 0);
  const share = ((100 * lacks.length) / data.length).toFixed(2);
  return `${share} % of ${data.length} pixels of another class, ${Math.max(0, ...lacks)} steps below the best`;
}

/** What TFLite_Detection_PostProcess has chosen: boxes in fractions, classes, scores and their count. */
function chosenBoxes(
  [boxes, classes, scores]: readonly PeerOutput[],
  { labels, scoreThreshold }: Detector<Model>,
  { width, height }: Pixels,
): Detection[] {
  return Array.from(scores.data, (score, i) => {
    const [ymin, xmin, ymax, xmax] = boxes.data.subarray(4 * i);
    const box = { xmin: xmin * width, ymin: ymin * height, xmax: xmax * width, ymax: ymax * height };
    return { box, score, label: labels[classes.data[i]], classIndex: classes.data[i] } as Detection;
  }).filter(({ score }) => score >= scoreThreshold);
}

/** The numbers that a photograph becomes, read from a network that gives back its input. */
async function inputOf(file: string, photo: Pixels, preprocessing: Preprocessing): Promise<Float32Array> {
  const echo = importModel(new Uint8Array(readFileSync(file)), path.basename(file));
  const [{ value, permutation }] = echo.inputs;
  echo.metadata = {};
  echo.nodes = [];
  echo.outputs = [{ value, name: 'echo', dtype: 'float32', permutation }];
  echo.values = new Map([[value, echo.values.get(value)!]]);
  using reader = await loadModel(writeArtifact(compileGraph(echo)));
  return (await runImage(reader, photo, preprocessing)).outputs.echo.data as Float32Array;
}

/** For networks whose preprocessing is not known: stretched, to all that an integer input can hold, or to −1 … 1. */
function stretched({ inputs }: Model, port: Port): Preprocessing | undefined {
  const image = imageInput(inputs);
  if (!image) return undefined;
  const values = quantizedBytes({ ...inputs[0], quantization: port.quantization });
  const { scale, offset } = values ?? (inputs[0].dtype === 'float32' ? same(1 / 127.5, -1) : same(1, 0));
  return { width: image.width, height: image.height, resize: 'stretch', padValue: 0, order: 'RGB', scale, offset };
}

function saturated(v: number, dtype: string): number {
  const [low, high] = dtype === 'int8' ? [-128, 127] : dtype === 'uint8' ? [0, 255] : [-(2 ** 31), 2 ** 31 - 1];
  return Math.min(high, Math.max(low, Math.round(v)));
}

function best(ours: Record<string, Tensor>, theirs: Record<string, Tensor>): string {
  const [name] = Object.keys(theirs);
  const most = ({ data }: Tensor) => Array.from(data as Float32Array).reduce((m, v, i, all) => (v > all[m] ? i : m), 0);
  return most(ours[name]) === most(theirs[name]) ? ', same class' : ', OTHER CLASS';
}

/** Boxes are the same where their classes are and they overlap by half. */
function alike(ours: Detection[], theirs: Detection[]): string {
  const left = [...theirs];
  let [same, score] = [0, 0];
  for (const one of ours) {
    const at = left.findIndex((other) => other.label === one.label && overlap(one.box, other.box) > 0.5);
    if (at < 0) continue;
    score = Math.max(score, Math.abs(one.score - left[at].score));
    left.splice(at, 1);
    same++;
  }
  return `boxes ${ours.length} and ${theirs.length}, ${same} the same, scores ${score.toFixed(3)}`;
}

function overlap(a: Detection['box'], b: Detection['box']): number {
  const common =
    Math.max(0, Math.min(a.xmax, b.xmax) - Math.max(a.xmin, b.xmin)) *
    Math.max(0, Math.min(a.ymax, b.ymax) - Math.max(a.ymin, b.ymin));
  const area = ({ xmin, ymin, xmax, ymax }: Detection['box']) => (xmax - xmin) * (ymax - ymin);
  return common / (area(a) + area(b) - common);
}
