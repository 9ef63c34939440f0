// Constants, shape arithmetic and quantised weights.
import { floatTensor, int64Tensor } from '../../../../src/export/onnx/protobuf.ts';
import type { OnnxBuilder } from '../model.ts';
import { Cases, image } from './cases.ts';

export const constantsCases = new Cases();
const add = constantsCases.add;

// Constants

const usedWith = (m: OnnxBuilder, constant: string) => m.node('Add', [m.input([2, 3]), constant]);
add('Constant', [7, 13], (m) =>
  usedWith(m, m.node('Constant', [], { value: floatTensor('', [3], Float32Array.of(1, 2, 3)) })),
);
add('Constant value_float', 12, (m) => usedWith(m, m.node('Constant', [], { value_float: { float: 1.5 } })));
add('Constant value_floats', 12, (m) => usedWith(m, m.node('Constant', [], { value_floats: { floats: [1, 2, 3] } })));
add('Constant value_int', 12, (m) =>
  usedWith(m, m.node('Cast', [m.node('Constant', [], { value_int: 7 })], { to: 1 })),
);
add('Constant value_ints', 12, (m) =>
  usedWith(m, m.node('Cast', [m.node('Constant', [], { value_ints: [1, -2, 3] })], { to: 1 })),
);
add('float_data', 13, (m) => usedWith(m, m.tensor({ name: 'c', type: 1, dims: [3], floats: [1, 2, 3] })));
add('double_data', 13, (m) =>
  usedWith(m, m.node('Cast', [m.tensor({ name: 'c', type: 11, dims: [3], doubles: [1, 2, 3] })], { to: 1 })),
);
add('half floats, raw', 13, (m) =>
  usedWith(
    m,
    m.node('Cast', [m.tensor({ name: 'c', type: 10, dims: [3], raw: Uint8Array.of(0, 0x3c, 0, 0xc0, 1, 0) })], {
      to: 1,
    }),
  ),
);
add('half floats, int32_data', 13, (m) =>
  usedWith(
    m,
    m.node('Cast', [m.tensor({ name: 'c', type: 10, dims: [3], int32s: [0x3c00, 0xc000, 0x3555] })], { to: 1 }),
  ),
);
add('int64_data', 13, (m) =>
  usedWith(m, m.node('Cast', [m.tensor({ name: 'c', type: 7, dims: [3], int64s: [1, -2, 3] })], { to: 1 })),
);
add('bool', 13, (m) =>
  usedWith(m, m.node('Cast', [m.tensor({ name: 'c', type: 9, dims: [3], int32s: [1, 0, 1] })], { to: 1 })),
);

// Shape arithmetic, as exporters leave it

add(
  'Shape, Gather, Concat, Reshape',
  [11, 14],
  (m) => {
    const x = m.input([2, 3, 4, 5]);
    const batch = m.node('Gather', [m.node('Shape', [x]), m.int64s([0], [])], { axis: 0 });
    const since = m.opset >= 13;
    const vector = since ? m.node('Unsqueeze', [batch, m.int64s([0])]) : m.node('Unsqueeze', [batch], { axes: [0] });
    return m.node('Reshape', [x, m.node('Concat', [vector, m.int64s([-1])], { axis: 0 })]);
  },
  { ops: ['reshape'] },
);
add(
  'Shape of a part',
  15,
  (m) => {
    const x = m.input([2, 3, 4, 5]);
    const part = m.node('Shape', [x], { start: 1, end: -1 });
    return m.node('Reshape', [x, m.node('Concat', [m.int64s([-1]), part], { axis: 0 })]);
  },
  { ops: ['reshape'] },
);
add(
  'upsampling to another value’s size',
  11,
  (m) => {
    const [x, y] = [m.input([1, 2, 4, 5]), m.input([1, 2, 8, 10])];
    const size = m.node('Slice', [m.node('Shape', [y]), m.int64s([2]), m.int64s([4]), m.int64s([0])]);
    const start = m.node('Slice', [m.node('Shape', [x]), m.int64s([0]), m.int64s([2]), m.int64s([0])]);
    const sizes = m.node('Concat', [start, m.node('Cast', [size], { to: 7 })], { axis: 0 });
    const up = m.node('Resize', [x, m.floats([0], []), m.floats([0], []), sizes], {
      mode: 'nearest',
      coordinate_transformation_mode: 'asymmetric',
      nearest_mode: 'floor',
    });
    return m.node('Add', [up, y]);
  },
  { ops: ['resize', 'binary'] },
);
add(
  'sizes by Mul, Floor, Cast',
  11,
  (m) => {
    const x = m.input([1, 2, 4, 5]);
    const shape = m.node('Cast', [m.node('Slice', [m.node('Shape', [x]), m.int64s([2]), m.int64s([4])])], { to: 1 });
    const size = m.node('Cast', [m.node('Floor', [m.node('Mul', [shape, m.floats([], [1.5])])])], { to: 7 });
    return m.node(
      'Resize',
      [x, m.floats([0], []), m.floats([0], []), m.node('Concat', [m.int64s([1, 2]), size], { axis: 0 })],
      { mode: 'linear' },
    );
  },
  { ops: ['resize'] },
);
add(
  'grid by Range, Expand, Concat',
  13,
  (m) => {
    const range = m.node('Cast', [m.node('Range', [m.int64s([0], []), m.int64s([4], []), m.int64s([1], [])])], {
      to: 1,
    });
    const rows = m.node('Expand', [m.node('Unsqueeze', [range, m.int64s([1])]), m.int64s([4, 4])]);
    const columns = m.node('Tile', [m.node('Unsqueeze', [range, m.int64s([0])]), m.int64s([4, 1])]);
    const grid = m.node(
      'Concat',
      [m.node('Reshape', [rows, m.int64s([1, -1])]), m.node('Reshape', [columns, m.int64s([1, -1])])],
      { axis: 0 },
    );
    return m.node('Add', [m.input([1, 2, 16]), grid]);
  },
  { ops: ['binary'] },
);
add('Where, Equal, ConstantOfShape', 13, (m) => {
  const x = m.input([1, 4, 1, 1]);
  const wanted = m.int64s([-1, 4, 3, 5]);
  const ones = m.node('ConstantOfShape', [m.node('Shape', [wanted])], { value: int64Tensor('', [1], [1]) });
  const isOpen = m.node('Equal', [wanted, m.node('Mul', [ones, m.int64s([-1], [])])]);
  return m.node('Expand', [x, m.node('Where', [isOpen, ones, wanted])]);
});
add(
  'pads as PyTorch computes them',
  13,
  (m) => {
    const zeros = m.node('ConstantOfShape', [m.int64s([4])], { value: int64Tensor('', [1], [0]) });
    const all = m.node('Concat', [m.int64s([1, 2, 3, 4]), zeros], { axis: 0 });
    const pairs = m.node('Reshape', [all, m.int64s([-1, 2])]);
    const turned = m.node('Slice', [pairs, m.int64s([-1]), m.int64s([-(2 ** 53)]), m.int64s([0]), m.int64s([-1])]);
    const pads = m.node(
      'Cast',
      [m.node('Reshape', [m.node('Transpose', [turned], { perm: [1, 0] }), m.int64s([-1])])],
      { to: 7 },
    );
    return m.node('Pad', [m.input([1, 2, 4, 5]), pads, m.floats([], [0])]);
  },
  { ops: ['pad'] },
);
add(
  'integer arithmetic',
  13,
  (m) => {
    const x = m.input([6, 5, 4]);
    const size = m.node('Squeeze', [m.node('Gather', [m.node('Shape', [x]), m.int64s([1])]), m.int64s([0])]);
    const half = m.node('Div', [size, m.int64s([2], [])]);
    const rest = m.node('Mod', [size, m.int64s([2], [])]);
    const sum = m.node('Sub', [m.node('Add', [half, rest]), m.int64s([1], [])]);
    const most = m.node('Max', [m.node('Min', [sum, m.int64s([3], [])]), m.int64s([1], [])]);
    return m.node('Slice', [x, m.int64s([0]), m.node('Reshape', [most, m.int64s([1])]), m.int64s([1])]);
  },
  { ops: ['slice'] },
);
add(
  'ReduceProd, Size',
  13,
  (m) => {
    const x = m.input([2, 3, 4]);
    const count = m.node('ReduceProd', [m.node('Shape', [x])], { keepdims: 1 });
    const all = m.node('Unsqueeze', [m.node('Size', [x]), m.int64s([0])]);
    return m.node('Reshape', [
      x,
      m.node('Div', [m.node('Mul', [all, m.int64s([1])]), m.node('Div', [count, m.int64s([24])])]),
    ]);
  },
  { ops: ['reshape'] },
);
add(
  'NonZero',
  13,
  (m) => {
    const found = m.node('NonZero', [m.floats([4], [0, 1, 0, 2])]);
    return m.node('Gather', [m.input(image), m.node('Reshape', [found, m.int64s([-1])])], { axis: 1 });
  },
  { ops: ['gather'] },
);
for (const [reverse, exclusive] of [
  [0, 0],
  [1, 0],
  [0, 1],
  [1, 1],
]) {
  add(
    `CumSum, reverse ${reverse}, exclusive ${exclusive}`,
    14,
    (m) => {
      const ones = m.floats([3, 4, 5], m.random(60));
      const sums = m.node('CumSum', [ones, m.int64s([-2], [])], { reverse, exclusive });
      return m.node('Add', [m.input([3, 4, 5]), sums]);
    },
    { ops: ['binary'] },
  );
}
add(
  'weights that are rearranged',
  13,
  (m) => {
    const weights = m.node('Transpose', [m.node('Reshape', [m.floats([4, 3, 6]), m.int64s([12, 6])])], {
      perm: [1, 0],
    });
    return m.node('MatMul', [m.input([2, 6]), m.node('Mul', [weights, m.floats([], [0.5])])]);
  },
  { ops: ['linear'] },
);
add(
  'weights that are normalised',
  13,
  (m) => {
    const w = m.floats([4, 4, 1, 1]);
    const norm = m.node('ReduceL2', [w], { axes: [1, 2, 3], keepdims: 1 });
    return m.node('Conv', [m.input(image), m.node('Div', [w, m.node('Sqrt', [norm])])]);
  },
  { ops: ['conv2d'] },
);

// Quantised weights

add('DequantizeLinear of weights', [10, 13], (m) => {
  const w = m.bytes('int8', [-128, -3, 0, 5, 100, 127], [2, 3]);
  return m.node('Add', [
    m.input([2, 3]),
    m.node('DequantizeLinear', [w, m.floats([], [0.05]), m.bytes('int8', [3], [])]),
  ]);
});
add(
  'DequantizeLinear by channel',
  13,
  (m) => {
    const w = m.bytes('uint8', [0, 3, 9, 5, 100, 255], [2, 3]);
    const weights = m.node('DequantizeLinear', [w, m.floats([2], [0.05, 0.1]), m.bytes('uint8', [3, 128])], {
      axis: 0,
    });
    return m.node('MatMul', [m.input([1, 3]), m.node('Transpose', [weights])]);
  },
  { ops: ['linear'] },
);
add('DequantizeLinear of uint8 input', 13, (m) =>
  m.node('Relu', [
    m.node('DequantizeLinear', [m.input([2, 3], { dtype: 'uint8' }), m.floats([], [0.1]), m.bytes('uint8', [30], [])]),
  ]),
);
add(
  'DynamicQuantizeLinear of a constant',
  13,
  (m) => {
    const [q, scale, zero] = m.nodesOf('DynamicQuantizeLinear', [m.floats([3], [-1, 0.3, 2])], {}, 3);
    return m.node('Add', [m.input([2, 3]), m.node('DequantizeLinear', [q, scale, zero])]);
  },
  { ops: ['binary'] },
);
