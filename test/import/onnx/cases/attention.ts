// Attention as exporters write it, and products of computed tensors.
import type { OnnxBuilder } from '../model.ts';
import { Cases } from './cases.ts';

export const attentionCases = new Cases();
const add = attentionCases.add;

const scaled = (m: OnnxBuilder, x: string, factor: number) => m.node('Mul', [x, m.floats([], [factor])]);

add('MatMul of computed tensors', [9, 13], (m) => m.node('MatMul', [m.input([3, 5]), m.input([5, 4])]));
add('MatMul of computed tensors, batched', 13, (m) => m.node('MatMul', [m.input([2, 1, 3, 5]), m.input([4, 5, 6])]));
add('MatMul of computed vectors', 13, (m) => m.node('MatMul', [m.input([5]), m.input([5])]));
add('MatMul of a computed matrix and vector', 13, (m) => m.node('MatMul', [m.input([2, 3, 5]), m.input([5])]));
add('MatMul of a computed vector and matrix', 13, (m) => m.node('MatMul', [m.input([5]), m.input([2, 5, 3])]));
add('MatMul with constants for each head', 13, (m) => m.node('MatMul', [m.input([1, 2, 3, 5]), m.floats([2, 5, 4])]));
add('Gemm of computed tensors', 13, (m) =>
  m.node('Gemm', [m.input([5, 3]), m.input([4, 5]), m.input([4])], {
    transA: 1,
    transB: 1,
    alpha: { float: 0.5 },
    beta: { float: 2 },
  }),
);

/** Heads of queries and keys of 4 and values of 8 channels, 6 × 5 pixels; (1, 32, 6, 5). */
add('attention of YOLO11', 16, (m) => {
  const x = m.input([1, 32, 6, 5]);
  const convolution = (value: string, outputs: number, inputs: number, kernel = 1, group = 1) =>
    m.node('Conv', [value, m.floats([outputs, inputs / group, kernel, kernel]), m.floats([outputs])], {
      pads: Array.from({ length: 4 }, () => (kernel - 1) / 2),
      group,
    });
  const heads = m.node('Reshape', [convolution(x, 64, 32), m.int64s([1, 4, 16, 30])]);
  const [q, k, v] = m.nodesOf('Split', [heads, m.int64s([4, 4, 8])], { axis: 2 }, 3);
  const scores = m.node('MatMul', [m.node('Transpose', [q], { perm: [0, 1, 3, 2] }), k]);
  const weights = m.node('Softmax', [scaled(m, scores, 0.5)], { axis: -1 });
  const mixed = m.node('MatMul', [v, m.node('Transpose', [weights], { perm: [0, 1, 3, 2] })]);
  const back = m.node('Reshape', [mixed, m.int64s([1, 32, 6, 5])]);
  const position = convolution(m.node('Reshape', [v, m.int64s([1, 32, 6, 5])]), 32, 32, 3, 32);
  return m.node('Add', [x, convolution(m.node('Add', [back, position]), 32, 32)]);
});

/** Tokens of 16 channels in rows, two heads; normalised before. */
add('attention of a vision transformer', 17, (m) => {
  const x = m.input([1, 10, 16]);
  const normal = m.node('LayerNormalization', [x, m.floats([16]), m.floats([16])]);
  const all = m.node('Add', [m.node('MatMul', [normal, m.floats([16, 48])]), m.floats([48])]);
  const heads = m.node('Transpose', [m.node('Reshape', [all, m.int64s([1, 10, 3, 2, 8])])], { perm: [2, 0, 3, 1, 4] });
  const [q, k, v] = m.nodesOf('Split', [heads], { axis: 0 }, 3).map((part) => m.node('Squeeze', [part, m.int64s([0])]));
  const scores = m.node('MatMul', [q, m.node('Transpose', [k], { perm: [0, 1, 3, 2] })]);
  const mixed = m.node('MatMul', [m.node('Softmax', [scaled(m, scores, 0.35)]), v]);
  const rows = m.node('Reshape', [m.node('Transpose', [mixed], { perm: [0, 2, 1, 3] }), m.int64s([1, 10, 16])]);
  return m.node('Add', [x, m.node('MatMul', [rows, m.floats([16, 16])])]);
});

const equations: [equation: string, ...shapes: number[][]][] = [
  ['bhid,bhjd->bhij', [1, 2, 5, 4], [1, 2, 6, 4]],
  ['bhij, bhjd -> bihd', [1, 2, 5, 6], [1, 2, 6, 4]],
  ['ijk,k', [2, 3, 4], [4]],
  ['ba,bc->ca', [3, 4], [3, 5]],
  ['i,j->ji', [3], [4]],
  ['abc,cd->d', [2, 3, 4], [4, 5]],
  ['bnc,bnc->bn', [2, 5, 3], [2, 5, 3]],
  ['abcd->dac', [2, 3, 4, 5]],
  ['ba', [3, 4]],
  ['ij->', [3, 4]],
];
for (const [equation, ...shapes] of equations) {
  add(`Einsum ${equation}`, 13, (m) =>
    m.node(
      'Einsum',
      shapes.map((shape) => m.input(shape)),
      { equation },
    ),
  );
}
add('Einsum with weights', 13, (m) =>
  m.node('Einsum', [m.input([2, 3, 4]), m.floats([5, 4])], { equation: 'bnc,dc->bnd' }),
);
