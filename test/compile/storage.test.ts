import { describe, expect, it } from 'vitest';
import { evaluate } from '../../src/graph/evaluate.ts';
import { emptyGraph } from '../../src/graph/graph.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { inferShapes } from '../../src/graph/infer.ts';
import { randomFloats, relativeError } from '../kernels/wasm.ts';
import { loadGraph, randomInputs } from '../program.ts';

type NodeRow = [op: string, inputs: string[], outputs: string[], attributes?: object];

/** A graph over one input x; constants and shapes are inferred. */
function chain(shape: number[], steps: NodeRow[], outputs: string[]): Graph {
  const graph = emptyGraph('storage');
  graph.values.set('x', { name: 'x', shape, dtype: 'float32' });
  graph.inputs.push({ value: 'x', name: 'x', dtype: 'float32' });
  for (const [op, inputs, results, attributes] of steps) {
    graph.nodes.push({ name: `${op}:${results[0]}`, op, inputs, outputs: results, attributes: attributes ?? {} });
  }
  for (const name of outputs) graph.outputs.push({ value: name, name, dtype: 'float32' });
  inferShapes(graph);
  return graph;
}

/** Two runs, so that anything a run destroys shows in the second. */
async function expectSameAsReference(graph: Graph): Promise<{ activations: number }> {
  const model = await loadGraph(graph, 'simd');
  for (const seed of [1, 2]) {
    const inputs = randomInputs(graph, randomFloats(seed));
    const expected = evaluate(graph, inputs);
    for (let run = 0; run < 2; run++) {
      const outputs = await model.run(inputs);
      for (const [name, tensor] of Object.entries(expected)) {
        // exact: sums of two floats
        expect(relativeError(outputs[name].data as Float32Array, tensor.data as Float32Array), name).toBeLessThan(1e-6);
      }
    }
  }
  model.dispose();
  return model.info.memory;
}

const add = { fn: 'add' };
const relu = { fn: 'clamp', alpha: 0, beta: Infinity };
const slice = (start: number, size: number) => ({ starts: [start], sizes: [size], steps: [1] });

describe('values that share storage', () => {
  it('leave a shifted view alone that the same node reads', async () => {
    for (const [a, b] of [
      [0, 1],
      [1, 0],
      [0, 5],
      [3, 1],
    ]) {
      const steps: NodeRow[] = [
        ['unary', ['x'], ['t'], { fn: 'neg' }],
        ['slice', ['t'], ['a'], slice(a, 50)],
        ['slice', ['t'], ['b'], slice(b, 50)],
        ['binary', ['a', 'b'], ['y'], add],
      ];
      await expectSameAsReference(chain([60], steps, ['y']));
    }
  });

  it('leave a value alone that is still to be read', async () => {
    const steps: NodeRow[] = [
      ['unary', ['x'], ['a'], { fn: 'neg' }],
      ['unary', ['a'], ['b'], relu],
      ['reshape', ['a'], ['c'], { shape: [2, 3, 64] }],
      ['unary', ['c'], ['d'], { fn: 'abs' }],
      ['reshape', ['b'], ['e'], { shape: [2, 3, 64] }],
      ['binary', ['d', 'e'], ['y'], add],
    ];
    await expectSameAsReference(chain([2, 3, 8, 8], steps, ['y', 'a']));
  });

  it('leave the input and outputs alone', async () => {
    const steps: NodeRow[] = [
      ['unary', ['x'], ['a'], relu],
      ['unary', ['a'], ['b'], { fn: 'neg' }],
      ['binary', ['b', 'x'], ['y'], add],
    ];
    await expectSameAsReference(chain([1, 3, 5, 5], steps, ['a', 'b', 'y']));
  });

  it('meet in concatenations, nested and repeated', async () => {
    const steps: NodeRow[] = [
      ['unary', ['x'], ['a'], { fn: 'neg' }],
      ['unary', ['x'], ['b'], relu],
      ['concat', ['a', 'b'], ['c'], { axis: 1 }],
      ['unary', ['x'], ['d'], { fn: 'abs' }],
      ['concat', ['c', 'd', 'c'], ['e'], { axis: 1 }],
      ['concat', ['a', 'x'], ['f'], { axis: 1 }],
      ['unary', ['e'], ['g'], { fn: 'square' }],
    ];
    await expectSameAsReference(chain([1, 3, 5, 5], steps, ['g', 'f', 'c']));
  });

  it('split, change in place and come together again', async () => {
    const steps: NodeRow[] = [
      ['unary', ['x'], ['t'], { fn: 'neg' }],
      ['split', ['t'], ['a', 'b'], { axis: 1, sizes: [2, 4] }],
      ['unary', ['a'], ['c'], relu],
      ['concat', ['c', 'b', 'a'], ['y'], { axis: 1 }],
    ];
    await expectSameAsReference(chain([1, 6, 7, 3], steps, ['y']));
  });

  it('need no second buffer for a chain of elementwise operators', async () => {
    const steps = Array.from({ length: 6 }, (_, i): NodeRow => [
      'unary',
      [i ? `v${i}` : 'x'],
      [`v${i + 1}`],
      { fn: 'neg' },
    ]);
    const { activations } = await expectSameAsReference(chain([1, 4, 32, 32], steps, ['v6']));
    // input and one result, each with slack
    expect(activations).toBeLessThan(2 * 4 * 4 * 32 * 34 + 1024);
  });
});
