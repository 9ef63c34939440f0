// Quantised activations: onnxruntime rounds them to 8 bits, here they stay float32, so results differ by a few of those
// steps.
import type { OnnxBuilder } from '../model.ts';
import type { OperatorCase } from './cases.ts';

const tolerance = 0.03;
const image = [1, 3, 6, 5];

/** x quantised: [integers, scale, zero point]. Inputs lie in ±2. */
function quantised(m: OnnxBuilder, x: string): [string, string, string] {
  const scale = m.floats([], [4 / 255]);
  const zero = m.bytes('uint8', [128], []);
  return [m.node('QuantizeLinear', [x, scale, zero]), scale, zero];
}

/** Random weights of int8, their scale and zero point; `channels` scales where it is given. */
function weights(m: OnnxBuilder, shape: number[], channels = 0): [string, string, string] {
  const count = shape.reduce((a, b) => a * b, 1);
  const data = Array.from(m.random(count), (v) => Math.round(100 * v));
  if (channels === 0) return [m.bytes('int8', data, shape), m.floats([], [0.01]), m.bytes('int8', [0], [])];
  const scales = Array.from({ length: channels }, (_, i) => 0.005 * (i + 1));
  return [
    m.bytes('int8', data, shape),
    m.floats([channels], scales),
    m.bytes(
      'int8',
      scales.map(() => 0),
    ),
  ];
}

const bias = (m: OnnxBuilder, data: number[]) => m.tensor({ name: 'bias', type: 6, dims: [data.length], int32s: data });

/** A result of QLinear operators, dequantised. */
function finish(m: OnnxBuilder, op: string, inputs: string[], scale: number, attributes = {}): string {
  const parameters = [m.floats([], [scale]), m.bytes('uint8', [128], [])];
  const index = inputs.indexOf('result');
  const all = index < 0 ? [...inputs, ...parameters] : inputs.toSpliced(index, 1, ...parameters);
  return m.node('DequantizeLinear', [m.node(op, all, attributes), ...parameters]);
}

const cases: [string, (m: OnnxBuilder) => string, Partial<OperatorCase>?][] = [
  ['QuantizeLinear, DequantizeLinear', (m) => m.node('DequantizeLinear', quantised(m, m.input(image)))],
  [
    'a clamp by QuantizeLinear alone',
    (m) => {
      const parameters = [m.floats([], [1 / 255]), m.bytes('uint8', [0], [])];
      return m.node('DequantizeLinear', [m.node('QuantizeLinear', [m.input(image), ...parameters]), ...parameters]);
    },
    { ops: ['unary'] },
  ],
  [
    'DequantizeLinear by another scale',
    (m) => {
      const [q] = quantised(m, m.input(image));
      return m.node('DequantizeLinear', [q, m.floats([], [0.1]), m.bytes('uint8', [100], [])]);
    },
  ],
  [
    'QLinearConv',
    (m) =>
      finish(m, 'QLinearConv', [...quantised(m, m.input(image)), ...weights(m, [4, 3, 3, 3])], 0.08, {
        pads: [1, 1, 1, 1],
      }),
  ],
  [
    'QLinearConv by channel, with bias',
    (m) =>
      finish(
        m,
        'QLinearConv',
        [...quantised(m, m.input(image)), ...weights(m, [4, 3, 3, 3], 4), 'result', bias(m, [1000, -2000, 500, 3000])],
        0.08,
      ),
  ],
  ['QLinearMatMul', (m) => finish(m, 'QLinearMatMul', [...quantised(m, m.input([4, 6])), ...weights(m, [6, 5])], 0.05)],
  [
    'ConvInteger',
    (m) => {
      const [q, scale, zero] = m.nodesOf('DynamicQuantizeLinear', [m.input(image)], {}, 3);
      const [w] = weights(m, [4, 3, 3, 3]);
      const sum = m.node('ConvInteger', [q, w, zero], { pads: [1, 1, 1, 1] });
      return m.node('Mul', [m.node('Cast', [sum], { to: 1 }), m.node('Mul', [scale, m.floats([], [0.01])])]);
    },
  ],
  [
    'ConvInteger of a static input',
    (m) => {
      const [q, , zero] = quantised(m, m.input(image));
      const [w] = weights(m, [4, 3, 3, 3]);
      return m.node('Cast', [m.node('ConvInteger', [q, w, zero])], { to: 1 });
    },
  ],
  [
    'ConvInteger with a bias in integers',
    (m) => {
      const [q, scale, zero] = m.nodesOf('DynamicQuantizeLinear', [m.input(image)], {}, 3);
      const [w] = weights(m, [4, 3, 3, 3]);
      const step = m.node('Mul', [scale, m.floats([], [0.01])]);
      const bias = m.node('Div', [m.floats([4, 1, 1], [3, -2, 0.5, 1]), step]);
      const sum = m.node('ConvInteger', [q, w, zero]);
      const sums = m.node('Add', [sum, m.node('Cast', [m.node('Floor', [bias])], { to: 6 })]);
      return m.node('Mul', [m.node('Cast', [m.node('Reshape', [sums, m.int64s([4, -1])])], { to: 1 }), step]);
    },
  ],
  [
    'ConvInteger of integers, with bias',
    (m) => {
      const x = m.node('Mul', [m.node('Abs', [m.input(image)]), m.floats([], [90])]);
      const integers = m.node('Cast', [m.node('Clip', [x, m.floats([], [0]), m.floats([], [200])])], { to: 2 });
      const [w] = weights(m, [4, 3, 3, 3]);
      const sum = m.node('ConvInteger', [integers, w, m.bytes('uint8', [3], [])], { pads: [1, 1, 1, 1] });
      const bias = m.node('Cast', [m.floats([4, 1, 1], [30000, -2, 500, 2 ** 25])], { to: 6 });
      return m.node('Cast', [m.node('Sub', [sum, bias])], { to: 1 });
    },
  ],
  [
    'MatMulInteger',
    (m) => {
      const [q, scale, zero] = m.nodesOf('DynamicQuantizeLinear', [m.input([4, 6])], {}, 3);
      const data = Array.from(m.random(30), (v) => Math.round(100 * v) + 128);
      const w = m.bytes('uint8', data, [6, 5]);
      const sum = m.node('MatMulInteger', [q, w, zero, m.bytes('uint8', [128], [])]);
      return m.node('Mul', [m.node('Cast', [sum], { to: 1 }), m.node('Mul', [scale, m.floats([], [0.01])])]);
    },
  ],
  [
    'QDQ around a convolution',
    (m) => {
      const real = (x: string) => m.node('DequantizeLinear', quantised(m, x));
      const [w, scale, zero] = weights(m, [4, 3, 1, 1], 4);
      const kernel = m.node('DequantizeLinear', [w, scale, zero], { axis: 0 });
      return real(m.node('Relu', [m.node('Conv', [real(m.input(image)), kernel])]));
    },
  ],
  [
    'QLinearAdd',
    (m) =>
      finish(m, 'com.microsoft.QLinearAdd', [...quantised(m, m.input(image)), ...quantised(m, m.input(image))], 0.04),
  ],
  [
    'QLinearMul',
    (m) =>
      finish(m, 'com.microsoft.QLinearMul', [...quantised(m, m.input(image)), ...quantised(m, m.input(image))], 0.04),
  ],
  ['QLinearSigmoid', (m) => finish(m, 'com.microsoft.QLinearSigmoid', quantised(m, m.input(image)), 0.01)],
  ['QLinearLeakyRelu', (m) => finish(m, 'com.microsoft.QLinearLeakyRelu', quantised(m, m.input(image)), 0.016)],
  [
    'QLinearGlobalAveragePool',
    (m) => finish(m, 'com.microsoft.QLinearGlobalAveragePool', quantised(m, m.input(image)), 0.004),
  ],
  [
    'QLinearConcat',
    (m) => {
      const parameters = [m.floats([], [4 / 255]), m.bytes('uint8', [128], [])];
      const inputs = [...parameters, ...quantised(m, m.input(image)), ...quantised(m, m.input(image))];
      return m.node('DequantizeLinear', [m.node('com.microsoft.QLinearConcat', inputs, { axis: 1 }), ...parameters]);
    },
  ],
];

export const quantisedCases: OperatorCase[] = cases.map(([title, build, more]) => ({
  title,
  opset: 13,
  build,
  tolerance,
  ...more,
}));
