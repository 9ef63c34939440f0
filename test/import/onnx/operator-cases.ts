// One small model for every operator and opset that makes a difference.
import { floatTensor, int64Tensor } from '../../../src/export/onnx/protobuf.ts';
import type { AttributeValue, OnnxBuilder } from './model.ts';

export interface OperatorCase {
  title: string;
  opset: number;
  /** Gives the names of the outputs. */
  build: (model: OnnxBuilder) => string | string[];
  /** Of the largest magnitude; default 1e-5. */
  tolerance?: number;
  /** The operators that the graph must have. */
  ops?: string[];
}

export const operatorCases: OperatorCase[] = [];

function add(
  title: string,
  opsets: number | readonly number[],
  build: OperatorCase['build'],
  more: Partial<OperatorCase> = {},
) {
  for (const opset of typeof opsets === 'number' ? [opsets] : opsets)
    operatorCases.push({ title, opset, build, ...more });
}

type Attributes = Record<string, AttributeValue>;
const image = [1, 4, 9, 7];

// Convolutions

function conv(title: string, shape: number[], weights: number[], attributes: Attributes, bias = true) {
  add(`Conv ${title}`, 11, (m) =>
    m.node('Conv', [m.input(shape), m.floats(weights), ...(bias ? [m.floats([weights[0]])] : [])], attributes),
  );
}
conv('1×1', image, [6, 4, 1, 1], {});
conv('3×3 without bias', image, [6, 4, 3, 3], { kernel_shape: [3, 3] }, false);
conv('strides, uneven pads', image, [6, 4, 3, 2], { strides: [2, 1], pads: [0, 1, 2, 1] });
conv('dilations', [2, 4, 9, 9], [6, 4, 3, 3], { dilations: [2, 3] });
conv('groups', image, [6, 2, 3, 3], { group: 2, pads: [1, 1, 1, 1] });
conv('depthwise', image, [4, 1, 3, 3], { group: 4, auto_pad: 'SAME_UPPER', strides: [2, 2] });
conv('SAME_UPPER', [1, 3, 8, 9], [2, 3, 4, 3], { auto_pad: 'SAME_UPPER', strides: [2, 2] });
conv('SAME_LOWER', [1, 3, 8, 9], [2, 3, 4, 3], { auto_pad: 'SAME_LOWER', strides: [2, 2] });
conv('VALID', [1, 3, 8, 9], [2, 3, 4, 3], { auto_pad: 'VALID' });
conv('1-D', [2, 3, 12], [5, 3, 3], { pads: [1, 2], strides: [2] });

function convTranspose(title: string, shape: number[], weights: number[], attributes: Attributes) {
  const outputs = weights[1] * ((attributes.group as number) ?? 1);
  add(`ConvTranspose ${title}`, 11, (m) =>
    m.node('ConvTranspose', [m.input(shape), m.floats(weights), m.floats([outputs])], attributes),
  );
}
convTranspose('stride 2', [1, 4, 5, 6], [4, 3, 2, 2], { strides: [2, 2] });
convTranspose('pads, output padding', [1, 4, 5, 6], [4, 3, 3, 3], {
  strides: [2, 2],
  pads: [1, 1, 1, 1],
  output_padding: [1, 1],
});
convTranspose('groups', [2, 4, 5, 6], [4, 3, 3, 3], { strides: [1, 2], group: 2 });
convTranspose('dilations', [1, 2, 5, 6], [2, 3, 3, 3], { dilations: [2, 2] });
convTranspose('output shape', [1, 2, 5, 6], [2, 3, 4, 4], { strides: [2, 2], output_shape: [11, 13] });
convTranspose('output shape, odd', [1, 2, 5, 6], [2, 3, 4, 4], { strides: [2, 2], output_shape: [10, 13] });
convTranspose('SAME_UPPER', [1, 2, 5, 6], [2, 3, 3, 3], { strides: [2, 2], auto_pad: 'SAME_UPPER' });
convTranspose('SAME_LOWER', [1, 2, 5, 6], [2, 3, 3, 3], { strides: [2, 2], auto_pad: 'SAME_LOWER' });
convTranspose('1-D', [1, 2, 7], [2, 3, 4], { strides: [2], pads: [1, 1] });

// Matrix products

for (const [transA, transB] of [
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
]) {
  add(`Gemm transA ${transA} transB ${transB}`, [7, 13], (m) =>
    m.node('Gemm', [m.input(transA ? [5, 3] : [3, 5]), m.floats(transB ? [4, 5] : [5, 4]), m.floats([4])], {
      transA,
      transB,
      alpha: { float: 0.5 },
      beta: { float: 2 },
    }),
  );
  add(`Gemm of a constant, transA ${transA} transB ${transB}`, 13, (m) =>
    m.node('Gemm', [m.floats(transA ? [5, 3] : [3, 5]), m.input(transB ? [4, 5] : [5, 4])], { transA, transB }),
  );
}
add('Gemm with C by rows', 13, (m) => m.node('Gemm', [m.input([3, 5]), m.floats([5, 4]), m.floats([3, 1])]));
add('Gemm with C one number', 13, (m) => m.node('Gemm', [m.input([3, 5]), m.floats([5, 4]), m.floats([])]));
add('Gemm with a computed C', 13, (m) =>
  m.node('Gemm', [m.input([3, 5]), m.floats([5, 4]), m.input([1, 4])], { beta: { float: 3 } }),
);
add('Gemm without C', 13, (m) => m.node('Gemm', [m.input([3, 5]), m.floats([5, 4])]), { ops: ['linear'] });
for (const [a, b] of [
  [
    [3, 5],
    [5, 4],
  ],
  [
    [2, 3, 5],
    [5, 4],
  ],
  [
    [2, 2, 3, 5],
    [5, 4],
  ],
  [[5], [5, 4]],
  [[3, 5], [5]],
  [
    [2, 3, 5],
    [1, 5, 4],
  ],
  [
    [3, 5],
    [1, 1, 5, 4],
  ],
]) {
  add(`MatMul [${a}] by [${b}]`, 13, (m) => m.node('MatMul', [m.input(a), m.floats(b)]));
}
add('MatMul of a constant', 13, (m) => m.node('MatMul', [m.floats([3, 5]), m.input([2, 5, 4])]));

// Pools

for (const op of ['MaxPool', 'AveragePool']) {
  const pool = (title: string, attributes: Attributes, shape = [1, 3, 10, 11], opset = 11) =>
    add(`${op} ${title}`, opset, (m) => m.node(op, [m.input(shape)], attributes));
  pool('2×2', { kernel_shape: [2, 2], strides: [2, 2] }, undefined, 7);
  pool('3×3 pads', { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] });
  pool('3×2 uneven', { kernel_shape: [3, 2], strides: [1, 2], pads: [1, 0, 2, 1] });
  pool('ceil', { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 });
  pool('ceil and pads', { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], ceil_mode: 1 }, [1, 3, 8, 10]);
  pool('SAME_UPPER', { kernel_shape: [3, 3], strides: [2, 2], auto_pad: 'SAME_UPPER' });
  pool('SAME_LOWER', { kernel_shape: [2, 2], strides: [2, 2], auto_pad: 'SAME_LOWER' });
  pool('1-D', { kernel_shape: [3], strides: [2], pads: [1, 1] }, [2, 3, 12]);
}
add('MaxPool dilations', [11, 22], (m) =>
  m.node('MaxPool', [m.input([1, 2, 9, 9])], { kernel_shape: [3, 2], dilations: [2, 3] }),
);
add('AveragePool counts pads', [11, 19], (m) =>
  m.node('AveragePool', [m.input([1, 2, 9, 9])], {
    kernel_shape: [3, 3],
    pads: [1, 1, 1, 1],
    strides: [2, 2],
    count_include_pad: 1,
  }),
);
for (const op of ['GlobalAveragePool', 'GlobalMaxPool']) {
  add(op, 7, (m) => m.node(op, [m.input(image)]), { ops: ['reduce'] });
  add(`${op} 1-D`, 7, (m) => m.node(op, [m.input([2, 3, 9])]));
}

// Normalisation

for (const shape of [image, [2, 4], [2, 4, 5]]) {
  add(`BatchNormalization [${shape}]`, [7, 9, 15], (m) => {
    const variance = m.random(4).map((v) => Math.abs(v) + 0.5);
    const inputs = [m.input(shape), m.floats([4]), m.floats([4]), m.floats([4]), m.floats([4], variance)];
    return m.node('BatchNormalization', inputs, { epsilon: { float: 1e-3 } });
  });
}
add('InstanceNormalization', 7, (m) =>
  m.node('InstanceNormalization', [m.input([2, 4, 5, 6]), m.floats([4]), m.floats([4])], { epsilon: { float: 1e-2 } }),
);

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

// Resizing

const upscale = [1, 1, 2, 2];
add('Upsample 7', 7, (m) =>
  m.node('Upsample', [m.input([1, 2, 3, 4])], { mode: 'nearest', scales: { floats: upscale } }),
);
add('Upsample 9', 9, (m) =>
  m.node('Upsample', [m.input([1, 2, 3, 4]), m.floats([4], [1, 1, 2, 3])], { mode: 'nearest' }),
);
add('Upsample 9 linear', 9, (m) =>
  m.node('Upsample', [m.input([1, 2, 3, 4]), m.floats([4], upscale)], { mode: 'linear' }),
);
add('Resize 10', 10, (m) =>
  m.node('Resize', [m.input([1, 2, 3, 4]), m.floats([4], [1, 1, 1.5, 2])], { mode: 'nearest' }),
);
add('Resize 10 shrinks', 10, (m) =>
  m.node('Resize', [m.input([1, 2, 6, 8]), m.floats([4], [1, 1, 0.5, 0.6])], { mode: 'nearest' }),
);
add('Resize 10 linear', 10, (m) =>
  m.node('Resize', [m.input([1, 2, 3, 4]), m.floats([4], [1, 1, 1.5, 2])], { mode: 'linear' }),
);
for (const coordinates of ['half_pixel', 'pytorch_half_pixel', 'align_corners', 'asymmetric']) {
  for (const scales of [
    [1, 1, 2, 2],
    [1, 1, 1.5, 2.5],
    [1, 1, 0.6, 0.5],
  ]) {
    add(`Resize linear ${coordinates} ${scales}`, [11, 13, 19], (m) =>
      m.node('Resize', [m.input([1, 2, 6, 7]), m.opset < 13 ? m.floats([0], []) : '', m.floats([4], scales)], {
        mode: 'linear',
        coordinate_transformation_mode: coordinates,
      }),
    );
  }
  add(`Resize linear ${coordinates} to sizes`, 13, (m) =>
    m.node('Resize', [m.input([1, 2, 6, 7]), '', '', m.int64s([1, 2, 13, 5])], {
      mode: 'linear',
      coordinate_transformation_mode: coordinates,
    }),
  );
  for (const nearest of ['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil']) {
    for (const scales of [
      [1, 1, 2, 2],
      [1, 1, 1.7, 2.3],
      [1, 1, 0.7, 0.5],
    ]) {
      add(`Resize nearest ${coordinates} ${nearest} ${scales}`, 13, (m) =>
        m.node('Resize', [m.input([1, 2, 6, 7]), '', m.floats([4], scales)], {
          mode: 'nearest',
          coordinate_transformation_mode: coordinates,
          nearest_mode: nearest,
        }),
      );
    }
  }
}
add('Resize tf_half_pixel_for_nn', 11, (m) =>
  m.node('Resize', [m.input([1, 2, 6, 7]), m.floats([0], []), m.floats([4], [1, 1, 1.7, 2])], {
    coordinate_transformation_mode: 'tf_half_pixel_for_nn',
    nearest_mode: 'floor',
  }),
);
add('Resize with empty roi and scales', 11, (m) =>
  m.node('Resize', [m.input([1, 2, 6, 7]), m.floats([0], []), m.floats([0], []), m.int64s([1, 2, 12, 14])], {
    mode: 'nearest',
  }),
);
add('Resize with axes', 18, (m) =>
  m.node('Resize', [m.input([1, 2, 6, 7]), '', m.floats([2], [2, 3])], {
    mode: 'nearest',
    axes: [2, 3],
    coordinate_transformation_mode: 'asymmetric',
    nearest_mode: 'floor',
  }),
);
add('Resize 1-D', 13, (m) => m.node('Resize', [m.input([1, 2, 6]), '', m.floats([3], [1, 1, 2])], { mode: 'linear' }));

// Arrangement

add('Concat', [7, 13], (m) =>
  m.node('Concat', [m.input(image), m.input([1, 2, 9, 7]), m.floats([1, 1, 9, 7])], { axis: 1 }),
);
add('Concat negative axis', 11, (m) => m.node('Concat', [m.input(image), m.input(image)], { axis: -1 }));
add('Concat of one', 11, (m) => m.node('Concat', [m.input(image)], { axis: 1 }));
add('Split attribute', [7, 11], (m) => m.nodesOf('Split', [m.input([1, 6, 3])], { axis: 1, split: [1, 2, 3] }, 3));
add('Split attribute, equal', 7, (m) => m.nodesOf('Split', [m.input([1, 6, 3])], { axis: 1 }, 2));
add('Split input', [13, 18], (m) => m.nodesOf('Split', [m.input([1, 6, 3]), m.int64s([2, 4])], { axis: 1 }, 2));
add('Split input, equal', 13, (m) => m.nodesOf('Split', [m.input([1, 6, 3])], { axis: -2 }, 3));
add('Split num_outputs', 18, (m) => m.nodesOf('Split', [m.input([1, 7, 3])], { axis: 1, num_outputs: 3 }, 3));
add('Slice attributes', 9, (m) => m.node('Slice', [m.input(image)], { starts: [1, -3], ends: [4, 100], axes: [1, 3] }));
add('Slice attributes, no axes', 7, (m) => m.node('Slice', [m.input(image)], { starts: [0, 1], ends: [1, 3] }));
add('Slice inputs', [10, 13], (m) =>
  m.node('Slice', [m.input(image), m.int64s([1, -3]), m.int64s([4, 2 ** 53]), m.int64s([1, -1])]),
);
add('Slice steps', 13, (m) =>
  m.node('Slice', [m.input(image), m.int64s([0, 1]), m.int64s([9, 7]), m.int64s([2, 3]), m.int64s([2, 3])]),
);
add('Slice backwards', 13, (m) =>
  m.node('Slice', [
    m.input(image),
    m.int64s([-1, 100]),
    m.int64s([-(2 ** 53), 1]),
    m.int64s([2, 3]),
    m.int64s([-1, -2]),
  ]),
);
add('Slice int32 bounds', 13, (m) =>
  m.node('Slice', [
    m.input([4, 9]),
    m.tensor({ name: 's', type: 6, dims: [1], int32s: [1] }),
    m.tensor({ name: 'e', type: 6, dims: [1], int32s: [-1] }),
  ]),
);
add('focus stem', 11, (m) => {
  const x = m.input([1, 3, 8, 10]);
  const every = (start: number, axis: number, value: string) =>
    m.node('Slice', [value, m.int64s([start]), m.int64s([2 ** 53]), m.int64s([axis]), m.int64s([2])]);
  return m.node(
    'Concat',
    [0, 1].flatMap((w) => [0, 1].map((h) => every(w, 3, every(h, 2, x)))),
    { axis: 1 },
  );
});
add('Gather', [7, 13], (m) => m.node('Gather', [m.input(image), m.int64s([3, 0, 0])], { axis: 1 }), {
  ops: ['gather'],
});
add('Gather negative', 11, (m) => m.node('Gather', [m.input(image), m.int64s([-1, 2])], { axis: -1 }));
add('Gather one', 11, (m) => m.node('Gather', [m.input(image), m.int64s([2], [])], { axis: 1 }), {
  ops: ['slice', 'reshape'],
});
add('Gather a matrix of indices', 11, (m) =>
  m.node('Gather', [m.input(image), m.int64s([0, 3, 3, 1], [2, 2])], { axis: 1 }),
);
const padding = [0, 0, 1, 2, 0, 1, 0, 3];
for (const mode of ['constant', 'reflect', 'edge']) {
  add(`Pad ${mode} attributes`, 9, (m) =>
    m.node('Pad', [m.input(image)], { mode, pads: padding, value: { float: 1.5 } }),
  );
  add(`Pad ${mode} inputs`, [11, 13, 19], (m) =>
    m.node('Pad', [m.input(image), m.int64s(padding), m.floats([], [-2])], { mode }),
  );
}
add('Pad crops', 13, (m) => m.node('Pad', [m.input(image), m.int64s([0, -1, 0, 1, 0, 0, -2, 1])]));
add('Pad axes', 18, (m) => m.node('Pad', [m.input(image), m.int64s([1, 2, 3, 4]), '', m.int64s([2, -1])]));
add('Pad nothing', 13, (m) => m.node('Pad', [m.input(image), m.int64s([0, 0, 0, 0, 0, 0, 0, 0])]));
add('Reshape 0 and −1', [7, 14], (m) => m.node('Reshape', [m.input(image), m.int64s([0, 2, -1])]));
add('Reshape allowzero', 14, (m) => m.node('Reshape', [m.input(image), m.int64s([36, 7])], { allowzero: 1 }));
for (const axis of [0, 1, 2, 4, -1])
  add(`Flatten ${axis}`, axis < 0 ? 11 : 9, (m) => m.node('Flatten', [m.input(image)], { axis }));
add('Flatten default', 13, (m) => m.node('Flatten', [m.input(image)]));
add('Squeeze attribute', [7, 11], (m) => m.node('Squeeze', [m.input([1, 3, 1, 4])], { axes: [2] }));
add('Squeeze all', [11, 13], (m) => m.node('Squeeze', [m.input([1, 3, 1, 4])]));
add('Squeeze input', 13, (m) => m.node('Squeeze', [m.input([1, 3, 1, 4]), m.int64s([-2, 0])]));
add('Unsqueeze attribute', [7, 11], (m) => m.node('Unsqueeze', [m.input([3, 4])], { axes: [0, 3] }));
add('Unsqueeze input', 13, (m) => m.node('Unsqueeze', [m.input([3, 4]), m.int64s([-1, 0])]));
add('Transpose', 13, (m) => m.node('Transpose', [m.input(image)], { perm: [0, 2, 3, 1] }));
add('Transpose default', 7, (m) => m.node('Transpose', [m.input([2, 3, 4])]));
add('Expand', [8, 13], (m) => m.node('Expand', [m.input([1, 4, 1, 1]), m.int64s([1, 1, 3, 5])]));
add('Expand adds axes', 13, (m) => m.node('Expand', [m.input([4, 1]), m.int64s([2, 1, 3])]));
add('Expand to itself', 13, (m) => m.node('Expand', [m.input(image), m.int64s([1])]));
add('Tile', [7, 13], (m) => m.node('Tile', [m.input([1, 2, 1, 3]), m.int64s([1, 2, 3, 1])]));
add('DepthToSpace DCR', [7, 11, 13], (m) => m.node('DepthToSpace', [m.input([2, 12, 3, 4])], { blocksize: 2 }));
add('DepthToSpace CRD', [11, 13], (m) =>
  m.node('DepthToSpace', [m.input([2, 12, 3, 4])], { blocksize: 2, mode: 'CRD' }),
);
add('SpaceToDepth', [7, 13], (m) => m.node('SpaceToDepth', [m.input([2, 3, 4, 6])], { blocksize: 2 }));

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
