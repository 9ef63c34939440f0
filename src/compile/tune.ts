// Encodings by measurement: every candidate of every matrix product runs on this device, and the fastest stays.
import { FiligreeError } from '../errors.ts';
import { checkProgram } from '../program/check.ts';
import type { Program } from '../program/program.ts';
import type { WasmBuild } from '../runtime/probe.ts';
import { defaultCostModel } from './cost.ts';
import type { CostModel } from './cost.ts';
import type { MatrixKernelName } from './matrix-kernels.ts';
import { layerCandidates, measureProducts, productsByLayer } from './measure.ts';
import type { LayerTimes, MeasureOptions } from './measure.ts';
import type { Product } from './repack.ts';
import { findProducts, repack } from './repack.ts';

export interface TuneOptions extends Partial<Omit<MeasureOptions, 'hopeless'>> {
  /** Seconds to spend on measuring; 10 if not given. */
  seconds?: number;
  /** What the machine is called in what the artifact says of its tuning. */
  device?: string;
  /** Says which candidates are worth trying. */
  costModel?: CostModel;
}

/** A layer's share of what an artifact says of its tuning, `metadata.tuning`. */
export interface TunedLayer {
  name: string;
  kernel: MatrixKernelName;
  /** The kernel that the layer had before. */
  before: MatrixKernelName;
  /** Measured milliseconds of the layer by kernel. */
  ms: { [kernel: string]: number };
}

/** `metadata.tuning` of an artifact. */
export interface Tuning {
  /** The wasm build and the engine that ran it. */
  build: WasmBuild;
  engine: string;
  device?: string;
  /** Runs of every candidate. */
  rounds: number;
  layers: TunedLayer[];
}

/** Times this close to the fastest count as the same: the candidate that the cost model prefers is taken. */
const noise = 0.02;

/**
 * Chooses the encodings of a compiled program by measuring them here. The program stays as it is; a new one is returned,
 * whose `metadata.tuning` says what was learned.
 * @throws FiligreeError `invalid-argument` for a budget that is none and for a program without matrix products
 */
export async function tuneProgram(program: Program, options: TuneOptions = {}): Promise<Program> {
  const { seconds = 10, device, costModel = defaultCostModel, ...rest } = options;
  if (!(seconds > 0 && seconds < Infinity)) {
    throw new FiligreeError('invalid-argument', `seconds: a positive number is wanted, got ${String(seconds)}`);
  }
  const products = findProducts(program, costModel);
  if (products.length === 0) {
    throw new FiligreeError('invalid-argument', `${program.name}: has no layers with weights to choose encodings for`);
  }
  const measured = await measureProducts(program, products, { seconds, ...rest });
  const choices = chooseKernels(products, measured.layers);
  const tuned = repack(program, new Map(products.map(({ step, layer }) => [step, choices.get(layer)!])));
  const tuning: Tuning = {
    build: measured.build,
    engine: engineName(),
    ...(device === undefined ? {} : { device }),
    rounds: measured.rounds,
    layers: [...productsByLayer(products)].map(([layer, [{ kernel }]]) => ({
      name: program.layers[layer].name,
      kernel: choices.get(layer)!,
      before: kernel,
      ms: Object.fromEntries(measured.layers[layer].map((times) => [times.kernel, rounded(times.ms)])),
    })),
  };
  tuned.metadata.tuning = tuning;
  checkProgram(tuned);
  return tuned;
}

/**
 * The fastest measured kernel of each layer. Layers of one shape and density decide together, by the sum of their times.
 */
export function chooseKernels(
  products: readonly Product[],
  times: readonly (readonly LayerTimes[])[],
): Map<number, MatrixKernelName> {
  const classes = new Map<string, { layers: number[]; ms: Map<MatrixKernelName, number> }>();
  for (const [layer, own] of productsByLayer(products)) {
    const key = classOf(own);
    const known = classes.get(key) ?? { layers: [], ms: new Map<MatrixKernelName, number>() };
    known.layers.push(layer);
    for (const { kernel, ms } of times[layer]) known.ms.set(kernel, (known.ms.get(kernel) ?? 0) + ms);
    classes.set(key, known);
  }
  const choices = new Map<number, MatrixKernelName>();
  for (const { layers, ms } of classes.values()) {
    const best = Math.min(...ms.values());
    // in the order that the cost model prefers
    const [kernel] = [...ms].find(([, found]) => found <= best * (1 + noise))!;
    for (const layer of layers) choices.set(layer, kernel);
  }
  return choices;
}

/** Layers that cost the same: shapes, and weights that each candidate keeps, to a twentieth of all. */
function classOf(products: readonly Product[]): string {
  const [{ shape }] = products;
  const all = products.length * shape.rows * shape.columns;
  const kept = layerCandidates(products).map((c) => [c.kernel, Math.round((20 * c.kept) / all)]);
  return JSON.stringify([products.length, shape, kept]);
}

/** `Node v20.20.0 (V8 11.3…)`, or what the host calls itself. */
function engineName(): string {
  const { process, navigator } = globalThis as {
    process?: { version?: string; versions?: { v8?: string } };
    navigator?: { userAgent?: string };
  };
  if (process?.versions?.v8) return `Node ${process.version} (V8 ${process.versions.v8})`;
  return navigator?.userAgent ?? 'unknown';
}

const rounded = (ms: number) => Number(ms.toPrecision(4));
