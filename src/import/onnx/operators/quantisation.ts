// Quantised models run in float32. Weights are dequantised. A quantised activation is the real number it stands for,
// clamped to the range of its type, because exporters drop a ReLU that the clamp makes redundant.
//
// integer = real / scale + zeroPoint. DynamicQuantizeLinear has no scale until the model runs. Its integers are therefore
// taken to be the reals in steps of `dynamicScale`, and are not rounded to them; nor are the sums that ConvInteger and
// MatMulInteger compute from them, and what is added to those in int32.
import type { ImportedOperator } from '../../imported-operator.ts';
import { type OnnxConstant, emptyNumbers, float32s, floatTypes, integerRanges } from '../constant.ts';
import type { Handler, Operation } from '../operation.ts';
import type { ElementType } from '../schema.ts';
import type { Quantisation } from '../../../quantisation.ts';
import { convolve, multiply } from './convolution.ts';
import type { Activation } from '../../../program/activations.ts';
import { rowMajorStrides } from '../../../program/layout.ts';
import { roundHalfToEven } from '../../../graph/activation.ts';

/** A power of two, so that it changes no digits; small, because files round biases to integers of this scale and the weights'. */
const dynamicScale = 2 ** -10;

/** Of sums of integers, which stand for themselves. */
const sums = { scale: 1, zeroPoint: 0 };

/** Scale and zero point of a whole tensor, from two inputs. */
function scalarQuantisation(operation: Operation, scale: number, zeroPoint: number): Quantisation {
  return {
    scale: operation.number(scale, 'the scale'),
    zeroPoint: operation.has(zeroPoint) ? operation.number(zeroPoint, 'the zero point') : 0,
  };
}

/** scale · (stored − zeroPoint), with one scale, one for each index along `axis`, or one for each block of the axis. */
function dequantised(
  operation: Operation,
  stored: OnnxConstant,
  scale: OnnxConstant,
  zero: OnnxConstant | undefined,
  axis: number,
  block = 0,
): OnnxConstant {
  const { shape, data, type } = stored;
  const { dequantised: counts } = operation.translation;
  operation.spend(data.length);
  counts.set(type, (counts.get(type) ?? 0) + 1);
  const reals = new Float32Array(data.length);
  if (zero && zero.data.length !== scale.data.length) {
    operation.fail(`scales of shape [${scale.shape}] and zero points of shape [${zero.shape}]`);
  }
  if (scale.data.length === 1) {
    const zeroPoint = zero?.data[0] ?? 0;
    for (let i = 0; i < reals.length; i++) reals[i] = scale.data[0] * (data[i] - zeroPoint);
    return float32s(shape, reals);
  }
  const along = operation.axis(axis, shape.length);
  const wanted = block > 0 ? shape.map((d, i) => (i === along ? Math.ceil(d / block) : d)) : [shape[along]];
  if (scale.shape.join() !== wanted.join()) {
    operation.fail(`scales of shape [${scale.shape}] for a tensor of shape [${shape}] quantised along axis ${along}`);
  }
  const [stride, scaleStride] = [rowMajorStrides(shape)[along], block > 0 ? rowMajorStrides(wanted)[along] : 1];
  for (let i = 0; i < reals.length; i++) {
    const index = Math.floor(i / stride) % shape[along];
    const outer = Math.floor(i / (stride * shape[along]));
    const at = block > 0 ? (outer * wanted[along] + Math.floor(index / block)) * scaleStride + (i % stride) : index;
    reals[i] = scale.data[at] * (data[i] - (zero?.data[at] ?? 0));
  }
  return float32s(shape, reals);
}

const dequantizeLinear: Handler = (operation) => {
  const constant = operation.knownConstant(0);
  if (constant) {
    const zero = operation.has(2) ? operation.constant(2, 'the zero point') : undefined;
    const scale = operation.constant(1, 'the scale');
    const reals = dequantised(
      operation,
      constant,
      scale,
      zero,
      operation.int('axis', 1),
      operation.int('block_size', 0),
    );
    return operation.constantResult(reals);
  }
  const own = operation.quantisation(0);
  const value = operation.anyValue(0);
  const given = scalarQuantisation(operation, 1, 2);
  if (own && own.scale === given.scale && own.zeroPoint === given.zeroPoint) return operation.result(value);
  if (own === undefined && floatTypes.includes(operation.type(0))) operation.fail(`its input is ${operation.type(0)}`);
  // Integer inputs of the graph, or integers of another quantisation: integer = real / own.scale + own.zeroPoint.
  const { scale, zeroPoint } = own ?? { scale: 1, zeroPoint: 0 };
  operation.result(affine(operation, value, given.scale / scale, given.scale * (zeroPoint - given.zeroPoint)));
};

/** x · factor + shift. */
function affine(operation: Operation, x: string, factor: number, shift: number): string {
  const product = factor === 1 ? x : operation.emit('binary', { fn: 'mul' }, [x, operation.addConstant([], [factor])]);
  return shift === 0 ? product : operation.emit('binary', { fn: 'add' }, [product, operation.addConstant([], [shift])]);
}

/** The integer type that a quantised result has: its zero point's. */
function zeroPointType(operation: Operation, i: number): ElementType {
  return operation.has(i) ? operation.type(i) : 'uint8';
}

const quantizeLinear: Handler = (operation) => {
  const type = zeroPointType(operation, 2);
  const constant = operation.knownConstant(0);
  const quantisation = scalarQuantisation(operation, 1, 2);
  if (constant) operation.constantResult(rounded(operation, constant, type, quantisation));
  else operation.quantisedResult(operation.value(0), type, quantisation);
};

/** A constant as integers. */
function rounded(
  operation: Operation,
  { shape, data }: OnnxConstant,
  type: ElementType,
  { scale, zeroPoint }: Quantisation,
): OnnxConstant {
  const range = integerRanges[type] ?? operation.unsupported(`quantises to ${type}`);
  operation.spend(data.length);
  const integers = emptyNumbers(type as 'uint8', data.length);
  for (let i = 0; i < data.length; i++) {
    integers[i] = Math.min(Math.max(roundHalfToEven(data[i] / scale) + zeroPoint, range[0]), range[1]);
  }
  return { type, shape, data: integers };
}

/** (x) → (integers, their scale, their zero point). */
const dynamicQuantizeLinear: Handler = (operation) => {
  const constant = operation.knownConstant(0);
  if (constant) {
    // The range includes 0, and so does the grid.
    let [low, high] = [0, 0];
    for (const x of constant.data) {
      low = Math.min(low, x);
      high = Math.max(high, x);
    }
    const scale = Math.fround((high - low) / 255) || 1;
    const zeroPoint = Math.min(Math.max(roundHalfToEven(-low / scale), 0), 255);
    operation.constantResult(rounded(operation, constant, 'uint8', { scale, zeroPoint }), 0);
    setParameters(operation, scale, zeroPoint);
    return;
  }
  operation.translation.hasQuantisedActivations = true;
  operation.result(operation.value(0), 0, 'uint8', { scale: dynamicScale, zeroPoint: 0 });
  setParameters(operation, dynamicScale, 0);
};

function setParameters(operation: Operation, scale: number, zeroPoint: number): void {
  const [, scaleName, zeroName] = operation.node.outputs;
  if (scaleName) operation.constantResult(float32s([], Float32Array.of(scale)), 1);
  if (zeroName) operation.constantResult({ type: 'uint8', shape: [], data: Uint8Array.of(zeroPoint) }, 2);
}

/** A quantised input as a real value. Inputs i + 1 and i + 2 repeat its scale and zero point. */
function realInput(operation: Operation, i: number): string {
  const constant = operation.knownConstant(i);
  if (constant) {
    const zero = operation.has(i + 2) ? operation.constant(i + 2, 'the zero point') : undefined;
    return operation.place(dequantised(operation, constant, operation.constant(i + 1, 'the scale'), zero, 0), '');
  }
  const own = operation.quantisation(i) ?? { scale: 1, zeroPoint: 0 };
  const given = scalarQuantisation(operation, i + 1, i + 2);
  const value = operation.anyValue(i);
  return affine(operation, value, given.scale / own.scale, given.scale * (own.zeroPoint - given.zeroPoint));
}

/** Weights whose scale and zero point are inputs i + 1 and i + 2. */
function realWeights(operation: Operation, i: number, axis: number): OnnxConstant {
  const stored = operation.constant(i, 'the weights');
  const zero = operation.has(i + 2) ? operation.constant(i + 2, 'the zero point of the weights') : undefined;
  const scale = operation.constant(i + 1, 'the scale of the weights');
  const spread = zero && zero.data.length === 1 && scale.data.length > 1;
  const zeros = spread ? { ...scale, data: new Float32Array(scale.data.length).fill(zero.data[0]) } : zero;
  return dequantised(operation, stored, scale, zeros, axis);
}

/** The scale of an int32 bias is that of the input times that of the weights. */
function realBias(operation: Operation, i: number, inputScale: number, weightScales: OnnxConstant): OnnxConstant {
  const bias = operation.constant(i, 'the bias');
  const scales = float32s(
    weightScales.shape,
    Float32Array.from(weightScales.data, (s) => s * inputScale),
  );
  return dequantised(operation, bias, scales, undefined, 0);
}

/** Makes a real value the quantised output whose scale and zero point are inputs i and i + 1. */
function requantise(operation: Operation, value: string, i: number): void {
  operation.quantisedResult(value, zeroPointType(operation, i + 1), scalarQuantisation(operation, i, i + 1));
}

/** (x, scale, zero, w, scale, zero, y scale, y zero, bias?). */
const qLinearConv: Handler = (operation) => {
  const weights = realWeights(operation, 3, 0);
  const inputScale = operation.number(1, 'the scale');
  const bias = operation.has(8) ? realBias(operation, 8, inputScale, operation.constant(4, 'the scales')) : undefined;
  requantise(operation, convolve(operation, realInput(operation, 0), weights, bias), 6);
};

/** (a, scale, zero, b, scale, zero, y scale, y zero). */
const qLinearMatMul: Handler = (operation) =>
  requantise(operation, multiply(operation, realInput(operation, 0), realFactor(operation)), 6);

/** The second operand: weights, or what is computed. */
function realFactor(operation: Operation): string | OnnxConstant {
  return operation.knownConstant(3) ? realWeights(operation, 3, -1) : realInput(operation, 3);
}

/** Sums of integers: a product of the input less its zero point with (weights − zero point) / input scale. */
function integerProduct(
  operation: Operation,
  axis: number,
  product: (x: string, weights: OnnxConstant) => string,
): void {
  const stored = operation.constant(1, 'the weights');
  const zero = operation.has(3) ? operation.constant(3, 'the zero point of the weights') : undefined;
  const own = operation.quantisation(0);
  const given = operation.has(2) ? operation.number(2, 'the zero point of the input') : 0;
  if (own && given !== own.zeroPoint) {
    operation.unsupported(`an input of zero point ${own.zeroPoint}, used as one of ${given}`);
  }
  const scales = new Float32Array(zero?.data.length ?? 1).fill(1 / (own?.scale ?? 1));
  const weights = dequantised(operation, stored, float32s(zero?.shape ?? [], scales), zero, axis);
  const x = affine(operation, operation.anyValue(0), 1, own ? 0 : -given);
  operation.result(product(x, weights), 0, 'int32', sums);
}

const convInteger: Handler = (operation) =>
  integerProduct(operation, 0, (x, weights) => convolve(operation, x, weights, undefined));

const matMulInteger: Handler = (operation) =>
  integerProduct(operation, -1, (x, weights) => multiply(operation, x, weights));

/** ONNX Runtime's (a, scale, zero, b, scale, zero, y scale, y zero). */
function qLinearBinary(fn: 'add' | 'mul'): Handler {
  return (operation) => {
    const operands = [realInput(operation, 0), realInput(operation, 3)];
    requantise(operation, operation.emit('binary', { fn }, operands), 6);
  };
}

/** ONNX Runtime's (x, scale, zero, y scale, y zero). */
function qLinearUnary(activation: (operation: Operation) => Activation): Handler {
  return (operation) =>
    requantise(operation, operation.emit('unary', activation(operation), [realInput(operation, 0)]), 3);
}

const qLinearGlobalAveragePool: Handler = (operation) => {
  if (operation.int('channels_last', 0) !== 0) operation.unsupported('channels_last');
  const axes = operation.shape(0).flatMap((_, axis) => (axis > 1 ? [axis] : []));
  requantise(operation, operation.emit('reduce', { fn: 'mean', axes, keepDims: true }, [realInput(operation, 0)]), 3);
};

/** (y scale, y zero, then value, scale, zero for each part). */
const qLinearConcat: Handler = (operation) => {
  const parts: string[] = [];
  for (let i = 2; i < operation.inputCount; i += 3) parts.push(realInput(operation, i));
  if (parts.length === 0) operation.fail('joins nothing');
  const axis = operation.axis(operation.int('axis'), operation.shapeOf(parts[0]).length);
  requantise(operation, operation.emit('concat', { axis }, parts), 0);
};

export const quantisation: Record<string, ImportedOperator<Operation>> = {
  QuantizeLinear: {
    becomes: ['unary'],
    limits: 'Computed values: one scale for the whole tensor, a constant, as is the zero point.',
    translate: quantizeLinear,
  },
  DequantizeLinear: {
    becomes: ['binary'],
    limits: 'Computed values: one scale for the whole tensor, a constant, as is the zero point.',
    translate: dequantizeLinear,
  },
  DynamicQuantizeLinear: { becomes: [], limits: '', translate: dynamicQuantizeLinear },
  QLinearConv: {
    becomes: ['conv2d', 'unary', 'binary', 'reshape'],
    limits: 'As Conv. Scales and zero points are constants.',
    translate: qLinearConv,
  },
  QLinearMatMul: {
    becomes: ['linear', 'matmul', 'unary', 'binary', 'reshape', 'transpose'],
    limits: 'Scales and zero points are constants.',
    translate: qLinearMatMul,
  },
  ConvInteger: {
    becomes: ['conv2d', 'binary', 'reshape'],
    limits: 'As Conv. Zero points are constants.',
    translate: convInteger,
  },
  MatMulInteger: {
    becomes: ['linear', 'matmul', 'binary', 'reshape', 'transpose'],
    limits: 'The second operand and the zero points are constants.',
    translate: matMulInteger,
  },
  'com.microsoft.QuantizeLinear': { becomes: ['unary'], limits: 'As QuantizeLinear.', translate: quantizeLinear },
  'com.microsoft.DequantizeLinear': {
    becomes: ['binary'],
    limits: 'As DequantizeLinear.',
    translate: dequantizeLinear,
  },
  'com.microsoft.QLinearAdd': {
    becomes: ['binary', 'unary'],
    limits: 'Scales and zero points are constants.',
    translate: qLinearBinary('add'),
  },
  'com.microsoft.QLinearMul': {
    becomes: ['binary', 'unary'],
    limits: 'Scales and zero points are constants.',
    translate: qLinearBinary('mul'),
  },
  'com.microsoft.QLinearSigmoid': {
    becomes: ['unary', 'binary'],
    limits: 'Scales and zero points are constants.',
    translate: qLinearUnary(() => ({ fn: 'sigmoid' })),
  },
  'com.microsoft.QLinearLeakyRelu': {
    becomes: ['unary', 'binary'],
    limits: 'Scales and zero points are constants.',
    translate: qLinearUnary((operation) => ({
      fn: 'leakyRelu',
      alpha: operation.float('alpha', 0.01),
    })),
  },
  'com.microsoft.QLinearGlobalAveragePool': {
    becomes: ['reduce', 'unary', 'binary'],
    limits: 'Scales and zero points are constants. Not `channels_last`.',
    translate: qLinearGlobalAveragePool,
  },
  'com.microsoft.QLinearConcat': {
    becomes: ['concat', 'unary', 'binary'],
    limits: 'Scales and zero points are constants.',
    translate: qLinearConcat,
  },
};
