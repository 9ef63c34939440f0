// The text of a graph shows all that a pass can change, and nothing else.
import { describe, expect, it } from 'vitest';
import { printGraph } from '../../src/graph/print.ts';
import { cloneGraph, GraphBuilder } from '../graphs.ts';

function sample() {
  const builder = new GraphBuilder();
  const x = builder.input([1, 4, 6, 3], { dtype: 'uint8', permutation: [0, 2, 3, 1] });
  const weights = builder.constant([2, 4, 1, 1], [1, 2, 3, 4, 5, 6, 7, 8]);
  const geometry = { stride: [1, 1], dilation: [1, 1], pads: [0, 0, 0, 0], groups: 1 } as const;
  const y = builder.node('conv2d', { ...geometry, activation: { fn: 'clamp', alpha: 0, beta: Infinity } }, x, weights);
  const graph = builder.finish(y);
  graph.inputs[0].quantization = { scale: 0.5, zeroPoint: 128 };
  return graph;
}

describe('a printed graph', () => {
  it('has a line for every port, attribute and value', () => {
    expect(printGraph(sample())).toBe(
      `input input0  uint8  permutation [0,2,3,1]  scale 0.5 zero point 128  = input0  float32 [1, 4, 6, 3]

conv2d conv2d0
  stride [1,1]
  dilation [1,1]
  pads [0,0,0,0]
  groups 1
  activation {"fn":"clamp","alpha":0,"beta":Infinity}
  in   input0  float32 [1, 4, 6, 3]
  in   constant1  float32 [2, 4, 1, 1]  #644b35ab
  out  conv2d0  float32 [1, 2, 6, 3]

output output0  float32  = conv2d0  float32 [1, 2, 6, 3]
`,
    );
  });

  it('differs in one line where one weight differs', () => {
    const graph = sample();
    const other = cloneGraph(graph);
    const { data } = other.values.get('constant1')!;
    (data as Float32Array)[7] = -8;
    const [a, b] = [graph, other].map((one) => printGraph(one).split('\n'));
    expect(b.length).toBe(a.length);
    expect(b.filter((line, i) => line !== a[i])).toEqual([
      expect.stringMatching(/^ {2}in {3}constant1 {2}float32 \[2, 4, 1, 1\] {2}#[\da-f]{8}$/),
    ]);
  });

  it('shows inputs that are left out', () => {
    const graph = sample();
    graph.nodes[0].inputs.push('');
    expect(printGraph(graph)).toContain('\n  in   –\n');
  });
});
