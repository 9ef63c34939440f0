// Elementwise functions, softmax and reductions.
import type { OnnxBuilder } from '../model.ts';
import { Cases, image } from './cases.ts';

export const elementwiseCases = new Cases();
const add = elementwiseCases.add;

// Elementwise

const positive = new Set(['Log', 'Sqrt', 'Reciprocal']);
for (const op of [
  'Relu',
  'Sigmoid',
  'Tanh',
  'Exp',
  'Log',
  'Sqrt',
  'Neg',
  'Abs',
  'Reciprocal',
  'Softplus',
  'Softsign',
  'Identity',
]) {
  add(op, op === 'Relu' || op === 'Identity' ? [7, 14] : 13, (m) => {
    const x = m.input(image);
    if (!positive.has(op)) return m.node(op, [x]);
    return m.node(op, [m.node('Add', [m.node('Abs', [x]), m.floats([], [0.5])])]);
  });
}
add('HardSwish', [14, 22], (m) => m.node('HardSwish', [m.input(image)]));
add('Mish', 18, (m) => m.node('Mish', [m.input(image)]), { ops: ['unary'] });
add('Gelu', 20, (m) => m.node('Gelu', [m.input(image)]), { ops: ['unary'] });
add('com.microsoft Gelu', 12, (m) => m.node('com.microsoft.Gelu', [m.input(image)]), { ops: ['unary'] });
const erf = (m: OnnxBuilder, x: string) =>
  m.node('Add', [m.node('Erf', [m.node('Div', [x, m.floats([], [Math.SQRT2])])]), m.floats([], [1])]);
add(
  'GELU by Erf, half last',
  13,
  (m) => {
    const x = m.input([2, 5]);
    return m.node('Mul', [m.node('Mul', [x, erf(m, x)]), m.floats([], [0.5])]);
  },
  { ops: ['unary'] },
);
add(
  'GELU by Erf, half of x',
  13,
  (m) => {
    const x = m.input([2, 5]);
    return m.node('Mul', [m.node('Mul', [x, m.floats([1], [0.5])]), erf(m, x)]);
  },
  { ops: ['unary'] },
);
add(
  'GELU by Erf, half of the sum',
  13,
  (m) => {
    const x = m.input([2, 5]);
    return m.node('Mul', [x, m.node('Mul', [m.floats([], [0.5]), erf(m, x)])]);
  },
  { ops: ['unary'] },
);
add('LeakyRelu', [7, 16], (m) => m.node('LeakyRelu', [m.input(image)], { alpha: { float: 0.2 } }));
add('LeakyRelu default', 16, (m) => m.node('LeakyRelu', [m.input(image)]));
add('HardSigmoid', 7, (m) => m.node('HardSigmoid', [m.input(image)], { alpha: { float: 0.3 } }));
add('Elu', 7, (m) => m.node('Elu', [m.input(image)], { alpha: { float: 1.5 } }));
add('Selu', 7, (m) => m.node('Selu', [m.input(image)]));
add('Clip by attributes', [7, 10], (m) =>
  m.node('Clip', [m.input(image)], { min: { float: -0.5 }, max: { float: 0.75 } }),
);
add('Clip without bounds', 7, (m) => m.node('Clip', [m.input(image)]));
add('Clip by inputs', [11, 13], (m) => m.node('Clip', [m.input(image), m.floats([], [-0.5]), m.floats([], [0.75])]));
add('Clip above', 13, (m) => m.node('Clip', [m.input(image), '', m.floats([], [0.75])]));
add('Clip by a computed bound', 13, (m) => m.node('Clip', [m.input(image), m.input([])]));
for (const op of ['Add', 'Sub', 'Mul', 'Div']) {
  add(`${op} of two values`, [7, 14], (m) => m.node(op, [m.input(image), m.node('Exp', [m.input([4, 1, 7])])]));
  add(`${op} by a constant`, 14, (m) => m.node(op, [m.input(image), m.floats([1, 4, 1, 1], [1, 2, -1, 3])]));
  add(`${op} of a constant`, 14, (m) => m.node(op, [m.floats([], [2]), m.node('Exp', [m.input(image)])]));
}
add('Pow', [7, 13, 15], (m) => m.node('Pow', [m.node('Abs', [m.input(image)]), m.floats([], [1.5])]));
for (const op of ['Min', 'Max', 'Sum', 'Mean']) {
  add(`${op} of three`, [8, 13], (m) => m.node(op, [m.input(image), m.floats([4, 1, 1]), m.input([1, 7])]));
  add(`${op} of one`, 13, (m) => m.node(op, [m.input(image)]));
}
add('PRelu', [7, 9, 16], (m) => m.node('PRelu', [m.input(image), m.floats([4, 1, 1])]));
add('Dropout', [7, 12, 13], (m) => m.node('Dropout', [m.input(image)]));
add('Dropout with a ratio', 13, (m) => m.node('Dropout', [m.input(image), m.floats([], [0.5])]));
add('Cast of uint8', 13, (m) =>
  m.node('Mul', [m.node('Cast', [m.input([2, 3], { dtype: 'uint8' })], { to: 1 }), m.floats([], [0.1])]),
);
add('Cast to double and back', 13, (m) => m.node('Cast', [m.node('Cast', [m.input([2, 3])], { to: 11 })], { to: 1 }));

for (const op of ['Softmax', 'LogSoftmax']) {
  for (const axis of [0, 1, 2, 3, -1]) {
    add(
      `${op} axis ${axis}`,
      [7, 11, 13].filter((opset) => axis >= 0 || opset >= 11),
      (m) => m.node(op, [m.input([2, 3, 4, 5])], { axis }),
      { tolerance: 1e-5 },
    );
  }
  add(`${op} default axis`, [7, 12, 13], (m) => m.node(op, [m.input([2, 3, 4])]));
}

// Reductions

for (const op of ['ReduceMean', 'ReduceSum', 'ReduceMax', 'ReduceMin', 'ReduceL1', 'ReduceL2', 'ReduceSumSquare']) {
  const since = op === 'ReduceSum' ? 13 : 18;
  add(`${op} axes attribute`, [7, 11, since - 1], (m) => m.node(op, [m.input(image)], { axes: [2, 3], keepdims: 0 }));
  add(`${op} negative axis`, since - 1, (m) => m.node(op, [m.input(image)], { axes: [-1] }));
  add(`${op} axes input`, [since, 20], (m) => m.node(op, [m.input(image), m.int64s([1, -1])], { keepdims: 1 }));
  add(`${op} of all`, [7, since], (m) => m.node(op, [m.input([2, 3, 4])], { keepdims: 0 }));
  add(`${op} of none`, since, (m) => m.node(op, [m.input([2, 3, 4])], { noop_with_empty_axes: 1 }));
}
