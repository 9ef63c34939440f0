// Convolutions, matrix products, pools and normalisation.
import { Cases, image, type Attributes } from './cases.ts';

export const convolutionCases = new Cases();
const add = convolutionCases.add;

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
