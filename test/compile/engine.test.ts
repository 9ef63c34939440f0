import { afterEach, expect, it, vi } from 'vitest';
import { costModelOf } from '../../src/compile/engine.ts';
import { compileGraph } from '../../src/compile.ts';
import { parseCostModel } from '../../src/lower/check-cost-model.ts';
import { costModels, defaultCostModel } from '../../src/lower/cost-models.ts';
import { engineNames } from '../../src/lower/engine-names.ts';
import { matrixKernels } from '../../src/lower/matrix-kernels.ts';
import { GraphBuilder } from '../graphs.ts';

afterEach(() => vi.unstubAllGlobals());

const network = () => {
  const b = new GraphBuilder(1);
  return b.finish(b.conv2d(b.input([1, 8, 8, 8]), 8, 3, {}));
};

it.each(engineNames)('%s: has costs of all kernels of weights × planes', (name) => {
  const { costs } = parseCostModel(JSON.stringify(costModels[name]), name);
  for (const kernel of Object.keys(matrixKernels)) expect(Object.keys(costs[kernel])).not.toEqual([]);
});

it('is that of V8 unless another is asked for, and this one where it is', () => {
  expect(costModelOf('v8')).toBe(defaultCostModel);
  expect(costModelOf('v8-11').wideTiles).toBeUndefined();
  vi.stubGlobal('Float16Array', Float32Array);
  expect(costModelOf('this')).toBe(costModels.v8);
  // stacks of JavaScriptCore have no first line with the message
  const { Error: own } = globalThis;
  vi.stubGlobal(
    'Error',
    class extends own {
      override stack = 'thisEngine@compile.js:1:1';
    },
  );
  expect(costModelOf('this')).toBe(costModels.javascriptcore);
  vi.stubGlobal('InternalError', own);
  expect(costModelOf('this')).toBe(costModels.v8);
});

it('chooses kernels by its costs', () => {
  // the same layer, dense: what an engine's own costs predict decides
  const chosen = engineNames.map((engine) => compileGraph(network(), { engine }).steps.map(({ kernel }) => kernel));
  expect(compileGraph(network(), {}).steps.map(({ kernel }) => kernel)).toEqual(chosen[engineNames.indexOf('v8')]);
  const costModel = { ...defaultCostModel, costs: { ...defaultCostModel.costs, f32_conv_gemm_8x4: {} } };
  const kernels = compileGraph(network(), { engine: 'v8', costModel }).steps.map(({ kernel }) => kernel);
  expect(kernels).toContain('f32_conv_gemm_8x4');
});

it('says which engines there are', () => {
  expect(() => compileGraph(network(), { engine: 'v9' as never })).toThrow(
    expect.objectContaining({
      code: 'invalid-argument',
      message: 'engine: wanted v8, v8-11, javascriptcore or this, got v9',
    }),
  );
});
