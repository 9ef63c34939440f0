// Programs on bytes give what the graph's own reference gives, operator by operator: equal, but for ties of rounding.
import { describe, expect, it } from 'vitest';
import { hasByteKernel } from '../../src/compile/bytes/layers.ts';
import { gridOf, gridsOf } from '../../src/compile/bytes/grids.ts';
import { storeInBytes } from '../../src/compile/bytes/store.ts';
import { writeArtifact } from '../../src/artifact/write.ts';
import { compileGraph } from '../../src/compile/compile.ts';
import { calibrateBytes } from '../../src/compile/measure-ranges.ts';
import { importTflite } from '../../src/import/tflite/index.ts';
import { loadModel } from '../../src/runtime/load.ts';
import { Tensor } from '../../src/tensor.ts';
import { ModelBuilder } from '../import/tflite/model.ts';
import { evaluate } from '../../src/graph/evaluate.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { byteNetworks as networks } from './byte-networks.ts';
import { verify } from '../../src/graph/verify.ts';
import { optimise } from '../../src/passes/index.ts';
import { separateLayers } from '../../src/passes/separate-layers.ts';
import type { DenseTensor } from '../../src/ops/operator.ts';
import { cloneGraph, GraphBuilder } from '../graphs.ts';
import { builds, randomFloats } from '../kernels/wasm.ts';
import { loadGraph, randomInputs } from '../program.ts';
import { lowerGraph } from '../../src/compile/lower-graph.ts';
import { defaultCostModel } from '../../src/lower/cost.ts';

/** The graph with values in bytes, by the ranges that they have for some inputs. */
function inBytes(graph: Graph, kernels = true): Graph {
  optimise(graph);
  separateLayers(graph);
  const values = new Map<string, DenseTensor>();
  evaluate(graph, randomInputs(graph, randomFloats(9)), { intermediates: values });
  const ranges = Object.fromEntries(
    [...values].map(([name, { data }]) => [name, { min: Math.min(...data), max: Math.max(...data) }]),
  );
  for (const { value } of graph.inputs) ranges[value] = { min: -1, max: 1 };
  storeInBytes(graph, {
    grids: gridsOf(graph, ranges),
    hasKernel: (node, from) => kernels && hasByteKernel(graph, node, from),
  });
  verify(graph);
  return graph;
}

describe.each(builds)('integer programs, %s build', (build) => {
  it.each(Object.keys(networks))('equal the reference: %s', async (name) => {
    for (const [channels, size] of [
      [4, 4],
      [5, 3],
      [6, 7],
      [11, 5],
      [16, 9],
    ]) {
      const graph = inBytes(networks[name](channels, size));
      const inputs = randomInputs(graph, randomFloats(7));
      const expected = evaluate(cloneGraph(graph), inputs);
      const model = await loadGraph(graph, build);
      const actual = await model.run(inputs);
      for (const port of graph.outputs) {
        const [a, e] = [actual[port.name].data, expected[port.name].data] as Float32Array[];
        // a byte that a tie moves by one reaches the last layer's sums
        const most = e.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
        const far = e.filter((v, i) => !(Math.abs(v - a[i]) <= 2e-6 * most)).length;
        expect(far / e.length, `${name} ${channels} ${size}`).toBeLessThan(0.05);
        e.forEach((v, i) => expect(Math.abs(v - a[i])).toBeLessThan(0.03 * most));
      }
    }
  });

  it('are near the floats', async () => {
    for (const [name, network] of Object.entries(networks)) {
      const floats = network(8, 9);
      const inputs = randomInputs(floats, randomFloats(7));
      const expected = evaluate(floats, inputs);
      const graph = inBytes(network(8, 9));
      expect(
        graph.nodes.some(({ outputs }) => graph.values.get(outputs[0])!.bytes),
        name,
      ).toBe(true);
      const actual = await (await loadGraph(graph, build)).run(inputs);
      const [a, e] = [actual.output0.data, expected.output0.data] as Float32Array[];
      const square = (v: number) => v * v;
      const error = Math.sqrt(e.reduce((s, v, i) => s + square(v - a[i]), 0) / e.reduce((s, v) => s + square(v), 0));
      expect(error, name).toBeLessThan(0.08);
    }
  });
});

it('leaves what ends in floats in floats, and says nothing of bytes there', () => {
  const g = new GraphBuilder();
  const y = g.conv2d(g.conv2d(g.input([1, 4, 5, 5]), 8, 1), 8, 1);
  const graph = inBytes(g.finish(g.node('unary', { fn: 'sigmoid' }, y)));
  const kernels = lowerGraph(graph, defaultCostModel).steps.map(({ kernel }) => kernel);
  expect(kernels).toEqual(['i8_from_f32', 'i8_dot_12x4', 'i8_dot_12x4', 'f32_unary']);
});

it('rounds what a file rounds before its end, where callers get integers', async () => {
  const g = new GraphBuilder();
  const y = g.conv2d(g.input([1, 4, 5, 5]), 8, 1);
  const mean = g.node('reduce', { fn: 'mean', axes: [2, 3], keepDims: true }, y);
  const graph = g.finish(mean);
  const grid = { scale: Math.fround(0.04), zero: 128, most: 255 } as const;
  const grids = new Map([graph.inputs[0].value, y, mean].map((value) => [value, grid]));
  const kernelsOf = (one: Graph) => {
    storeInBytes(one, { grids });
    return lowerGraph(one, defaultCostModel).steps.map(({ kernel }) => kernel);
  };
  // floats are more exact where callers get floats
  expect(kernelsOf(cloneGraph(graph))).toEqual(['i8_from_f32', 'i8_dot_12x4', 'f32_reduce']);
  Object.assign(graph.outputs[0], { dtype: 'int8', quantization: { scale: 0.04, zeroPoint: 0 } });
  expect(kernelsOf(graph)).toEqual(['i8_from_f32', 'i8_dot_12x4', 'i8_mean', 'i8_to_f32']);
  const inputs = randomInputs(graph, randomFloats(7));
  const expected = evaluate(cloneGraph(graph), inputs).output0.data as Float32Array;
  const actual = (await (await loadGraph(graph, 'simd')).run(inputs)).output0.data as Float32Array;
  const bytesOf = (values: Float32Array) => Array.from(values, (v) => Math.round(v / grid.scale));
  expect(bytesOf(actual)).toEqual(bytesOf(expected));
  expect(Array.from(actual)).toEqual(bytesOf(actual).map((q) => Math.fround(grid.scale * q)));
});

it('rounds floats where a layer has no kernel for bytes', async () => {
  const graph = inBytes(networks['a 3×3 layer'](6, 7), false);
  const kernels = new Set(lowerGraph(graph, defaultCostModel).steps.map(({ kernel }) => kernel));
  expect(kernels).toContain('i8_from_f32');
  expect([...kernels].some((kernel) => kernel.startsWith('i8_dot'))).toBe(false);
});

it('leaves a layer whose sums may overflow in floats', () => {
  const kernels = (bias: number, most: number) => {
    const g = new GraphBuilder(2);
    const [x, y] = [g.input([1, 8, 6, 6]), (from: string) => g.conv2d(from, 8, 1)];
    const graph = g.finish(y(y(y(x))));
    (graph.values.get(graph.nodes[1].inputs[2])!.data as Float32Array).fill(bias);
    const one = { min: -1, max: 1 };
    const ranges = { input0: one, conv2d0: { min: 0, max: most }, conv2d1: one, conv2d2: one };
    return compileGraph(graph, { int8: { ranges } }).steps.map(({ kernel }) => kernel);
  };
  const count = (names: readonly string[]) => names.filter((name) => name.startsWith('i8_dot')).length;
  expect(count(kernels(0, 1))).toBe(3);
  expect(count(kernels(0, 1e5))).toBe(2); // sums of 10⁵ rounded to steps of 1 / 127
  expect(count(kernels(1e9, 1))).toBe(2);
});

it('keeps the bias of a channel whose weights are next to nothing', () => {
  const g = new GraphBuilder(2);
  const graph = g.finish(g.conv2d(g.input([1, 4, 3, 3]), 4, 1));
  const [, w, b] = graph.nodes[0].inputs.map((name) => graph.values.get(name)!.data as Float32Array);
  w.fill(1e-20, 0, 4);
  b[0] = 0.5;
  const ranges = { input0: { min: -1, max: 1 }, conv2d0: { min: -1, max: 1 } };
  const grids = gridsOf(graph, ranges);
  storeInBytes(graph, { grids, hasKernel: (node, from) => hasByteKernel(graph, node, from) });
  const program = lowerGraph(graph, defaultCostModel);
  expect(program.steps.map(({ kernel }) => kernel)).toContain('i8_dot_12x4');
  const y = evaluate(graph, randomInputs(graph, randomFloats(7))).output0.data as Float32Array;
  expect(Array.from(y.subarray(0, 9))).toEqual(Array.from({ length: 9 }, () => expect.closeTo(0.5, 5)));
});

/** A file's uint8 layer, whose weights less their zero point reach beyond int8. */
function uint8Layer(op: 'CONV_2D' | 'DEPTHWISE_CONV_2D', kernel: number): Uint8Array {
  const model = new ModelBuilder();
  const uint8 = (scale: number, zeroPoint: number) =>
    ({ type: 'uint8', quantization: { scales: [scale], zeroPoints: [zeroPoint] } }) as const;
  const isDepthwise = op !== 'CONV_2D';
  const [channels, outputs] = [10, isDepthwise ? 10 : 7];
  const x = model.input('x', [1, 6, 5, channels], uint8(0.02, 3));
  const shape = isDepthwise ? [1, kernel, kernel, outputs] : [outputs, kernel, kernel, channels];
  const count = shape.reduce((a, b) => a * b, 1);
  const random = randomFloats(kernel)(count);
  const data = Uint8Array.from(random, (v, i) => (i % 37 === 0 ? 0 : i % 41 === 0 ? 255 : 151 + 40 * v));
  const weights = model.add({ shape, data, ...uint8(0.004, 151) });
  const bias = model.add({
    shape: [outputs],
    type: 'int32',
    data: Int32Array.from({ length: outputs }, (_, i) => 90 * i),
  });
  const options = { padding: 0, strideWidth: 1, strideHeight: 1, activation: 0 };
  const y = uint8(0.05, 120);
  model.outputs.push(
    ...model.apply(
      'y',
      op,
      [x, weights, bias],
      [[1, 6, 5, outputs]],
      isDepthwise ? { DepthwiseConv2D: { ...options, multiplier: 1 } } : { Conv2D: options },
      y,
    ),
  );
  return model.bytes();
}

it.each([
  ['CONV_2D', 1],
  ['CONV_2D', 3],
  ['DEPTHWISE_CONV_2D', 3],
] as const)("keeps a file's integers: %s of %d×%d, weights beyond int8", async (op, kernel) => {
  const file = uint8Layer(op, kernel);
  const program = compileGraph(importTflite(file, 'uint8.tflite'), { integers: true });
  const kernels = program.steps.map((step) => step.kernel);
  expect(
    kernels.some((name) => name.startsWith('i8_dot')),
    kernels.join(),
  ).toBe(op === 'CONV_2D');
  const bytes = Uint8Array.from(randomFloats(3)(300), (v) => 128 + 127 * v);
  const inputs = { x: new Tensor('uint8', [1, 6, 5, 10], bytes) };
  const model = await loadModel(writeArtifact(program));
  const actual = (await model.run(inputs)).y.data as Float32Array;
  // the same arithmetic in floats, rounded as the file says
  const exact = evaluate(importTflite(file, 'uint8.tflite'), inputs).y.data as Float32Array;
  const byte = (v: number) => Math.round(v / 0.05);
  const far = actual.filter((v, i) => byte(v) !== byte(exact[i])).length;
  expect(far).toBeLessThan(3);
  expect(new Set(Array.from(actual, byte)).size).toBeGreaterThan(20);
});

it('measures what eight bits cost each layer, and keeps those in floats that they would harm', async () => {
  const network = () => {
    const g = new GraphBuilder(3);
    const x = g.input([1, 4, 6, 6]);
    // one channel a thousand times the others, which a depthwise layer makes alike
    const scaled = g.conv2d(x, 4, 1);
    const weights = () => g.graph.values.get(g.graph.nodes.at(-1)!.inputs[1])!.data as Float32Array;
    weights().set([1000, 0, 0, 0]);
    const evened = g.conv2d(scaled, 4, 3, { groups: 4 });
    weights().set(
      weights()
        .subarray(0, 9)
        .map((w) => w / 1000),
    );
    const y = g.conv2d(evened, 4, 1);
    // a reader that bytes do not harm
    return g.finish(g.conv2d(y, 4, 1), g.conv2d(scaled, 3, 1));
  };
  const samples = [1, 2, 3].map((seed) => randomInputs(network(), randomFloats(seed)));
  const program = compileGraph(network());
  const { ranges, floats } = await calibrateBytes(network(), program, { calibrate: samples });
  const harmed = network().nodes.filter(({ name }) => Object.hasOwn(floats, name));
  expect(harmed.map(({ inputs }) => inputs[0])).toContain('conv2d0');
  expect(Object.keys(floats).length).toBeLessThan(3);
  const { notes, steps } = compileGraph(network(), { int8: { ranges, floats } });
  expect(notes.join()).toContain('in floats, because eight bits would change it by');
  expect(steps.some(({ kernel }) => kernel.startsWith('f32_depthwise'))).toBe(true);

  // what such a layer reads is in floats too: in bytes, three of its four channels would be 0
  const inputs = samples[0];
  const expected = evaluate(network(), inputs).output0.data as Float32Array;
  const model = await loadModel(writeArtifact(compileGraph(network(), { int8: { ranges, floats } })));
  const actual = (await model.run(inputs)).output0.data as Float32Array;
  const size = (values: Float32Array) => Math.hypot(...values);
  expect(size(expected.map((v, i) => v - actual[i]))).toBeLessThan(0.03 * size(expected));
});

it('has seven bits for a range, with 0 among the numbers', () => {
  expect(gridOf({ min: 0, max: 12.7 })).toEqual({ scale: Math.fround(0.1), zero: 0, most: 127 });
  expect(gridOf({ min: -1, max: 1 }).zero).toBe(64);
  expect(gridOf({ min: 3, max: 3 }).zero).toBe(0);
  expect(gridOf({ min: 0, max: 0 }).scale).toBe(1);
});
