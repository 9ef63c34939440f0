// Elementwise operators, softmax, and operators that only change how numbers are stored.
import type { ImportedOperator } from '../../imported-operator.ts';
import type { BinaryFunction } from '../../../ops/binary.ts';
import type { Activation } from '../../../program/activations.ts';
import { integerRanges, isQuantisedType } from '../../../quantisation.ts';
import { inexactReason, isExact } from '../../positions.ts';
import type { OptionsName } from '../builtin-operators.ts';
import type { Handler, Operation } from '../operation.ts';

function unary(activation: Activation): Handler {
  return (operation) => operation.result(operation.emit('unary', activation, [operation.value(0)]));
}

const clamp = (alpha: number, beta: number) => unary({ fn: 'clamp', alpha, beta });

/** Both operands at the rank of the larger, NCHW when that is 4. */
export function operands(operation: Operation): string[] {
  const rank = Math.max(operation.rank(0), operation.rank(1));
  // A rank-4 tensor beside one of higher rank is used in the file's order.
  return [0, 1].map((i) => operation.atRank(i, rank));
}

function binary(fn: BinaryFunction, options?: OptionsName): Handler {
  return (operation) => {
    const activation = options ? operation.activation(operation.options(options).int8(0)) : undefined;
    operation.result(operation.emit('binary', { fn, activation }, operands(operation)));
  };
}

/** The largest magnitude of a value. */
function reach(operation: Operation, value: string): number {
  const { low, high } = operation.translation.ranges.of(value);
  return Math.max(-low, high);
}

/** The quotient rounded by `fn`; of integers it is exact, and not larger than a. */
function wholeQuotient(operation: Operation, a: string, b: string, fn: 'trunc' | 'floor'): string {
  const quotient = operation.emit('binary', { fn: 'div' }, [a, b]);
  const whole = operation.emit('unary', { fn }, [quotient]);
  const most = reach(operation, a);
  if (operation.isInteger(0)) operation.translation.ranges.set(whole, { low: -most, high: most });
  return whole;
}

/** Integer quotients are rounded towards 0. */
const divide: Handler = (operation) => {
  if (!operation.isInteger(0)) return binary('div', 'Div')(operation);
  const [a, b] = operands(operation);
  operation.result(wholeQuotient(operation, a, b, 'trunc'));
};

const floorDivide: Handler = (operation) => {
  const [a, b] = operands(operation);
  operation.result(wholeQuotient(operation, a, b, 'floor'));
};

/** a − ⌊a / b⌋·b. */
const floorModulo: Handler = (operation) => {
  if (!operation.isInteger(0)) operation.unsupported('the remainder of floats');
  const [a, b] = operands(operation);
  const product = operation.emit('binary', { fn: 'mul' }, [wholeQuotient(operation, a, b, 'floor'), b]);
  const [p, q] = [reach(operation, a), reach(operation, b)];
  if (!isExact({ low: -p - q, high: p + q })) operation.unsupported(inexactReason('int32'));
  const rest = operation.emit('binary', { fn: 'sub' }, [a, product]);
  operation.translation.ranges.set(rest, { low: -q, high: q });
  operation.result(rest);
};

const squaredDifference: Handler = (operation) => {
  const difference = operation.emit('binary', { fn: 'sub' }, operands(operation));
  operation.result(operation.emit('unary', { fn: 'square' }, [difference]));
};

const leakyRelu: Handler = (operation) => {
  const alpha = operation.options('LeakyRelu').float32(0);
  operation.result(operation.emit('unary', { fn: 'leakyRelu', alpha }, [operation.value(0)]));
};

const gelu: Handler = (operation) => {
  if (operation.options('Gelu').bool(0)) operation.unsupported('the tanh approximation of GELU');
  operation.result(operation.emit('unary', { fn: 'gelu' }, [operation.value(0)]));
};

/** Softmax over the file's last axis, which is the channel axis at rank 4. */
function softmax(operation: Operation, beta: number): string {
  const rank = operation.rank(0);
  if (rank === 0) operation.fail('softmax of a scalar');
  return operation.emit('softmax', { axis: rank === 4 ? 1 : rank - 1, beta }, [operation.value(0)]);
}

/** Constants keep their source; computed values are float32 already. */
const unchanged: Handler = (operation) => {
  const source = operation.isConstant(0) && operation.source(0, 'the input');
  if (source) operation.constantResult(source);
  else operation.result(operation.value(0));
};

const floats = ['float32', 'float16', 'bfloat16', 'float64'];

/** Floats are rounded towards 0. Integers of few bits wrap around in TFLite. */
function castToInteger(operation: Operation, value: string, from: string, to: string): void {
  if (to === 'bool') {
    const isZero = operation.emit('binary', { fn: 'equal' }, [value, operation.addConstant([], [0])]);
    return operation.result(operation.emit('binary', { fn: 'sub' }, [operation.addConstant([], [1]), isZero]));
  }
  const whole = floats.includes(from) ? operation.emit('unary', { fn: 'trunc' }, [value]) : value;
  if (to === 'int32' || to === 'int64') return operation.anyResult(whole);
  const limits = isQuantisedType(to) ? integerRanges[to] : operation.unsupported(`from ${from} to ${to}`);
  const { low, high } = operation.translation.ranges.of(whole);
  if (low < limits[0] || high > limits[1]) operation.unsupported(`to ${to} of numbers that may lie outside`);
  operation.result(whole);
}

const cast: Handler = (operation) => {
  const from = operation.tensor(0);
  const to = operation.output();
  const plainInput = operation.isInteger(0);
  const value = operation.translation.computed(from);
  const isReal = plainInput || floats.includes(from.type);
  if (!floats.includes(to.type) && !to.quantization && isReal && value !== undefined) {
    return castToInteger(operation, value, from.type, to.type);
  }
  // Integer inputs of the graph are exact float32 values here.
  if (floats.includes(to.type) && plainInput && value !== undefined) return operation.result(value);
  if (!floats.includes(to.type) || !floats.includes(from.type)) {
    operation.unsupported(`from ${from.type}${from.quantization ? ' (quantised)' : ''} to ${to.type}`);
  }
  unchanged(operation);
};

export const elementwise: Record<string, ImportedOperator<Operation>> = {
  RELU: { becomes: ['unary'], limits: '', translate: clamp(0, Infinity) },
  RELU6: { becomes: ['unary'], limits: '', translate: clamp(0, 6) },
  RELU_N1_TO_1: { becomes: ['unary'], limits: '', translate: clamp(-1, 1) },
  RELU_0_TO_1: { becomes: ['unary'], limits: '', translate: clamp(0, 1) },
  LEAKY_RELU: { becomes: ['unary'], limits: '', translate: leakyRelu },
  LOGISTIC: { becomes: ['unary'], limits: '', translate: unary({ fn: 'sigmoid' }) },
  TANH: { becomes: ['unary'], limits: '', translate: unary({ fn: 'tanh' }) },
  HARD_SWISH: { becomes: ['unary'], limits: '', translate: unary({ fn: 'hardSwish', alpha: 1 / 6, beta: 0.5 }) },
  EXP: { becomes: ['unary'], limits: '', translate: unary({ fn: 'exp' }) },
  SQRT: { becomes: ['unary'], limits: '', translate: unary({ fn: 'sqrt' }) },
  RSQRT: { becomes: ['unary'], limits: '', translate: unary({ fn: 'rsqrt' }) },
  NEG: { becomes: ['unary'], limits: '', translate: unary({ fn: 'neg' }) },
  ABS: { becomes: ['unary'], limits: '', translate: unary({ fn: 'abs' }) },
  LOG: { becomes: ['unary'], limits: '', translate: unary({ fn: 'log' }) },
  SQUARE: { becomes: ['unary'], limits: '', translate: unary({ fn: 'square' }) },
  ELU: { becomes: ['unary'], limits: '', translate: unary({ fn: 'elu', alpha: 1 }) },
  GELU: { becomes: ['unary'], limits: 'Not the tanh approximation.', translate: gelu },
  ADD: { becomes: ['binary', 'reshape'], limits: '', translate: binary('add', 'Add') },
  SUB: { becomes: ['binary', 'reshape'], limits: '', translate: binary('sub', 'Sub') },
  MUL: { becomes: ['binary', 'reshape'], limits: '', translate: binary('mul', 'Mul') },
  DIV: { becomes: ['binary', 'unary', 'reshape'], limits: '', translate: divide },
  FLOOR_DIV: { becomes: ['unary', 'binary', 'reshape'], limits: '', translate: floorDivide },
  FLOOR_MOD: { becomes: ['binary', 'unary', 'reshape'], limits: 'Of integers.', translate: floorModulo },
  FLOOR: { becomes: ['unary'], limits: '', translate: unary({ fn: 'floor' }) },
  CEIL: { becomes: ['unary'], limits: '', translate: unary({ fn: 'ceil' }) },
  ROUND: { becomes: ['unary'], limits: '', translate: unary({ fn: 'round' }) },
  SIGN: { becomes: ['unary'], limits: '', translate: unary({ fn: 'sign' }) },
  SIN: { becomes: ['unary'], limits: 'NaN beyond ±2³⁰ radians.', translate: unary({ fn: 'sin' }) },
  COS: { becomes: ['unary'], limits: 'NaN beyond ±2³⁰ radians.', translate: unary({ fn: 'cos' }) },
  MINIMUM: { becomes: ['binary', 'reshape'], limits: '', translate: binary('min') },
  MAXIMUM: { becomes: ['binary', 'reshape'], limits: '', translate: binary('max') },
  POW: { becomes: ['binary', 'reshape'], limits: '', translate: binary('pow') },
  PRELU: { becomes: ['binary', 'reshape'], limits: '', translate: binary('prelu') },
  SQUARED_DIFFERENCE: { becomes: ['binary', 'unary', 'reshape'], limits: '', translate: squaredDifference },
  SOFTMAX: {
    becomes: ['softmax'],
    limits: '',
    translate: (operation) => operation.result(softmax(operation, operation.options('Softmax').float32(0))),
  },
  LOG_SOFTMAX: {
    becomes: ['softmax', 'unary'],
    limits: '',
    translate: (operation) => operation.result(operation.emit('unary', { fn: 'log' }, [softmax(operation, 1)])),
  },
  DENSIFY: { becomes: [], limits: '', translate: unchanged },
  DEQUANTIZE: { becomes: [], limits: '', translate: unchanged },
  QUANTIZE: { becomes: [], limits: '', translate: unchanged },
  CAST: {
    becomes: ['unary', 'binary'],
    limits: 'Computed values: not of quantised types, nor to types of few bits where they may lie outside.',
    translate: cast,
  },
};
