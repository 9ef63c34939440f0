// Random networks through everything (passes, storage, memory plan, artifact, kernels of both builds) against the
// evaluator. FILIGREE_DIFFERENTIAL=<graphs> tries so many instead of a few, from another seed each time.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeArtifact } from '../../src/artifact/write.ts';
import { compileGraph } from '../../src/compile/index.ts';
import type { CostModel } from '../../src/compile/cost.ts';
import { defaultCostModel } from '../../src/compile/cost.ts';
import { evaluate } from '../../src/graph/evaluate.ts';
import type { Graph, Shape } from '../../src/graph/graph.ts';
import type { DenseTensor } from '../../src/ops/operator.ts';
import type { Activation } from '../../src/program/activations.ts';
import { loadModel } from '../../src/runtime/load.ts';
import { elementCount } from '../../src/tensor.ts';
import { cloneGraph, GraphBuilder, inputsOf } from '../graphs.ts';
import { builds } from '../kernels/wasm.ts';
import { forced, loadGraph } from '../program.ts';
import { bitsOf, loadInShares } from '../shares.ts';

const runs = Number(process.env.FILIGREE_DIFFERENTIAL ?? 0);

/** Whole numbers from a seed, and what is drawn by them. */
class Dice {
  #state: number;
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }
  /** 0…n − 1 */
  below(n: number): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    const mixed = Math.imul(this.#state ^ (this.#state >>> 15), 0x2c1b3c6d);
    return Math.floor((((mixed ^ (mixed >>> 12)) >>> 0) / 2 ** 32) * n);
  }
  from(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }
  one<const T>(list: readonly T[]): T {
    return list[this.below(list.length)];
  }
  pair(least: number, most: number): [number, number] {
    return [this.from(least, most), this.from(least, most)];
  }
}

type Step = (b: GraphBuilder, x: string, dice: Dice, values: string[]) => string[];

const activation = (dice: Dice): Activation | undefined =>
  dice.one([
    undefined,
    undefined,
    { fn: 'clamp', alpha: 0, beta: Infinity },
    { fn: 'clamp', alpha: -1, beta: 2 },
    { fn: 'leakyRelu', alpha: 0.1 },
    { fn: 'silu' },
    { fn: 'hardSwish', alpha: 1 / 6, beta: 0.5 },
  ]);

/** Random weights; a share of them, or of groups of four rows, is zero. */
function weights(b: GraphBuilder, shape: number[], dice: Dice): string {
  const name = b.constant(shape);
  const data = b.graph.values.get(name)!.data as Float32Array;
  const zeros = dice.one([0, 0, 0.3, 0.7, 0.95, 1]);
  const columns = data.length / shape[0];
  const rows = dice.one([1, 2, 4]);
  for (let row = 0; row < shape[0]; row += rows) {
    for (let column = 0; column < columns; column++) {
      if (dice.below(1000) >= 1000 * zeros) continue;
      for (let i = row; i < Math.min(row + rows, shape[0]); i++) data[i * columns + column] = 0;
    }
  }
  return name;
}

const size = (input: number, kernel: number, stride: number, dilation: number, pads: number) =>
  Math.floor((input + pads - (kernel - 1) * dilation - 1) / stride) + 1;

const convolution =
  (isDepthwise: boolean): Step =>
  (b, x, dice) => {
    const [, c, h, w] = b.shape(x);
    const kernel = dice.one([dice.pair(1, 1), [3, 3], [5, 5], dice.pair(1, 6)] as const);
    const stride = dice.one([[1, 1], [2, 2], dice.pair(1, 5)] as const);
    const dilation = dice.one([[1, 1], [1, 1], dice.pair(1, 3)] as const);
    const half = (kernel[0] - 1) >> 1;
    const pads = dice.one([
      [0, 0, 0, 0],
      [half, half, half, half],
      [...dice.pair(0, 7), ...dice.pair(0, 7)],
    ] as const) as [number, number, number, number];
    const shape = [0, 1].map((i) => size([h, w][i], kernel[i], stride[i], dilation[i], pads[i] + pads[i + 2]));
    if (Math.min(...shape) < 1) return [];
    const divisors = Array.from({ length: c }, (_, i) => i + 1).filter((n) => c % n === 0);
    const groups = isDepthwise ? c : dice.one([1, 1, dice.one(divisors)]);
    const outputs = groups * (isDepthwise ? dice.from(1, 2) : dice.from(1, Math.ceil(9 / groups)));
    const constants = [weights(b, [outputs, c / groups, ...kernel], dice)];
    if (dice.below(2)) constants.push(b.constant([outputs]));
    return [b.node('conv2d', { stride, dilation, pads, groups, activation: activation(dice) }, x, ...constants)];
  };

/** A convolution that keeps the shape, and something of that shape added to it. */
const residual: Step = (b, x, dice, values) => {
  const shape = b.shape(x);
  const like = values.filter((value) => String(b.shape(value)) === String(shape));
  const kernel = dice.one([1, 1, 3]);
  const p = (kernel - 1) / 2;
  const geometry = { stride: [1, 1], dilation: [1, 1], pads: [p, p, p, p], groups: 1 } as const;
  const constants = [weights(b, [shape[1], shape[1], kernel, kernel], dice)];
  if (dice.below(2)) constants.push(b.constant([shape[1]]));
  const y = b.node(
    'conv2d',
    { ...geometry, activation: dice.below(4) ? undefined : activation(dice) },
    x,
    ...constants,
  );
  const operands = dice.below(2) ? [y, dice.one(like)] : [dice.one(like), y];
  const sum = b.node('binary', { fn: 'add', activation: activation(dice) }, ...operands);
  return dice.below(4) ? [sum] : [y, sum];
};

const pool =
  (op: 'maxPool' | 'averagePool'): Step =>
  (b, x, dice) => {
    const [, , h, w] = b.shape(x);
    const kernel = dice.pair(1, 4);
    const stride = dice.pair(1, 4);
    const dilation = op === 'maxPool' ? dice.one([[1, 1], dice.pair(1, 3)] as const) : ([1, 1] as const);
    const reach = [0, 1].map((i) => (kernel[i] - 1) * dilation[i]);
    const pads = [0, 1, 0, 1].map((i) => (dice.below(2) ? dice.from(0, reach[i]) : 0)) as [
      number,
      number,
      number,
      number,
    ];
    const shape = [0, 1].map((i) => size([h, w][i], kernel[i], stride[i], dilation[i], pads[i] + pads[i + 2]));
    if (Math.min(...shape) < 1) return [];
    const common = { kernel, stride, pads, ceilMode: !!dice.below(2), activation: activation(dice) };
    return op === 'maxPool'
      ? [b.node(op, { ...common, dilation }, x)]
      : [b.node(op, { ...common, countIncludePad: !!dice.below(2) }, x)];
  };

const unary: Step = (b, x, dice) => [
  b.node('unary', activation(dice) ?? { fn: dice.one(['sigmoid', 'tanh', 'abs', 'neg', 'gelu']) }, x),
];

const binary: Step = (b, x, dice, values) => {
  const shape = b.shape(x);
  const like = values.filter((value) => String(b.shape(value)) === String(shape));
  const broadcast = shape.map((n) => (dice.below(2) ? n : 1)).slice(dice.below(shape.length + 1));
  const y = dice.below(3) ? dice.one(like) : b.constant(broadcast);
  const fn = dice.one(['add', 'sub', 'mul', 'max', 'min', 'prelu'] as const);
  return [b.node('binary', { fn, activation: activation(dice) }, ...(dice.below(2) ? [x, y] : [y, x]))];
};

const linear: Step = (b, x, dice) => {
  const constants = [weights(b, [dice.from(1, 9), b.shape(x).at(-1)!], dice)];
  if (dice.below(2)) constants.push(b.constant([b.shape(constants[0])[0]]));
  return [b.node('linear', { activation: activation(dice) }, x, ...constants)];
};

const concat: Step = (b, x, dice, values) => {
  const shape = b.shape(x);
  const axis = dice.one([dice.below(shape.length), Math.min(1, shape.length - 1)]);
  const others = (value: string) => String(b.shape(value).map((n, i) => (i === axis ? 0 : n)));
  const like = values.filter((value) => others(value) === others(x));
  const parts = Array.from({ length: dice.from(1, 2) }, () => dice.one(like));
  if (dice.below(5) === 0) parts.push(b.constant([...shape]));
  return [b.node('concat', { axis }, x, ...parts)];
};

const split: Step = (b, x, dice) => {
  const shape = b.shape(x);
  const axis = dice.one([dice.below(shape.length), Math.min(1, shape.length - 1)]);
  if (shape[axis] < 2) return [];
  const first = dice.from(1, shape[axis] - 1);
  return b.nodes('split', { axis, sizes: [first, shape[axis] - first] }, [x], 2);
};

const slice: Step = (b, x, dice) => {
  const shape = b.shape(x);
  const sizes = shape.map((n) => (dice.below(2) ? n : dice.from(1, n)));
  const steps = shape.map((n, i) => (sizes[i] === 1 ? 1 : dice.one([1, 1, -1, Math.floor((n - 1) / (sizes[i] - 1))])));
  const starts = shape.map((n, i) => {
    const reach = (sizes[i] - 1) * Math.abs(steps[i]);
    const low = dice.from(0, n - 1 - reach);
    return steps[i] < 0 ? low + reach : low;
  });
  return [b.node('slice', { starts, sizes, steps }, x)];
};

const pad: Step = (b, x, dice) => {
  const shape = b.shape(x);
  const mode = dice.one(['constant', 'constant', 'edge', 'reflect'] as const);
  const amounts = () =>
    shape.map((n) => (dice.below(2) ? 0 : Math.min(dice.from(-1, 3), mode === 'reflect' ? n - 1 : 3)));
  const [before, after] = [amounts(), amounts()];
  if (shape.some((n, i) => n + before[i] + after[i] < 1)) return [];
  return [b.node('pad', { before, after, mode, value: dice.below(2) ? 0 : 1.5 }, x)];
};

const transpose: Step = (b, x, dice) => {
  const rest = b.shape(x).map((_, axis) => axis);
  const permutation = b.shape(x).map(() => rest.splice(dice.below(rest.length), 1)[0]);
  return [b.node('transpose', { permutation }, x)];
};

const reshape: Step = (b, x, dice) => {
  const shape = b.shape(x);
  const count = elementCount(shape);
  const at = dice.below(shape.length);
  const [first, rest] = [elementCount(shape.slice(0, at)), elementCount(shape.slice(at))];
  const half = count % 2 ? 1 : 2;
  const to = dice.one([[first, rest], [count], [1, first, 1, rest], [1, half, 1, count / half], [first, 1, rest]]);
  return [b.node('reshape', { shape: to }, x)];
};

const reduce: Step = (b, x, dice) => {
  const axes = b
    .shape(x)
    .map((_, axis) => axis)
    .filter(() => dice.below(2));
  if (!axes.length) return [];
  const fn = dice.one(['mean', 'sum', 'max', 'min'] as const);
  return [b.node('reduce', { fn, axes, keepDims: !!dice.below(2) }, x)];
};

const resize: Step = (b, x, dice) => {
  const [, , h, w] = b.shape(x);
  const to = dice.one([[2 * h, 2 * w], dice.pair(1, 12)] as [number, number][]);
  const coordinates = dice.one(['halfPixel', 'alignCorners', 'asymmetric', 'pytorchHalfPixel'] as const);
  return [b.node('resize', { mode: dice.one(['nearest', 'linear']), size: to, coordinates, nearest: 'floor' }, x)];
};

const gather: Step = (b, x, dice) => {
  const axis = dice.below(b.shape(x).length);
  const indices = Array.from({ length: dice.from(1, 5) }, () => dice.below(b.shape(x)[axis]));
  return [b.node('gather', { axis }, x, b.constant([indices.length], indices))];
};

const softmax: Step = (b, x, dice) => [b.node('softmax', { axis: dice.below(b.shape(x).length), beta: 1 }, x)];

const rearrange: Step = (b, x, dice) => {
  const [, c, h, w] = b.shape(x);
  if (c % 4 === 0 && dice.below(2)) {
    return [b.node('depthToSpace', { blockSize: 2, order: dice.one(['DCR', 'CRD']) }, x)];
  }
  return h % 2 || w % 2 ? [] : [b.node('spaceToDepth', { blockSize: 2 }, x)];
};

const maps: Step[] = [
  convolution(false),
  convolution(false),
  convolution(false),
  convolution(true),
  convolution(true),
  residual,
  residual,
  pool('maxPool'),
  pool('averagePool'),
  resize,
  rearrange,
];
const any: Step[] = [
  unary,
  binary,
  binary,
  linear,
  concat,
  concat,
  split,
  slice,
  pad,
  transpose,
  reshape,
  reduce,
  gather,
  softmax,
];

interface Recipe {
  input: readonly number[];
  /** One a node. */
  seeds: readonly number[];
}

const maximumElements = 20_000;

/** The network that a recipe stands for. Steps that do not fit what they meet are left out. */
function build({ input, seeds }: Recipe): Graph {
  const b = new GraphBuilder(seeds.length);
  const values = [b.input(input, { permutation: input.length === 4 ? [0, 2, 3, 1] : undefined })];
  const more = new Dice(seeds[0] ?? 1);
  if (more.below(3) === 0) values.push(b.input(input));
  for (const seed of seeds) {
    const dice = new Dice(seed);
    const x = values[Math.max(values.length - 1 - dice.one([0, 0, 0, 1, 1, 2, 4]), 0)];
    const isMap = b.shape(x).length === 4 && b.shape(x).every((n) => n > 0);
    const step = b.shape(x).length === 0 ? dice.one([unary, binary]) : dice.one(isMap && dice.below(2) ? maps : any);
    const made = step(b, x, dice, values).filter((value) => elementCount(b.shape(value)) <= maximumElements);
    values.push(...made);
  }
  const outputs = values.slice(1).filter((_, i) => i === values.length - 2 || more.below(5) === 0);
  b.output(...(outputs.length ? outputs : [values[0]]));
  for (const port of b.graph.outputs) {
    if (b.shape(port.value).length === 4 && more.below(2)) port.permutation = [0, 2, 3, 1];
  }
  return b.graph;
}

/**
 * What a result may be off by: 1e-4 of the output's largest magnitude, as everywhere; and, where numbers have cancelled each
 * other out, 1e-6 of the largest there was on the way.
 */
function allowance(expected: Float32Array, largest: number): number {
  return Math.max(1e-4 * magnitude(expected), 1e-6 * largest);
}

const magnitude = (data: ArrayLike<number>) => Array.from(data).reduce((most, v) => Math.max(most, Math.abs(v)), 0);

async function compare(recipe: Recipe): Promise<void> {
  const graph = build(recipe);
  const inputs = inputsOf(graph);
  const intermediates = new Map<string, DenseTensor>();
  const wanted = evaluate(graph, inputs, { intermediates });
  const largest = Math.max(3, ...[...intermediates.values()].map(({ data }) => magnitude(data)));
  if (!(largest < 1e6)) return;
  const dice = new Dice(recipe.seeds.length + recipe.input[0]);
  const costModel: CostModel = dice.one([defaultCostModel, ...Object.values(forced)]);
  const bytes = writeArtifact(compileGraph(cloneGraph(graph), { costModel }));
  for (const buildName of builds) {
    for (const load of [() => loadGraph(graph, buildName, costModel), () => loadModel(bytes, { build: buildName })]) {
      const model = await load();
      // a first run leaves its garbage in memory
      await model.run(inputsOf(graph, 8));
      const found = await model.run(inputs);
      for (const [name, { shape, data }] of Object.entries(wanted)) {
        expect(found[name].shape).toEqual(shape as Shape);
        const allowed = allowance(data as Float32Array, largest);
        const off = (data as Float32Array).findIndex((v, i) => !(Math.abs(Number(found[name].data[i]) - v) <= allowed));
        if (off < 0) continue;
        const ops = graph.nodes.map(({ op, inputs: from, outputs, attributes }) => {
          const shapes = from.map((value) => `[${graph.values.get(value)!.shape}]`);
          return `  ${outputs} = ${op} ${from.map((value, i) => value + shapes[i])} ${JSON.stringify(attributes)}`;
        });
        throw new Error(
          `${buildName}: ${name} (${graph.outputs.find((port) => port.name === name)!.value} [${shape}]), element ${off}: ` +
            `${String(found[name].data[off])}, not ${String(data[off])} ± ${allowed}\n${ops.join('\n')}`,
        );
      }
      model.dispose();
    }
    const model = await loadModel(bytes, { build: buildName });
    const bits = bitsOf(await model.run(inputs));
    const threads = dice.from(2, 4);
    const shared = await loadInShares(bytes, buildName, threads, (n) => dice.below(n));
    await shared.model.run(inputsOf(graph, 8));
    expect(bitsOf(await shared.model.run(inputs)), `${threads} threads, ${JSON.stringify(recipe)}`).toEqual(bits);
  }
}

const recipes = fc.record({
  input: fc.oneof(
    fc.tuple(
      fc.integer({ min: 1, max: 2 }),
      fc.integer({ min: 1, max: 9 }),
      ...[1, 1].map(() => fc.integer({ min: 1, max: 12 })),
    ),
    fc.constantFrom(
      [1, 3, 1, 700],
      [1, 2, 300, 1],
      [1, 1500, 1, 1],
      [3, 700, 1, 2],
      [1, 4, 16, 17],
      [2, 12],
      [1, 3, 40],
    ),
  ),
  seeds: fc.array(fc.nat(), { minLength: 1, maxLength: 12 }),
});

describe('random networks', () => {
  it('compute what the reference computes', { timeout: 3_600_000 }, async () => {
    const options = runs ? { numRuns: runs } : { numRuns: 300, seed: 1 };
    await fc.assert(fc.asyncProperty(recipes, compare), { ...options, endOnFailure: false });
  });
});
