// Finds the ranges of values by running the float model on samples.
import { FiligreeError } from '../errors.ts';
import type { Graph } from '../graph/graph.ts';
import { valueOf } from '../graph/graph.ts';
import { verify } from '../graph/verify.ts';
import { optimise } from '../passes/index.ts';
import { separateLayers } from '../passes/separate-layers.ts';
import type { Program } from '../program/program.ts';
import { defaultCostModel } from '../lower/cost.ts';
import type { Range, Ranges } from '../lower/ranges.ts';
import { worksOnBytes } from './bytes/support.ts';
import { lowerGraph } from './lower-graph.ts';

/** Prefix of the names of the program's additional outputs. */
const prefix = 'calibration:';

/**
 * Collects the ranges for `compileModel`'s option `int8`, for callers that run the model themselves;
 * `compileModel(bytes, { int8: { calibrate: images } })` does it all.
 *
 * ```ts
 * import { Calibration, compileModel, importModel, writeArtifact } from 'filigree/compile';
 * const calibration = new Calibration(importModel(bytes, 'model.onnx'));
 * const model = await loadModel(writeArtifact(calibration.program));
 * for (const sample of samples) calibration.observe(await model.run(sample));
 * const artifact = compileModel(bytes, { int8: { ranges: calibration.ranges() } });
 * ```
 */
export class Calibration {
  /** The model in floats. It also outputs every value that can be stored in bytes, which takes memory. */
  readonly program: Program;
  readonly #observed = new Map<string, Histogram>();

  /**
   * @param graph is optimised and gets additional outputs; to compile the model, import it again
   */
  constructor(graph: Graph) {
    verify(graph);
    optimise(graph);
    separateLayers(graph);
    for (const value of storableValues(graph)) {
      this.#observed.set(value, new Histogram());
      graph.outputs.push({ value, name: prefix + value, dtype: 'float32' });
    }
    this.program = lowerGraph(graph, defaultCostModel);
  }

  /** Takes the outputs of one run of `program`. @throws FiligreeError `invalid-argument` when one is missing. */
  observe(outputs: Readonly<Record<string, { readonly data: ArrayLike<number | bigint> }>>): void {
    for (const [value, histogram] of this.#observed) {
      const data = outputs[prefix + value]?.data;
      if (!data) throw new FiligreeError('invalid-argument', `observe: no output "${prefix}${value}"`);
      histogram.add(data as ArrayLike<number>);
    }
  }

  /**
   * The observed range of each value. `share` of its numbers, between 0.5 and 1, are within the range; equally many are left
   * out below and above. 1, the default, leaves out none.
   */
  ranges({ share = 1 }: { share?: number } = {}): Ranges {
    if (!(share >= 0.5 && share <= 1)) {
      throw new FiligreeError('invalid-argument', `share: wanted a number from 0.5 to 1, got ${String(share)}`);
    }
    const ranges: Record<string, Range> = {};
    for (const [value, histogram] of this.#observed) {
      if (histogram.count > 0) ranges[value] = histogram.range(share);
    }
    return ranges;
  }
}

/** Values, computed or inputs, that some node can read or make in bytes. */
function storableValues(graph: Graph): Set<string> {
  const nodes = graph.nodes.filter((node) => worksOnBytes(graph, node));
  const values = nodes.flatMap(({ inputs, outputs }) => [...inputs, ...outputs]);
  return new Set(values.filter((value) => value !== '' && !valueOf(graph, value).data));
}

/** Counts finite numbers in bins of equal width around zero. The width doubles when a number lies beyond all bins. */
class Histogram {
  static readonly half = 4096;
  readonly #bins = new Float64Array(2 * Histogram.half);
  #width = 2 ** -24;
  #min = Infinity;
  #max = -Infinity;
  count = 0;

  add(data: ArrayLike<number>): void {
    for (let i = 0; i < data.length; i++) {
      const v = data[i];
      if (!Number.isFinite(v)) continue;
      if (v < this.#min) this.#min = v;
      if (v > this.#max) this.#max = v;
      let bin = Math.floor(v / this.#width);
      while (bin < -Histogram.half || bin >= Histogram.half) {
        this.#double();
        bin = Math.floor(v / this.#width);
      }
      this.#bins[bin + Histogram.half]++;
      this.count++;
    }
  }

  #double(): void {
    const { half } = Histogram;
    const bins = this.#bins.slice();
    this.#bins.fill(0);
    for (let bin = -half; bin < half; bin++) this.#bins[Math.floor(bin / 2) + half] += bins[bin + half];
    this.#width *= 2;
  }

  range(share: number): Range {
    const most = (this.count * (1 - share)) / 2;
    const edge = (from: number, step: number): number => {
      let bin = from;
      for (let left = most - this.#bins[bin]; left >= 0 && bin + step in this.#bins; left -= this.#bins[bin])
        bin += step;
      return bin - Histogram.half;
    };
    const last = 2 * Histogram.half - 1;
    return {
      min: Math.max(this.#min, edge(0, 1) * this.#width),
      max: Math.min(this.#max, (edge(last, -1) + 1) * this.#width),
    };
  }
}
