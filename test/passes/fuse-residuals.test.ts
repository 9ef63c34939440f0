import { describe, expect, it } from 'vitest';
import { fuseResiduals } from '../../src/passes/fuse-residuals.ts';
import { applyPass, GraphBuilder, nodeOf, ops } from '../graphs.ts';

const relu = { fn: 'clamp', alpha: 0, beta: Infinity } as const;
const add = { fn: 'add' } as const;

/** What the pass leaves of a graph over one input [2, 4, 5, 5]. */
function after(build: (b: GraphBuilder, x: string) => string | string[]) {
  const b = new GraphBuilder();
  const graph = b.finish(...[build(b, b.input([2, 4, 5, 5]))].flat());
  return applyPass(graph, fuseResiduals);
}

/** Expects the pass to leave such a graph unchanged. */
function expectLeft(build: (b: GraphBuilder, x: string) => string | string[]) {
  expect(after(build).changed).toBe(false);
}

describe('fuseResiduals', () => {
  it.each([0, 1])('makes an addition the residual of a convolution, operand %d, and takes its activation', (at) => {
    const { graph } = after((b, x) => {
      const y = b.conv2d(x, 4, 3);
      return b.node('binary', { ...add, activation: relu }, ...(at ? [x, y] : [y, x]));
    });
    expect(ops(graph)).toEqual(['conv2d']);
    const { inputs, outputs, attributes } = nodeOf(graph, 'conv2d');
    expect(inputs).toEqual(['input0', 'constant1', 'constant2', 'input0']);
    expect(outputs).toEqual([graph.outputs[0].value]);
    expect(attributes).toMatchObject({ activation: relu });
  });

  it('of two convolutions gives the later one the result of the other, in either order of the operands', () => {
    for (const swapped of [false, true]) {
      const { graph } = after((b, x) => {
        const [first, second] = [b.conv2d(x, 6, 1), b.conv2d(x, 6, 3)];
        return b.node('binary', add, ...(swapped ? [second, first] : [first, second]));
      });
      expect(graph.nodes.map(({ inputs }) => inputs.length)).toEqual([3, 4]);
      expect(graph.nodes[1].inputs[3]).toBe(graph.nodes[0].outputs[0]);
    }
  });

  it('moves a convolution after the node that makes the other operand', () => {
    const { graph } = after((b, x) => {
      const first = b.conv2d(x, 4, 1);
      const second = b.conv2d(x, 4, 1, { activation: relu });
      return b.node('binary', add, first, b.node('unary', { fn: 'abs' }, second));
    });
    expect(ops(graph)).toEqual(['conv2d', 'unary', 'conv2d']);
    expect(graph.nodes[2].inputs[3]).toBe(graph.nodes[1].outputs[0]);
  });

  it('gives the earlier convolution the result of a later one that is activated', () => {
    const { graph } = after((b, x) =>
      b.node('binary', add, b.conv2d(x, 4, 1), b.conv2d(x, 4, 1, { activation: { fn: 'silu' } })),
    );
    expect(graph.nodes.map(({ inputs }) => inputs.length)).toEqual([3, 4]);
    expect(graph.nodes[0].attributes).toMatchObject({ activation: { fn: 'silu' } });
  });

  it('follows a chain of blocks', () => {
    const { graph } = after((b, x) => {
      for (let i = 0; i < 3; i++) {
        const wide = b.conv2d(x, 8, 1, { activation: relu });
        x = b.node('binary', add, x, b.conv2d(wide, 4, 1));
      }
      return x;
    });
    expect(ops(graph)).toEqual(Array.from({ length: 6 }, () => 'conv2d'));
  });

  it('adds to a convolution without bias', () => {
    const { graph } = after((b, x) => {
      const geometry = { stride: [1, 1], dilation: [1, 1], pads: [0, 0, 0, 0], groups: 1 } as const;
      return b.node('binary', add, x, b.node('conv2d', geometry, x, b.constant([4, 4, 1, 1])));
    });
    expect(nodeOf(graph, 'conv2d').inputs).toEqual(['input0', 'constant1', '', 'input0']);
  });

  it('leaves a result that others read, or that is an output, or that is added to itself', () => {
    expectLeft((b, x) => {
      const y = b.conv2d(x, 4, 1);
      return b.node('binary', { fn: 'mul' }, y, b.node('binary', add, y, x));
    });
    expectLeft((b, x) => {
      const y = b.conv2d(x, 4, 1);
      return [b.node('binary', add, y, x), y];
    });
    expectLeft((b, x) => {
      const y = b.conv2d(x, 4, 1);
      return b.node('binary', add, y, y);
    });
  });

  it('leaves an activation between convolution and addition', () => {
    expectLeft((b, x) => b.node('binary', add, x, b.conv2d(x, 4, 1, { activation: { fn: 'silu' } })));
  });

  it('leaves operands that are broadcast, either way, and constants', () => {
    expectLeft((b, x) => b.node('binary', add, b.conv2d(x, 4, 1), b.node('reduce', mean, x)));
    expectLeft((b, x) => b.node('binary', add, x, b.conv2d(x, 1, 1)));
    expectLeft((b, x) => b.node('binary', add, b.conv2d(x, 4, 1), b.constant([2, 4, 5, 5])));
  });

  it('leaves other functions, groups of channels, and single pixels', () => {
    expectLeft((b, x) => b.node('binary', { fn: 'sub' }, b.conv2d(x, 4, 1), x));
    expectLeft((b, x) => b.node('binary', add, b.conv2d(x, 4, 3, { groups: 4 }), x));
    expectLeft((b, x) => b.node('binary', add, b.conv2d(x, 4, 3, { groups: 2 }), x));
    expectLeft((b, x) => {
      const pixel = b.node('reduce', mean, x);
      return b.node('binary', add, b.conv2d(pixel, 4, 1), pixel);
    });
  });

  it('adds one residual to a convolution', () => {
    const { graph } = after((b, x) => {
      const y = b.node('binary', add, b.conv2d(x, 4, 1), x);
      return b.node('binary', add, y, b.node('unary', { fn: 'abs' }, x));
    });
    expect(ops(graph)).toEqual(['conv2d', 'unary', 'binary']);
  });
});

const mean = { fn: 'mean', axes: [2, 3], keepDims: true } as const;
