import { describe, expect, it } from 'vitest';
import { compileGraph } from '../../src/compile/compile.ts';
import { writeArtifact } from '../../src/artifact/write.ts';
import { evaluate } from '../../src/graph/evaluate.ts';
import type { CostModel } from '../../src/lower/cost-model.ts';
import { defaultCostModel } from '../../src/lower/cost.ts';
import { fuseSlopes } from '../../src/passes/fuse-slopes.ts';
import { loadModel } from '../../src/runtime/load.ts';
import { applyPass, GraphBuilder, nodeOf, ops } from '../graphs.ts';
import { builds, type Build, randomFloats, relativeError } from '../kernels/wasm.ts';
import { forced, randomInputs } from '../program.ts';

const prelu = { fn: 'prelu' } as const;

type Build4 = (b: GraphBuilder, x: string) => string | string[];

function graphOf(build: Build4, shape = [2, 4, 5, 7]) {
  const b = new GraphBuilder();
  return b.finish(...[build(b, b.input(shape))].flat());
}

const after = (build: Build4, shape?: number[]) => applyPass(graphOf(build, shape), fuseSlopes);

const slopes = (b: GraphBuilder, y: string, shape = [b.shape(y)[1], 1, 1]) =>
  b.node('binary', prelu, y, b.constant(shape));

describe('fuseSlopes', () => {
  it.each([[[6, 1, 1]], [[1, 6, 1, 1]]])(
    'gives a convolution the slopes [%s] of the PReLU that alone reads it',
    (shape) => {
      const { graph } = after((b, x) => slopes(b, b.conv2d(x, 6, 3), shape));
      expect(ops(graph)).toEqual(['conv2d']);
      const { inputs, outputs } = nodeOf(graph, 'conv2d');
      expect(inputs).toHaveLength(5);
      expect(inputs[3]).toBe('');
      expect(graph.values.get(inputs[4])!.shape).toEqual([6]);
      expect(outputs).toEqual([graph.outputs[0].value]);
    },
  );

  const left: Record<string, Build4> = {
    'slopes of pixels': (b, x) => slopes(b, b.conv2d(x, 6, 3), [1, 5, 7]),
    'slopes of columns': (b, x) => slopes(b, b.conv2d(x, 7, 3), [7]),
    'computed slopes': (b, x) => b.node('binary', prelu, b.conv2d(x, 4, 3), x),
    'a slope of a computed value': (b, x) => b.node('binary', prelu, b.constant([1, 6, 1, 1]), b.conv2d(x, 6, 3)),
    'a convolution that others read': (b, x) => {
      const y = b.conv2d(x, 6, 3);
      return [slopes(b, y), b.node('unary', { fn: 'abs' }, y)];
    },
    'a convolution with an activation': (b, x) => slopes(b, b.conv2d(x, 6, 3, { activation: { fn: 'silu' } })),
    'a PReLU with an activation': (b, x) =>
      b.node('binary', { ...prelu, activation: { fn: 'tanh' } }, b.conv2d(x, 6, 3), b.constant([6, 1, 1])),
    'a sum': (b, x) => slopes(b, b.node('binary', { fn: 'add' }, x, x)),
    'one pixel': (b, x) => slopes(b, b.conv2d(b.node('reduce', { fn: 'max', axes: [2, 3], keepDims: true }, x), 6, 1)),
  };
  it.each(Object.entries(left))('leaves %s', (_, build) => {
    expect(after(build).changed).toBe(false);
  });
});

/** What a network with slopes gives, compiled, against the evaluator. */
async function check(build: Build, costModel: CostModel, network: Build4, shape?: number[]) {
  const graph = graphOf(network, shape);
  const random = randomFloats(9);
  const inputs = randomInputs(graph, random);
  const expected = evaluate(structuredClone(graph), inputs);
  const program = compileGraph(graph, { costModel });
  const fused = program.layers.filter(({ op }) => op === 'binary').length === 0;
  const model = await loadModel(writeArtifact(program), { build });
  const actual = await model.run(inputs);
  model.dispose();
  for (const [name, { data }] of Object.entries(expected)) {
    // f32 sums against f64
    expect(relativeError(actual[name].data as Float32Array, data as Float32Array)).toBeLessThan(1e-5);
  }
  return fused;
}

describe.each(builds)('slopes, %s build', (build) => {
  const networks: Record<string, Build4> = {
    pointwise: (b, x) => slopes(b, b.conv2d(x, 6, 1)),
    '3×3': (b, x) => slopes(b, b.conv2d(x, 6, 3)),
    'in strides': (b, x) => slopes(b, b.conv2d(x, 9, 3, { stride: [2, 2] })),
    'in groups': (b, x) => slopes(b, b.conv2d(x, 6, 3, { groups: 2 })),
    'depthwise 3×3': (b, x) => slopes(b, b.conv2d(x, 4, 3, { groups: 4 })),
    'depthwise 3×3 in strides, two each': (b, x) => slopes(b, b.conv2d(x, 8, 3, { groups: 4, stride: [2, 2] })),
    'depthwise 5×5': (b, x) => slopes(b, b.conv2d(x, 4, 5, { groups: 4 })),
    'depthwise 7×7': (b, x) => slopes(b, b.conv2d(x, 4, 7, { groups: 4 })),
    'one after the other': (b, x) => slopes(b, b.conv2d(slopes(b, b.conv2d(x, 16, 3)), 12, 1)),
  };
  it.each(Object.entries(networks))('%s', async (_, network) => {
    for (const costModel of [defaultCostModel, ...Object.values(forced)]) {
      for (const shape of [
        [2, 4, 5, 7],
        [1, 4, 13, 12],
      ]) {
        expect(await check(build, costModel, network, shape)).toBe(true);
      }
    }
  });

  it('of many columns, which packed kernels add up in steps', async () => {
    expect(await check(build, forced.packed, (b, x) => slopes(b, b.conv2d(x, 5, 1)), [1, 700, 3, 12])).toBe(true);
  });
});
