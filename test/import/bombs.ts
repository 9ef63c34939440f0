// Small files that ask for much: sizes in files, repetition, long chains, nodes that need each other.
import { dataTypes } from '../../src/export/onnx/protobuf.ts';
import { OnnxBuilder } from './onnx/model.ts';
import { withZip, writeMetadata } from './tflite/metadata-writer.ts';
import { ModelBuilder } from './tflite/model.ts';
import { writeTflite, type ModelSpec } from './tflite/writer.ts';

type Build = (m: OnnxBuilder) => string;

const huge = 2 ** 30;
const image = [1, 4, 8, 8];

const onnx: Record<string, Build> = {
  'reshapes to 2⁴⁰': (m) => m.node('Reshape', [m.input(image), m.int64s([2 ** 40])]),
  'expands to 2³⁰ elements': (m) => m.node('Relu', [m.node('Expand', [m.input([1, 1, 1, 1]), m.int64s([1, 1, 2 ** 15, 2 ** 15])])]),
  'expands an axis to 2³⁰': (m) => m.node('Relu', [m.node('Expand', [m.input([1, 1, 1, 1]), m.int64s([1, 1, 1, huge])])]),
  'expands a constant': (m) => m.node('Add', [m.input([1]), m.node('Expand', [m.floats([1]), m.int64s([huge])])]),
  'tiles 2³⁰ times': (m) => m.node('Tile', [m.input([1, 1, 1, 1]), m.int64s([1, 1, 1, huge])]),
  'tiles a constant': (m) => m.node('Add', [m.input([1]), m.node('Tile', [m.floats([1]), m.int64s([2 ** 24])])]),
  'tiles a constant, often': (m) => {
    let c = m.floats([1]);
    for (let i = 0; i < 40; i++) c = m.node('Tile', [c, m.int64s([2])]);
    return m.node('Add', [m.input([1]), c]);
  },
  'resizes to 2³⁰ columns': (m) => m.node('Resize', [m.input([1, 1, 2, 2]), '', '', m.int64s([1, 1, 1, huge])], { mode: 'linear' }),
  'resizes to 2³⁰ rows, nearest': (m) => m.node('Resize', [m.input([1, 1, 2, 2]), '', '', m.int64s([1, 1, huge, 1])], { mode: 'nearest' }),
  'resizes by 10⁹': (m) => m.node('Resize', [m.input([1, 1, 2, 2]), '', m.floats([4], [1, 1, 1, 1e9])], { mode: 'nearest' }),
  'resizes to a million columns, often': (m) => {
    const x = m.input([1, 1, 2, 2]);
    let sum = '';
    for (let i = 0; i < 100; i++) {
      const y = m.node('Resize', [x, '', '', m.int64s([1, 1, 1, 1e6 - i])], { mode: 'linear' });
      const part = m.node('Slice', [y, m.int64s([0]), m.int64s([4]), m.int64s([3])]);
      sum = sum ? m.node('Add', [sum, part]) : part;
    }
    return sum;
  },
  'a constant of 2³³': (m) => m.node('Add', [m.input([1]), m.node('ConstantOfShape', [m.int64s([2 ** 33])])]),
  'a constant of 2²³, reduced 500 times': (m) => {
    const c = m.node('ConstantOfShape', [m.int64s([2 ** 22])]);
    let sum = m.input([1]);
    for (let i = 0; i < 500; i++) sum = m.node('Add', [sum, m.node('ReduceSum', [c], { axes: [0], keepdims: 1 })]);
    return sum;
  },
  'a range to 2⁴⁰': (m) => m.node('Add', [m.input([1]), m.node('Range', [m.int64s([0], []), m.int64s([2 ** 40], []), m.int64s([1], [])])]),
  'pads by 2³⁰': (m) => m.node('Pad', [m.input([1, 1, 2, 2]), m.int64s([0, 0, 0, 0, 0, 0, 0, huge])]),
  'pads by 2³⁰, then slices': (m) =>
    m.node('Slice', [m.node('Pad', [m.input([1, 1, 2, 2]), m.int64s([0, 0, 0, 0, 0, 0, 0, huge])]), m.int64s([0]), m.int64s([4]), m.int64s([3])]),
  'reflects': (m) => m.node('Pad', [m.input([1, 1, 1, 2 ** 20]), m.int64s([0, 0, 0, 2 ** 20 - 1, 0, 0, 0, 2 ** 20 - 1])], { mode: 'reflect' }),
  'a stride of 2²⁰, transposed': (m) => m.node('ConvTranspose', [m.input([1, 1, 1, 1]), m.floats([1, 1, 1, 1])], { strides: [2 ** 20, 2 ** 20], pads: [0, 0, 0, 0] }),
  'strides of 2¹⁴, transposed, cropped': (m) => m.node('ConvTranspose', [m.input([1, 4, 1, 1]), m.floats([4, 4, 1, 1])], { strides: [2 ** 14, 2 ** 14] }),
  'a dilation of 2²⁸': (m) => m.node('Conv', [m.input([1, 1, 8, 8]), m.floats([1, 1, 2, 2])], { dilations: [2 ** 28, 2 ** 28], pads: [2 ** 27, 2 ** 27, 2 ** 27, 2 ** 27] }),
  'a dilation of 2²⁰, transposed': (m) => m.node('ConvTranspose', [m.input([1, 1, 8, 8]), m.floats([1, 1, 2, 2])], { dilations: [2 ** 13, 2 ** 13] }),
  'pads of 2²⁰ around a convolution': (m) => m.node('Conv', [m.input([1, 1, 8, 8]), m.floats([1, 1, 3, 3])], { pads: [0, 2 ** 20, 0, 2 ** 20] }),
  'a pool of 2³⁰': (m) => m.node('AveragePool', [m.input([1, 1, 8, 8])], { kernel_shape: [2, 2 ** 30], pads: [0, 2 ** 29, 0, 2 ** 29 + 8] }),
  'a pool that makes 2³⁰ columns': (m) => m.node('AveragePool', [m.input([1, 1, 8, 8])], { kernel_shape: [1, 2 ** 29], pads: [0, 2 ** 29 - 1, 0, 2 ** 29 - 1] }),
  'a convolution of constants': (m) => m.node('Add', [m.input([1]), m.node('Conv', [m.node('ConstantOfShape', [m.int64s([1, 1, 2000, 2000])]), m.node('ConstantOfShape', [m.int64s([1, 1, 1750, 1750])])])]),
  'a product of constants': (m) => m.node('Add', [m.input([1]), m.node('MatMul', [m.node('ConstantOfShape', [m.int64s([256, 8000])]), m.node('ConstantOfShape', [m.int64s([8000, 256])])])]),
  'splits in 60000': (m) => m.nodesOf('Split', [m.input([60000])], {}, 3000)[0],
  'one tensor joined 20000 times': (m) => m.node('Concat', Array(20000).fill(m.input([1, 4])), { axis: 0 }),
  'joins of joins, 2⁴⁰ in all': (m) => {
    let x = m.input([1, 1]);
    for (let i = 0; i < 40; i++) x = m.node('Concat', [x, x], { axis: 0 });
    return x;
  },
  'a sum of 10000': (m) => m.node('Sum', Array(10000).fill(m.input([1, 4]))),
  'a chain of 4999 functions': (m) => {
    let x = m.input([1, 4]);
    for (let i = 0; i < 5000; i++) x = m.node(i % 2 ? 'Sigmoid' : 'Tanh', [x]);
    return x;
  },
  'a chain of 5000 functions': (m) => {
    let x = m.input([1, 4]);
    for (let i = 0; i < 5000; i++) x = m.node(i % 2 ? 'Sigmoid' : 'Exp', [x]);
    return x;
  },
  'a chain of 5000 identities': (m) => {
    let x = m.input([1, 4]);
    for (let i = 0; i < 5000; i++) x = m.node('Identity', [x]);
    return m.node('Exp', [x]);
  },
  'a chain of 5000 clamps': (m) => {
    let x = m.input([1, 4]);
    for (let i = 0; i < 5000; i++) x = m.node('Relu', [x]);
    return x;
  },
  'a chain of 4000 scales': (m) => {
    let x = m.input([1, 4, 2, 2]);
    const c = m.floats([1], [1.5]);
    for (let i = 0; i < 4000; i++) x = m.node(i % 2 ? 'Mul' : 'Add', [x, c]);
    return x;
  },
  'a chain of 4000 transposes': (m) => {
    let x = m.input([2, 3, 4]);
    for (let i = 0; i < 4000; i++) x = m.node('Transpose', [x], { perm: [1, 2, 0] });
    return x;
  },
  'a chain of 4000 reshapes': (m) => {
    let x = m.input([2, 3, 4]);
    const shapes = [m.int64s([24]), m.int64s([4, 6])];
    for (let i = 0; i < 4000; i++) x = m.node('Reshape', [x, shapes[i % 2]]);
    return x;
  },
  'a chain of 3000 pads': (m) => {
    let x = m.input([1, 1, 4, 4]);
    const pads = m.int64s([0, 0, 0, 1, 0, 0, 0, 0]);
    for (let i = 0; i < 3000; i++) x = m.node('Pad', [x, pads]);
    return x;
  },
  '2000 transposed branches': (m) => {
    let x = m.input([1, 2, 3, 4]);
    for (let i = 0; i < 2000; i++) x = m.node('Add', [m.node('Transpose', [m.node('Exp', [x])], { perm: [0, 1, 2, 3] }), x]);
    return x;
  },
  'constants folded into 65536 elements, 400 times': (m) => {
    const [a, b] = [m.floats([256, 1]), m.floats([1, 256])];
    let x = m.input([1]);
    for (let i = 0; i < 400; i++) {
      const c = m.floats([1], [i]);
      x = m.node('Max', [x, m.node('Add', [m.node('Exp', [m.node('Add', [a, c])]), b])]);
    }
    return x;
  },
  'nodes that need each other': (m) => {
    const x = m.input(image);
    m.nodes.push({ op: 'Add', domain: '', inputs: [x, 'b'], outputs: ['a'], name: 'a', attributes: {} });
    m.nodes.push({ op: 'Relu', domain: '', inputs: ['a'], outputs: ['b'], name: 'b', attributes: {} });
    return 'b';
  },
  'a name of 200 kB': (m) => {
    const x = m.input(image);
    const name = 'n'.repeat(200_000);
    m.nodes.push({ op: 'Nothing', domain: '', inputs: [x], outputs: [name], name, attributes: {} });
    return name;
  },
  '2000 unknown operators': (m) => {
    let x = m.input(image);
    for (let i = 0; i < 2000; i++) x = m.node('Nothing', [x]);
    return x;
  },
  'data in a file far away': (m) => {
    const c = m.tensor({ name: 'far', type: dataTypes.float32, dims: [2 ** 30], external: { location: '../../etc/passwd', offset: '0', length: `${2 ** 32}` } } as never);
    return m.node('Add', [m.input([1]), c]);
  },
}; // prettier-ignore

function onnxBytes(build: Build): Uint8Array {
  const model = new OnnxBuilder(13);
  model.output(build(model));
  return model.bytesOfModel();
}

const tflite: Record<string, () => Uint8Array> = {
  'a sparse constant of 2²⁸ zeros': () => {
    const m = new ModelBuilder();
    const c = m.add({
      name: 'c',
      shape: [2 ** 14, 2 ** 14],
      data: Float32Array.of(1),
      sparsity: {
        traversalOrder: [0, 1],
        dimensions: [
          { segments: [0, 1], indices: [0], width: 'int32' },
          { segments: [0, 1], indices: [0], width: 'int32' },
        ],
      },
    });
    m.output('y', 'ADD', [m.input('x', [1, 1]), c], [[2 ** 14, 2 ** 14]], { Add: {} });
    return m.bytes();
  },
  'tiles 2³⁰ times': () => {
    const m = new ModelBuilder();
    m.output('y', 'TILE', [m.input('x', [1, 1]), m.integers([2], [1, 2 ** 30])], [[1, 2 ** 30]]);
    return m.bytes();
  },
  'resizes to 2³⁰': () => {
    const m = new ModelBuilder();
    m.output('y', 'RESIZE_BILINEAR', [m.input('x', [1, 2, 2, 1]), m.integers([2], [1, 2 ** 30])], [[1, 1, 2 ** 30, 1]], { ResizeBilinear: {} });
    return m.bytes();
  },
  'pads by 2³⁰': () => {
    const m = new ModelBuilder();
    m.output('y', 'PAD', [m.input('x', [1, 2, 2, 1]), m.integers([4, 2], [0, 0, 0, 0, 0, 2 ** 30, 0, 0])], [[1, 2, 2 ** 30 + 2, 1]]);
    return m.bytes();
  },
  'a pool of 2³⁰': () => {
    const m = new ModelBuilder();
    m.output('y', 'AVERAGE_POOL_2D', [m.input('x', [1, 2, 2, 1])], [[1, 2, 2, 1]], { Pool2D: { padding: 0, strideWidth: 1, strideHeight: 1, width: 2 ** 30, height: 2 ** 30 } });
    return m.bytes();
  },
  'a stride of 2³⁰, transposed': () => {
    const m = new ModelBuilder();
    m.output('y', 'TRANSPOSE_CONV', [m.integers([4], [1, 2, 2, 1]), m.floats([1, 2, 2, 1], new Float32Array(4)), m.input('x', [1, 1, 1, 1])], [[1, 2, 2, 1]], { TransposeConv: { padding: 0, strideWidth: 2 ** 28, strideHeight: 2 ** 28 } });
    return m.bytes();
  },
  'an archive of 2 GB of zeros': () => {
    const m = new ModelBuilder();
    m.output('y', 'RELU', [m.input('x', [1, 2])], [[1, 2]]);
    const spec = { outputFiles: [[{ name: 'labels.txt' }]] };
    const model = { tensors: m.tensors, operators: m.operators, inputs: m.inputs, outputs: m.outputs };
    const bytes = writeTfliteWith(model, writeMetadata(spec));
    return withZip(bytes, [{ name: 'labels.txt', data: '0\n'.repeat(50e6), deflate: true, forged: { bytes: 100 } }]);
  },
}; // prettier-ignore

function writeTfliteWith(model: ModelSpec, metadata: Uint8Array): Uint8Array {
  return writeTflite({ ...model, metadata: { TFLITE_METADATA: metadata } });
}

/** Files by their effect. */
export const bombs: { format: 'onnx' | 'tflite'; name: string; bytes: () => Uint8Array }[] = [
  ...Object.entries(onnx).map(([name, build]) => ({ format: 'onnx' as const, name, bytes: () => onnxBytes(build) })),
  ...Object.entries(tflite).map(([name, bytes]) => ({ format: 'tflite' as const, name, bytes })),
];
