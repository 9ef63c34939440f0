// Measures errors of results: kernels of both builds against each other and f64, functions against Math. Prints the tables of
// docs/numerics.md:
//
//   npm run drift
import process from 'node:process';
import v8 from 'node:v8';
import { writeArtifact } from '../src/artifact/write.ts';
import { defaultCostModel } from '../src/lower/cost.ts';
import { lowerGraph, type LoweringPlan } from '../src/compile/lower-graph.ts';
import { matrixKernels, type MatrixKernelName } from '../src/lower/matrix-kernels.ts';
import { applyActivation } from '../src/graph/activation.ts';
import { evaluate } from '../src/graph/evaluate.ts';
import { emptyGraph, type Graph } from '../src/graph/graph.ts';
import { inferShapes } from '../src/graph/infer.ts';
import type { Activation } from '../src/program/activations.ts';
import { loadModel } from '../src/runtime/load.ts';
import { elementCount, Tensor } from '../src/tensor.ts';
import { randomFloats } from '../test/kernels/wasm.ts';

v8.setFlagsFromString('--experimental-wasm-relaxed-simd');
if (Number.parseInt(process.versions.v8) < 12) v8.setFlagsFromString('--no-liftoff');

const builds = ['simd', 'relaxed'] as const;

/** A graph of one node; operands after the first are constants. */
function graphOf(op: string, attributes: object, shape: number[], constants: [number[], Float32Array][]): Graph {
  const graph = emptyGraph('drift');
  graph.values.set('x', { name: 'x', shape, dtype: 'float32' });
  graph.inputs.push({ value: 'x', name: 'x', dtype: 'float32' });
  const names = constants.map(([of, data], i) => {
    graph.values.set(`c${i}`, { name: `c${i}`, shape: of, dtype: 'float32', data });
    return `c${i}`;
  });
  graph.nodes.push({ name: 'node', op, inputs: ['x', ...names], outputs: ['y'], attributes });
  graph.outputs.push({ value: 'y', name: 'y', dtype: 'float32' });
  inferShapes(graph);
  return graph;
}

/** Results of both builds; `kernels` are those that ran. */
async function runBoth(graph: Graph, x: Tensor, plan: LoweringPlan = {}) {
  const program = lowerGraph(graph, defaultCostModel, plan);
  const bytes = writeArtifact(program);
  const results: Float32Array[] = [];
  for (const build of builds) {
    const model = await loadModel(bytes, { build });
    results.push((await model.run({ x })).y.data as Float32Array);
    model.dispose();
  }
  return { results, kernels: program.steps.map(({ kernel }) => kernel) };
}

const largest = (data: Float32Array) => data.reduce((most, v) => Math.max(most, Math.abs(v)), 0);

/** The largest difference over the largest magnitude. */
function difference(a: Float32Array, b: Float32Array): number {
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i] - b[i]));
  return most / largest(b);
}

interface Row {
  between: number;
  simd: number;
  relaxed: number;
}

const table = new Map<string, Row>();

async function measure(
  name: string,
  op: string,
  attributes: object,
  shape: number[],
  constants: [number[], Float32Array][],
  plan?: LoweringPlan,
) {
  const graph = graphOf(op, attributes, shape, constants);
  const row = table.get(name) ?? { between: 0, simd: 0, relaxed: 0 };
  for (let seed = 1; seed <= 4; seed++) {
    const x = new Tensor('float32', shape, randomFloats(seed)(elementCount(shape), 3));
    const { results } = await runBoth(graph, x, plan);
    const exact = evaluate(graph, { x }).y.data as Float32Array;
    row.between = Math.max(row.between, difference(results[1], results[0]));
    row.simd = Math.max(row.simd, difference(results[0], exact));
    row.relaxed = Math.max(row.relaxed, difference(results[1], exact));
  }
  table.set(name, row);
}

const one = { stride: [1, 1], dilation: [1, 1], pads: [0, 0, 0, 0], groups: 1 };
const random = randomFloats(77);

/** Random weights, half of them 0. */
const sparse = (count: number) => random(count).map((w, i) => ((i * 2654435761) >>> 31 ? w : 0));

async function products(): Promise<void> {
  for (const [name, { kind }] of Object.entries(matrixKernels)) {
    const candidate = name as MatrixKernelName;
    const choices = new Map([['node', name]]);
    for (const channels of [16, 256]) {
      const rows = 24;
      if (kind === 'vector') {
        await measure(
          candidate,
          'linear',
          {},
          [2, 4 * channels],
          [[[rows, 4 * channels], sparse(4 * rows * channels)]],
          {
            choices,
          },
        );
      } else if (kind === 'shifted') {
        const weights: [number[], Float32Array] = [[rows, channels, 3, 3], sparse(9 * rows * channels)];
        await measure(candidate, 'conv2d', { ...one, pads: [1, 1, 1, 1] }, [1, channels, 11, 13], [weights], {
          choices,
        });
      } else {
        await measure(
          candidate,
          'conv2d',
          one,
          [1, channels, 11, 13],
          [[[rows, channels, 1, 1], sparse(rows * channels)]],
          { choices },
        );
      }
    }
  }
  for (const winograd of [4, 2] as const) {
    for (const channels of [16, 256]) {
      const weights: [number[], Float32Array] = [[24, channels, 3, 3], random(9 * 24 * channels)];
      const plan = { winograd, choices: new Map([['node', 'f32_winograd_8x4']]) };
      const name = `f32_winograd, tiles of ${winograd}×${winograd}`;
      await measure(name, 'conv2d', { ...one, pads: [1, 1, 1, 1] }, [1, channels, 16, 20], [weights], plan);
    }
  }
  for (const bits of ['int8', 'int4'] as const) {
    await measure(`${bits === 'int8' ? 'i8' : 'i4'}_linear`, 'linear', {}, [2, 512], [[[64, 512], random(64 * 512)]], {
      linearWeights: bits,
    });
  }
}

async function others(): Promise<void> {
  const shape = [1, 8, 17, 19];
  const depthwise = (k: number, s: number) => ({
    stride: [s, s],
    dilation: [1, 1],
    pads: [k >> 1, k >> 1, k >> 1, k >> 1],
    groups: 8,
  });
  for (const [name, k, s] of [
    ['f32_depthwise_3x3', 3, 1],
    ['f32_depthwise_3x3s2', 3, 2],
    ['f32_depthwise_5x5', 5, 1],
    ['f32_depthwise_5x5s2', 5, 2],
    ['f32_depthwise', 7, 1],
  ] as const) {
    await measure(name, 'conv2d', depthwise(k, s), shape, [[[8, 1, k, k], random(8 * k * k)]]);
  }
  const window = { kernel: [3, 3], stride: [2, 2], pads: [1, 1, 1, 1], ceilMode: false };
  await measure('f32_max_pool', 'maxPool', { ...window, dilation: [1, 1] }, shape, []);
  await measure('f32_average_pool', 'averagePool', { ...window, countIncludePad: false }, shape, []);
  for (const fn of ['mean', 'max']) {
    await measure(`f32_reduce, ${fn}`, 'reduce', { fn, axes: [2, 3], keepDims: true }, [1, 8, 60, 60], []);
  }
  await measure('f32_softmax', 'softmax', { axis: 1, beta: 1 }, [4, 1000], []);
  const size = { size: [33, 40], coordinates: 'halfPixel', nearest: 'floor' };
  await measure('f32_resize_linear', 'resize', { ...size, mode: 'linear' }, shape, []);
  await measure('f32_resize_nearest', 'resize', { ...size, mode: 'nearest' }, shape, []);
  for (const fn of ['add', 'mul', 'div']) {
    await measure('f32_binary: add, mul, div', 'binary', { fn }, shape, [[[8, 1, 1], random(8).map((v) => v + 2)]]);
  }
}

const scientific = (v: number) => (v === 0 ? '0' : v.toExponential(1));

function print(head: string[], rows: string[][]): void {
  console.log(
    [head, head.map((_, i) => (i === 0 ? '---' : '---:')), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n'),
  );
  console.log();
}

/** Approximated functions, and the ranges of their measurement. */
const functions: [Activation, from: number, to: number][] = [
  [{ fn: 'exp' }, -87, 88],
  [{ fn: 'sigmoid' }, -87, 30],
  [{ fn: 'silu' }, -80, 80],
  [{ fn: 'tanh' }, -10, 10],
  [{ fn: 'gelu' }, -10, 10],
  [{ fn: 'elu', alpha: 1 }, -20, 0],
  [{ fn: 'softplus' }, -80, 80],
  [{ fn: 'mish' }, -80, 30],
  [{ fn: 'log' }, 1e-30, 1e3],
  [{ fn: 'rsqrt' }, 1e-6, 1e6],
];

async function approximations(): Promise<string[][]> {
  const count = 1 << 19;
  const rows: string[][] = [];
  for (const [activation, from, to] of functions) {
    // evenly spread, and towards 0 in steps of a factor
    const x = Float32Array.from({ length: count }, (_, i) => {
      if (i % 2) return from + ((to - from) * i) / count;
      const end = i % 4 ? to : from;
      return end * 2 ** ((-30 * i) / count);
    }).map((v) => Math.min(Math.max(v, from), to));
    const graph = graphOf('unary', activation, [count], []);
    const { results } = await runBoth(graph, new Tensor('float32', [count], x));
    const worst = results.map((y) => {
      let [relative, toOne] = [0, 0];
      for (let i = 0; i < count; i++) {
        const exact = applyActivation(x[i], activation);
        if (Math.abs(exact) < 2 ** -126) continue;
        relative = Math.max(relative, Math.abs(y[i] - exact) / Math.abs(exact));
        toOne = Math.max(toOne, Math.abs(y[i] - exact) / Math.max(1, Math.abs(exact)));
      }
      return [scientific(relative), scientific(toOne)];
    });
    rows.push([`\`${activation.fn}\``, `${from} … ${to}`, ...worst.flat()]);
  }
  return rows;
}

await products();
await others();
print(
  ['kernel', 'relaxed − simd', 'simd − f64', 'relaxed − f64'],
  [...table].map(([name, { between, simd, relaxed }]) => [
    `\`${name}\``,
    scientific(between),
    scientific(simd),
    scientific(relaxed),
  ]),
);
print(['function', 'arguments', 'simd', 'of ≥ 1', 'relaxed', 'of ≥ 1'], await approximations());
