import { expect, it } from 'vitest';
import { defaultCostModel } from '../../src/lower/cost.ts';
import { lowerGraph } from '../../src/compile/lower-graph.ts';
import { writeArtifact } from '../../src/artifact/write.ts';
import { compileGraph } from '../../src/compile.ts';
import { loadModel } from '../../src/runtime/load.ts';
import { Tensor } from '../../src/tensor.ts';
import { GraphBuilder } from '../graphs.ts';
import { randomFloats, relativeError } from '../kernels/wasm.ts';

it('counts the zeros of a convolution in all its groups', () => {
  const b = new GraphBuilder();
  const x = b.input([1, 6, 5, 5]);
  const weights = Float32Array.from({ length: 6 * 2 }, (_, i) => (i < 3 ? 0 : i));
  const geometry = { stride: [1, 1], dilation: [1, 1], pads: [0, 0, 0, 0], groups: 3 } as const;
  const graph = b.finish(b.node('conv2d', geometry, x, b.constant([6, 2, 1, 1], weights)));
  const [layer] = lowerGraph(graph, defaultCostModel).layers;
  expect(layer.macs).toBe(25 * 12);
  expect(layer.effectiveMacs).toBe(25 * 9);
  expect(layer.sparsity).toBe(0.25);
});

it('multiplies zeros as well when it is asked to, with the same result', async () => {
  const build = () => {
    const g = new GraphBuilder(5);
    const weights = Float32Array.from({ length: 64 * 32 }, (_, i) => (i % 7 === 0 ? Math.sin(i) : 0));
    const geometry = { stride: [1, 1], dilation: [1, 1], pads: [0, 0, 0, 0], groups: 1 } as const;
    return g.finish(g.node('conv2d', geometry, g.input([1, 32, 8, 8]), g.constant([64, 32, 1, 1], weights)));
  };
  const [sparse, dense] = [false, true].map((isDense) => compileGraph(build(), { dense: isDense }));
  expect(sparse.steps.map(({ kernel }) => kernel)).toEqual([expect.stringContaining('spmm')]);
  expect(dense.steps.map(({ kernel }) => kernel)).toEqual(['f32_gemm_8x4']);
  const outputs: Float32Array[] = [];
  for (const program of [sparse, dense]) {
    const model = await loadModel(writeArtifact(program), { build: 'simd' });
    const input = new Tensor('float32', model.inputs[0].shape, randomFloats(3)(32 * 64));
    const [output] = Object.values(await model.run({ [model.inputs[0].name]: input }));
    outputs.push(output.data as Float32Array);
    model.dispose();
  }
  // sums of up to 32 products in another order
  expect(relativeError(outputs[0], outputs[1])).toBeLessThan(1e-6);
});

it('names the node whose parameter is not a number', () => {
  const b = new GraphBuilder();
  const x = b.input([1, 4]);
  const softmax = b.node('softmax', { axis: 1, beta: NaN }, x);
  expect(() => compileGraph(b.finish(softmax))).toThrow(
    expect.objectContaining({
      code: 'unsupported',
      message: 'test: node "softmax0" (softmax): beta is not a number',
    }),
  );
});
