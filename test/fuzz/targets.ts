// What is fuzzed: a parser each, how its inputs are changed, and the sources whose coverage counts.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, normalize, relative } from 'node:path';
import process from 'node:process';
import { keysOf, readJobFile } from '../../src/bulk/job-file.ts';
import { jobId } from '../../src/bulk/job-id.ts';
import { parseJob } from '../../src/bulk/job.ts';
import { locationOf } from '../../src/bulk/location.ts';
import { FiligreeError } from '../../src/errors.ts';
import { categoriesOfClasses, readInstances } from '../../src/evaluate/instances.ts';
import { readLabelledImages } from '../../src/evaluate/labelled-images.ts';
import { readNpy, writeNpy } from '../../src/formats/npy.ts';
import { parseCostModel } from '../../src/lower/check-cost-model.ts';
import { compileGraph } from '../../src/compile.ts';
import { readArtifact } from '../../src/artifact/read.ts';
import { writeArtifact } from '../../src/artifact/write.ts';
import { decodeImage } from '../../src/images/decode.ts';
import { readImageHeader } from '../../src/images/header.ts';
import { importOnnx } from '../../src/import/onnx/index.ts';
import { onnxOperators } from '../../src/import/onnx/operators/index.ts';
import { importTflite } from '../../src/import/tflite/index.ts';
import { checkProgram } from '../../src/program/check.ts';
import { layOut } from '../../src/runtime/expand.ts';
import { loadModel } from '../../src/runtime/load.ts';
import { planThreads } from '../../src/runtime/threads/plan.ts';
import { kernelNames } from '../../src/program/kernels.ts';
import { elementCount, Tensor } from '../../src/tensor.ts';
import { Progress } from '../../src/prune/checkpoint.ts';
import { layersOf } from '../../src/prune/layers.ts';
import { readGroups, readMasks } from '../../src/prune/patterns/mask-file.ts';
import { prepared } from '../../src/prune/prepare.ts';
import { smallNetwork } from '../prune/networks.ts';
import type { TensorDescription } from '../../src/vision/fields.ts';
import { headTypeNames } from '../../src/vision/heads/head.ts';
import { decoderOf } from '../../src/vision/heads/index.ts';
import { readVisionMetadata } from '../../src/vision/metadata.ts';
import { tensorOutputs } from '../../src/vision/outputs.ts';
import { input as headInput } from '../vision/heads/every-head.ts';
import { Random } from './random.ts';
import { mutateBytes } from './bytes.ts';
import type { Mutator } from './bytes.ts';
import { mutateFlatbuffer } from './flatbuffer.ts';
import { mutateImage } from './images.ts';
import { mutateJson, mutateSafetensors } from './json.ts';
import { mutateProtobuf } from './protobuf.ts';

export interface Target {
  /** Ends in a result or throws a FiligreeError. */
  run(input: Uint8Array): unknown;
  readonly mutate: Mutator;
  /** Sources whose coverage is reported: paths that begin so. */
  readonly sources: readonly string[];
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** Maximum multiply-adds of a program that is run. */
const maxWork = 1e8;

async function loadAndRun(bytes: Uint8Array): Promise<void> {
  const program = readArtifact(bytes, 'input');
  checkProgram(program);
  planThreads(program, layOut(program), 3, 0);
  const model = await loadModel(bytes, { build: 'simd', limits: { memory: 2 ** 28 } });
  try {
    if (model.info.work > maxWork) return;
    const inputs = model.inputs.map(({ name, shape }) => [
      name,
      new Tensor('float32', shape, new Float32Array(elementCount(shape)).fill(0.25)),
    ]);
    await model.run(Object.fromEntries(inputs));
  } finally {
    model.dispose();
  }
}

const compiler = ['src/import/', 'src/passes/', 'src/ops/', 'src/compile/', 'src/lower/', 'src/graph/'];

const mutateOnnx = mutateProtobuf([
  ...onnxOperators.keys(),
  'constant_value',
  'axis',
  'axes',
  'SAME_UPPER',
  'linear',
  'cubic',
]);

/** Whether a file is TFLite's. */
const isTflite = (bytes: Uint8Array) => text(bytes.subarray(4, 8)) === 'TFL3';

/** Numbers of an output: some as networks give them, some not. */
function outputOf({ shape }: TensorDescription, seed: number): Tensor {
  if (elementCount(shape) > 1e5)
    throw new FiligreeError('invalid-model', 'an output of another size than models have here');
  const random = new Random(seed);
  const strange = [NaN, Infinity, -Infinity, 1e30, -1e30, -1, 1e9, 65535];
  const value = () => (random.oneIn(40) ? random.pick(strange) : random.below(4000) / 1000 - 1);
  return new Tensor('float32', shape, Float32Array.from({ length: elementCount(shape) }, value));
}

const instances = ['images', 'categories', 'annotations', 'id', 'file_name', 'bbox', 'iscrowd', 'area', 'person'];
const labels = 'image,file,class,label,imagenet_class,"",\n,\r\n,\ufeff,1e9,-1,0x10, ,'.split(',');
const dict = [
  "'descr':",
  "'fortran_order': True",
  "'shape': (",
  "'<f4'",
  "'>f8'",
  "'|b1'",
  ', }',
  '1' + '0'.repeat(400),
];

/** What a file of heads has besides the head. */
const vision = {
  task: 'detect',
  preprocessing: {
    width: 64,
    height: 64,
    resize: 'stretch',
    padValue: 0,
    scale: [1, 1, 1],
    offset: [0, 0, 0],
    order: 'RGB',
  },
  labels: [],
  scoreThreshold: 0.3,
  iouThreshold: 0.5,
};

interface HeadCase {
  head: unknown;
  outputs: TensorDescription[];
  seed?: number;
}

/** Outputs are those of a model that was loaded: well-formed, whatever their sizes. */
function readHeadCase(json: string): HeadCase {
  let found: Partial<HeadCase> | null;
  try {
    found = JSON.parse(json) as Partial<HeadCase> | null;
  } catch (cause) {
    throw new FiligreeError('invalid-model', 'no JSON', { cause });
  }
  const { head, outputs, seed } = found ?? {};
  const isOutput = (one: Partial<TensorDescription> | null) =>
    typeof one?.name === 'string' &&
    Array.isArray(one.shape) &&
    one.shape.every((size) => Number.isInteger(size) && size > 0) &&
    one.dtype === 'float32';
  if (!Array.isArray(outputs) || !outputs.every(isOutput) || !(seed === undefined || Number.isInteger(seed)))
    throw new FiligreeError('invalid-model', 'no outputs');
  return { head, outputs, seed };
}

const jobFields = ['key', 'id', '__proto__', 'toString', '../x', 's3://', 'https://host/', '/etc/passwd'];
const jobTokens = [
  '"',
  '{',
  '}',
  '"key":',
  '"id":',
  '../',
  '..',
  './',
  '/',
  '//',
  '\\\\',
  '\\u0000',
  '\\ud800',
  '%2e',
  's3://',
  'http://',
  'C:',
  ...'\0?#&:;@',
];
/** Where job files are written. */
const folder = mkdtempSync(join(tmpdir(), 'filigree-fuzz-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

const safetensors = ['F32', 'F16', 'I64', 'I32', 'U8', 'BOOL', 'dtype', 'shape', 'data_offsets', '__metadata__'];

/** What masks are for. */
const network = prepared(smallNetwork());
const layers = layersOf(network);

export const targets = {
  tflite: {
    run: (input) => writeArtifact(compileGraph(importTflite(input, 'input'))),
    mutate: mutateFlatbuffer,
    sources: ['src/import/tflite/', ...compiler],
  },
  onnx: {
    run: (input) => writeArtifact(compileGraph(importOnnx(input, 'input'))),
    mutate: mutateOnnx,
    sources: ['src/import/onnx/', ...compiler],
  },
  integers: {
    // a file whose integers are kept: layers over bytes, which run
    async run(input) {
      const graph = isTflite(input) ? importTflite(input, 'input') : importOnnx(input, 'input');
      await loadAndRun(writeArtifact(compileGraph(graph, { integers: true })));
    },
    mutate: (input, random, other) =>
      (isTflite(input) ? mutateFlatbuffer : mutateOnnx)(input, random, () => {
        const more = other();
        return isTflite(more) === isTflite(input) ? more : input;
      }),
    sources: ['src/passes/', 'src/lower/', 'src/program/', 'src/runtime/'],
  },
  heads: {
    // metadata of a head, and outputs whose numbers are anything
    async run(input) {
      const { head, outputs, seed = 1 } = readHeadCase(text(input));
      const read = readVisionMetadata({ vision: { ...vision, head } })!;
      const decoder = await decoderOf(read.head, headInput, outputs);
      const tensors = Object.fromEntries(outputs.map((output, i) => [output.name, outputOf(output, seed + i)]));
      for (const multiLabel of [false, true]) {
        const found = decoder.decode(tensorOutputs(tensors), { scoreThreshold: 0.3, multiLabel });
        const { length, boxes, scores } = found;
        if (boxes.length < 4 * length || scores.length < length) throw new Error('fewer boxes than it says');
      }
    },
    mutate: mutateJson([...headTypeNames, 'output', 'outputs', 'strides', 'anchors', 'channelsFirst', 'keypoints']),
    sources: ['src/vision/heads/', 'src/vision/scan', 'src/vision/fields'],
  },
  artifact: {
    run: loadAndRun,
    mutate: mutateSafetensors('program', [
      ...kernelNames,
      'F32',
      'F16',
      'I32',
      'U32',
      'U8',
      'I8',
      'spmm',
      'taps',
      'f32',
    ]),
    sources: ['src/artifact/read', 'src/program/', 'src/runtime/'],
  },
  npy: {
    run: (input) => writeNpy(readNpy(input, 'input')),
    mutate: mutateBytes(['\x93NUMPY', ...dict]),
    sources: ['src/formats/npy'],
  },
  'image-header': {
    run: readImageHeader,
    mutate: mutateImage,
    sources: ['src/images/header'],
  },
  image: {
    run: (input) => decodeImage(input),
    mutate: mutateImage,
    sources: ['src/images/'],
  },
  instances: {
    run: (input) => {
      const { categories } = readInstances(text(input), 'input');
      categoriesOfClasses(['person', 'dog'], categories, 'input');
    },
    mutate: mutateJson(instances),
    sources: ['src/evaluate/instances', 'src/formats/json'],
  },
  labels: {
    run: (input) => readLabelledImages(text(input), 'input'),
    mutate: mutateBytes(labels),
    sources: ['src/evaluate/labelled-images'],
  },
  masks: {
    run(input) {
      readMasks(input, 'input', network);
      readGroups(input, 'input', network);
    },
    mutate: mutateSafetensors('layers', safetensors),
    sources: ['src/formats/safetensors', 'src/prune/patterns/mask-file', 'src/prune/layers'],
  },
  checkpoint: {
    async run(input) {
      const checkpoint = { name: 'input', load: async () => input, save: async () => {}, remove: async () => {} };
      await (await Progress.open(checkpoint, async () => 'print', layers)).save({ now: true });
    },
    mutate: mutateSafetensors('layers', [...safetensors, 'print', 'fingerprint', 'notes', 'distribution']),
    sources: ['src/formats/safetensors', 'src/prune/checkpoint'],
  },
  'cost-model': {
    run: (input) => parseCostModel(text(input), 'input'),
    mutate: mutateJson(['peak', 'l1Bytes', 'cacheBytes', 'costs', 'other', 'position', 'group']),
    sources: ['src/lower/check-cost-model'],
  },
  jobs: {
    // a line, which becomes a key, an id and a location, below a folder and below a URL
    async run(input) {
      const key = parseJob(text(input));
      const { path } = locationOf(key, 'photos') as { path: string };
      if (relative('photos', normalize(path)).split('/')[0] === '..')
        throw new Error(`${path} leads out of its folder`);
      const { url } = locationOf(key, 'https://host/photos') as { url: string };
      if (!new URL(url).href.startsWith('https://host/photos/')) throw new Error(`${url} leads out of its base`);
      if (!/^[\da-f]{32}$/.test(jobId(key, { model: '', options: {} }))) throw new Error('not an id');
    },
    mutate: (input, random, other) =>
      (random.oneIn(3) ? mutateJson(jobFields) : mutateBytes(jobTokens))(input, random, other),
    sources: ['src/bulk/job', 'src/bulk/location'],
  },
  'job-file': {
    // whatever is in a file, each of its lines is a job of its shards, refused, or blank
    async run(input) {
      const path = join(folder, 'jobs.jsonl');
      writeFileSync(path, input);
      let refused = 0;
      const idOf = (key: string) => jobId(key, { model: '', options: {} });
      const onRefused = (error: FiligreeError) => {
        if (!/, line \d+: ./.test(error.message) || error.message.includes('\n')) throw new Error(error.message);
        refused++;
      };
      const file = await readJobFile(path, 2, idOf, (key) => void locationOf(key, 'photos'), onRefused);
      const keys = (await Promise.all(file.shards.map((shard) => keysOf(path, shard)))).flat();
      if (keys.length !== file.jobs || new Set(keys).size !== keys.length || refused !== file.refused)
        throw new Error('miscounted');
      if (file.jobs === 0) throw new FiligreeError('invalid-argument', 'no jobs');
    },
    mutate: mutateBytes([...jobTokens, '\n', '\r\n', '\n\n', '\ufeff', '"a.jpg"\n', '{"key":"b.jpg"}\n']),
    sources: ['src/bulk/job', 'src/bulk/location', 'src/bulk/id-table'],
  },
} satisfies Record<string, Target>;

export type TargetName = keyof typeof targets;
