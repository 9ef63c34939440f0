// NaN, infinities, huge and tiny numbers through layers with weights, in every encoding: docs/numerics.md.
import { describe, expect, it } from 'vitest';
import { matrixKernels, type MatrixKernelName } from '../../src/lower/matrix-kernels.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { GraphBuilder } from '../graphs.ts';
import { randomFloats } from '../kernels/wasm.ts';
import { runBy } from './run.ts';

const most = 3.4028234663852886e38;

interface LayerCase {
  rows: number;
  columns: number;
  /** Of output planes. */
  pixels: number;
  weights: Float32Array;
  bias: Float32Array;
}

/** Half of the weights are 0: whole groups of them, and some by themselves. */
function layer(rows: number, columns: number, pixels: number): LayerCase {
  const random = randomFloats(rows + columns);
  const weights = random(rows * columns).map((w, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    return (Math.floor(row / 4) + column) % 2 === 0 || (row + 3 * column) % 5 === 0 ? 0 : w;
  });
  return { rows, columns, pixels, weights, bias: random(rows) };
}

/** Whether an encoding multiplies by a weight: dense ones by all, groups by those of positions that one of their rows keeps. */
function multiplies({ rows, columns, weights }: LayerCase, way: string): (row: number, column: number) => boolean {
  const { group } = matrixKernels[way.split(' ')[0] as MatrixKernelName];
  if (group === 'dense') return () => true;
  const full = rows - (rows % group);
  return (row, column) => {
    const first = row < full ? row - (row % group) : row;
    const size = row < full ? group : 1;
    for (let i = first; i < first + size; i++) if (weights[i * columns + column] !== 0) return true;
    return false;
  };
}

/** What sums in f64 give, terms that are left out left out. */
function expected(own: LayerCase, way: string, x: Float32Array): Float64Array {
  const { rows, columns, pixels, weights, bias } = own;
  const isKept = multiplies(own, way);
  const y = new Float64Array(rows * pixels);
  for (let row = 0; row < rows; row++) {
    for (let p = 0; p < pixels; p++) {
      let sum = bias[row];
      for (let c = 0; c < columns; c++) if (isKept(row, c)) sum += weights[row * columns + c] * x[c * pixels + p];
      y[row * pixels + p] = sum;
    }
  }
  return y;
}

const geometry = { stride: [1, 1], dilation: [1, 1], pads: [0, 0, 0, 0], groups: 1 } as const;

function pointwise({ rows, columns, pixels, weights, bias }: LayerCase): Graph {
  const b = new GraphBuilder();
  const x = b.input([1, columns, 1, pixels]);
  return b.finish(b.node('conv2d', geometry, x, b.constant([rows, columns, 1, 1], weights), b.constant([rows], bias)));
}

/** A 1×2 window over one more pixel, the second of whose weights are the given ones: shifted planes. */
function shifted({ rows, columns, pixels, weights, bias }: LayerCase): Graph {
  const b = new GraphBuilder();
  const both = new Float32Array(2 * weights.length);
  weights.forEach((w, i) => (both[2 * i + 1] = w));
  const x = b.input([1, columns, 1, pixels + 1]);
  const node = b.node('conv2d', geometry, x, b.constant([rows, columns, 1, 2], both), b.constant([rows], bias));
  return b.finish(node);
}

const edges = [NaN, Infinity, -Infinity, most, -most, 1e-40, -1e-40, 2 ** -149];

/** Tame inputs, among them one edge in each of some pixels, and infinities of both signs in another. */
function inputs({ columns, pixels }: LayerCase): Float32Array {
  const x = randomFloats(5)(columns * pixels);
  edges.forEach((v, i) => (x[((3 * i + 1) % columns) * pixels + ((2 * i + 1) % pixels)] = v));
  x[0] = Infinity;
  x[2 * pixels] = -Infinity;
  return x;
}

function expectSums(found: Float32Array, wanted: Float64Array, title: string): void {
  expect(found.length).toBe(wanted.length);
  wanted.forEach((v, i) => {
    const message = `${title}, element ${i}: ${found[i]}, not ${v}`;
    // sums that overflow in float32 are infinite; near the limit rounding decides
    if (Math.abs(v) > most) expect(found[i], message).toBe(v > 0 ? Infinity : -Infinity);
    else if (Number.isNaN(v)) expect(found[i], message).toBeNaN();
    // 1e-5: sums in another order, with huge terms beside small ones
    else expect(Math.abs(found[i] - v), message).toBeLessThanOrEqual(1e-5 * Math.max(1, Math.abs(v)));
  });
}

const names = (kind: string) =>
  (Object.keys(matrixKernels) as MatrixKernelName[]).filter((name) => matrixKernels[name].kind === kind);

describe('products with planes', () => {
  const small = layer(9, 10, 37);
  const large = layer(6, 420, 33);
  const cases: [string, LayerCase][] = names('flat').map((name) => [name, small]);
  it.each([...cases, ['f32_spmm_28x1', large] as [string, LayerCase]])('%s', async (way, own) => {
    const x = inputs(own);
    const wanted = expected(own, way, x);
    expect(wanted.some(Number.isNaN)).toBe(true);
    expect(wanted.some((v) => v === Infinity)).toBe(true);
    for (const [build, y] of await runBy(pointwise(own), way, x)) expectSums(y, wanted, build);
  });

  it.each(names('shifted').map((name) => [name]))('%s', async (way) => {
    const x = inputs(small);
    const { columns, pixels } = small;
    const longer = new Float32Array(columns * (pixels + 1));
    for (let c = 0; c < columns; c++) longer.set(x.subarray(c * pixels, (c + 1) * pixels), c * (pixels + 1) + 1);
    const wanted = expected(small, way, x);
    if (way.includes('gemm')) {
      // dense: the first column of the window, of zeros, is multiplied as well
      const zero = 0;
      for (let row = 0; row < small.rows; row++) {
        for (let p = 1; p < pixels; p++) {
          for (let c = 0; c < columns; c++) wanted[row * pixels + p] += zero * x[c * pixels + p - 1];
        }
      }
    }
    for (const [build, y] of await runBy(shifted(small), way, longer)) expectSums(y, wanted, build);
  });

  it.each(names('vector').map((name) => [name]))('%s', async (way) => {
    const own = layer(9, 40, 1);
    for (const v of edges) {
      const x = randomFloats(8)(own.columns);
      x[7] = v;
      const b = new GraphBuilder();
      const node = b.node('linear', {}, b.input([1, 40]), b.constant([9, 40], own.weights), b.constant([9], own.bias));
      const results = await runBy(b.finish(node), way, x);
      for (const [build, y] of results) expectSums(y, expected(own, way, x), `${build}, ${v}`);
    }
  });
});

describe('depthwise convolutions', () => {
  it.each([
    [3, 1],
    [3, 2],
    [5, 1],
    [5, 2],
    [4, 3],
  ])('windows of %i, stride %i: an edge reaches the windows that hold it, and no other plane', async (k, stride) => {
    const [size, channels] = [13, 3];
    const random = randomFloats(k);
    const p = (k - 1) >> 1;
    const weights = random(channels * k * k);
    for (const v of [NaN, Infinity, most]) {
      const b = new GraphBuilder();
      const x = b.input([1, channels, size, size]);
      const attributes = { stride: [stride, stride], dilation: [1, 1], pads: [p, p, p, p], groups: channels } as const;
      const graph = b.finish(b.node('conv2d', attributes, x, b.constant([channels, 1, k, k], weights)));
      const [, , height, width] = graph.values.get(graph.outputs[0].value)!.shape;
      const data = random(channels * size * size);
      const [row, column] = [6, 9];
      data[size * size + row * size + column] = v;
      for (const [build, y] of await runBy(graph, '', data)) {
        for (let i = 0; i < y.length; i++) {
          const [c, oy, ox] = [Math.floor(i / (height * width)), Math.floor(i / width) % height, i % width];
          const [ky, kx] = [row - oy * stride + p, column - ox * stride + p];
          const isIn = c === 1 && ky >= 0 && ky < k && kx >= 0 && kx < k;
          const message = `${build} ${v} at ${oy}, ${ox}`;
          if (!isIn) expect(Math.abs(y[i]), message).toBeLessThan(100);
          else if (Number.isNaN(v)) expect(y[i], message).toBeNaN();
          else {
            // rounding of a huge number hides the other terms
            const wanted = v * weights[(c * k + ky) * k + kx];
            if (v === Infinity) expect(y[i], message).toBe(wanted);
            else expect(y[i] / wanted, message).toBeCloseTo(1, 5);
          }
        }
      }
    }
  });
});

describe('weights that are huge or tiny', () => {
  it.each(['f32_gemm_8x4', 'f32_spmm_28x1', 'f32_spmm_16x2', 'f32_spmm_8x4'])('%s', async (way) => {
    // products that are subnormal, that overflow, and that come back from 1e38
    const weights = [1e38, 1e38, 1e-38, 1e-38, -1e38, 1e38, 2 ** -149, 1];
    const x = Float32Array.of(10, 1e-38, 1e-4, 1e-20, 1e-38, 2 ** -149, 4, 2 ** -149);
    // rows (w0, w1), pixels of two channels
    const own: LayerCase = {
      rows: 4,
      columns: 2,
      pixels: 4,
      weights: Float32Array.from(weights),
      bias: new Float32Array(4),
    };
    const wanted = expected(own, way, x);
    for (const [build, y] of await runBy(pointwise(own), way, x)) {
      wanted.forEach((v, i) => {
        const rounded = Math.fround(v);
        const message = `${build}, element ${i}: ${y[i]}, not ${rounded}`;
        // subnormal numbers are kept; a fused product is rounded once
        if (Number.isFinite(rounded)) {
          expect(Math.abs(y[i] - rounded), message).toBeLessThanOrEqual(Math.max(1e-6 * Math.abs(rounded), 2 ** -149));
        } else expect(y[i], message).toBe(rounded);
      });
    }
  });
});

describe('weights that are not finite', () => {
  it.each([NaN, Infinity])('%f: NaN where the window lies over padding, as 0 times it is', async (v) => {
    const weights = new Float32Array(9).fill(1);
    weights[0] = v;
    for (const way of names('shifted')) {
      const b = new GraphBuilder();
      const x = b.input([1, 1, 4, 4]);
      const attributes = { ...geometry, pads: [1, 1, 1, 1] } as const;
      const graph = b.finish(b.node('conv2d', attributes, x, b.constant([1, 1, 3, 3], weights)));
      for (const [build, y] of await runBy(graph, way, new Float32Array(16).fill(1))) {
        const title = `${build} ${way}`;
        expect(Array.from(y.subarray(0, 4)), title).toEqual([NaN, NaN, NaN, NaN]);
        expect(y[4], title).toBeNaN();
        expect(y[5], title).toEqual(v);
      }
    }
  });
});

describe("Winograd's tiles", () => {
  it.each([2, 4] as const)(
    'of %i outputs: NaN and infinities reach their windows, and no other tiles',
    async (winograd) => {
      const [size, channels] = [12, 3];
      const random = randomFloats(winograd);
      const b = new GraphBuilder();
      const x = b.input([1, channels, size, size]);
      const attributes = { ...geometry, pads: [1, 1, 1, 1] } as const;
      const graph = b.finish(
        b.node('conv2d', attributes, x, b.constant([2, channels, 3, 3], random(2 * channels * 9))),
      );
      for (const v of [NaN, Infinity]) {
        const data = random(channels * size * size);
        const [row, column] = [5, 6];
        data[(size + row) * size + column] = v;
        for (const [build, y] of await runBy(graph, 'f32_winograd_8x4', data, { winograd })) {
          y.forEach((found, i) => {
            const [y0, x0] = [Math.floor(i / size) % size, i % size];
            const message = `${build}, element ${i}: ${found}`;
            const isNear = (at: number, from: number) => at >= from - 1 && at <= from + 1;
            const isRead = (at: number, from: number) => at >= from - 1 && at <= from + winograd;
            if (isNear(row, y0) && isNear(column, x0)) expect(Number.isFinite(found), message).toBe(false);
            else if (!isRead(row, y0 - (y0 % winograd)) || !isRead(column, x0 - (x0 % winograd))) {
              expect(Number.isFinite(found), message).toBe(true);
            }
          });
        }
      }
    },
  );

  it('are not for weights that are not finite', async () => {
    const b = new GraphBuilder();
    const x = b.input([1, 1, 8, 8]);
    const weights = new Float32Array(9).fill(1);
    weights[4] = Infinity;
    const graph = b.finish(b.node('conv2d', { ...geometry }, x, b.constant([1, 1, 3, 3], weights)));
    await expect(runBy(graph, 'f32_winograd_8x4', new Float32Array(64))).rejects.toThrow();
  });
});
