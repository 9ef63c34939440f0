// Sparse and dense matrix products, called one by one: guard bands and poison around everything they write.
import { describe, expect, it } from 'vitest';
import { paddedPlane } from '../../src/program/layout.ts';
import { preluCode } from '../../src/program/activations.ts';
import type { Constant } from '../../src/program/program.ts';
import type { KernelName } from '../../src/program/kernels.ts';
import { packSpmm } from '../../src/lower/pack.ts';
import { flatTaps } from '../../src/lower/taps.ts';
import { constantBytes } from '../../src/program/constants.ts';
import { segmentsOf, type SparseWeights } from '../../src/program/spmm-stream.ts';
import { matrixScratchBytes } from '../../src/program/kernels/matrix.ts';
import { packedTiles, type Group } from '../../src/program/tiles.ts';
import { kernelsOf } from '../../src/lower/matrix-kernels.ts';
import type { Kernels, Region } from './wasm.ts';
import { builds, loadKernels, randomFloats, relativeError } from './wasm.ts';

// f32 sums in another order than the reference's f64 sums
const tolerance = 1e-5;

const activation = { min: -Infinity, max: Infinity, activation: 0, alpha: 0, beta: 0 };

interface Product {
  rows: number;
  columns: number;
  height: number;
  width: number;
  density: number;
}

/** Rows of random weights; whole rows empty when few are kept. Density −1 keeps exactly one. */
function weightsOf({ rows, columns, density }: Product, seed: number): Float32Array {
  const random = randomFloats(seed);
  const weights = random(rows * columns);
  const draw = random(rows * columns);
  const only = Math.floor(weights.length / 2);
  return weights.map((w, i) => (density < 0 ? (i === only ? w : 0) : (draw[i] + 1) / 2 < density ? w : 0));
}

/** The stream that assembly/spmm/index.ts draws, in segments that end at these rows. */
function sparseStream(
  weights: Float32Array,
  bias: Float32Array,
  { rows, columns }: Product,
  { group, block }: { group: number; block: number },
  offsets: number[],
  ends: readonly number[],
) {
  const words: number[] = [];
  const integers: boolean[] = [];
  const push = (value: number, isInteger: boolean) => {
    words.push(value);
    integers.push(isInteger);
  };
  /** All blocks of groups of `size` rows. */
  const section = (from: number, to: number, size: number) => {
    if (from >= to) return;
    for (let first = 0; first < columns; first += block) {
      const inBlock = offsets.map((_, c) => c).slice(first, first + block);
      const groups = Array.from({ length: (to - from) / size }, (_, i) => {
        const lanes = Array.from({ length: size }, (_, lane) => from + size * i + lane);
        return { lanes, kept: inBlock.filter((c) => lanes.some((r) => weights[r * columns + c] !== 0)) };
      });
      push(groups.length, true);
      push((first > 0 ? 1 : 0) + (first + block >= columns ? 2 : 0) + 4 * size, true);
      for (const { lanes, kept } of groups.toSorted((a, b) => a.kept.length - b.kept.length)) {
        push(kept.length * (4 + 4 * size) + 65536 * (lanes[0] - from), true);
        for (const r of lanes) push(first > 0 ? 0 : bias[r], false);
        for (const c of kept) {
          push(offsets[c], true);
          for (const r of lanes) push(weights[r * columns + c], false);
        }
      }
    }
  };
  let row = 0;
  for (const end of ends) {
    const full = Math.min(end, rows - (rows % group));
    section(row, full, group);
    section(Math.max(row, full), end, 1);
    row = end;
  }
  return { words, integers };
}

/** Panels of four rows as assembly/gemm/index.ts draws them, or of six as assembly/gemm/wide.ts does. */
function denseStream(weights: Float32Array, bias: Float32Array, { rows, columns }: Product, panel: number): number[] {
  const words: number[] = [];
  for (let row = 0; row < rows; row += panel) {
    for (let i = row; i < row + panel; i++) words.push(i < rows ? bias[i] : 0);
    for (let c = 0; c < columns; c++) {
      for (let i = row; i < row + panel; i++) words.push(i < rows ? weights[i * columns + c] : 0);
    }
  }
  return words;
}

interface Layout {
  /** Bytes from x to the plane of each column. */
  offsets: number[];
  /** Floats of an input row, 0 for flat planes. */
  rowPixels: number;
  x: Float32Array;
  /** Index in x of the pixel that column 0 finds for an output pixel. */
  pixel(row: number, column: number): number;
}

interface Way {
  /** What a sparse kernel adds up at a time; all columns if not given. */
  block?: number;
  add?: 'nothing' | 'residual' | 'itself' | 'slopes';
  threads?: number;
  /** Vectors that a wide dense kernel packs at a time. */
  packed?: number;
}

/** All fields that describe the columns. */
function placeWeights(
  k: Kernels,
  name: string,
  p: Product,
  weights: Float32Array,
  bias: Float32Array,
  l: Layout,
  { block = p.columns, threads = 1, packed = 1 }: Way,
): Record<string, number> {
  const isDense = name.includes('gemm');
  const wide = name.endsWith('24x2');
  const tile = wide ? { rows: 6, vectors: packed } : packedTiles.dense;
  const taps: Constant = { form: 'taps', taps: flatTaps(p.columns, 4) };
  const largest = Math.max(...l.offsets);
  const address = k.integers(l.offsets, { constant: taps, largest }).address;
  const fields: Record<string, number> = {
    taps: address,
    columns: p.columns,
    scratch: k.floats(isDense ? matrixScratchBytes(p.columns, tile) / 4 : 1).address,
    packed: isDense ? packed : 0,
  };
  if (isDense) {
    const values = Float32Array.from(denseStream(weights, bias, p, wide ? 6 : 4));
    const constant: Constant = { form: 'gemm', rows: p.rows, columns: p.columns, panel: 4, values, wide };
    return { ...fields, weights: k.floats(values, { constant, largest: 0 }).address };
  }
  const group = Number(name.at(-1)) as Group;
  const constant = packSpmm(p.rows, p.columns, group, weights, bias, 0, block) as SparseWeights;
  const ends = segmentsOf(constant, threads);
  const { words, integers } = sparseStream(weights, bias, p, constant, l.offsets, ends);
  const region = k.floats(words.length, { constant, largest });
  words.forEach((word, i) => ((integers[i] ? region.i32 : region.f32)[i] = word));
  expect(4 * words.length).toBeLessThanOrEqual(constantBytes(constant));
  return { ...fields, weights: region.address };
}

/** Runs one kernel on one product and compares every pixel; untouched padding is the kernel's own affair. */
function check(k: Kernels, name: KernelName, p: Product, l: Layout, yPlane: number, seed: number, way: Way = {}): void {
  const { add = 'nothing' } = way;
  const threads = 2 + (seed % 3);
  const random = randomFloats(seed + 1000);
  const weights = weightsOf(p, seed);
  const bias = random(p.rows);
  k.reset();
  const x = k.floats(l.x);
  const placed = placeWeights(k, name, p, weights, bias, l, { ...way, threads });
  const y: Region = k.floats(p.rows * yPlane);
  const added = random(p.rows * yPlane);
  const hasSlopes = add === 'slopes';
  placed.add = add === 'nothing' || hasSlopes ? 0 : 1;
  placed.residual = add === 'residual' ? k.floats(added).address : y.address;
  if (hasSlopes) placed.residual = k.floats(added.subarray(0, p.rows)).address;
  if (add === 'itself') y.f32.set(added);
  const { height, width, rows } = p;
  const shape = { batch: 1, xBatch: 0, yBatch: 0, rows, height, width, rowPixels: l.rowPixels, yPlane: 4 * yPlane };
  const call = { x: x.address, y: y.address, ...placed, ...shape, ...activation };
  k.call(name, hasSlopes ? { ...call, activation: preluCode } : call, true, threads);
  const expected: number[] = [];
  const actual: number[] = [];
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < height * width; i++) {
      const at = l.pixel(Math.floor(i / width), i % width);
      let sum = bias[row] + (placed.add ? added[row * yPlane + i] : 0);
      for (let c = 0; c < p.columns; c++) sum += weights[row * p.columns + c] * l.x[at + l.offsets[c] / 4];
      expected.push(hasSlopes && sum < 0 ? added[row] * sum : sum);
      actual.push(y.f32[row * yPlane + i]);
    }
  }
  expect(relativeError(actual, expected), `${name} ${JSON.stringify(p)}`).toBeLessThan(tolerance);
}

/** Pixels of a kernel's tile, as its name says: `52x1`. */
const tileOf = (name: string): number => Number(/_(\d+)x\d$/.exec(name)![1]);

const densities = [0, -1, 0.1, 0.5, 0.9, 1];

describe.each(builds)('matrix kernels, %s build', async (build) => {
  const k = await loadKernels(build);

  it.each([...kernelsOf('flat'), 'f32_spmm_52x1' as const])(
    '%s meets the reference at every tile edge, row count and density',
    (name) => {
      const tile = tileOf(name);
      const heights = Array.from({ length: tile / 4 }, (_, i) => 4 * (i + 1));
      const pixelCounts = new Set([
        1,
        2,
        3,
        5,
        tile - 1,
        tile + 1,
        2 * tile - 3,
        2 * tile,
        2 * tile + 5,
        49,
        61,
        ...heights,
      ]);
      for (const density of densities) {
        for (const pixels of pixelCounts) {
          for (const rows of [1, 2, 3, 4, 5, 9, 16]) {
            for (const columns of [1, 7]) {
              const plane = paddedPlane(pixels) === 1 ? 4 : paddedPlane(pixels);
              const x = randomFloats(pixels)(columns * plane);
              const offsets = Array.from({ length: columns }, (_, c) => 4 * c * plane);
              const layout: Layout = { offsets, rowPixels: 0, x, pixel: (_, column) => column };
              const p = { rows, columns, height: 1, width: pixels, density };
              for (const add of ['nothing', 'residual', 'itself', 'slopes'] as const) {
                check(k, name, p, layout, plane, rows, { add });
                if (columns > 1 && name.includes('spmm')) check(k, name, p, layout, plane, rows, { add, block: 3 });
              }
            }
          }
        }
      }
    },
  );

  it('f32_spmm_52x1 meets the reference on planes beyond the cache', () => {
    for (const pixels of [3001, 3008, 3029, 3040]) {
      const plane = paddedPlane(pixels);
      const x = randomFloats(pixels)(7 * plane);
      const offsets = Array.from({ length: 7 }, (_, c) => 4 * c * plane);
      const layout: Layout = { offsets, rowPixels: 0, x, pixel: (_, column) => column };
      const p = { rows: 5, columns: 7, height: 1, width: pixels, density: 0.5 };
      check(k, 'f32_spmm_52x1', p, layout, plane, 1, { block: 4 });
    }
  });

  it.each([...kernelsOf('shifted'), 'f32_conv_spmm_52x1' as const])(
    '%s meets the reference on shifted planes of every width',
    (name) => {
      for (const density of densities) {
        for (const [height, width] of [
          [1, 1],
          [1, 2],
          [2, 1],
          [3, 3],
          [4, 4],
          [3, 5],
          [5, 6],
          [4, 7],
          [2, 13],
          [7, 28],
          [9, 9],
        ]) {
          for (const rows of [1, 2, 4, 6, 7]) {
            // 3×3 taps over two channels of padded planes
            const rowPixels = Math.ceil((width + 2) / 4) * 4;
            const plane = (height + 2) * rowPixels + 4;
            const offsets = [0, 1].flatMap((c) =>
              [0, 1, 2].flatMap((ky) => [0, 1, 2].map((kx) => 4 * (c * plane + ky * rowPixels + kx))),
            );
            const x = randomFloats(width)(2 * plane);
            const layout: Layout = { offsets, rowPixels, x, pixel: (row, column) => row * rowPixels + column };
            const p = { rows, columns: 18, height, width, density };
            // not to y itself: what vectors spill beyond a row would be added to the next
            for (const add of ['nothing', 'residual', 'slopes'] as const) {
              check(k, name, p, layout, height * width + 4, rows, { add });
              if (name.includes('spmm')) check(k, name, p, layout, height * width + 4, rows, { add, block: 5 });
            }
          }
        }
      }
    },
  );

  it('f32_gemm_24x2 meets the reference however many tiles are packed at a time', () => {
    for (const pixels of [1, 4, 5, 8, 13, 24, 25, 33, 48, 49, 57, 61, 96, 100]) {
      for (const rows of [1, 2, 3, 5, 6, 7, 12, 16]) {
        for (const columns of [1, 7, 20]) {
          const plane = paddedPlane(pixels) === 1 ? 4 : paddedPlane(pixels);
          const x = randomFloats(pixels)(columns * plane);
          const offsets = Array.from({ length: columns }, (_, c) => 4 * c * plane);
          const layout: Layout = { offsets, rowPixels: 0, x, pixel: (_, column) => column };
          const p = { rows, columns, height: 1, width: pixels, density: 1 };
          for (const packed of [2, 4, 6, 14]) {
            for (const add of ['nothing', 'residual', 'itself'] as const)
              check(k, 'f32_gemm_24x2', p, layout, plane, rows, { add, packed });
          }
        }
      }
    }
  });

  it('f32_conv_gemm_24x2 meets the reference with few columns and with many', () => {
    for (const channels of [1, 2, 17]) {
      for (const [height, width] of [
        [1, 1],
        [3, 5],
        [4, 7],
        [2, 13],
        [3, 24],
        [2, 28],
        [2, 40],
      ]) {
        for (const rows of [1, 2, 5, 6, 8, 13]) {
          const rowPixels = Math.ceil((width + 2) / 4) * 4;
          const plane = (height + 2) * rowPixels + 4;
          const offsets = Array.from({ length: channels }, (_, c) =>
            Array.from({ length: 9 }, (__, i) => 4 * (c * plane + Math.floor(i / 3) * rowPixels + (i % 3))),
          ).flat();
          const x = randomFloats(width)(channels * plane);
          const layout: Layout = { offsets, rowPixels, x, pixel: (row, column) => row * rowPixels + column };
          const p = { rows, columns: 9 * channels, height, width, density: 1 };
          for (const add of ['nothing', 'residual'] as const)
            check(k, 'f32_conv_gemm_24x2', p, layout, height * width + 4, rows, { add });
        }
      }
    }
  });

  it('lets NaN through its clamp', () => {
    k.reset();
    const constant = packSpmm(1, 1, 1, Float32Array.of(1), undefined, 0, 1);
    const x = k.floats([NaN, 1, -1, 9]);
    const weights = k.floats(6, { constant, largest: 0 });
    weights.i32.set([1, 6, 8]);
    weights.f32[3] = 0;
    weights.i32[4] = 0;
    weights.f32[5] = 1;
    const taps = k.integers([0], { constant: { form: 'taps', taps: flatTaps(1, 4) }, largest: 0 });
    const y = k.floats(4);
    const shape = { batch: 1, xBatch: 0, yBatch: 0, rows: 1, height: 1, width: 4, rowPixels: 0, yPlane: 16 };
    const planes = { taps: taps.address, columns: 1, packed: 0, add: 0, scratch: y.address, residual: y.address };
    const clamp = { ...activation, min: 0, max: 6 };
    k.call('f32_spmm_28x1', { x: x.address, weights: weights.address, y: y.address, ...shape, ...planes, ...clamp });
    expect([...y.f32]).toEqual([NaN, 1, 0, 6]);
  });
});
