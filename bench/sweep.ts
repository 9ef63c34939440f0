// npm run bench:sweep: is the cost model's choice ever slower than dense, or than the best candidate?
//
// Networks run with zeros from none to almost all. Every layer runs in the network with every possible kernel, in turns. The
// compiled network also runs against itself with every layer dense.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { writeArtifact } from '../src/artifact/write.ts';
import { sparsityPatterns } from '../models/sparsify.ts';
import type { SparsityPattern } from '../models/sparsify.ts';
import { defaultCostModel, predictLayers } from '../src/lower/cost.ts';
import type { CostModel } from '../src/lower/cost-model.ts';
import { parseCostModel } from '../src/lower/check-cost-model.ts';
import { compileGraph } from '../src/compile.ts';
import type { OnChoice } from '../src/lower/lowering.ts';
import { measureCandidates } from '../src/compile/tuning/measure.ts';
import { noise } from '../src/compile/tuning/noise.ts';
import type { Lower } from '../src/compile/tuning/measure.ts';
import type { Graph } from '../src/graph/graph.ts';
import { loadModel } from '../src/runtime/load.ts';
import { formatTable } from '../src/cli/table.ts';
import { chooseBuild } from './kernels.ts';
import { machine } from './machine.ts';
import { median } from './measure.ts';
import { networks, pruned } from './networks.ts';

const usage = `npm run bench:sweep -- [options]

Networks at densities from 2 to 100 %: what the cost model chooses against dense and against the best measured.

  --network NAME      ${Object.keys(networks).join(', ')}; may be given more than once (default: all)
  --pattern NAME      ${Object.keys(sparsityPatterns).join(', ')}; may be given more than once (default: all)
  --zeros LIST        shares of zeros in percent, as in 0,50,90
  --seconds N         for the layers of one network at one density, default 3; whole networks take half as long
  --cost-model FILE   as filigree tune --cost-model writes it
  --build simd|relaxed  default: the best that this host runs without flags
  --json FILE         default: bench/results/sweep-BUILD-DATE.json
  --help`;

/** A layer with matrix products, at one density. Milliseconds are minima over interleaved runs. */
export interface LayerResult {
  network: string;
  pattern: SparsityPattern;
  /** Requested share of zeros of the network, and that of the layer. */
  zeros: number;
  sparsity: number;
  layer: string;
  /** Of the output. */
  shape: readonly number[];
  chosen: string;
  dense: string;
  best: string;
  ms: number;
  denseMs: number;
  bestMs: number;
  candidates: { kernel: string; ms: number; medianMs: number; predictedMs: number }[];
}

/** A whole network at one density, as compiled and with every layer dense. */
export interface NetworkResult {
  network: string;
  pattern: SparsityPattern;
  zeros: number;
  ms: number;
  medianMs: number;
  denseMs: number;
  denseMedianMs: number;
  predictedMs: number;
}

/** Predicted and measured time of any layer of the compiled network. */
export interface Prediction {
  network: string;
  pattern: SparsityPattern;
  zeros: number;
  layer: string;
  op: string;
  kernels: string[];
  predictedMs: number;
  ms: number;
}

export interface SweepReport {
  version: 1;
  date: string;
  cpu: string;
  node: string;
  build: 'simd' | 'relaxed';
  layers: LayerResult[];
  networks: NetworkResult[];
  predictions: Prediction[];
}

export interface SweepOptions {
  networks?: Record<string, () => Graph>;
  patterns?: readonly SparsityPattern[];
  zeros?: readonly number[];
  seconds?: number;
  costModel?: CostModel;
  build?: 'simd' | 'relaxed';
  onProgress?: (what: string) => void;
}

const defaultZeros = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98];

/** Runs the sweep. */
export async function sweep(options: SweepOptions = {}): Promise<SweepReport> {
  const { zeros = defaultZeros, seconds = 3, costModel = defaultCostModel, onProgress } = options;
  const patterns = options.patterns ?? (Object.keys(sparsityPatterns) as SparsityPattern[]);
  const build = chooseBuild(options.build);
  const report: SweepReport = {
    version: 1,
    date: new Date().toISOString(),
    cpu: machine().cpu,
    node: process.version,
    build,
    layers: [],
    networks: [],
    predictions: [],
  };
  for (const [network, makeGraph] of Object.entries(options.networks ?? networks)) {
    const graph = makeGraph();
    for (const [i, pattern] of patterns.entries()) {
      for (const share of zeros) {
        if (share === 0 && i > 0) continue; // the same in every pattern
        onProgress?.(`${network} ${pattern} ${Math.round(100 * share)} %`);
        const zeroed = pruned(graph, 1 - share, pattern);
        const lower: Lower = (plan) => compileGraph(zeroed, { costModel }, plan);
        const where = { network, pattern, zeros: share };
        const { layers, predictions } = await measureLayers(lower, where, costModel, seconds, build);
        report.layers.push(...layers);
        report.predictions.push(...predictions);
        report.networks.push(await measureNetwork(lower, where, costModel, seconds / 2, build));
      }
    }
  }
  return report;
}

type Where = Pick<LayerResult, 'network' | 'pattern' | 'zeros'>;

async function measureLayers(
  lower: Lower,
  where: Where,
  costModel: CostModel,
  seconds: number,
  build: 'simd' | 'relaxed',
): Promise<Pick<SweepReport, 'layers' | 'predictions'>> {
  const measured = await measureCandidates(lower, { seconds, build });
  const [{ program, ms }] = measured.programs;
  const layers = measured.layers.map(({ layer, name, predicted, candidates }): LayerResult => {
    const { shape, sparsity = 0 } = program.layers[layer];
    const chosen = candidates.find((candidate) => candidate.name === predicted)!;
    const dense = candidates.find(({ isDense }) => isDense)!;
    const best = candidates.reduce((a, b) => (b.measuredMs < a.measuredMs ? b : a));
    return {
      ...where,
      sparsity,
      layer: name,
      shape,
      chosen: chosen.name,
      dense: dense.name,
      best: best.name,
      ms: chosen.measuredMs,
      denseMs: dense.measuredMs,
      bestMs: best.measuredMs,
      candidates: candidates.map((candidate) => {
        return {
          kernel: candidate.name,
          ms: candidate.measuredMs,
          medianMs: candidate.medianMs,
          predictedMs: candidate.ms,
        };
      }),
    };
  });
  const predicted = predictLayers(program, costModel);
  const predictions = program.layers.map(({ name, op }, i): Prediction => {
    const kernels = program.steps.filter(({ layer }) => layer === i).map(({ kernel }) => kernel);
    return { ...where, layer: name, op, kernels, predictedMs: predicted[i], ms: ms[i] };
  });
  return { layers, predictions: predictions.filter(({ kernels }) => kernels.length > 0) };
}

/** The network as compiled and all dense, run in turns. */
async function measureNetwork(
  lower: Lower,
  where: Where,
  costModel: CostModel,
  seconds: number,
  build: 'simd' | 'relaxed',
): Promise<NetworkResult> {
  const dense = new Map<string, string>();
  const onChoice: OnChoice = (layer, candidates) =>
    void dense.set(layer, candidates.find(({ isDense }) => isDense)!.name);
  const program = lower({ onChoice });
  const programs = [program, lower({ choices: dense })];
  const models = await Promise.all(programs.map((p) => loadModel(writeArtifact(p), { build })));
  const inputs = noise(models[0]);
  const times: number[][] = [[], []];
  const end = performance.now() + 1000 * seconds;
  while (performance.now() < end || times[0].length < 6) {
    for (const [i, model] of models.entries()) {
      const start = performance.now();
      await model.run(inputs);
      times[i].push(performance.now() - start);
    }
  }
  for (const model of models) model.dispose();
  const [ours, theirs] = times.map((own) => own.slice(own.length >> 2)); // the engine is warm by then
  return {
    ...where,
    ms: Math.min(...ours),
    medianMs: median(ours),
    denseMs: Math.min(...theirs),
    denseMedianMs: median(theirs),
    predictedMs: predictLayers(program, costModel).reduce((sum, ms) => sum + ms, 0),
  };
}

const quantile = (sorted: readonly number[], q: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];

/** The report as people read it. */
export function formatSweep({ layers, networks: whole, predictions, cpu, node, build, date }: SweepReport): string {
  const percent = (share: number) => `${Math.round(100 * share)} %`;
  const worst = (title: string, ratio: (l: LayerResult) => number, than: (l: LayerResult) => string) => {
    const sorted = layers.toSorted((a, b) => ratio(b) - ratio(a));
    const ratios = sorted.map(ratio).toReversed();
    const rows = sorted.slice(0, 12).map((l) => {
      return [
        l.network,
        l.layer.slice(-32),
        l.shape.join('×'),
        l.pattern,
        percent(l.sparsity),
        l.chosen,
        than(l),
      ].concat([l.ms.toFixed(4), ratio(l).toFixed(3)]);
    });
    const header = ['network', 'layer', 'output', 'pattern', 'zeros', 'chosen', 'against', 'ms', 'ratio'];
    const summary = [0.5, 0.9, 0.99].map((q) => `${percent(q)} ≤ ${quantile(ratios, q).toFixed(3)}`).join(', ');
    return `${title}: ${layers.length} layers, ${summary}\n${formatTable(header, rows)}`;
  };
  const rows = whole.map((n) => [
    n.network,
    n.pattern,
    percent(n.zeros),
    n.ms.toFixed(2),
    n.denseMs.toFixed(2),
    (n.ms / n.denseMs).toFixed(3),
    (n.medianMs / n.denseMedianMs).toFixed(3),
    n.predictedMs.toFixed(2),
  ]);
  const header = ['network', 'pattern', 'zeros', 'ms', 'dense ms', 'ratio', 'of medians', 'predicted ms'];
  return [
    `Filigree's choices, ${build} build; ${cpu}, Node ${node}, ${date}`,
    worst(
      'Chosen over dense',
      (l) => l.ms / l.denseMs,
      (l) => l.dense,
    ),
    worst(
      'Chosen over the best',
      (l) => l.ms / l.bestMs,
      (l) => l.best,
    ),
    `Whole networks over dense\n${formatTable(header, rows)}`,
    `Predicted against measured, |log ratio|\n${formatErrors(predictions)}`,
  ].join('\n');
}

/** Errors of layers, by network and by kind of layer. */
function formatErrors(predictions: readonly Prediction[]): string {
  const groups = new Map<string, Prediction[]>();
  for (const p of predictions) {
    const names = [`${p.network} ${p.pattern} ${Math.round(100 * p.zeros)} %`, p.kernels.join('+')];
    for (const name of names) groups.set(name, [...(groups.get(name) ?? []), p]);
  }
  const rows = [...groups].map(([name, own]) => {
    const errors = own.map(({ predictedMs, ms }) => Math.abs(Math.log(predictedMs / ms))).sort((a, b) => a - b);
    const [ms, predictedMs] = [own.reduce((sum, p) => sum + p.ms, 0), own.reduce((sum, p) => sum + p.predictedMs, 0)];
    const bias = (predictedMs / ms).toFixed(2);
    return [name, own.length, quantile(errors, 0.5).toFixed(3), quantile(errors, 0.9).toFixed(3), ms.toFixed(3), bias];
  });
  return formatTable(['layers of', 'count', 'median', '90 %', 'ms', 'predicted over measured'], rows);
}

const readCostModel = (file: string) => parseCostModel(readFileSync(file, 'utf8'), file);

function readOptions(): (SweepOptions & { json?: string }) | undefined {
  const { values } = parseArgs({
    options: {
      network: { type: 'string', multiple: true },
      pattern: { type: 'string', multiple: true },
      zeros: { type: 'string' },
      seconds: { type: 'string' },
      'cost-model': { type: 'string' },
      build: { type: 'string' },
      json: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return undefined;
  const { network = Object.keys(networks), pattern, build, json } = values;
  const oneOf = <T extends string>(option: string, given: string, known: readonly T[]): T => {
    if (!known.includes(given as T)) throw new Error(`--${option} ${given}: one of ${known.join(', ')} is wanted`);
    return given as T;
  };
  const number = (option: string, text: string, most: number) => {
    const value = Number(text);
    if (!(text.trim() !== '' && value >= 0 && value <= most))
      throw new Error(`--${option} ${text}: not a number to ${most}`);
    return value;
  };
  for (const name of network) oneOf('network', name, Object.keys(networks));
  const known = Object.keys(sparsityPatterns) as SparsityPattern[];
  return {
    networks: Object.fromEntries(network.map((name) => [name, networks[name]])),
    patterns: pattern?.map((name) => oneOf('pattern', name, known)),
    zeros: values.zeros?.split(',').map((text) => number('zeros', text, 99.9) / 100),
    seconds: values.seconds === undefined ? undefined : number('seconds', values.seconds, 3600),
    costModel: values['cost-model'] === undefined ? undefined : readCostModel(values['cost-model']),
    build: build === undefined ? undefined : oneOf('build', build, ['simd', 'relaxed'] as const),
    json,
  };
}

async function main(): Promise<void> {
  const options = readOptions();
  if (!options) return console.log(usage);
  const { stderr } = process;
  const onProgress = stderr.isTTY ? (what: string) => void stderr.write(`\r\x1b[K${what}`) : undefined;
  const report = await sweep({ ...options, onProgress });
  if (stderr.isTTY) stderr.write('\r\x1b[K');
  const name = `results/sweep-${report.build}-${report.date.replace(/[:.]/g, '-')}.json`;
  const json = options.json ? resolve(options.json) : fileURLToPath(new URL(name, import.meta.url));
  mkdirSync(dirname(json), { recursive: true });
  writeFileSync(json, JSON.stringify(report));
  process.stdout.write(`${formatSweep(report)}\nwritten to ${json}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main().catch((error: Error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}
