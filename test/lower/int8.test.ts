// Eight bits in whole graphs: calibrated, compiled, saved, loaded and run.
import v8 from 'node:v8';
import { describe, expect, it } from 'vitest';
import { writeArtifact } from '../../src/artifact/write.ts';
import { Calibration } from '../../src/compile/calibrate.ts';
import { compileGraph } from '../../src/compile.ts';
import { quantiseWeights, stepsOf } from '../../src/lower/int8.ts';
import type { Range } from '../../src/lower/ranges.ts';
import { evaluate } from '../../src/graph/evaluate.ts';
import type { DenseTensor } from '../../src/ops/operator.ts';
import { loadModel } from '../../src/runtime/load.ts';
import { Tensor } from '../../src/tensor.ts';
import { GraphBuilder } from '../graphs.ts';
import { builds, randomFloats, relativeError } from '../kernels/wasm.ts';
import { eightBits } from '../program.ts';

v8.setFlagsFromString('--experimental-wasm-relaxed-simd');

/** Three pointwise convolutions with what lies between them. `density` of the weights. */
function network(density: number) {
  const g = new GraphBuilder(7);
  const x = g.input([2, 12, 9, 9]);
  const a = g.conv2d(x, 24, 3, { activation: { fn: 'clamp', alpha: 0, beta: Infinity } });
  const b = g.conv2d(a, 30, 1, { activation: { fn: 'silu' } });
  const c = g.conv2d(b, 21, 1);
  const graph = g.finish(c, g.conv2d(b, 64, 1, { groups: 2 }));
  const draw = randomFloats(3);
  for (const value of graph.values.values()) {
    if (value.data instanceof Float32Array && value.shape.length === 4 && value.shape[2] === 1) {
      const keep = draw(value.data.length);
      value.data = value.data.map((w, i) => ((keep[i] + 1) / 2 < density ? w : 0));
    }
  }
  return graph;
}

const samples = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    x: new Tensor('float32', [2, 12, 9, 9], randomFloats(50 + i)(2 * 12 * 81)),
  }));

async function calibrated(density: number) {
  const graph = network(density);
  const [input] = graph.inputs;
  const calibration = new Calibration(graph);
  const model = await loadModel(writeArtifact(calibration.program), { build: 'simd' });
  for (const { x } of samples(4)) calibration.observe(await model.run({ [input.name]: x }));
  model.dispose();
  return { calibration, name: input.name };
}

describe('calibration', async () => {
  const { calibration } = await calibrated(1);

  it('gives the least and the greatest number of each value that a pointwise convolution reads', () => {
    const ranges = Object.values(calibration.ranges());
    expect(ranges).toHaveLength(2);
    const [relu, silu] = ranges;
    expect(relu.min).toBe(0);
    expect(relu.max).toBeGreaterThan(0.5);
    expect(silu.min).toBeGreaterThanOrEqual(-0.2785);
    expect(silu.min).toBeLessThan(-0.1);
  });

  it('leaves out the requested share', () => {
    const all = Object.values(calibration.ranges());
    Object.values(calibration.ranges({ share: 0.98 })).forEach((range, i) => {
      expect(range.max).toBeLessThan(all[i].max);
      expect(range.max).toBeGreaterThan(all[i].max / 10);
      expect(range.min).toBeGreaterThanOrEqual(all[i].min);
    });
    expect(() => calibration.ranges({ share: 0.3 })).toThrow(/share/);
  });

  it('says which output is missing', () => {
    expect(() => calibration.observe({})).toThrow(/no output "calibration:/);
  });
});

describe.each([1, 0.3, 0.1])('a network in eight bits, density %f', async (density) => {
  const { calibration, name } = await calibrated(density);
  const ranges = calibration.ranges();
  const floats = compileGraph(network(density));
  const eight = compileGraph(network(density), {
    int8: { ranges },
    costModel: eightBits(density === 1 ? 4 : density === 0.3 ? 2 : 1),
  });
  const [sample] = samples(1);

  it('does every pointwise convolution so, and those alone', () => {
    const kernels = eight.steps.map(({ kernel }) => kernel);
    expect(kernels.filter((kernel) => kernel.startsWith('i8_spmm'))).toHaveLength(4);
    expect(kernels.filter((kernel) => /^f32_(conv|winograd)/.test(kernel))).toHaveLength(1);
    expect(floats.steps.some(({ kernel }) => kernel.startsWith('i8'))).toBe(false);
  });

  it('gives nearly the same in floats, and the same bits in both builds', async () => {
    const results = [];
    for (const program of [floats, eight, eight]) {
      const build = results.length < 2 ? builds[0] : builds[1];
      const model = await loadModel(writeArtifact(program), { build });
      results.push(Object.values(await model.run({ [name]: sample.x })).map(({ data }) => data as Float32Array));
      model.dispose();
    }
    const [expected, simd, relaxed] = results;
    // two layers with inputs of 7 bits and weights of 8
    simd.forEach((actual, i) => expect(relativeError(actual, expected[i])).toBeLessThan(0.03));
    // what comes before and between the products is rounded otherwise where madd is fused
    relaxed.forEach((actual, i) => expect(relativeError(actual, simd[i])).toBeLessThan(0.02));
  });
});

describe('a product in eight bits with a residual', () => {
  const add = { fn: 'add', activation: { fn: 'clamp', alpha: 0, beta: Infinity } } as const;

  /** Additions whose result takes the residual's place, and does not. */
  function residuals() {
    const g = new GraphBuilder(8);
    const x = g.input([2, 12, 9, 9]);
    const a = g.conv2d(x, 24, 3, { activation: { fn: 'clamp', alpha: 0, beta: Infinity } });
    const b = g.node('binary', add, g.conv2d(x, 24, 3), g.conv2d(a, 24, 1));
    const c = g.node('binary', add, b, g.conv2d(b, 24, 1));
    const d = g.conv2d(c, 24, 3);
    return g.finish(c, g.node('binary', add, g.conv2d(d, 24, 1), c));
  }

  it('is added to in a step of its own, with the activation', async () => {
    const inputs = { input0: samples(1)[0].x };
    const values = new Map<string, DenseTensor>();
    evaluate(residuals(), inputs, { intermediates: values });
    const ranges: Record<string, Range> = {};
    for (const [value, { data }] of values) ranges[value] = { min: Math.min(...data), max: Math.max(...data) };
    const eight = compileGraph(residuals(), { int8: { ranges }, costModel: eightBits(4) });
    const kernels = eight.steps.map(({ kernel }) => kernel);
    expect(kernels.filter((kernel) => kernel.startsWith('i8_spmm'))).toHaveLength(3);
    expect(kernels.filter((kernel) => kernel === 'f32_binary')).toHaveLength(3);
    const places = eight.steps.filter(({ kernel }) => kernel === 'f32_binary').map((step) => step.arguments);
    const isSame = (p: unknown, q: unknown) => JSON.stringify(p) === JSON.stringify(q);
    expect(places.map(({ a, b, y }) => [isSame(a, y), isSame(b, y)])).toEqual([
      [false, true],
      [true, false],
      [true, false],
    ]);
    const results: Float32Array[][] = [];
    for (const program of [compileGraph(residuals()), eight]) {
      const model = await loadModel(writeArtifact(program), { build: 'simd' });
      results.push(Object.values(await model.run(inputs)).map(({ data }) => data as Float32Array));
      model.dispose();
    }
    // three layers with inputs of 7 bits
    results[0].forEach((expected, i) => expect(relativeError(results[1][i], expected)).toBeLessThan(0.05));
  });
});

describe('steps', () => {
  it('hold zero exactly, and both ends', () => {
    expect(stepsOf({ min: 0, max: 127 })).toEqual({ step: 1, zero: 0 });
    expect(stepsOf({ min: -127, max: 127 })).toEqual({ step: 2, zero: 64 });
    expect(stepsOf({ min: 5, max: 12.7 }).zero).toBe(0);
    expect(stepsOf({ min: -4, max: -1 }).zero).toBe(127);
    expect(stepsOf({ min: 0, max: 0 })).toEqual({ step: 1, zero: 0 });
  });

  it('of weights are those of the row', () => {
    const [values, steps] = quantiseWeights(3, 3, Float32Array.of(1, -0.5, 0, 0, 0, 0, 2.54, 0.015, -2.54));
    expect([...values]).toEqual([127, -63, 0, 0, 0, 0, 127, 1, -127]);
    expect([...steps].map((s) => Math.fround(s * 127))).toEqual([1, 0, Math.fround(2.54)]);
  });
});
