// Random graphs of every operator mean the same before and after all passes.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Graph } from '../../src/graph/graph.ts';
import { verify } from '../../src/graph/verify.ts';
import type { BinaryFunction } from '../../src/ops/binary.ts';
import { optimise, passes } from '../../src/passes/index.ts';
import type { Activation } from '../../src/program/activations.ts';
import { elementCount } from '../../src/tensor.ts';
import { cloneGraph, expectSameResults, GraphBuilder, ops } from '../graphs.ts';

/** A source of choices: the same ones for the same numbers, 0 when they run out. */
class Dice {
  #at = 0;
  readonly #rolls: readonly number[];

  constructor(rolls: readonly number[]) {
    this.#rolls = rolls;
  }

  below(n: number): number {
    return (this.#rolls[this.#at++] ?? 0) % n;
  }

  pick<const T>(from: readonly T[]): T {
    return from[this.below(from.length)];
  }

  maybe<T>(value: () => T): T | undefined {
    return this.below(2) ? value() : undefined;
  }
}

// None that blows small differences up, as 1/x near 0 or the logarithm do.
const activations: readonly Activation[] = [
  { fn: 'identity' },
  { fn: 'clamp', alpha: 0, beta: Infinity },
  { fn: 'clamp', alpha: 0, beta: 6 },
  { fn: 'clamp', alpha: -0.5, beta: 0.75 },
  { fn: 'sigmoid' },
  { fn: 'silu' },
  { fn: 'hardSigmoid', alpha: 1 / 6, beta: 0.5 },
  { fn: 'leakyRelu', alpha: 0.1 },
  { fn: 'tanh' },
  { fn: 'neg' },
  { fn: 'abs' },
  { fn: 'softplus' },
];
const binaries: readonly BinaryFunction[] = ['add', 'sub', 'mul', 'min', 'max', 'prelu'];
const permutations = [
  [0, 2, 3, 1],
  [0, 3, 1, 2],
  [0, 1, 3, 2],
  [0, 1, 2, 3],
  [1, 0, 2, 3],
];
const small = 600;

type ValueGenerator = (b: GraphBuilder, x: string, dice: Dice, values: readonly string[]) => string | undefined;

const pair = (dice: Dice, most: number) => [1 + dice.below(most), 1 + dice.below(most)] as const;
const fourPads = (dice: Dice) => [dice.below(2), dice.below(2), dice.below(2), dice.below(2)] as const;
const isMap = (b: GraphBuilder, x: string) => b.shape(x).length === 4;

/** Ways to make another value of a value; undefined where one does not apply. */
const steps: readonly ValueGenerator[] = [
  (b, x, dice) => b.node('unary', dice.pick(activations), x),
  (b, x, dice, values) => {
    const others = values.filter((y) => b.shape(y).join() === b.shape(x).join());
    return b.node(
      'binary',
      { fn: dice.pick(binaries), activation: dice.maybe(() => dice.pick(activations)) },
      x,
      dice.pick(others),
    );
  },
  (b, x, dice) => {
    const shape = b.shape(x);
    const constants = [
      () => b.scalar(dice.pick([0, 1, 3, 0.5, -1])),
      () => b.constant(shape.map((d, i) => (i === 1 ? d : 1))),
      () => b.constant(shape.slice(-1)),
      () => b.constant(shape),
      () => b.node('unary', { fn: 'sigmoid' }, b.constant(shape)),
    ];
    const operands = [x, dice.pick(constants)()];
    if (dice.below(3) === 0) operands.reverse();
    return b.node(
      'binary',
      { fn: dice.pick(binaries), activation: dice.maybe(() => dice.pick(activations)) },
      ...operands,
    );
  },
  (b, x, dice) => {
    // x · clamp(x + 3, 0, 6) / 6 and silu, spelt out.
    if (dice.below(2)) return b.node('binary', { fn: 'mul' }, x, b.node('unary', { fn: 'sigmoid' }, x));
    const sum = b.node('binary', { fn: 'add' }, x, b.scalar(3));
    const clamp = b.node('unary', { fn: 'clamp', alpha: 0, beta: 6 }, sum);
    return b.node('binary', { fn: 'div' }, b.node('binary', { fn: 'mul' }, x, clamp), b.scalar(6));
  },
  (b, x, dice) => {
    if (!isMap(b, x)) return undefined;
    const [, c, h, w] = b.shape(x);
    const groups = dice.pick([1, 1, c]);
    const kernel = 1 + dice.below(3);
    const dilation = pair(dice, 2);
    if ((kernel - 1) * Math.max(...dilation) + 1 > Math.min(h, w)) return undefined;
    const options = { stride: pair(dice, 2), dilation, pads: fourPads(dice), groups };
    return b.conv2d(x, groups * (1 + dice.below(3)), kernel, {
      ...options,
      activation: dice.maybe(() => dice.pick(activations)),
    });
  },
  (b, x, dice) => {
    if (!isMap(b, x)) return undefined;
    const [, c] = b.shape(x);
    const groups = dice.pick([1, c]);
    const kernel = [2 + dice.below(3), 2 + dice.below(2)];
    const operands = [x, b.constant([c, 1 + dice.below(2), ...kernel])];
    const geometry = {
      stride: pair(dice, 3),
      dilation: pair(dice, 2),
      pads: fourPads(dice),
      outputPadding: [0, dice.below(2)],
    } as const;
    const out = [0, 1].map(
      (i) =>
        (b.shape(x)[2 + i] - 1) * geometry.stride[i] +
        (kernel[i] - 1) * geometry.dilation[i] -
        geometry.pads[i] -
        geometry.pads[i + 2],
    );
    return out.every((d) => d >= 0) ? b.node('convTranspose2d', { ...geometry, groups }, ...operands) : undefined;
  },
  (b, x, dice) => {
    const shape = b.shape(x);
    return b.node(
      'linear',
      { activation: dice.maybe(() => dice.pick(activations)) },
      x,
      b.constant([1 + dice.below(4), shape.at(-1)!]),
    );
  },
  (b, x, dice) => (isMap(b, x) ? b.node('transpose', { permutation: dice.pick(permutations) }, x) : undefined),
  (b, x, dice) => {
    const count = elementCount(b.shape(x));
    const d = dice.pick([1, 2, 3, 4].filter((n) => count % n === 0));
    return b.node('reshape', { shape: dice.pick([b.shape(x), [count], [d, count / d], [1, d, count / d, 1]]) }, x);
  },
  (b, x, dice) => {
    const amounts = () => b.shape(x).map((_, i) => (i < 2 && dice.below(3) ? 0 : dice.below(2)));
    return b.node(
      'pad',
      {
        before: amounts(),
        after: amounts(),
        mode: dice.pick(['constant', 'constant', 'edge']),
        value: dice.pick([0, 0, 1]),
      },
      x,
    );
  },
  (b, x, dice) => {
    if (!isMap(b, x)) return undefined;
    const kernel = pair(dice, 3).map((k, i) => Math.min(k, b.shape(x)[2 + i])) as [number, number];
    const pads = fourPads(dice).map((p, i) => Math.min(p, kernel[i % 2] - 1)) as unknown as [
      number,
      number,
      number,
      number,
    ];
    const window = {
      kernel,
      stride: pair(dice, 2),
      pads,
      ceilMode: dice.below(2) === 1,
      activation: dice.maybe(() => dice.pick(activations)),
    };
    if (dice.below(2)) return b.node('maxPool', { ...window, dilation: [1, 1] }, x);
    return b.node('averagePool', { ...window, countIncludePad: dice.below(2) === 1 }, x);
  },
  (b, x) => {
    if (!isMap(b, x)) return undefined;
    const [, , h, w] = b.shape(x);
    const whole = {
      kernel: [h, w],
      stride: [h, w],
      pads: [0, 0, 0, 0],
      ceilMode: false,
      countIncludePad: false,
    } as const;
    return b.node('averagePool', whole, x);
  },
  (b, x, dice) => {
    const axes = b.shape(x).flatMap((_, axis) => (dice.below(2) ? [axis] : []));
    return b.node(
      'reduce',
      {
        fn: dice.pick(['mean', 'max', 'min']),
        axes,
        keepDims: axes.length === b.shape(x).length || dice.below(2) === 1,
      },
      x,
    );
  },
  (b, x, dice, values) => {
    const axis = dice.below(b.shape(x).length);
    const fits = (y: string) =>
      b.shape(y).length === b.shape(x).length && b.shape(y).every((d, i) => i === axis || d === b.shape(x)[i]);
    return b.node('concat', { axis }, x, ...(dice.below(4) ? [dice.pick(values.filter(fits))] : []));
  },
  (b, x, dice) => {
    const axis = dice.below(b.shape(x).length);
    const d = b.shape(x)[axis];
    return d < 2 ? undefined : dice.pick(b.nodes('split', { axis, sizes: [1, d - 1] }, [x], 2));
  },
  (b, x, dice) => {
    const starts = b.shape(x).map((d) => dice.pick([0, 0, d - 1]));
    const sizes = b.shape(x).map((d, i) => (starts[i] ? 1 + dice.below(d) : d - dice.below(Math.min(2, d))));
    return b.node('slice', { starts, sizes, steps: starts.map((s) => (s ? -1 : 1)) }, x);
  },
  (b, x, dice) => b.node('softmax', { axis: dice.below(b.shape(x).length), beta: 1 }, x),
  (b, x, dice) => {
    if (!isMap(b, x)) return undefined;
    const [, c, h, w] = b.shape(x);
    if (c % 4 === 0) return b.node('depthToSpace', { blockSize: 2, order: dice.pick(['DCR', 'CRD']) }, x);
    return h % 2 || w % 2 ? undefined : b.node('spaceToDepth', { blockSize: 2 }, x);
  },
  (b, x, dice) => {
    if (!isMap(b, x)) return undefined;
    const [, , h, w] = b.shape(x);
    const size = dice.pick([
      [h, w],
      [2 * h, 2 * w],
      [h + 1, w],
    ] as const);
    return b.node(
      'resize',
      {
        mode: dice.pick(['linear', 'nearest']),
        size,
        coordinates: dice.pick(['halfPixel', 'asymmetric', 'alignCorners']),
        nearest: 'floor',
      },
      x,
    );
  },
];

function randomGraph(rolls: readonly number[], seed: number): Graph {
  const dice = new Dice(rolls);
  const b = new GraphBuilder(seed);
  const channels = dice.pick([2, 3, 4]);
  const values = [b.input([1 + dice.below(2), channels, 4 + dice.below(3), 4 + dice.below(2)])];
  for (let i = 0; i < 14; i++) {
    // Mostly the latest, so that chains grow.
    const x = dice.below(3) ? values.at(-1)! : dice.pick(values);
    const y = dice.pick(steps)(b, x, dice, values);
    if (y !== undefined && elementCount(b.shape(y)) <= small) values.push(y);
  }
  const outputs = [values.at(-1)!, ...values.filter(() => dice.below(6) === 0)];
  return b.finish(...new Set(outputs));
}

describe('optimise', () => {
  it('keeps the results of random graphs, and is done when it says so', () => {
    const rolls = fc.array(fc.nat({ max: 5039 }), { minLength: 150, maxLength: 150 });
    const changedBy = new Set<string>();
    fc.assert(
      fc.property(rolls, fc.integer({ min: 1, max: 1e6 }), (numbers, seed) => {
        const graph = randomGraph(numbers, seed);
        const result = cloneGraph(graph);
        optimise(result, { check: true });
        verify(result);
        expectSameResults(result, graph);
        for (const [name, pass] of Object.entries(passes)) {
          expect(pass(result), `${name} after all passes`).toBe(false);
          if (pass(cloneGraph(graph))) changedBy.add(name);
        }
      }),
      { numRuns: 400, seed: 20 },
    );
    // The graphs are rich enough for every pass to have something to do.
    expect(changedBy).toEqual(new Set(Object.keys(passes)));
  });

  it('makes one convolution of a block as files spell it', () => {
    const b = new GraphBuilder();
    const padded = b.node(
      'pad',
      { before: [0, 0, 0, 0], after: [0, 0, 1, 1], mode: 'constant', value: 0 },
      b.input([1, 3, 8, 8]),
    );
    const conv = b.conv2d(padded, 4, 3, { stride: [2, 2], pads: [0, 0, 0, 0] });
    const scaled = b.node('binary', { fn: 'mul' }, conv, b.constant([4, 1, 1]));
    const shifted = b.node('binary', { fn: 'add' }, scaled, b.constant([4, 1, 1]));
    const three = b.node('binary', { fn: 'add' }, shifted, b.scalar(3));
    const clamped = b.node('unary', { fn: 'clamp', alpha: 0, beta: 6 }, three);
    const product = b.node('binary', { fn: 'mul' }, shifted, clamped);
    const graph = b.finish(b.node('binary', { fn: 'div' }, product, b.scalar(6)));
    const result = cloneGraph(graph);
    optimise(result, { check: true });
    expect(ops(result)).toEqual(['conv2d']);
    expect(result.nodes[0].attributes).toEqual({
      stride: [2, 2],
      dilation: [1, 1],
      pads: [0, 0, 1, 1],
      groups: 1,
      activation: { fn: 'hardSwish', alpha: 1 / 6, beta: 0.5 },
    });
    expectSameResults(result, graph);
  });

  it('names the pass that breaks a graph', () => {
    const b = new GraphBuilder();
    const x = b.node('unary', { fn: 'tanh' }, b.input([2]));
    b.node('unary', { fn: 'neg' }, x);
    const graph = b.finish(b.node('unary', { fn: 'exp' }, x));
    graph.values.get(x)!.shape = [3];
    expect(() => optimise(graph, { check: true })).toThrow('after pass removeDead: test: node "unary0" (unary): makes');
  });
});
