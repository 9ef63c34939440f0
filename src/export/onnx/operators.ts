// Every operator of the graph as ONNX operators, opset 17.
import type { OperatorTable } from '../../ops/nodes.ts';
import type { ResizeAttributes } from '../../ops/resize.ts';
import { elementCount } from '../../tensor.ts';
import type { Exportation } from './exportation.ts';
import { dataTypes, type AttributeSpec } from './protobuf.ts';

const ints = (numbers: readonly number[]): AttributeSpec => ({ ints: numbers });
const flag = (value: boolean): AttributeSpec => ({ int: value ? 1 : 0 });

const binaryOps = {
  add: 'Add',
  sub: 'Sub',
  mul: 'Mul',
  div: 'Div',
  min: 'Min',
  max: 'Max',
  pow: 'Pow',
  prelu: 'PRelu',
} as const;

/** What they give are booleans in ONNX. */
const comparisons = { less: 'Less', lessOrEqual: 'LessOrEqual', equal: 'Equal' } as const;

const reduceOps = { mean: 'ReduceMean', sum: 'ReduceSum', max: 'ReduceMax', min: 'ReduceMin' } as const;

const coordinateModes: Record<Exclude<ResizeAttributes['coordinates'], 'tfHalfPixelForNearest'>, string> = {
  halfPixel: 'half_pixel',
  pytorchHalfPixel: 'pytorch_half_pixel',
  alignCorners: 'align_corners',
  asymmetric: 'asymmetric',
};

const nearestModes: Record<ResizeAttributes['nearest'], string> = {
  roundPreferFloor: 'round_prefer_floor',
  roundPreferCeil: 'round_prefer_ceil',
  floor: 'floor',
  ceil: 'ceil',
};

/** A slice end that lies before the first element for any length. */
const beforeAll = -(2 ** 62);

/** The values' names in the file. */
const names = (file: Exportation, values: readonly string[]) => values.map((value) => file.name(value));

/** Adds the ONNX nodes of a node to the file. */
export const exporters: OperatorTable<[file: Exportation], void> = {
  conv2d(node, file) {
    const { stride, dilation, pads, groups } = node.attributes;
    const [x, weights, bias = '', residual = '', slopes = ''] = node.inputs;
    const inputs = names(file, bias === '' ? [x, weights] : [x, weights, bias]);
    const attributes = {
      kernel_shape: ints(file.shape(weights).slice(2)),
      strides: ints(stride),
      dilations: ints(dilation),
      pads: ints(pads),
      group: { int: groups },
    };
    if (slopes !== '') return file.fail(node, 'slopes');
    if (residual === '') file.addActivated(node, 'Conv', inputs, attributes);
    else file.addActivated(node, 'Add', [file.add('Conv', inputs, attributes), file.name(residual)]);
  },

  convTranspose2d(node, file) {
    const { stride, dilation, pads, outputPadding, groups } = node.attributes;
    file.addActivated(node, 'ConvTranspose', names(file, node.inputs), {
      kernel_shape: ints(file.shape(node.inputs[1]).slice(2)),
      strides: ints(stride),
      dilations: ints(dilation),
      pads: ints(pads),
      output_padding: ints(outputPadding),
      group: { int: groups },
    });
  },

  linear(node, file) {
    const [x, weights, bias = ''] = node.inputs;
    if (file.shape(x).length === 2) {
      file.addActivated(node, 'Gemm', names(file, node.inputs), { transB: { int: 1 } });
      return;
    }
    const matrix = file.data(weights)
      ? file.permuted(weights, [1, 0])
      : file.add('Transpose', [file.name(weights)], { perm: ints([1, 0]) });
    if (bias === '') file.addActivated(node, 'MatMul', [file.name(x), matrix]);
    else file.addActivated(node, 'Add', [file.add('MatMul', [file.name(x), matrix]), file.name(bias)]);
  },

  matmul(node, file) {
    const { transposeA, transposeB } = node.attributes;
    const swapped = (value: string) => {
      const perm = file.shape(value).map((_, axis) => axis);
      perm.push(...perm.splice(-2, 2).toReversed());
      return file.add('Transpose', [file.name(value)], { perm: ints(perm) });
    };
    const [a, b] = node.inputs;
    const operands = [transposeA ? swapped(a) : file.name(a), transposeB ? swapped(b) : file.name(b)];
    file.add('MatMul', operands, {}, file.name(node.outputs[0]));
  },

  unary(node, file) {
    file.activate(file.name(node.inputs[0]), node.attributes, file.name(node.outputs[0]));
  },

  binary(node, file) {
    const { fn } = node.attributes;
    const [a, b] = names(file, node.inputs);
    // The slope of PRelu broadcasts only to the input.
    if (fn === 'prelu' && elementCount(file.shape(node.inputs[0])) !== elementCount(file.shape(node.outputs[0]))) {
      const below = file.add('Mul', [file.add('Min', [a, file.scalar(0)]), b]);
      file.addActivated(node, 'Add', [file.add('Max', [a, file.scalar(0)]), below]);
    } else if (fn === 'select') {
      const condition = file.add('Cast', [a], { to: { int: dataTypes.bool } });
      file.addActivated(node, 'Where', [condition, b, file.scalar(-0)]);
    } else if (fn === 'less' || fn === 'lessOrEqual' || fn === 'equal') {
      file.addActivated(node, 'Cast', [file.add(comparisons[fn], [a, b])], { to: { int: dataTypes.float32 } });
    } else file.addActivated(node, binaryOps[fn], [a, b]);
  },

  maxPool(node, file) {
    const { kernel, stride, dilation, pads, ceilMode } = node.attributes;
    file.addActivated(node, 'MaxPool', names(file, node.inputs), {
      kernel_shape: ints(kernel),
      strides: ints(stride),
      dilations: ints(dilation),
      pads: ints(pads),
      ceil_mode: flag(ceilMode),
    });
  },

  averagePool(node, file) {
    const { kernel, stride, pads, ceilMode, countIncludePad } = node.attributes;
    file.addActivated(node, 'AveragePool', names(file, node.inputs), {
      kernel_shape: ints(kernel),
      strides: ints(stride),
      pads: ints(pads),
      ceil_mode: flag(ceilMode),
      count_include_pad: flag(countIncludePad),
    });
  },

  reduce(node, file) {
    const { fn, axes, keepDims } = node.attributes;
    const [x] = names(file, node.inputs);
    const output = file.name(node.outputs[0]);
    const keepdims = flag(keepDims);
    // Without axes ONNX reduces all of them.
    if (axes.length === 0) file.add('Identity', [x], {}, output);
    else if (fn === 'sum') file.add('ReduceSum', [x, file.integers(axes)], { keepdims }, output);
    else file.add(reduceOps[fn], [x], { axes: ints(axes), keepdims }, output);
  },

  resize(node, file) {
    const { mode, size, coordinates, nearest, scales } = node.attributes;
    let [rule, rounding] = [coordinates, nearest];
    if (rule === 'tfHalfPixelForNearest') {
      // ⌊(i + ½)·s⌋ equals (i + ½)·s − ½ rounded, halves up.
      if (mode !== 'nearest' || nearest !== 'floor') file.fail(node, `${rule} with mode ${mode}, rounding ${nearest}`);
      [rule, rounding] = ['halfPixel', 'roundPreferCeil'];
    }
    const shape = file.shape(node.inputs[0]);
    const [x] = names(file, node.inputs);
    const target = scales ? [file.floats([1, 1, ...scales])] : ['', file.integers([shape[0], shape[1], ...size])];
    file.add(
      'Resize',
      [x, '', ...target],
      {
        mode: { string: mode },
        coordinate_transformation_mode: { string: coordinateModes[rule] },
        nearest_mode: { string: nearestModes[rounding] },
      },
      file.name(node.outputs[0]),
    );
  },

  concat(node, file) {
    const axis = { int: node.attributes.axis };
    file.add('Concat', names(file, node.inputs), { axis }, file.name(node.outputs[0]));
  },

  split(node, file) {
    const { axis, sizes } = node.attributes;
    const inputs = [file.name(node.inputs[0]), file.integers(sizes)];
    file.addAll('Split', inputs, { axis: { int: axis } }, names(file, node.outputs));
  },

  slice(node, file) {
    const { starts, sizes, steps } = node.attributes;
    const ends = starts.map((start, axis) => {
      const end = start + sizes[axis] * steps[axis];
      return end < 0 ? beforeAll : end;
    });
    const axes = starts.map((_, axis) => axis);
    const lists = [starts, ends, axes, steps].map((list) => file.integers(list));
    file.add('Slice', [file.name(node.inputs[0]), ...lists], {}, file.name(node.outputs[0]));
  },

  gather(node, file) {
    const [x, indices] = node.inputs;
    const numbers = Array.from(file.data(indices) ?? file.fail(node, 'computed indices'));
    const list = file.integers(numbers, file.shape(indices));
    file.add('Gather', [file.name(x), list], { axis: { int: node.attributes.axis } }, file.name(node.outputs[0]));
  },

  topK(node, file) {
    const { axis, k, largest } = node.attributes;
    const attributes = { axis: { int: axis }, largest: flag(largest) };
    const indices = file.fresh(`${node.name}/TopK`);
    file.addAll('TopK', [file.name(node.inputs[0]), file.integers([k])], attributes, [file.fresh(node.name), indices]);
    file.add('Cast', [indices], { to: { int: dataTypes.float32 } }, file.name(node.outputs[0]));
  },

  takeAlongAxis(node, file) {
    const { axis } = node.attributes;
    const shape = file.shape(node.outputs[0]);
    const [x, indices] = names(file, node.inputs);
    // GatherElements broadcasts neither
    const wide = file.add('Expand', [x, file.integers(shape.map((d, i) => (i === axis ? 1 : d)))]);
    const integers = file.add('Cast', [indices], { to: { int: dataTypes.int64 } });
    const all = file.add('Expand', [integers, file.integers(shape)]);
    file.add('GatherElements', [wide, all], { axis: { int: axis } }, file.name(node.outputs[0]));
  },

  pad(node, file) {
    const { before, after, mode, value } = node.attributes;
    const inputs = [file.name(node.inputs[0]), file.integers([...before, ...after])];
    if (mode === 'constant') inputs.push(file.scalar(value));
    file.add('Pad', inputs, { mode: { string: mode } }, file.name(node.outputs[0]));
  },

  reshape(node, file) {
    const { shape } = node.attributes;
    file.add('Reshape', [file.name(node.inputs[0]), file.integers(shape)], {}, file.name(node.outputs[0]));
  },

  transpose(node, file) {
    const perm = ints(node.attributes.permutation);
    file.add('Transpose', names(file, node.inputs), { perm }, file.name(node.outputs[0]));
  },

  depthToSpace(node, file) {
    const { blockSize, order } = node.attributes;
    const attributes = { blocksize: { int: blockSize }, mode: { string: order } };
    file.add('DepthToSpace', names(file, node.inputs), attributes, file.name(node.outputs[0]));
  },

  spaceToDepth(node, file) {
    const blocksize = { int: node.attributes.blockSize };
    file.add('SpaceToDepth', names(file, node.inputs), { blocksize }, file.name(node.outputs[0]));
  },

  gridSample(node, file) {
    const { mode, padding, alignCorners } = node.attributes;
    file.add(
      'GridSample',
      names(file, node.inputs),
      {
        mode: { string: mode === 'linear' ? 'bilinear' : mode },
        padding_mode: { string: padding },
        align_corners: flag(alignCorners),
      },
      file.name(node.outputs[0]),
    );
  },

  softmax(node, file) {
    const { axis, beta } = node.attributes;
    const [x] = names(file, node.inputs);
    const scaled = beta === 1 ? x : file.add('Mul', [x, file.scalar(beta)]);
    file.add('Softmax', [scaled], { axis: { int: axis } }, file.name(node.outputs[0]));
  },
};

/** The integer types that QuantizeLinear makes. */
export const quantisedTypes: readonly number[] = [dataTypes.int8, dataTypes.uint8];
