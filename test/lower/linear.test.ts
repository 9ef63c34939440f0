// Layers of one pixel an image, from graph to outputs, each way that they may be lowered.
import { describe, expect, it } from 'vitest';
import { readArtifact } from '../../src/artifact/read.ts';
import { writeArtifact } from '../../src/artifact/write.ts';
import { compileGraph } from '../../src/compile.ts';
import { defaultCostModel, predictLayers } from '../../src/lower/cost.ts';
import type { CostModel } from '../../src/lower/cost-model.ts';
import { lowerGraph } from '../../src/compile/lower-graph.ts';
import type { LinearWeights } from '../../src/lower/lowering.ts';
import { dequantised } from '../../src/lower/quantise.ts';
import { evaluate } from '../../src/graph/evaluate.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { loadModel } from '../../src/runtime/load.ts';
import { GraphBuilder } from '../graphs.ts';
import { builds, randomFloats, relativeError } from '../kernels/wasm.ts';
import { forced, overPlanes, randomInputs } from '../program.ts';

// f32 sums in another order than the reference's f64 sums
const tolerance = 1e-5;

function linear(rows: number, columns: number, batch: number, keep: (row: number, column: number) => boolean): Graph {
  const g = new GraphBuilder(rows + batch);
  const weights = randomFloats(columns)(rows * columns).map((w, i) =>
    keep(Math.floor(i / columns), i % columns) ? w : 0,
  );
  const x = g.input([batch, columns]);
  const w = g.constant([rows, columns], weights);
  return g.finish(g.node('linear', { activation: { fn: 'leakyRelu', alpha: 0.1 } }, x, w, g.constant([rows])));
}

const all = () => true;
const few = (row: number, column: number) => (row * 7 + column * 3) % 10 === 0;
const groups = (row: number, column: number) => (row + (column >> 4)) % 3 !== 0;

/** Outputs of the program that a graph becomes, the reference's, and the kernels between them. */
async function run(graph: Graph, costModel: CostModel, linearWeights?: LinearWeights) {
  const program = lowerGraph(graph, costModel, { linearWeights });
  const inputs = randomInputs(graph, randomFloats(9));
  const outputs: Float32Array[] = [];
  for (const build of builds) {
    const model = await loadModel(writeArtifact(program), { build });
    outputs.push((await model.run(inputs)).output0.data as Float32Array);
    model.dispose();
  }
  return { program, inputs, outputs, kernels: program.steps.map(({ kernel }) => kernel) };
}

const expected = (graph: Graph, inputs: Awaited<ReturnType<typeof run>>['inputs']) =>
  evaluate(graph, inputs).output0.data as Float32Array;

describe('a linear layer', () => {
  it.each([
    ['dense', forced.dense, all, 1, ['f32_linear_dense']],
    ['sparse', forced[1], few, 1, ['f32_linear_sparse']],
    ['sparse in groups of four', forced[4], few, 3, ['f32_linear_sparse_4']],
    ['dense, many images', overPlanes, all, 32, ['f32_copy', 'f32_gemm_8x4', 'f32_copy']],
    ['sparse, many images', defaultCostModel, few, 33, ['f32_copy', 'f32_spmm_28x1', 'f32_copy']],
  ] as const)('meets the reference: %s', async (_, costModel, keep, batch, kernels) => {
    const graph = linear(40, 150, batch, keep);
    const { program, outputs, inputs, kernels: used } = await run(graph, costModel);
    expect(used).toEqual(kernels);
    expect(predictLayers(program)[0]).toBeGreaterThan(0);
    for (const output of outputs) expect(relativeError(output, expected(graph, inputs))).toBeLessThan(tolerance);
  });

  it('is cut into blocks of rows where its weights are large', async () => {
    const graph = linear(300, 1000, 16, all);
    const { outputs, inputs, kernels } = await run(graph, defaultCostModel);
    expect(kernels.filter((kernel) => kernel === 'f32_gemm_8x4').length).toBe(5);
    expect(relativeError(outputs[0], expected(graph, inputs))).toBeLessThan(tolerance);
  });

  it.each([
    ['int8', 1, all],
    ['int8', 7, groups],
    ['int4', 1, groups],
    ['int4', 32, all],
  ] as const)('meets the reference of its rounded weights: %s, batch %i', async (linearWeights, batch, keep) => {
    const graph = linear(70, 250, batch, keep);
    const { program, outputs, inputs, kernels } = await run(graph, defaultCostModel, linearWeights);
    expect(kernels).toEqual(['i16_linear_input', linearWeights === 'int8' ? 'i8_linear' : 'i4_linear']);
    const error = Number(/rounded to int[48], relative error ([\d.]+) %/.exec(program.notes[0])![1]);
    expect(error > 0.1 && error < (linearWeights === 'int8' ? 1 : 15), program.notes[0]).toBe(true);
    const read = readArtifact(writeArtifact(program), 'test');
    expect(read).toEqual(program);
    expect(predictLayers(read)[0]).toBeGreaterThan(0);
    const constant = read.buffers.flatMap((b) =>
      b.kind === 'constant' && b.constant.form === 'quantised' ? [b.constant] : [],
    )[0];
    const weights = graph.values.get(graph.nodes[0].inputs[1])!;
    weights.data = dequantised(constant);
    // inputs have 16 bits: half a step of 1/32767 each, of either sign
    for (const output of outputs) expect(relativeError(output, expected(graph, inputs))).toBeLessThan(5e-5);
  });

  it('stays f32 where zeros make that faster, where it is small or not finite', () => {
    const costModel = { ...defaultCostModel, costs: { ...defaultCostModel.costs, i8_linear: { one: 2 } } };
    const kernels = (graph: Graph) =>
      lowerGraph(graph, costModel, { linearWeights: 'int8' }).steps.map(({ kernel }) => kernel);
    const sparse = linear(100, 200, 1, (row, column) => (row * 200 + column) % 37 === 0);
    expect(kernels(sparse)[0]).toMatch(/^f32_linear_sparse/);
    expect(kernels(linear(28, 40, 1, all))).toEqual(['f32_linear_dense']);
    const broken = linear(100, 200, 1, all);
    (broken.values.get(broken.nodes[0].inputs[1])!.data as Float32Array)[5] = NaN;
    expect(kernels(broken)).toEqual(['f32_linear_dense']);
  });

  const copiesDear = { ...defaultCostModel, costs: { ...defaultCostModel.costs, f32_copy_strided: { step: 1e6 } } };

  it('computes convolutions with one output pixel, padded, strided and dilated', async () => {
    for (const options of [
      { stride: [1, 1], dilation: [1, 1], pads: [0, 0, 0, 0] },
      { stride: [2, 3], dilation: [2, 1], pads: [1, 1, 1, 0] },
    ] as const) {
      const g = new GraphBuilder(4);
      const graph = g.finish(g.conv2d(g.input([3, 5, 3, 3]), 28, 3, options));
      const { outputs, inputs, kernels } = await run(graph, copiesDear);
      expect(kernels.at(-1)).toBe('f32_linear_dense');
      for (const output of outputs) expect(relativeError(output, expected(graph, inputs))).toBeLessThan(tolerance);
    }
  });
});

it('refuses other kinds of weights', () => {
  const options = { linearWeights: 'int2' as LinearWeights };
  expect(() => compileGraph(linear(4, 4, 1, all), options)).toThrow(/linearWeights: wanted int8 or int4, got int2/);
});
