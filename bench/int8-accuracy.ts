// npm run bench:int8-accuracy: top-1 or AP of networks in floats, in eight bits, and in eight bits with blocks of zeros.
import { appendFile, mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ProgressLine } from '../src/cli/io.ts';
import { formatTable } from '../src/cli/table.ts';
import { compileGraph, importModel } from '../src/compile.ts';
import { accuracyOf, readAnnotated } from '../src/evaluate/accuracy.ts';
import { calibrate } from '../src/evaluate/calibrate.ts';
import { calibrationPhotos, photosIn } from '../src/evaluate/photos.ts';
import { photoSamples, prepared, prune } from '../src/prune.ts';
import { cloneGraph } from '../src/graph/clone.ts';

interface Network {
  file: string;
  list: string;
  options: { preprocess?: 'mobilenet'; multiLabel?: boolean; iouThreshold?: number };
}

const networks: Record<string, Network> = {
  'mobilenet-v1': {
    file: 'models/mobilenet_v1_1.0_224_quant/mobilenet_v1_1.0_224_dequantised.onnx',
    list: 'imagenet-500/labels.csv',
    options: { preprocess: 'mobilenet' },
  },
  'mobilenet-v2': {
    file: 'models/mobilenet_v2_1.0_224/mobilenet_v2_1.0_224_dequantised.onnx',
    list: 'imagenet-500/labels.csv',
    options: { preprocess: 'mobilenet' },
  },
  'yolox-nano': {
    file: 'models/yolox_nano_coco/yolox_nano.onnx',
    list: 'coco-val-160/instances.json',
    options: {},
  },
  'picodet-s-416': {
    file: 'zoo/picodet_s_416_coco.onnx',
    list: 'coco-val-160/instances.json',
    options: { multiLabel: true, iouThreshold: 0.6 },
  },
};

const zeros = ['1x4', '2x4', '4x4'].flatMap((pattern) => [30, 50, 70].map((percent) => `${pattern} ${percent} %`));

/** Columns of the table: `f32`, `int8`, or a pattern with its share of zeros, in int8. */
const columns = ['f32', 'int8', ...zeros];

const usage = `npm run bench:int8-accuracy -- [options]

Accuracy on photographs that neither ranges nor zeros were made from. Results are kept in a file; what is in it is not measured again.

  --model NAME     ${Object.keys(networks).join(', ')}; may be given more than once (default: all), as may
  --column NAME    ${columns.join(', ')}
  --criterion NAME how zeros are chosen: second-order (default) or magnitude; none are trained
  --data FOLDER    photographs and networks (default: ../shared/data)
  --limit N        the first so many photographs only; then give another file
  --results FILE   default: bench/results/int8-accuracy.jsonl
  --table          only print the table of the file
  --help`;

const { values } = parseArgs({
  options: {
    model: { type: 'string', multiple: true, default: Object.keys(networks) },
    column: { type: 'string', multiple: true, default: columns },
    criterion: { type: 'string', default: 'second-order' },
    data: { type: 'string', default: fileURLToPath(new URL('../../shared/data', import.meta.url)) },
    limit: { type: 'string' },
    results: { type: 'string', default: fileURLToPath(new URL('results/int8-accuracy.jsonl', import.meta.url)) },
    table: { type: 'boolean' },
    help: { type: 'boolean' },
  },
});

interface Result {
  model: string;
  column: string;
  criterion: string;
  /** Top-1 or AP, 0 … 1. */
  accuracy: number;
}

async function results(): Promise<Result[]> {
  const text = await readFile(values.results, 'utf8').catch(() => '');
  const lines = text.split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line) as Result).filter(({ criterion }) => criterion === values.criterion);
}

const criteria = ['second-order', 'magnitude'] as const;
const photos = path.join(values.data, 'coco-train-294/images');
const progress = new ProgressLine({ stderr: process.stderr } as unknown as ConstructorParameters<
  typeof ProgressLine
>[0]);

async function measure(model: string, column: string): Promise<number> {
  const { file, list, options } = networks[model];
  const bytes = new Uint8Array(await readFile(path.join(values.data, file)));
  let read = () => importModel(bytes, model);
  const floats = compileGraph(read());
  if (zeros.includes(column)) {
    const [pattern, percent] = column.split(' ');
    const criterion = criteria.find((name) => name === values.criterion);
    if (!criterion) throw new Error(`--criterion ${values.criterion}: wanted ${criteria.join(' or ')}`);
    const files = calibrationPhotos(await photosIn(photos, 64));
    const samples = criterion === 'magnitude' ? {} : await photoSamples(read(), floats, files, options);
    const dense = prepared(read());
    const { graph } = await prune(dense, { pattern, sparsity: Number(percent) / 100, criterion, ...samples });
    read = () => cloneGraph(graph);
  }
  const int8 = column === 'f32' ? undefined : await calibrate(floats, read(), photos, progress, options);
  const limit = values.limit === undefined ? undefined : Number(values.limit);
  const images = await readAnnotated(path.join(values.data, list), { limit });
  return (await accuracyOf(compileGraph(read(), { int8 }), images, options, progress)).value;
}

function table(all: readonly Result[]): string {
  const models = Object.keys(networks).filter((name) => all.some(({ model }) => model === name));
  const cell = (name: string, column: string) => {
    const found = all.findLast((one) => one.model === name && one.column === column);
    return found ? (100 * found.accuracy).toFixed(1) : '–';
  };
  return formatTable(
    ['', ...models],
    columns.map((column) => [column, ...models.map((name) => cell(name, column))]),
  );
}

if (values.help) console.log(usage);
else {
  await mkdir(path.dirname(values.results), { recursive: true });
  for (const model of values.table ? [] : values.model) {
    if (!Object.hasOwn(networks, model))
      throw new Error(`--model ${model}: wanted ${Object.keys(networks).join(', ')}`);
    for (const column of values.column) {
      if (!columns.includes(column)) throw new Error(`--column ${column}: wanted ${columns.join(', ')}`);
      const known = await results();
      if (known.some((one) => one.model === model && one.column === column)) continue;
      const accuracy = await measure(model, column);
      progress.clear();
      console.log(`${model}, ${column}: ${(100 * accuracy).toFixed(1)}`);
      const { criterion } = values;
      await appendFile(values.results, `${JSON.stringify({ model, column, criterion, accuracy })}\n`);
    }
  }
  process.stdout.write(table(await results()));
}
