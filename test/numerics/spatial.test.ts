// NaN, infinities, subnormals and −0 through what takes maxima, means, blends and copies: docs/numerics.md.
import { describe, expect, it } from 'vitest';
import { evaluate } from '../../src/graph/evaluate.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { Tensor } from '../../src/tensor.ts';
import { GraphBuilder } from '../graphs.ts';
import { randomFloats } from '../kernels/wasm.ts';
import { inBothBuilds } from './run.ts';

const most = 3.4028234663852886e38;
const size = 9;

/** Two channels of pixels; a few of the first are edge values. */
function pixels(edges: readonly number[]): Float32Array {
  const x = randomFloats(3)(2 * size * size);
  edges.forEach((v, i) => (x[(5 * i + 1) % (size * size)] = v));
  return x;
}

const sets: [string, number[]][] = [
  ['NaN', [NaN]],
  ['NaN and infinities', [NaN, Infinity, -Infinity]],
  ['∞', [Infinity]],
  ['−∞', [-Infinity]],
  ['infinities of both signs', [Infinity, -Infinity]],
  ['the largest numbers', [most, most, most, -most]],
  ['subnormals', [1e-40, -1e-40, 2 ** -149]],
  ['zeros', [-0, 0, -0]],
];

/** As the evaluator says: NaN and infinities exactly, other numbers within rounding. */
async function expectAsEvaluated(graph: Graph, x: Float32Array): Promise<void> {
  const [port] = graph.inputs;
  const { shape } = graph.values.get(port.value)!;
  const [wanted] = Object.values(evaluate(graph, { [port.name]: new Tensor('float32', shape, x) }));
  const data = wanted.data as Float32Array;
  const largest = Math.max(1e-30, ...data.filter(Number.isFinite).map(Math.abs));
  for (const [build, found] of await inBothBuilds(graph, [x])) {
    data.forEach((v, i) => {
      const message = `${build}, element ${i}: ${found[i]}, not ${v}`;
      if (Number.isFinite(v)) expect(Math.abs(found[i] - v), message).toBeLessThanOrEqual(1e-6 * largest);
      else expect(found[i], message).toBe(v);
    });
  }
}

const map = (make: (b: GraphBuilder, x: string) => string) => {
  const b = new GraphBuilder();
  return b.finish(make(b, b.input([1, 2, size, size])));
};

describe.each(sets)('%s', (title, edges) => {
  const x = pixels(edges);

  for (const stride of [1, 2, 3]) {
    const window = { kernel: [3, 3], stride: [stride, stride], pads: [1, 1, 1, 1], ceilMode: true } as const;
    it(`max pool, stride ${stride}`, () =>
      expectAsEvaluated(
        map((b, v) => b.node('maxPool', { ...window, dilation: [1, 1] }, v)),
        x,
      ));

    // sums of the largest numbers overflow, though their means would not
    if (title.includes('largest')) continue;
    it(`average pool, stride ${stride}`, () =>
      expectAsEvaluated(
        map((b, v) => b.node('averagePool', { ...window, countIncludePad: false }, v)),
        x,
      ));
  }

  const functions = ['mean', 'sum', 'max', 'min'] as const;
  it.each(title.includes('largest') ? functions.slice(2) : functions)('%s over axes', async (fn) => {
    for (const axes of [[2, 3], [1], [1, 2, 3], [3]]) {
      await expectAsEvaluated(
        map((b, v) => b.node('reduce', { fn, axes, keepDims: true }, v)),
        x,
      );
    }
  });

  it.each([3, 1])('softmax along axis %i', (axis) =>
    expectAsEvaluated(
      map((b, v) => b.node('softmax', { axis, beta: 1 }, v)),
      x,
    ),
  );

  it('resize to the nearest pixel', () => {
    const to = { mode: 'nearest', size: [13, 18], coordinates: 'halfPixel', nearest: 'floor' } as const;
    return expectAsEvaluated(
      map((b, v) => b.node('resize', to, v)),
      x,
    );
  });
});

describe('resize by blending', () => {
  it.each([NaN, Infinity, -Infinity])('%f spoils all results that depend on it, and no others', async (v) => {
    const b = new GraphBuilder();
    const to = { mode: 'linear', size: [1, 16], coordinates: 'asymmetric', nearest: 'floor' } as const;
    const graph = b.finish(b.node('resize', to, b.input([1, 1, 1, 8])));
    for (const [, y] of await inBothBuilds(graph, [[1, 2, 3, v, 5, 6, 7, 8]])) {
      // pixel 3 has a part in 4…7, also with weight 0: 0 times it is NaN
      const rest = (row: ArrayLike<number>) => Array.from(row).toSpliced(4, 4);
      expect(rest(y)).toEqual(rest([1, 1.5, 2, 2.5, v, v, v, v, 5, 5.5, 6, 6.5, 7, 7.5, 8, 8]));
      expect(y.subarray(4, 8).some(Number.isFinite)).toBe(false);
    }
  });
});

describe('softmax', () => {
  const along = (n: number) => {
    const b = new GraphBuilder();
    return b.finish(b.node('softmax', { axis: 1, beta: 1 }, b.input([1, n])));
  };

  it.each<[string, number[], number[]]>([
    ['all −∞: NaN', [-Infinity, -Infinity, -Infinity], [NaN, NaN, NaN]],
    ['one ∞: NaN', [1, Infinity, 2], [NaN, NaN, NaN]],
    ['one NaN: NaN', [1, NaN, 2, 3, 4], [NaN, NaN, NaN, NaN, NaN]],
    ['−∞ beside a number: 0', [-Infinity, 1, -Infinity], [0, 1, 0]],
    ['huge numbers: the largest has it all', [3e38, -3e38, 3e38, 1], [0.5, 0, 0.5, 0]],
    ['huge and equal', [1e38, 1e38], [0.5, 0.5]],
    ['tiny', [1e-40, -1e-40], [0.5, 0.5]],
  ])('%s', async (_, x, wanted) => {
    for (const [build, y] of await inBothBuilds(along(x.length), [x])) expect(Array.from(y), build).toEqual(wanted);
  });
});

describe('operators that copy', () => {
  /** Bits that arithmetic would change: a NaN with a payload, subnormals, −0. */
  const bits = Uint32Array.of(0x7fc12345, 0xffc54321, 0x80000000, 1, 0x80000001, 0x7f800000, 0xff800000, 0x007fffff);
  const x = new Float32Array(bits.buffer);

  it.each<[string, (b: GraphBuilder, v: string) => string, number[]]>([
    ['reshape', (b, v) => b.node('reshape', { shape: [8] }, v), [0, 1, 2, 3, 4, 5, 6, 7]],
    ['transpose', (b, v) => b.node('transpose', { permutation: [0, 1, 3, 2] }, v), [0, 4, 1, 5, 2, 6, 3, 7]],
    [
      'slice',
      (b, v) => b.node('slice', { starts: [0, 0, 1, 3], sizes: [1, 1, 1, 4], steps: [1, 1, 1, -1] }, v),
      [7, 6, 5, 4],
    ],
    ['concat', (b, v) => b.node('concat', { axis: 3 }, v, v), [0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 6, 7, 4, 5, 6, 7]],
    ['gather', (b, v) => b.node('gather', { axis: 3 }, v, b.constant([2], [3, 0])), [3, 0, 7, 4]],
    ['spaceToDepth', (b, v) => b.node('spaceToDepth', { blockSize: 2 }, v), [0, 2, 1, 3, 4, 6, 5, 7]],
    [
      'pad by the edge',
      (b, v) => b.node('pad', { before: [0, 0, 0, 1], after: [0, 0, 0, 0], mode: 'edge', value: 0 }, v),
      [0, 0, 1, 2, 3, 4, 4, 5, 6, 7],
    ],
  ])('%s keeps every bit', async (_, make, order) => {
    const b = new GraphBuilder();
    const graph = b.finish(make(b, b.input([1, 1, 2, 4])));
    for (const [build, y] of await inBothBuilds(graph, [x])) {
      const found = new Uint32Array(y.buffer, y.byteOffset, y.length);
      expect(
        Array.from(found, (v) => v.toString(16)),
        build,
      ).toEqual(order.map((i) => bits[i].toString(16)));
    }
  });
});
