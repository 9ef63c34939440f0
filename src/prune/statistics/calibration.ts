// Statistics of layers' inputs on calibration images, which the runtime itself runs.
import { FiligreeError } from '../../errors.ts';
import type { Graph } from '../../graph/graph.ts';
import type { Sample } from './activations.ts';
import { Activations, constantsBefore } from './activations.ts';
import { Columns } from './columns.ts';
import { LinearAlgebra } from '../linear-algebra.ts';
import type { Layer } from '../layers.ts';
import { Moments } from './moments.ts';
import { cloneGraph } from '../../graph/clone.ts';
import { checkRegions, pickPixels } from './picks.ts';
import type { Region } from './picks.ts';
import { RandomNumbers, seedOf } from '../random-numbers.ts';
import type { GroupStatistics, LayerStatistics } from './statistics.ts';
import { joined } from './statistics.ts';

export type { Sample } from './activations.ts';

/** Minimum held-out images that are meaningful. */
const minHeld = 2;

export interface CalibrationOptions {
  /** Maximum pixels of a layer's output to use in each sample; 128 if not given. */
  pixels?: number;
  /** Seed of the choice of pixels; 0 if not given. */
  seed?: number;
  /** Number of consecutive samples that are views of one image; 1 if not given. */
  viewsPerImage?: number;
  /** For each sample, the parts of the picture that matter most. Most pixels are chosen from them. */
  regions?: readonly (readonly Region[])[];
  /** Threads that run the network; 1 if not given. */
  threads?: number;
  /** Called after each sample that has run. */
  onProgress?: (progress: { layer: string; done: number; all: number }) => void;
  signal?: AbortSignal;
}

/**
 * Collects statistics of layers' inputs. It keeps the activations of all samples where it last stopped (at most 384 MiB for
 * each of the two networks), so that requests for all layers in execution order cost one run of the network altogether.
 * @example
 * const calibrator = await Calibrator.open(dense, samples);
 * for (const layer of layersOf(pruned)) {
 *   const statistics = await calibrator.statistics(layer, pruned);
 *   // … setWeights(pruned, layer, …)
 * }
 * calibrator.dispose();
 */
export class Calibrator {
  readonly #dense: Graph;
  readonly #samples: readonly Sample[];
  readonly #options: CalibrationOptions;
  #algebra: LinearAlgebra | undefined;
  readonly #ofDense: Activations;
  readonly #ofPruned: Activations;
  /** Settles when earlier requests are done. */
  #queue: Promise<unknown> = Promise.resolve();

  private constructor(dense: Graph, samples: readonly Sample[], options: CalibrationOptions, algebra: LinearAlgebra) {
    this.#dense = dense;
    this.#samples = samples;
    this.#options = options;
    this.#algebra = algebra;
    this.#ofDense = new Activations(samples, options.threads);
    this.#ofPruned = new Activations(samples, options.threads);
  }

  /**
   * @param dense an optimised graph; later changes of its weights by `setWeights` and `setBias` have no effect
   * @throws FiligreeError `invalid-argument` without samples or for invalid options
   */
  static async open(dense: Graph, samples: readonly Sample[], options: CalibrationOptions = {}): Promise<Calibrator> {
    if (samples.length === 0) {
      throw new FiligreeError('invalid-argument', `${dense.name}: no calibration images: this criterion needs some`);
    }
    if (options.regions) checkRegions(options.regions, samples.length);
    for (const name of ['pixels', 'viewsPerImage'] as const) {
      const value = options[name] ?? 1;
      if (Number.isInteger(value) && value > 0) continue;
      throw new FiligreeError('invalid-argument', `${name}: wanted a whole number from 1, got ${String(value)}`);
    }
    return new Calibrator(cloneGraph(dense), samples, options, await LinearAlgebra.open());
  }

  /** Number of samples. */
  get samples(): number {
    return this.#samples.length;
  }

  /**
   * Statistics of a layer's inputs in the dense network and in `pruned`, which has the same nodes and values with other weights.
   * Weights must be replaced (`setWeights`), not written to. Calls wait for each other.
   * @throws FiligreeError `invalid-argument` when a sample does not fit the network's inputs or makes an activation that is
   * not finite (the message names layer and sample), `disposed` after dispose()
   */
  statistics(layer: Layer, pruned: Graph = this.#dense): Promise<LayerStatistics> {
    return this.#turn(async () => (await this.#collect([layer], pruned)).get(layer.name)!);
  }

  /** Statistics of layers in the dense network (x̂ = x), by name, in one run of each sample. @throws FiligreeError as `statistics` */
  statisticsOfAll(layers: readonly Layer[]): Promise<Map<string, LayerStatistics>> {
    return this.#turn(() => this.#collect(layers, this.#dense));
  }

  /** Frees its memory. May be called again. */
  dispose(): void {
    this.#algebra = undefined;
    this.#ofDense.clear();
    this.#ofPruned.clear();
  }

  #turn<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(action);
    this.#queue = result.catch(() => {});
    return result;
  }

  async #collect(layers: readonly Layer[], pruned: Graph): Promise<Map<string, LayerStatistics>> {
    const algebra = this.#algebra;
    if (!algebra) throw new FiligreeError('disposed', 'Calibrator: used after dispose()');
    if (layers.length === 0) return new Map();
    const all = layers.map((layer) => ({ layer, columns: new Columns(this.#dense, layer) }));
    const end = Math.max(...all.map(({ columns }) => columns.index));
    const wanted = [...new Set(all.map(({ columns }) => columns.value))];
    const same = sameConstants(this.#dense, pruned, end);
    const mark = algebra.mark();
    const readings = [await this.#ofDense.open(this.#dense, wanted, end)];
    try {
      if (!same) readings.push(await this.#ofPruned.open(pruned, wanted, end));
      // if there are enough, every fourth image is summed separately
      const { viewsPerImage = 1 } = this.#options;
      const parts = this.#samples.length < 4 * minHeld * viewsPerImage ? [0] : [0, 1];
      const moments = all.map(({ layer, columns }) =>
        Array.from({ length: layer.groups }, () => parts.map(() => new Moments(algebra, columns.n, same))),
      );
      for (let i = 0; i < this.#samples.length; i++) {
        this.#options.signal?.throwIfAborted();
        const x = await readings[0].next(i);
        const y = same ? x : await readings[1].next(i);
        for (const [k, { layer, columns }] of all.entries()) {
          const picks = this.#picks(layer, columns, i);
          for (const [group, sums] of moments[k].entries()) {
            const part = sums[Math.floor(i / viewsPerImage) % 4 === 3 ? parts.length - 1 : 0];
            const from = (data: Float32Array): Parameters<Moments['add']>[1] => {
              return (to, first, count, place) =>
                columns.gather(data, group, picks.subarray(first, first + count), to, place);
            };
            const finite = part.add(picks.length, from(x.get(columns.value)!), from(y.get(columns.value)!));
            if (!finite) throw notFinite(this.#dense, layer, i);
          }
        }
        this.#options.onProgress?.({ layer: layers.at(-1)!.name, done: i + 1, all: this.#samples.length });
      }
      return new Map(all.map(({ layer }, k) => [layer.name, { groups: moments[k].map(finished) }]));
    } finally {
      readings.forEach((reading) => reading.close());
      algebra.release(mark);
    }
  }

  /** The chosen output pixels of a sample, in order; always the same for a layer. */
  #picks({ name }: Layer, columns: Columns, sample: number): Int32Array {
    const { pixels = 128, seed = 0, regions } = this.#options;
    // few weights need only few samples
    const enough = Math.max(16, Math.ceil((100 * columns.n) / this.#samples.length));
    const random = new RandomNumbers(seedOf(seed, `${name} ${sample}`));
    return pickPixels(columns, Math.min(pixels, enough), random, regions?.[sample]);
  }
}

function finished(parts: readonly Moments[]): GroupStatistics {
  const [seen, held] = parts.map((sums) => sums.finish());
  return held ? joined(seen, held) : seen;
}

/** Whether both networks compute the same before node `end`. */
function sameConstants(a: Graph, b: Graph, end: number): boolean {
  if (a === b) return true;
  const [ours, theirs] = [constantsBefore(a, end), constantsBefore(b, end)];
  return ours.every((data, i) => data === theirs[i] || sameNumbers(data, theirs[i]));
}

function sameNumbers(a: unknown, b: unknown): boolean {
  if (!(a instanceof Float32Array && b instanceof Float32Array) || a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function notFinite(graph: Graph, { name }: Layer, sample: number): FiligreeError {
  return new FiligreeError(
    'invalid-argument',
    `${graph.name}: layer "${name}" reads numbers that are not finite on calibration image ${sample + 1}`,
  );
}
