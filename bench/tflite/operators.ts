// Operators of the graph as TFLite operators.
import { isPointwise } from '../../src/ops/conv2d.ts';
import type { Node } from '../../src/graph/graph.ts';
import { inversePermutation, permuteData } from '../../src/graph/permute.ts';
import type { AttributesOf, NodeOf, OperatorTable } from '../../src/ops/nodes.ts';
import type { TfliteExport } from './export.ts';
import { axesOf, nhwc } from './export.ts';
import { reshapedOrder } from './reshape.ts';
import { encodePointwise } from './sparse.ts';

const binaryOps: Partial<Record<AttributesOf<'binary'>['fn'], [op: string, options?: 'Add' | 'Mul' | 'Sub' | 'Div']>> =
  {
    add: ['ADD', 'Add'],
    mul: ['MUL', 'Mul'],
    sub: ['SUB', 'Sub'],
    div: ['DIV', 'Div'],
    min: ['MINIMUM'],
    max: ['MAXIMUM'],
  };

const reduceOps = { mean: 'MEAN', sum: 'SUM', max: 'REDUCE_MAX', min: 'REDUCE_MIN' } as const;

/** Padding by its number in the schema. */
const padding = { same: 0, valid: 1 } as const;

interface Window {
  kernel: readonly number[];
  stride: readonly number[];
  dilation: readonly number[];
  /** Top, left, bottom, right. */
  pads: readonly number[];
}

/** The TFLite padding of a window, if there is one. */
function paddingOf([height, width]: readonly number[], { kernel, stride, dilation, pads }: Window): number | undefined {
  if (pads.every((pad) => pad === 0)) return padding.valid;
  const isSame = [height, width].every((size, i) => {
    const span = (kernel[i] - 1) * dilation[i] + 1;
    const total = Math.max((Math.ceil(size / stride[i]) - 1) * stride[i] + span - size, 0);
    return pads[i] === total >> 1 && pads[i + 2] === total - (total >> 1);
  });
  return isSame ? padding.same : undefined;
}

/** The padding option of a convolution, and its input, which is padded beforehand if TFLite has no such padding. */
function padded(file: TfliteExport, node: Node, x: number, window: Window): { x: number; padding: number } {
  const [n, c, height, width] = file.shape(node.inputs[0]);
  const own = paddingOf([height, width], window);
  if (own !== undefined) return { x, padding: own };
  const [top, left, bottom, right] = window.pads;
  const amounts = file.integers([0, 0, top, bottom, left, right, 0, 0], [4, 2]);
  const shape = [n, height + top + bottom, width + left + right, c];
  const [y] = file.model.apply(`${node.name}/pad`, 'PAD', [x, amounts], [shape]);
  return { x: y, padding: padding.valid };
}

function biasOf(file: TfliteExport, node: Node, outputs: number): number {
  const [, , b] = node.inputs;
  return b ? file.constant(b, [0]) : file.model.floats([outputs], new Float32Array(outputs));
}

function exportConv2d(node: NodeOf<'conv2d'>, file: TfliteExport): void {
  const { stride, dilation, pads, groups, activation } = node.attributes;
  const [value, w, , residual = '', slopes = ''] = node.inputs;
  if (residual !== '') file.fail(node, 'a residual');
  if (slopes !== '') file.fail(node, 'slopes');
  const [outputs, perGroup, kh, kw] = file.shape(w);
  const channels = file.shape(value)[1];
  const isDepthwise = groups === channels && perGroup === 1 && groups > 1;
  if (groups !== 1 && !isDepthwise) file.fail(node, `${groups} groups of ${channels} channels`);
  const weights = file.data(node, w);
  // A 1×1 convolution works with any order of pixels.
  const own = file.order(value);
  const order = isPointwise(node.attributes, file.shape(w)) && own[0] === 0 && own[3] === 1 ? own : nhwc;
  const { x, padding } = padded(file, node, file.inOrder(value, order), { kernel: [kh, kw], stride, dilation, pads });
  const bias = biasOf(file, node, outputs);
  const geometry = {
    padding,
    strideWidth: stride[1],
    strideHeight: stride[0],
    dilationWidth: dilation[1],
    dilationHeight: dilation[0],
  };
  if (isDepthwise) {
    const filter = file.model.floats([1, kh, kw, outputs], permuteData(weights, file.shape(w), [1, 2, 3, 0]));
    file.emitActivated(node.outputs[0], order, 'DEPTHWISE_CONV_2D', [x, filter, bias], activation, (activation) => ({
      DepthwiseConv2D: { ...geometry, multiplier: outputs / channels, activation },
    }));
    return;
  }
  let filter: number;
  if (file.sparse && kh === 1 && kw === 1 && weights.includes(0)) {
    const packed = file.model.add({ name: `${node.name}/sparse`, ...encodePointwise(weights, outputs) });
    [filter] = file.model.apply(`${node.name}/weights`, 'DENSIFY', [packed], [[outputs, 1, 1, perGroup]]);
  } else filter = file.model.floats([outputs, kh, kw, perGroup], permuteData(weights, file.shape(w), nhwc));
  file.emitActivated(node.outputs[0], order, 'CONV_2D', [x, filter, bias], activation, (activation) => ({
    Conv2D: { ...geometry, activation },
  }));
}

function exportPool(op: string) {
  return (node: NodeOf<'maxPool'> | NodeOf<'averagePool'>, file: TfliteExport): void => {
    const { kernel, stride, pads, ceilMode, activation } = node.attributes;
    const dilation = 'dilation' in node.attributes ? node.attributes.dilation : [1, 1];
    const countsPads = 'countIncludePad' in node.attributes && node.attributes.countIncludePad;
    const padding = paddingOf(file.shape(node.inputs[0]).slice(2), { kernel, stride, dilation, pads });
    if (padding === undefined || ceilMode || dilation.some((d) => d !== 1) || (countsPads && padding === 0)) {
      file.fail(node, `a window with pads [${pads}], dilation [${dilation}]`);
    }
    const options = { padding, strideWidth: stride[1], strideHeight: stride[0], width: kernel[1], height: kernel[0] };
    file.emitActivated(node.outputs[0], nhwc, op, [file.inOrder(node.inputs[0], nhwc)], activation, (activation) => ({
      Pool2D: { ...options, activation },
    }));
  };
}

/** Adds the TFLite operators of a node to the file. */
export const exporters: OperatorTable<[file: TfliteExport], void> = {
  conv2d: exportConv2d,

  maxPool: exportPool('MAX_POOL_2D'),

  averagePool: exportPool('AVERAGE_POOL_2D'),

  linear(node, file) {
    const [value, w] = node.inputs;
    const rank = file.shape(value).length;
    const bias = biasOf(file, node, file.shape(w)[0]);
    const inputs = [file.inOrder(value, axesOf(rank)), file.constant(w, [0, 1]), bias];
    file.emitActivated(
      node.outputs[0],
      axesOf(rank),
      'FULLY_CONNECTED',
      inputs,
      node.attributes.activation,
      (activation) => ({ FullyConnected: { activation, format: 0, keepDims: rank > 2 } }),
    );
  },

  matmul(node, file) {
    const { transposeA, transposeB } = node.attributes;
    const inputs = node.inputs.map((input) => file.inOrder(input, axesOf(file.shape(input).length)));
    const order = axesOf(file.shape(node.outputs[0]).length);
    file.emit(node.outputs[0], order, 'BATCH_MATMUL', inputs, { BatchMatMul: { adjX: transposeA, adjY: transposeB } });
  },

  unary(node, file) {
    const order = file.order(node.inputs[0]);
    file.activate(node.outputs[0], file.inOrder(node.inputs[0], order), order, node.attributes);
  },

  binary(node, file) {
    const { fn, activation } = node.attributes;
    const [op, options] = binaryOps[fn] ?? file.fail(node, `${fn} has no operator`);
    const rank = file.shape(node.outputs[0]).length;
    const full = node.inputs.find((input) => !file.isConstant(input) && file.shape(input).length === rank);
    if (full === undefined) return file.fail(node, 'no computed operand has the rank of the result');
    const order = file.order(full);
    const inputs = node.inputs.map((input) => {
      if (file.isConstant(input)) {
        return file.shape(input).length === 0 ? file.constant(input, []) : file.constant(input, order);
      }
      if (file.shape(input).length !== rank) file.fail(node, `"${input}" is computed and of a lower rank`);
      return file.inOrder(input, order);
    });
    const activated = options ? activation : undefined;
    file.emitActivated(node.outputs[0], order, op, inputs, activated, (activation) =>
      options ? { [options]: { activation } } : {},
    );
    if (!options && activation && activation.fn !== 'identity') file.fail(node, `${fn} with an activation`);
  },

  concat(node, file) {
    const first = node.inputs.find((input) => !file.isConstant(input)) ?? node.inputs[0];
    const order = file.order(first);
    const inputs = node.inputs.map((input) => file.inOrder(input, order));
    const axis = order.indexOf(node.attributes.axis);
    file.emit(node.outputs[0], order, 'CONCATENATION', inputs, { Concatenation: { axis, activation: 0 } });
  },

  split(node, file) {
    const { axis, sizes } = node.attributes;
    const order = file.order(node.inputs[0]);
    const x = file.inOrder(node.inputs[0], order);
    const along = order.indexOf(axis);
    const shapes = node.outputs.map((output) => order.map((axis) => file.shape(output)[axis]));
    const isEven = sizes.every((size) => size === sizes[0]);
    const axisTensor = file.integers([along], []);
    const tensors = isEven
      ? file.model.apply(node.name, 'SPLIT', [axisTensor, x], shapes, { Split: { count: sizes.length } })
      : file.model.apply(node.name, 'SPLIT_V', [x, file.integers(sizes), axisTensor], shapes, {
          SplitV: { count: sizes.length },
        });
    node.outputs.forEach((output, i) => file.store(output, tensors[i], order));
  },

  slice(node, file) {
    const { starts, sizes, steps } = node.attributes;
    const order = file.order(node.inputs[0]);
    const x = file.inOrder(node.inputs[0], order);
    if (steps.some((step) => step < 1)) file.fail(node, `steps [${steps}]`);
    const list = (numbers: readonly number[]) => file.integers(order.map((axis) => numbers[axis]));
    if (steps.every((step) => step === 1)) {
      file.emit(node.outputs[0], order, 'SLICE', [x, list(starts), list(sizes)]);
      return;
    }
    const ends = starts.map((start, axis) => start + (sizes[axis] - 1) * steps[axis] + 1);
    const inputs = [x, list(starts), list(ends), list(steps)];
    const masks = { beginMask: 0, endMask: 0, ellipsisMask: 0, newAxisMask: 0, shrinkMask: 0 };
    file.emit(node.outputs[0], order, 'STRIDED_SLICE', inputs, { StridedSlice: masks });
  },

  pad(node, file) {
    const { before, after, mode, value } = node.attributes;
    if (mode !== 'constant') file.fail(node, `mode ${mode}`);
    if ([...before, ...after].some((amount) => amount < 0)) file.fail(node, 'it crops');
    const order = file.order(node.inputs[0]);
    const amounts = file.integers(
      order.flatMap((axis) => [before[axis], after[axis]]),
      [order.length, 2],
    );
    const inputs = [file.inOrder(node.inputs[0], order), amounts];
    if (value === 0) file.emit(node.outputs[0], order, 'PAD', inputs);
    else file.emit(node.outputs[0], order, 'PADV2', [...inputs, file.scalar(value)]);
  },

  reshape(node, file) {
    const [value] = node.inputs;
    const [from, to] = [file.shape(value), file.shape(node.outputs[0])];
    const own = file.order(value);
    const kept = reshapedOrder(from, own, to);
    const order = kept ?? axesOf(to.length);
    const x = file.inOrder(value, kept ? own : axesOf(from.length));
    const shape = order.map((axis) => to[axis]);
    file.emit(node.outputs[0], order, 'RESHAPE', [x, file.integers(shape)], { Reshape: { shape } });
  },

  transpose(node, file) {
    const [value] = node.inputs;
    const place = inversePermutation(node.attributes.permutation);
    const order = file.order(value);
    file.store(
      node.outputs[0],
      file.inOrder(value, order),
      order.map((axis) => place[axis]),
    );
  },

  reduce(node, file) {
    const { fn, axes, keepDims } = node.attributes;
    const order = file.order(node.inputs[0]);
    const inputs = [file.inOrder(node.inputs[0], order), file.integers(axes.map((axis) => order.indexOf(axis)))];
    const kept = order.filter((axis) => !axes.includes(axis));
    const renumbered = kept.map((axis) => axis - axes.filter((gone) => gone < axis).length);
    file.emit(node.outputs[0], keepDims ? order : renumbered, reduceOps[fn], inputs, { Reducer: { keepDims } });
  },

  gridSample: unsupported,

  softmax(node, file) {
    const { axis, beta } = node.attributes;
    const own = file.order(node.inputs[0]);
    const order = own.at(-1) === axis ? own : [...own.filter((a) => a !== axis), axis];
    file.emit(node.outputs[0], order, 'SOFTMAX', [file.inOrder(node.inputs[0], order)], { Softmax: { beta } });
  },

  resize(node, file) {
    const { mode, size, coordinates, nearest, scales } = node.attributes;
    const x = file.inOrder(node.inputs[0], nhwc);
    const inputs = [x, file.integers(size)];
    const rule = {
      asymmetric: { alignCorners: false, halfPixel: false },
      halfPixel: { alignCorners: false, halfPixel: true },
      tfHalfPixelForNearest: { alignCorners: false, halfPixel: true },
      alignCorners: { alignCorners: true, halfPixel: false },
      pytorchHalfPixel: undefined,
    }[coordinates];
    const fits =
      (mode === 'linear' && coordinates !== 'tfHalfPixelForNearest') ||
      (mode === 'nearest' && nearest === 'floor' && ['asymmetric', 'tfHalfPixelForNearest'].includes(coordinates));
    if (!rule || !fits || scales) file.fail(node, `${mode} ${coordinates} ${nearest}`);
    if (mode === 'linear') file.emit(node.outputs[0], nhwc, 'RESIZE_BILINEAR', inputs, { ResizeBilinear: rule });
    else file.emit(node.outputs[0], nhwc, 'RESIZE_NEAREST_NEIGHBOR', inputs, { ResizeNearestNeighbor: rule });
  },

  depthToSpace(node, file) {
    const { blockSize, order } = node.attributes;
    if (order !== 'DCR') file.fail(node, `order ${order}`);
    file.emit(node.outputs[0], nhwc, 'DEPTH_TO_SPACE', [file.inOrder(node.inputs[0], nhwc)], {
      DepthToSpace: { blockSize },
    });
  },

  spaceToDepth(node, file) {
    const { blockSize } = node.attributes;
    file.emit(node.outputs[0], nhwc, 'SPACE_TO_DEPTH', [file.inOrder(node.inputs[0], nhwc)], {
      SpaceToDepth: { blockSize },
    });
  },

  convTranspose2d: unsupported,

  gather: unsupported,
  topK: unsupported,
  takeAlongAxis: unsupported,
};

function unsupported(node: Node, file: TfliteExport): void {
  file.fail(node, 'there is no TFLite operator for it');
}
