import { expect, it } from 'vitest';
import { defaultCostModel } from '../../src/compile/cost.ts';
import { lowerGraph } from '../../src/compile/lower.ts';
import { GraphBuilder } from '../graphs.ts';

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
