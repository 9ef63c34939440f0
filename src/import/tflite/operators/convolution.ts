// CONV_2D, DEPTHWISE_CONV_2D, TRANSPOSE_CONV, products of matrices and the pools: kernels, strides, SAME and VALID.
import type { ImportedOperator } from '../../imported-operator.ts';
import { elementCount } from '../../../tensor.ts';
import { tensorTitle } from '../constants.ts';
import type { FlatTable } from '../flatbuffer.ts';
import type { Pair } from '../../../ops/window.ts';
import type { Activation } from '../../../program/activations.ts';
import type { Handler, Operation } from '../operation.ts';
import type { Quantization, TfliteTensor } from '../schema.ts';

type Pads = readonly [number, number, number, number];

/** Padding by its number in the schema. */
const same = 0;

/** SAME pads one axis so that the output has ⌈input/stride⌉ entries; an odd one goes after the input. */
function samePads(input: number, kernel: number, stride: number, dilation: number): Pair {
  const outputs = Math.ceil(input / stride);
  const total = Math.max((outputs - 1) * stride + (kernel - 1) * dilation + 1 - input, 0);
  const before = total >> 1;
  return [before, total - before];
}

/** Height and width from two fields; both must be positive. */
function pair(operation: Operation, options: FlatTable, [height, width]: Pair, what: string, absent = 0): Pair {
  const values = [options.int32(height, absent), options.int32(width, absent)] as const;
  if (values[0] < 1 || values[1] < 1) operation.fail(`${what} ${values[0]}×${values[1]} must be positive`);
  return values;
}

function explicitPads(operation: Operation, padding: number, kernel: Pair, stride: Pair, dilation: Pair): Pads {
  if (padding !== same) return [0, 0, 0, 0];
  const [, height, width] = operation.shape(0);
  const [top, bottom] = samePads(height, kernel[0], stride[0], dilation[0]);
  const [left, right] = samePads(width, kernel[1], stride[1], dilation[1]);
  return [top, left, bottom, right];
}

/** The bias. If it has no scale of its own, its scale is the product of input and weight scales. */
function bias(operation: Operation, input: TfliteTensor, weights: TfliteTensor, i = 2): string[] {
  if (!operation.optional(i)) return [];
  const source = operation.source(i, 'the bias');
  const needsScale = !source.quantization && ['int32', 'int64'].includes(source.type);
  if (!needsScale) return [operation.constant(source)];
  const inputScale = input.quantization?.scales[0];
  const weightScales = weights.quantization?.scales;
  if (!inputScale || !weightScales) return operation.fail(`${tensorTitle(source)} is ${source.type} and has no scale`);
  const derived: Quantization = { scales: weightScales.map((s) => s * inputScale), zeroPoints: [0], axis: 0 };
  if (derived.scales.length > 1 && derived.scales.length !== source.shape[0]) {
    operation.fail(`${derived.scales.length} weight scales for a bias of shape [${source.shape}]`);
  }
  return [operation.constant(source, undefined, source.shape, derived)];
}

/** Weights (O, kh, kw, I/groups) → (O, I/groups, kh, kw). */
const conv2d: Handler = (operation) => {
  const options = operation.options('Conv2D');
  operation.requireRank(0, 4);
  const weights = operation.source(1, 'the weights');
  if (weights.shape.length !== 4) operation.fail(`weights of shape [${weights.shape}] must have rank 4`);
  const [, kh, kw, perGroup] = weights.shape;
  const channels = operation.shape(0)[3];
  if (perGroup < 1 || channels % perGroup !== 0) {
    operation.fail(`${channels} input channels do not divide by the ${perGroup} of weights [${weights.shape}]`);
  }
  const stride = pair(operation, options, [2, 1], 'stride');
  const dilation = pair(operation, options, [5, 4], 'dilation', 1);
  const attributes = {
    stride,
    dilation,
    pads: explicitPads(operation, options.int8(0), [kh, kw], stride, dilation),
    groups: channels / perGroup,
    activation: operation.activation(options.int8(3)),
  };
  const inputs = [operation.value(0), operation.constant(weights, [0, 3, 1, 2])];
  operation.result(operation.emit('conv2d', attributes, [...inputs, ...bias(operation, operation.tensor(0), weights)]));
};

/** Weights (1, kh, kw, O), O a multiple of I → (O, 1, kh, kw) in I groups. */
const depthwise: Handler = (operation) => {
  const options = operation.options('DepthwiseConv2D');
  operation.requireRank(0, 4);
  const weights = operation.source(1, 'the weights');
  if (weights.shape.length !== 4 || weights.shape[0] !== 1) {
    operation.fail(`weights of shape [${weights.shape}] must be (1, height, width, channels)`);
  }
  const [, kh, kw, outputs] = weights.shape;
  const channels = operation.shape(0)[3];
  if (outputs % channels !== 0) {
    operation.fail(`${outputs} channels of weights [${weights.shape}] do not divide by ${channels} input channels`);
  }
  const stride = pair(operation, options, [2, 1], 'stride');
  const dilation = pair(operation, options, [6, 5], 'dilation', 1);
  const attributes = {
    stride,
    dilation,
    pads: explicitPads(operation, options.int8(0), [kh, kw], stride, dilation),
    groups: channels,
    activation: operation.activation(options.int8(4)),
  };
  const inputs = [operation.value(0), operation.constant(weights, [3, 0, 1, 2])];
  operation.result(operation.emit('conv2d', attributes, [...inputs, ...bias(operation, operation.tensor(0), weights)]));
};

/** Inputs of a transposed convolution: indices of the operator's. Weights are (O, kh, kw, I). */
interface Transposed {
  x: number;
  weights: number;
  bias: number;
  isSame: boolean;
  stride: Pair;
  activation?: Activation;
  /** Height and width of the output. */
  size: (kernel: Pair) => readonly number[];
}

/** The pads are those of the convolution that it transposes. */
function transposed(operation: Operation, of: Transposed): void {
  operation.requireRank(of.x, 4);
  const weights = operation.source(of.weights, 'the weights');
  if (weights.shape.length !== 4) operation.fail(`weights of shape [${weights.shape}] must have rank 4`);
  const [, ...input] = operation.shape(of.x);
  const kernels: Pair = [weights.shape[1], weights.shape[2]];
  const size = of.size(kernels);
  const ends = kernels.map((kernel, axis) => {
    const before = of.isSame ? samePads(size[axis], kernel, of.stride[axis], 1)[0] : 0;
    const after = (input[axis] - 1) * of.stride[axis] + kernel - before - size[axis];
    return { before, after: Math.max(after, 0), extra: Math.max(-after, 0) };
  });
  const attributes = {
    stride: of.stride,
    dilation: [1, 1],
    pads: [ends[0].before, ends[1].before, ends[0].after, ends[1].after],
    outputPadding: [ends[0].extra, ends[1].extra],
    groups: 1,
    activation: of.activation,
  };
  const inputs = [operation.value(of.x), operation.constant(weights, [3, 0, 1, 2])];
  const added = bias(operation, operation.tensor(of.x), weights, of.bias);
  operation.result(operation.emit('convTranspose2d', attributes, [...inputs, ...added]));
}

/** (output shape, weights, input, bias?). */
const transposeConv: Handler = (operation) => {
  const options = operation.options('TransposeConv');
  const size = operation.integers(0, 'the output shape');
  if (size.length !== 4) operation.fail(`an output shape of ${size.length} numbers; it must have 4`);
  transposed(operation, {
    x: 2,
    weights: 1,
    bias: 3,
    isSame: options.int8(0) === same,
    stride: pair(operation, options, [2, 1], 'stride'),
    activation: operation.activation(options.int8(3)),
    size: () => size.slice(1, 3),
  });
};

/** MediaPipe's (input, weights, bias). Its options are three int32: padding (1 SAME, 2 VALID), stride across and down. */
const transposeConvBias: Handler = (operation) => {
  const { customOptions } = operation.operator;
  if (customOptions.length < 12) operation.fail(`its options have ${customOptions.length} bytes; wanted 12`);
  const view = new DataView(customOptions.buffer, customOptions.byteOffset, customOptions.byteLength);
  const [padding, across, down] = [0, 4, 8].map((at) => view.getInt32(at, true));
  if ((padding !== 1 && padding !== 2) || across < 1 || down < 1) {
    operation.fail(`padding ${padding} and stride ${down}×${across}; wanted padding 1 or 2 and positive strides`);
  }
  const stride: Pair = [down, across];
  const isSame = padding === 1;
  const [, ...input] = operation.shape(0);
  const declared = operation.output().shape;
  const size = (kernels: Pair) =>
    kernels.map((kernel, axis) => {
      if (declared.length === 4) return declared[1 + axis];
      const last = (input[axis] - 1) * stride[axis];
      return last + kernel - (isSame ? Math.max(0, kernel - ((input[axis] - 1) % stride[axis]) - 1) : 0);
    });
  transposed(operation, { x: 0, weights: 1, bias: 2, isSame, stride, size });
};

/** Weights (O, K), which may be computed. The input is (…, K), or is read as rows of K. */
const fullyConnected: Handler = (operation) => {
  const options = operation.options('FullyConnected');
  if (options.int8(1) !== 0) operation.unsupported('shuffled weights');
  const weights = { shape: operation.shape(1) };
  if (weights.shape.length !== 2) operation.fail(`weights of shape [${weights.shape}] must have rank 2`);
  const columns = weights.shape[1];
  const shape = operation.shape(0);
  const count = elementCount(shape);
  if (columns < 1 || count % columns !== 0) {
    operation.fail(
      `an input of shape [${shape}] cannot be read as rows of ${columns}, which weights [${weights.shape}] need`,
    );
  }
  let x = operation.inFileOrder(0);
  const keepsDimensions = options.bool(2);
  if (!keepsDimensions && (shape.length !== 2 || shape[1] !== columns)) {
    x = operation.emit('reshape', { shape: [count / columns, columns] }, [x]);
  }
  const activation = operation.activation(options.int8(0));
  const added = bias(operation, operation.tensor(0), operation.tensor(1));
  if (operation.isConstant(1)) {
    const inputs = [x, operation.constant(operation.source(1, 'the weights')), ...added];
    return operation.resultInFileOrder(operation.emit('linear', { activation }, inputs));
  }
  let y = operation.emit('matmul', { transposeA: false, transposeB: true }, [x, operation.value(1)]);
  if (added.length > 0) y = operation.emit('binary', { fn: 'add' }, [y, ...added]);
  operation.resultInFileOrder(activation ? operation.emit('unary', activation, [y]) : y);
};

/** (…, M, K) · (…, K, N), either of them with its last two axes exchanged. */
const batchMatMul: Handler = (operation) => {
  const options = operation.options('BatchMatMul');
  const [transposeA, transposeB] = [options.bool(0), options.bool(1)];
  for (const i of [0, 1])
    if (operation.rank(i) < 2) operation.fail(`input ${i} of rank ${operation.rank(i)} is no matrix`);
  const shape = operation.shape(1);
  if (
    operation.isConstant(1) &&
    !transposeA &&
    shape.slice(0, -2).every((d) => d === 1) &&
    operation.rank(0) >= shape.length
  ) {
    const weights = operation.source(1, 'the weights');
    const permutation = transposeB ? [0, 1] : [1, 0];
    const inputs = [operation.inFileOrder(0), operation.constant(weights, permutation, shape.slice(-2))];
    return operation.resultInFileOrder(operation.emit('linear', {}, inputs));
  }
  const inputs = [operation.inFileOrder(0), operation.inFileOrder(1)];
  operation.resultInFileOrder(operation.emit('matmul', { transposeA, transposeB }, inputs));
};

function pool(op: 'maxPool' | 'averagePool', own: object): Handler {
  return (operation) => {
    const options = operation.options('Pool2D');
    operation.requireRank(0, 4);
    const stride = pair(operation, options, [2, 1], 'stride');
    const kernel = pair(operation, options, [4, 3], 'filter');
    const attributes = {
      kernel,
      stride,
      pads: explicitPads(operation, options.int8(0), kernel, stride, [1, 1]),
      ceilMode: false,
      ...own,
      activation: operation.activation(options.int8(5)),
    };
    operation.result(operation.emit(op, attributes, [operation.value(0)]));
  };
}

export const convolutions: Record<string, ImportedOperator<Operation>> = {
  CONV_2D: { becomes: ['conv2d'], limits: 'Rank 4. Weights and bias are constants.', translate: conv2d },
  DEPTHWISE_CONV_2D: { becomes: ['conv2d'], limits: 'Rank 4. Weights and bias are constants.', translate: depthwise },
  TRANSPOSE_CONV: {
    becomes: ['convTranspose2d'],
    limits: 'Rank 4. Output shape, weights and bias are constants.',
    translate: transposeConv,
  },
  'CUSTOM (Convolution2DTransposeBias)': {
    becomes: ['convTranspose2d'],
    limits: 'Rank 4. Weights and bias are constants. MediaPipe has it.',
    translate: transposeConvBias,
  },
  FULLY_CONNECTED: {
    becomes: ['linear', 'matmul', 'reshape', 'binary', 'unary'],
    limits: 'The bias is a constant. No shuffled weights.',
    translate: fullyConnected,
  },
  BATCH_MATMUL: { becomes: ['matmul', 'linear', 'transpose'], limits: '', translate: batchMatMul },
  MAX_POOL_2D: { becomes: ['maxPool'], limits: 'Rank 4.', translate: pool('maxPool', { dilation: [1, 1] }) },
  AVERAGE_POOL_2D: {
    becomes: ['averagePool'],
    limits: 'Rank 4.',
    translate: pool('averagePool', { countIncludePad: false }),
  },
};
