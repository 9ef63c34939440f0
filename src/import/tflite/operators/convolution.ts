// CONV_2D, DEPTHWISE_CONV_2D, TRANSPOSE_CONV, products of matrices and the pools: kernels, strides, SAME and VALID.
import type { ImportedOperator } from '../../imported-operator.ts';
import { elementCount } from '../../../tensor.ts';
import { tensorTitle } from '../constants.ts';
import type { FlatTable } from '../flatbuffer.ts';
import type { Pair } from '../../../ops/window.ts';
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

/** (output shape, weights (O, kh, kw, I), input, bias?); the pads are those of the convolution that it transposes. */
const transposeConv: Handler = (operation) => {
  const options = operation.options('TransposeConv');
  operation.requireRank(2, 4);
  const size = operation.integers(0, 'the output shape');
  if (size.length !== 4) operation.fail(`an output shape of ${size.length} numbers; it must have 4`);
  const weights = operation.source(1, 'the weights');
  if (weights.shape.length !== 4) operation.fail(`weights of shape [${weights.shape}] must have rank 4`);
  const stride = pair(operation, options, [2, 1], 'stride');
  const [, ...input] = operation.shape(2);
  const ends = [0, 1].map((axis) => {
    const kernel = weights.shape[axis + 1];
    const output = size[axis + 1];
    const before = options.int8(0) === same ? samePads(output, kernel, stride[axis], 1)[0] : 0;
    const after = (input[axis] - 1) * stride[axis] + kernel - before - output;
    return { before, after: Math.max(after, 0), extra: Math.max(-after, 0) };
  });
  const attributes = {
    stride,
    dilation: [1, 1],
    pads: [ends[0].before, ends[1].before, ends[0].after, ends[1].after],
    outputPadding: [ends[0].extra, ends[1].extra],
    groups: 1,
    activation: operation.activation(options.int8(3)),
  };
  const inputs = [operation.value(2), operation.constant(weights, [3, 0, 1, 2])];
  const output = operation.emit('convTranspose2d', attributes, [
    ...inputs,
    ...bias(operation, operation.tensor(2), weights, 3),
  ]);
  operation.result(output);
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
