// Every operator that is imported, against LiteRT.js: one model with an output for each case.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { evaluate } from '../../../src/graph/evaluate.ts';
import { verify } from '../../../src/graph/verify.ts';
import { importTflite } from '../../../src/import/tflite/index.ts';
import { Tensor, elementCount } from '../../../src/tensor.ts';
import { randomFloats, relativeError } from '../../kernels/wasm.ts';
import { runPeer, type PeerOutput } from '../../peers/index.ts';
import { ModelBuilder } from './model.ts';
import { Operation } from '../../../src/import/tflite/operation.ts';
import { tfliteOperators } from '../../../src/import/tflite/operators/index.ts';

const random = randomFloats(7);
const model = new ModelBuilder();
const weights = (...shape: number[]) => model.floats(shape, random(elementCount(shape)));
const axes = (...numbers: number[]) => model.integers([numbers.length], numbers);
const scalar = (number: number) => model.integers([], [number]);
/** An output named after the case. */
const check = (name: string, ...rest: [string, number[], number[][], Parameters<ModelBuilder['output']>[4]?]) =>
  void model.output(name, ...rest);

const x = model.input('x', [1, 7, 9, 6]);
const y = model.input('y', [1, 7, 9, 6]);
const z = model.input('z', [1, 6, 8, 4]);
const positive = model.input('positive', [1, 7, 9, 6]);
const vector = model.input('vector', [6]);
const rows = model.input('rows', [3, 10]);
const cube = model.input('cube', [2, 5, 6]);
const same = 0;
const valid = 1;

function convolutions() {
  check('conv same, stride 2, relu6', 'CONV_2D', [x, weights(8, 3, 3, 6), weights(8)], [[1, 4, 5, 8]], {
    Conv2D: { padding: same, strideWidth: 2, strideHeight: 2, activation: 3 },
  });
  check('conv 1×1, relu', 'CONV_2D', [x, weights(5, 1, 1, 6), weights(5)], [[1, 7, 9, 5]], {
    Conv2D: { padding: valid, strideWidth: 1, strideHeight: 1, activation: 1 },
  });
  check('conv dilated, relu n1 to 1', 'CONV_2D', [x, weights(4, 3, 3, 6), weights(4)], [[1, 7, 9, 4]], {
    Conv2D: { padding: same, strideWidth: 1, strideHeight: 1, activation: 2, dilationWidth: 2, dilationHeight: 3 },
  });
  check('conv 2×4, strides 2 and 3', 'CONV_2D', [x, weights(4, 2, 4, 6), weights(4)], [[1, 4, 3, 4]], {
    Conv2D: { padding: same, strideWidth: 3, strideHeight: 2 },
  });
  check('conv valid 3×2', 'CONV_2D', [x, weights(4, 3, 2, 6), weights(4)], [[1, 5, 8, 4]], {
    Conv2D: { padding: valid, strideWidth: 1, strideHeight: 1 },
  });
  check('conv in two groups', 'CONV_2D', [x, weights(4, 3, 3, 3), weights(4)], [[1, 7, 9, 4]], {
    Conv2D: { padding: same, strideWidth: 1, strideHeight: 1 },
  });
  check('depthwise', 'DEPTHWISE_CONV_2D', [x, weights(1, 3, 3, 6), weights(6)], [[1, 7, 9, 6]], {
    DepthwiseConv2D: { padding: same, strideWidth: 1, strideHeight: 1, multiplier: 1, activation: 1 },
  });
  check(
    'depthwise 5×5, stride 2, two each',
    'DEPTHWISE_CONV_2D',
    [x, weights(1, 5, 5, 12), weights(12)],
    [[1, 4, 5, 12]],
    {
      DepthwiseConv2D: { padding: same, strideWidth: 2, strideHeight: 2, multiplier: 2 },
    },
  );
  check('depthwise dilated', 'DEPTHWISE_CONV_2D', [x, weights(1, 3, 3, 6), weights(6)], [[1, 3, 5, 6]], {
    DepthwiseConv2D: {
      padding: valid,
      strideWidth: 1,
      strideHeight: 1,
      multiplier: 1,
      dilationWidth: 2,
      dilationHeight: 2,
    },
  });
  dilatedByBlocks();
  const transposed = (name: string, size: number[], kernel: number, padding: number, more: number[] = []) =>
    check(name, 'TRANSPOSE_CONV', [axes(...size), weights(size[3], kernel, kernel, 6), x, ...more], [size], {
      TransposeConv: { padding, strideWidth: 2, strideHeight: 2, activation: 0 },
    });
  transposed('transpose conv same', [1, 14, 18, 5], 3, same);
  transposed('transpose conv same, odd size, bias', [1, 13, 17, 5], 3, same, [weights(5)]);
  transposed('transpose conv valid', [1, 14, 18, 5], 2, valid);
  transposed('transpose conv same, 4×4', [1, 14, 18, 3], 4, same);
  const ofMediaPipe = (name: string, size: number[], kernel: number[], padding: 1 | 2, stride: number[]) => {
    const output = model.add({ name, shape: size });
    const customOptions = new Uint8Array(Int32Array.of(padding, stride[1], stride[0]).buffer);
    const inputs = [x, weights(size[3], ...kernel, 6), weights(size[3])];
    model.operators.push({ op: 'CUSTOM Convolution2DTransposeBias', inputs, outputs: [output], customOptions });
    model.outputs.push(output);
  };
  ofMediaPipe('transpose conv of MediaPipe', [1, 14, 18, 4], [2, 2], 1, [2, 2]);
  ofMediaPipe('transpose conv of MediaPipe, 3×4', [1, 13, 27, 4], [3, 4], 1, [2, 3]);
  ofMediaPipe('transpose conv of MediaPipe, valid', [1, 15, 27, 4], [3, 3], 2, [2, 3]);
  check('linear', 'FULLY_CONNECTED', [rows, weights(4, 10), weights(4)], [[3, 4]], {
    FullyConnected: { activation: 1 },
  });
  check('linear over a feature map', 'FULLY_CONNECTED', [x, weights(4, 378), -1], [[1, 4]], { FullyConnected: {} });
  check('linear per pixel', 'FULLY_CONNECTED', [x, weights(3, 6), weights(3)], [[1, 7, 9, 3]], {
    FullyConnected: { keepDims: 1 },
  });
  check('linear over rank 3', 'FULLY_CONNECTED', [cube, weights(3, 6), weights(3)], [[10, 3]], { FullyConnected: {} });
  const pool = (
    name: string,
    op: string,
    [h, w]: number[],
    stride: number,
    padding: number,
    size: number[],
    activation = 0,
  ) =>
    check(name, op, [x], [size], {
      Pool2D: { padding, strideWidth: stride, strideHeight: stride, width: w, height: h, activation },
    });
  pool('max pool same', 'MAX_POOL_2D', [3, 3], 2, same, [1, 4, 5, 6]);
  pool('max pool valid, relu', 'MAX_POOL_2D', [2, 2], 2, valid, [1, 3, 4, 6], 1);
  pool('average pool same', 'AVERAGE_POOL_2D', [3, 3], 2, same, [1, 4, 5, 6]);
  pool('average pool valid, relu', 'AVERAGE_POOL_2D', [7, 9], 1, valid, [1, 1, 1, 6], 1);
}

/** SPACE_TO_BATCH_ND, a convolution, BATCH_TO_SPACE_ND: TensorFlow's dilated convolutions. */
function dilatedByBlocks() {
  const blocks = (name: string, from: number, sizes: number[], paddings: number[], shape: number[]) =>
    model.apply(`${name}, blocks`, 'SPACE_TO_BATCH_ND', [from, axes(...sizes), pairs(paddings)], [shape])[0];
  const back = (name: string, from: number, sizes: number[], crops: number[], shape: number[]) =>
    check(name, 'BATCH_TO_SPACE_ND', [from, axes(...sizes), pairs(crops)], [shape]);
  const pairs = (numbers: number[]) => model.integers([numbers.length / 2, 2], numbers);
  const depthwise = {
    DepthwiseConv2D: { padding: valid, strideWidth: 1, strideHeight: 1, multiplier: 1, activation: 3 },
  };
  const conv = { Conv2D: { padding: valid, strideWidth: 1, strideHeight: 1 } };
  // 7×9 pixels, padded by 2 and to a multiple of 2: 12×14
  const two = blocks('depthwise', x, [2, 2], [2, 3, 2, 3], [4, 6, 7, 6]);
  const [kept] = model.apply(
    'depthwise in blocks',
    'DEPTHWISE_CONV_2D',
    [two, weights(1, 3, 3, 6), weights(6)],
    [[4, 4, 5, 6]],
    depthwise,
  );
  back('depthwise between blocks', kept, [2, 2], [0, 1, 0, 1], [1, 7, 9, 6]);
  const three = blocks('conv', x, [3, 2], [3, 2, 0, 1], [6, 4, 5, 6]);
  const [wide] = model.apply(
    'conv in blocks',
    'CONV_2D',
    [three, weights(5, 2, 3, 6), weights(5)],
    [[6, 3, 3, 5]],
    conv,
  );
  const [biased] = model.apply('biased in blocks', 'ADD', [wide, weights(5)], [[6, 3, 3, 5]], {
    Add: { activation: 1 },
  });
  back('conv between blocks, bias, relu', biased, [3, 2], [1, 0, 0, 1], [1, 8, 5, 5]);
  const padded = { Conv2D: { padding: same, strideWidth: 1, strideHeight: 1 } };
  const [more] = model.apply(
    'same in blocks',
    'CONV_2D',
    [blocks('same', x, [2, 2], [0, 1, 0, 1], [4, 4, 5, 6]), weights(4, 3, 3, 6), weights(4)],
    [[4, 4, 5, 4]],
    padded,
  );
  back('conv with zeros of its own between blocks, cropped more than padded', more, [2, 2], [3, 1, 0, 2], [1, 4, 8, 4]);
  // no dilated convolutions
  const strided = { Conv2D: { padding: valid, strideWidth: 2, strideHeight: 2 } };
  const [half] = model.apply(
    'strided in blocks',
    'CONV_2D',
    [blocks('strided', x, [2, 2], [0, 1, 1, 0], [4, 4, 5, 6]), weights(4, 2, 3, 6), weights(4)],
    [[4, 2, 2, 4]],
    strided,
  );
  back('strided conv between blocks', half, [2, 2], [1, 0, 0, 0], [1, 3, 4, 4]);
  back(
    'blocks without anything between',
    blocks('only', z, [3, 2], [0, 0, 2, 0], [6, 2, 5, 4]),
    [3, 2],
    [0, 0, 2, 0],
    [1, 6, 8, 4],
  );
  back(
    'blocks of another size',
    blocks('other', z, [3, 2], [0, 0, 2, 0], [6, 2, 5, 4]),
    [2, 3],
    [1, 0, 0, 4],
    [1, 3, 11, 4],
  );
  check('blocks', 'SPACE_TO_BATCH_ND', [z, axes(2, 4), pairs([1, 1, 0, 0])], [[8, 4, 2, 4]]);
  check('blocks of rows', 'SPACE_TO_BATCH_ND', [cube, axes(3), pairs([1, 0])], [[6, 2, 6]]);
  back('blocks of rows and back', blocks('rows', cube, [3], [1, 0], [6, 2, 6]), [3], [0, 2], [2, 4, 6]);
}

/** Integers stay inside: outputs are floats. */
function selection() {
  const int32 = { type: 'int32' } as const;
  const integers = (
    name: string,
    op: string,
    inputs: number[],
    shape: number[],
    options?: Parameters<ModelBuilder['output']>[4],
  ) => model.apply(`${name}, integers`, op, inputs, [shape], options, int32)[0];
  const asFloats = (name: string, value: number, shape: number[]) => check(name, 'CAST', [value], [shape]);
  check(
    'product of computed matrices',
    'BATCH_MATMUL',
    [cube, model.apply('turned', 'TRANSPOSE', [cube, axes(0, 2, 1)], [[2, 6, 5]])[0]],
    [[2, 5, 5]],
    { BatchMatMul: {} },
  );
  check(
    'product of computed matrices, both transposed',
    'BATCH_MATMUL',
    [cube, model.apply('turned again', 'TRANSPOSE', [cube, axes(0, 2, 1)], [[2, 6, 5]])[0]],
    [[2, 6, 6]],
    { BatchMatMul: { adjX: true, adjY: true } },
  );
  check('product of images', 'BATCH_MATMUL', [x, y], [[1, 7, 9, 9]], { BatchMatMul: { adjY: true } });
  check(
    'linear with computed weights',
    'FULLY_CONNECTED',
    [rows, model.apply('weights', 'MUL', [rows, rows], [[3, 10]], { Mul: {} })[0], -1],
    [[3, 3]],
    { FullyConnected: {} },
  );
  for (const op of ['ARG_MAX', 'ARG_MIN']) {
    const options = op === 'ARG_MAX' ? { ArgMax: { outputType: 2 } } : { ArgMin: { outputType: 2 } };
    asFloats(op, integers(op, op, [x, scalar(3)], [1, 7, 9], options), [1, 7, 9]);
    asFloats(`${op} of rows`, integers(`${op} of rows`, op, [x, scalar(1)], [1, 9, 6], options), [1, 9, 6]);
  }
  const [values, positions] = [model.add({ name: 'top', shape: [3, 4] }), model.add({ shape: [3, 4], ...int32 })];
  model.operators.push({ op: 'TOPK_V2', inputs: [rows, scalar(4)], outputs: [values, positions] });
  check('TOPK_V2, values', 'ABS', [values], [[3, 4]]);
  asFloats('TOPK_V2, positions', positions, [3, 4]);
  const first = integers('first', 'SLICE', [positions, axes(0, 0), axes(1, 4)], [1, 4]);
  check(
    'GATHER by computed indices',
    'GATHER',
    [rows, integers('places', 'FLOOR_MOD', [first, scalar(3)], [1, 4])],
    [[1, 4, 10]],
    { Gather: { axis: 0 } },
  );
  check(
    'GATHER of channels by computed indices',
    'GATHER',
    [x, integers('channels', 'FLOOR_MOD', [first, scalar(6)], [1, 4])],
    [[1, 7, 9, 1, 4]],
    { Gather: { axis: 3 } },
  );
  check('GATHER in batches', 'GATHER', [rows, positions], [[3, 4]], { Gather: { axis: 1, batchDims: 1 } });
  const few = integers('few', 'FLOOR_MOD', [positions, scalar(5)], [3, 4]);
  const pairs = integers('pairs', 'RESHAPE', [few, axes(6, 2)], [6, 2]);
  check(
    'GATHER_ND',
    'GATHER_ND',
    [model.apply('squares', 'RESHAPE', [cube, axes(5, 6, 2)], [[5, 6, 2]])[0], pairs],
    [[6, 2]],
  );
  check(
    'GATHER_ND of an image',
    'GATHER_ND',
    [model.apply('image', 'RESHAPE', [cube, axes(5, 6, 2, 1)], [[5, 6, 2, 1]])[0], pairs],
    [[6, 2, 1]],
  );
  const centred = integers('centred', 'SUB', [positions, scalar(5)], [3, 4], { Sub: {} });
  for (const op of ['FLOOR_DIV', 'FLOOR_MOD', 'DIV']) {
    asFloats(
      `${op} of integers`,
      integers(op, op, [centred, scalar(3)], [3, 4], op === 'DIV' ? { Div: {} } : undefined),
      [3, 4],
    );
  }
  check('FLOOR_DIV of floats', 'FLOOR_DIV', [x, model.floats([], Float32Array.of(0.7))], [[1, 7, 9, 6]]);
  asFloats('products of integers', integers('product', 'MUL', [centred, centred], [3, 4], { Mul: {} }), [3, 4]);
  const bool = { type: 'bool' } as const;
  const compared = (name: string, op: string, inputs: number[], shape: number[]) =>
    model.apply(`${name}, compared`, op, inputs, [shape], undefined, bool)[0];
  for (const op of ['LESS', 'LESS_EQUAL', 'GREATER', 'GREATER_EQUAL', 'EQUAL', 'NOT_EQUAL']) {
    asFloats(`${op} of integers`, compared(op, op, [few, scalar(1)], [3, 4]), [3, 4]);
  }
  asFloats('LESS of images', compared('LESS of images', 'LESS', [x, vector], [1, 7, 9, 6]), [1, 7, 9, 6]);
  const [isLess, isMore] = [
    compared('less', 'LESS', [x, y], [1, 7, 9, 6]),
    compared('more', 'GREATER', [x, vector], [1, 7, 9, 6]),
  ];
  for (const op of ['LOGICAL_AND', 'LOGICAL_OR'])
    asFloats(op, compared(op, op, [isLess, isMore], [1, 7, 9, 6]), [1, 7, 9, 6]);
  asFloats('LOGICAL_NOT', compared('not', 'LOGICAL_NOT', [isLess], [1, 7, 9, 6]), [1, 7, 9, 6]);
  check('SELECT', 'SELECT', [isLess, x, y], [[1, 7, 9, 6]]);
  check('SELECT_V2', 'SELECT_V2', [isLess, x, vector], [[1, 7, 9, 6]]);
  check('TILE', 'TILE', [cube, axes(2, 1, 3)], [[4, 5, 18]]);
  check('TILE of an image', 'TILE', [z, axes(1, 2, 1, 2)], [[1, 12, 8, 8]]);
  for (const op of ['FLOOR', 'CEIL', 'ROUND', 'SIGN', 'SIN', 'COS']) check(op, op, [x], [[1, 7, 9, 6]]);
  asFloats(
    'CAST to integers',
    integers('cast', 'CAST', [model.apply('large', 'MUL', [x, x], [[1, 7, 9, 6]], { Mul: {} })[0]], [1, 7, 9, 6]),
    [1, 7, 9, 6],
  );
}

function elementwise() {
  const shape = [[1, 7, 9, 6]];
  check('add, relu', 'ADD', [x, y], shape, { Add: { activation: 1 } });
  check('add a constant of rank 1', 'ADD', [x, weights(6)], shape, { Add: {} });
  check('add a value of rank 1', 'ADD', [x, vector], shape, { Add: {} });
  check('add a value of rank 1 to rank 3', 'ADD', [cube, vector], [[2, 5, 6]], { Add: {} });
  check('subtract from a scalar', 'SUB', [weights(), x], shape, { Sub: {} });
  check('multiply by channel', 'MUL', [x, weights(1, 1, 1, 6)], shape, { Mul: { activation: 3 } });
  check('multiply by column', 'MUL', [x, weights(9, 1)], shape, { Mul: {} });
  check('divide', 'DIV', [x, positive], shape, { Div: {} });
  check('minimum', 'MINIMUM', [x, y], shape);
  check('maximum', 'MAXIMUM', [x, weights(6)], shape);
  check('power', 'POW', [positive, y], shape);
  check('squared difference', 'SQUARED_DIFFERENCE', [x, y], shape);
  check('prelu', 'PRELU', [x, weights(1, 1, 6)], shape);
  for (const op of [
    'RELU',
    'RELU6',
    'RELU_N1_TO_1',
    'RELU_0_TO_1',
    'LOGISTIC',
    'TANH',
    'HARD_SWISH',
    'EXP',
    'NEG',
    'ABS',
    'SQUARE',
    'ELU',
  ]) {
    check(op, op, [x], shape);
  }
  for (const op of ['SQRT', 'RSQRT', 'LOG']) check(op, op, [positive], shape);
  check('leaky relu', 'LEAKY_RELU', [x], shape, { LeakyRelu: { alpha: 0.1 } });
  check('gelu', 'GELU', [x], shape, { Gelu: { approximate: 0 } });
  check('softmax over channels', 'SOFTMAX', [x], shape, { Softmax: { beta: 1 } });
  check('softmax of rank 2', 'SOFTMAX', [rows], [[3, 10]], { Softmax: { beta: 0.5 } });
  check('log softmax', 'LOG_SOFTMAX', [x], shape);
}

function reductions() {
  const reduce = (name: string, op: string, from: number, over: number[], size: number[], keepDims = 0) =>
    check(name, op, [from, axes(...over)], [size], { Reducer: { keepDims } });
  reduce('global mean, kept', 'MEAN', x, [1, 2], [1, 1, 1, 6], 1);
  reduce('global mean', 'MEAN', x, [1, 2], [1, 6]);
  reduce('mean over channels', 'MEAN', x, [-1], [1, 7, 9]);
  reduce('mean over rows of rank 3', 'MEAN', cube, [1], [2, 6]);
  reduce('sum over height', 'SUM', x, [1], [1, 9, 6]);
  reduce('max over channels, kept', 'REDUCE_MAX', x, [3], [1, 7, 9, 1], 1);
  reduce('min over all but width', 'REDUCE_MIN', x, [3, 0, 1], [9]);
}

function arrangement() {
  const resize = (name: string, op: string, size: number[], options: Record<string, number>) =>
    check(name, op, [z, axes(...size)], [[1, ...size, 4]], {
      [op === 'RESIZE_BILINEAR' ? 'ResizeBilinear' : 'ResizeNearestNeighbor']: options,
    });
  for (const op of ['RESIZE_BILINEAR', 'RESIZE_NEAREST_NEIGHBOR']) {
    resize(`${op} up`, op, [12, 16], {});
    resize(`${op} up, half pixel`, op, [12, 16], { halfPixel: 1 });
    resize(`${op} up, corners`, op, [13, 15], { alignCorners: 1 });
    resize(`${op} down`, op, [4, 5], {});
    resize(`${op} down, half pixel`, op, [4, 5], { halfPixel: 1 });
    resize(`${op} down, corners`, op, [4, 5], { alignCorners: 1 });
  }
  check('concat channels', 'CONCATENATION', [x, y, weights(1, 7, 9, 2)], [[1, 7, 9, 14]], {
    Concatenation: { axis: -1 },
  });
  check('concat height', 'CONCATENATION', [x, y], [[1, 14, 9, 6]], { Concatenation: { axis: 1 } });
  check('concat rank 3', 'CONCATENATION', [cube, cube], [[2, 10, 6]], { Concatenation: { axis: 1 } });
  check(
    'split',
    'SPLIT',
    [scalar(3), x],
    [2, 2, 2].map((c) => [1, 7, 9, c]),
    { Split: { count: 3 } },
  );
  check(
    'split of sizes',
    'SPLIT_V',
    [x, axes(2, -1, 1), scalar(1)],
    [2, 4, 1].map((h) => [1, h, 9, 6]),
    { SplitV: { count: 3 } },
  );
  check('slice', 'SLICE', [x, axes(0, 2, 1, 3), axes(1, 3, -1, 2)], [[1, 3, 8, 2]]);
  const strided = (
    name: string,
    from: number,
    [begin, end, by]: number[][],
    size: number[],
    masks: Record<string, number>,
  ) => check(name, 'STRIDED_SLICE', [from, axes(...begin), axes(...end), axes(...by)], [size], { StridedSlice: masks });
  strided(
    'strided slice',
    x,
    [
      [0, 1, 0, -4],
      [1, -1, 9, 6],
      [1, 2, 3, 1],
    ],
    [1, 3, 3, 4],
    {},
  );
  strided(
    'strided slice backwards',
    x,
    [
      [0, -1, 8, 0],
      [1, 0, 1, 6],
      [1, -2, -3, 1],
    ],
    [1, 3, 3, 6],
    {},
  );
  strided(
    'strided slice with masks',
    x,
    [
      [0, 3, 2, 4],
      [0, 5, 4, 5],
      [1, 1, 1, 1],
    ],
    [1, 2, 4, 6],
    { beginMask: 0b1100, endMask: 0b1001 },
  );
  strided(
    'strided slice to rank 3',
    x,
    [
      [0, 2, 0, 0],
      [1, 3, 9, 6],
      [1, 1, 1, 1],
    ],
    [1, 9, 6],
    { shrinkMask: 2 },
  );
  strided(
    'strided slice to one channel',
    x,
    [
      [0, 0, 0, -1],
      [0, 0, 0, 0],
      [1, 1, 1, 1],
    ],
    [1, 7, 9],
    { beginMask: 7, endMask: 7, shrinkMask: 8 },
  );
  check('gather channels', 'GATHER', [x, axes(5, 0, 0, 3)], [[1, 7, 9, 4]], { Gather: { axis: 3 } });
  check('gather one row', 'GATHER', [x, scalar(4)], [[1, 9, 6]], { Gather: { axis: 1 } });
  check('gather a table', 'GATHER', [cube, model.integers([2, 2], [4, 1, 0, 4])], [[2, 2, 2, 6]], {
    Gather: { axis: 1 },
  });
  const amounts = (...numbers: number[]) => model.integers([numbers.length / 2, 2], numbers);
  check('pad', 'PAD', [x, amounts(0, 0, 1, 2, 3, 0, 0, 2)], [[1, 10, 12, 8]]);
  check('pad rank 2', 'PAD', [rows, amounts(1, 0, 0, 2)], [[4, 12]]);
  check(
    'pad with a value',
    'PADV2',
    [x, amounts(0, 0, 1, 1, 0, 1, 0, 0), model.floats([], new Float32Array([2.5]))],
    [[1, 9, 10, 6]],
  );
  check('mirror pad', 'MIRROR_PAD', [x, amounts(0, 0, 2, 1, 3, 3, 0, 0)], [[1, 10, 15, 6]], { MirrorPad: { mode: 0 } });
  check('mirror pad, border repeated', 'MIRROR_PAD', [x, amounts(0, 0, 1, 1, 0, 1, 0, 0)], [[1, 9, 10, 6]], {
    MirrorPad: { mode: 1 },
  });
  check('reshape by an option', 'RESHAPE', [x], [[1, 63, 6]], { Reshape: { shape: [1, -1, 6] } });
  check('reshape by an input', 'RESHAPE', [x, axes(9, 42)], [[9, 42]]);
  check('reshape to rank 4', 'RESHAPE', [cube, axes(1, 2, -1, 3)], [[1, 2, 10, 3]]);
  check('squeeze', 'SQUEEZE', [x], [[7, 9, 6]], { Squeeze: { axes: [0] } });
  check('expand dims', 'EXPAND_DIMS', [cube, scalar(1)], [[2, 1, 5, 6]]);
  check('transpose rank 4', 'TRANSPOSE', [x, axes(2, 3, 0, 1)], [[9, 6, 1, 7]]);
  check('transpose rank 3', 'TRANSPOSE', [cube, axes(2, 0, 1)], [[6, 2, 5]]);
  check('pack', 'PACK', [cube, cube], [[2, 2, 5, 6]], { Pack: { count: 2, axis: 1 } });
  check(
    'unpack',
    'UNPACK',
    [x],
    Array.from({ length: 7 }, () => [1, 9, 6]),
    { Unpack: { count: 7, axis: 1 } },
  );
  check('depth to space', 'DEPTH_TO_SPACE', [z], [[1, 12, 16, 1]], { DepthToSpace: { blockSize: 2 } });
  check('space to depth', 'SPACE_TO_DEPTH', [z], [[1, 3, 4, 16]], { SpaceToDepth: { blockSize: 2 } });
  // Channel shuffle by way of rank 5.
  const [five] = model.apply('in groups', 'RESHAPE', [x, axes(1, 7, 9, 2, 3)], [[1, 7, 9, 2, 3]]);
  const [swapped] = model.apply('groups swapped', 'TRANSPOSE', [five, axes(0, 1, 2, 4, 3)], [[1, 7, 9, 3, 2]]);
  check('channel shuffle', 'RESHAPE', [swapped, axes(1, 7, 9, 6)], [[1, 7, 9, 6]]);
}

convolutions();
elementwise();
selection();
reductions();
arrangement();

const emitted = vi.spyOn(Operation.prototype, 'emitAll');

describe('operators', () => {
  const inputs = model.inputs.map((index) => {
    const { name, shape } = model.tensors[index];
    const data = random(elementCount(shape), 3);
    return new Tensor('float32', shape, name === 'positive' ? data.map((v) => Math.abs(v) + 0.1) : data);
  });
  let expected: PeerOutput[];
  let outputs: Record<string, Tensor>;

  beforeAll(async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'filigree-tflite-'));
    try {
      const file = path.join(folder, 'operators.tflite');
      await writeFile(file, model.bytes());
      expected = (
        await runPeer(
          'litert',
          file,
          inputs.map(({ data }) => data as Float32Array),
        )
      ).outputs;
    } finally {
      await rm(folder, { recursive: true });
    }
    const graph = importTflite(model.bytes(), 'operators.tflite');
    verify(graph);
    outputs = evaluate(
      graph,
      Object.fromEntries(model.inputs.map((index, k) => [model.tensors[index].name!, inputs[k]])),
    );
  });

  it.each(model.outputs.map((index, k) => [model.tensors[index].name!, k] as const))('%s', (name, k) => {
    expect(outputs[name].shape).toEqual(expected[k].shape);
    expect(expected[k].data.some((v) => v !== 0)).toBe(true);
    // float32 sums against float64 sums; XNNPACK's exp and tanh are polynomials.
    expect(relativeError(outputs[name].data as Float32Array, expected[k].data)).toBeLessThan(1e-5);
  });
});

it('become what docs/operators.md says', () => {
  const found = new Map<string, Set<string>>();
  emitted.mock.calls.forEach(([op], i) => {
    const { name } = (emitted.mock.contexts[i] as Operation).operator;
    found.set(name, (found.get(name) ?? new Set()).add(op));
  });
  for (const [name, { becomes }] of tfliteOperators) {
    // between NHWC and NCHW
    const known = [...becomes, 'transpose'];
    expect(
      [...(found.get(name) ?? [])].filter((op) => !known.includes(op)),
      name,
    ).toEqual([]);
  }
  expect(found.size).toBeGreaterThan(50);
});
