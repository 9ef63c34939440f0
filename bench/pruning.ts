// npm run bench:pruning: measures accuracy and speed-up of pruned networks, for the tables of models/README.md.
import { readFile, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { writeArtifact } from '../src/artifact/write.ts';
import { ProgressLine } from '../src/cli/io.ts';
import { compileGraph } from '../src/compile.ts';
import { cloneGraph } from '../src/graph/clone.ts';
import type { Cell } from './pruning/cells.ts';
import { cellsOf, criteria, distributions, idOf, patterns, sparsities } from './pruning/cells.ts';
import type { NetworkName, Opened } from './pruning/networks.ts';
import { accuracyOf, networks, openNetwork } from './pruning/networks.ts';
import { CellRunner } from './pruning/prune-cells.ts';
import { timeCells } from './pruning/speed.ts';
import type { CellResult } from './pruning/store.ts';
import { isDone, Store } from './pruning/store.ts';
import { between, failures, tables, wireTable } from './pruning/tables.ts';
import { measureWire } from './pruning/wire.ts';

const usage = `npm run bench:pruning -- [options]

Prunes trained networks in many ways, measures what each is worth, and keeps the results in a folder. What is done is not
done again: end it when you like, and go on.

  --model NAME          ${Object.keys(networks).join(', ')}; may be given more than once (default: all), as may
  --sparsity SHARE      ${sparsities.join(', ')}
  --criterion NAME      ${criteria.join(', ')}
  --distribution NAME   ${distributions.join(', ')}
  --pattern NAME        ${patterns.join(', ')} (+: channels rearranged first)
  --folder FOLDER       where results are (default: bench/results/pruning)
  --data FOLDER         photos and networks (default: ../shared/data)
  --photos N            to calibrate on (default: 64)
  --limit N             measure accuracy on the first so many photos only; then keep another folder
  --search-seconds N    for running networks in a search (default: 60)
  --threads N           default 1
  --seed N              default 1
  --retry               try again what had failed
  --list                print the cells and which are done; do nothing
  --weights             instead: save dense weights as f16, int8 and int4; sizes and accuracy
  --speed               instead: time what has been pruned against dense; --seconds (default: 25) ends it after a batch
  --readme              instead: write the tables into models/README.md
  --help`;

const { values } = parseArgs({
  options: {
    model: { type: 'string', multiple: true },
    sparsity: { type: 'string', multiple: true },
    criterion: { type: 'string', multiple: true },
    distribution: { type: 'string', multiple: true },
    pattern: { type: 'string', multiple: true },
    folder: { type: 'string' },
    data: { type: 'string' },
    photos: { type: 'string', default: '64' },
    limit: { type: 'string' },
    'search-seconds': { type: 'string', default: '60' },
    seconds: { type: 'string', default: '25' },
    rounds: { type: 'string', default: '31' },
    threads: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    retry: { type: 'boolean' },
    list: { type: 'boolean' },
    weights: { type: 'boolean' },
    speed: { type: 'boolean' },
    readme: { type: 'boolean' },
    help: { type: 'boolean' },
  },
});

const root = new URL('../', import.meta.url);
const say = (line: string) => console.log(line);
const progress = new ProgressLine({ stderr: process.stderr } as unknown as ConstructorParameters<
  typeof ProgressLine
>[0]);

function chosen<T extends string | number>(option: string, given: string[] | undefined, known: readonly T[]): T[] {
  return (given ?? known.map(String)).map((text) => {
    const found = known.find((value) => String(value) === text);
    if (found === undefined) throw new Error(`--${option} ${text}: wanted ${known.join(', ')}`);
    return found;
  });
}

/** A whole number of an option. */
function number(option: 'photos' | 'limit' | 'search-seconds' | 'seconds' | 'rounds' | 'threads' | 'seed'): number {
  const value = Number(values[option]);
  if (!Number.isInteger(value) || value < 0) throw new Error(`--${option} ${values[option]}: wanted a whole number`);
  return value;
}

/** Cells in the order of processing. Cells whose searches share candidates are consecutive. */
function wantedCells(network: NetworkName): Cell[] {
  const of = {
    sparsity: chosen('sparsity', values.sparsity, sparsities),
    criterion: chosen('criterion', values.criterion, criteria),
    distribution: chosen('distribution', values.distribution, distributions),
    pattern: chosen('pattern', values.pattern, patterns),
  };
  const keys = Object.keys(of) as (keyof typeof of)[];
  return [...cellsOf(network)].filter((cell) => keys.every((key) => (of[key] as unknown[]).includes(cell[key])));
}

async function open(name: NetworkName, photos: number): Promise<Opened> {
  const data = values.data ?? fileURLToPath(new URL('../shared/data', root));
  return openNetwork(name, progress, { data, photos, limit: values.limit === undefined ? undefined : number('limit') });
}

/** The dense network's artifact and accuracy. */
async function measureDense(opened: Opened, store: Store): Promise<void> {
  const { name: network, dense, images } = opened;
  const known = (await store.read('dense')).some((line) => line.network === network);
  if (known && existsSync(store.artifact(`${network}_dense`))) return;
  const artifact = writeArtifact(compileGraph(cloneGraph(dense), { name: network }));
  const accuracy = await accuracyOf(artifact, opened, progress, number('threads'));
  await store.write(`${network}_dense.filigree`, artifact);
  await store.add('dense', { network, accuracy, images: images.files.length });
  say(`${network}: dense ${(100 * accuracy).toFixed(1)}`);
}

async function pruneAll(name: NetworkName, store: Store): Promise<void> {
  const lines = await store.read('cells');
  const done = new Set(lines.filter((line) => isDone(line) || !values.retry).map(({ id }) => id));
  const cells = wantedCells(name).filter((cell) => !done.has(idOf(cell)));
  if (cells.length === 0) return;
  const opened = await open(name, number('photos'));
  await measureDense(opened, store);
  const options = { threads: number('threads'), searchSeconds: number('search-seconds'), seed: number('seed') };
  const runner = new CellRunner(opened, store, progress, options);
  for (const [i, cell] of cells.entries()) {
    const start = performance.now();
    const outcome = await runner.run(cell);
    say(`${i + 1}/${cells.length} ${idOf(cell)}: ${outcome}, ${((performance.now() - start) / 1000).toFixed(0)} s`);
  }
}

async function timeAll(name: NetworkName, store: Store): Promise<void> {
  const timed = new Set((await store.read('speed')).map(({ id }) => id));
  const wanted = new Set(wantedCells(name).map(idOf));
  const all = (await store.read('cells')).filter(isDone).filter(({ id }) => wanted.has(id));
  const cells = [...new Map(all.map((cell) => [cell.id, cell])).values()].filter(
    ({ id }: CellResult) => values.retry || !timed.has(id),
  );
  if (cells.length === 0) return;
  const count = await timeCells(name, cells, store, { rounds: number('rounds'), seconds: number('seconds') });
  say(`${name}: ${count} of ${cells.length} timed`);
}

async function writeTables(store: Store): Promise<void> {
  const results = {
    dense: await store.read('dense'),
    cells: await store.read('cells'),
    speed: await store.read('speed'),
    wire: await store.read('wire'),
  };
  const path = fileURLToPath(new URL('models/README.md', root));
  let text = await readFile(path, 'utf8');
  if (results.cells.length > 0) text = between(text, 'bench:pruning', tables(results));
  if (results.wire.length > 0) text = between(text, 'bench:pruning --weights', wireTable(results));
  await writeFile(path, text);
  say(failures(results) || 'every cell has a result');
}

async function main(): Promise<void> {
  if (values.help) return say(usage);
  const store = await Store.open(values.folder ?? fileURLToPath(new URL('bench/results/pruning', root)));
  if (values.readme) return writeTables(store);
  const names = chosen('model', values.model, Object.keys(networks) as NetworkName[]);
  if (values.list) {
    const done = new Map((await store.read('cells')).map((line) => [line.id, line]));
    for (const cell of names.flatMap(wantedCells)) {
      const found = done.get(idOf(cell));
      const state = !found ? '' : isDone(found) ? (100 * found.accuracy).toFixed(1) : found.failure;
      say(`${idOf(cell)}  ${state}`);
    }
    return;
  }
  for (const name of names) {
    if (values.speed) await timeAll(name, store);
    else if (values.weights) {
      await measureWire(await open(name, 0), store, progress, { threads: number('threads'), say });
    } else await pruneAll(name, store);
  }
}

await main().catch((error: Error) => {
  progress.clear();
  console.error(error.message);
  process.exitCode = 1;
});
