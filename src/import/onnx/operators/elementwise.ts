// Elementwise operators and softmax.
import type { ImportedOperator } from '../../imported-operator.ts';
import type { BinaryFunction } from '../../../ops/binary.ts';
import { elementCount } from '../../../tensor.ts';
import type { Activation } from '../../../program/activations.ts';
import { floatTypes, integerRanges } from '../constant.ts';
import type { Handler, Operation } from '../operation.ts';

function unary(activation: Activation | ((operation: Operation) => Activation)): Handler {
  return (operation) => {
    const attributes = typeof activation === 'function' ? activation(operation) : activation;
    operation.result(operation.emit('unary', attributes, [operation.value(0)]));
  };
}

function binary(fn: BinaryFunction): Handler {
  return (operation) => operation.exactResult(combined(operation, fn), operation.type(0));
}

const combined = (operation: Operation, fn: BinaryFunction) =>
  operation.emit('binary', { fn }, [operation.numbers(0), operation.numbers(1)]);

/** As `binary`; a term of sums of quantised numbers makes other such sums. */
function addition(fn: 'add' | 'sub'): Handler {
  const exact = binary(fn);
  return (operation) => {
    const sum = [0, 1].find((i) => operation.isSum(i));
    if (sum === undefined) return exact(operation);
    const y = operation.emit('binary', { fn }, [operation.anyValue(0), operation.anyValue(1)]);
    operation.result(y, 0, 'int32', operation.quantisation(sum));
  };
}

const isInteger = (operation: Operation) => !floatTypes.includes(operation.type(0));

/** Functions that make integers of integers. */
function exactUnary(fn: Activation['fn']): Handler {
  return (operation) =>
    operation.exactResult(operation.emit('unary', { fn }, [operation.numbers(0)]), operation.type(0));
}

/** The largest magnitude of an input. */
function reach(operation: Operation, i: number): number {
  const { low, high } = operation.translation.ranges.of(operation.numbers(i));
  return Math.max(-low, high);
}

/**
 * a / b of integers as an integer, by `fn`: the quotient of exact ones is not rounded to an integer that it is not. It is not
 * larger than a, whatever the range of b; ONNX does not say what a / 0 is.
 */
function wholeQuotient(operation: Operation, fn: 'trunc' | 'floor'): string {
  const whole = operation.emit('unary', { fn }, [combined(operation, 'div')]);
  const most = reach(operation, 0);
  operation.translation.ranges.set(whole, { low: -most, high: most });
  return whole;
}

const divide: Handler = (operation) => {
  if (!isInteger(operation)) return operation.result(combined(operation, 'div'));
  operation.exactResult(wholeQuotient(operation, 'trunc'), operation.type(0));
};

/** a − ⌊a / b⌋·b, or towards 0. Of floats, whose quotients may be rounded up to an integer, it is not exact. */
const modulo: Handler = (operation) => {
  if (!isInteger(operation)) operation.unsupported('the remainder of floats');
  const whole = wholeQuotient(operation, operation.int('fmod', 0) === 1 ? 'trunc' : 'floor');
  const product = operation.emit('binary', { fn: 'mul' }, [whole, operation.numbers(1)]);
  const [a, b] = [0, 1].map((i) => reach(operation, i));
  operation.translation.ranges.set(product, { low: -a - b, high: a + b });
  const rest = operation.emit('binary', { fn: 'sub' }, [
    operation.numbers(0),
    operation.exact(product, operation.type(0)),
  ]);
  operation.translation.ranges.set(rest, { low: -b, high: b });
  operation.exactResult(rest, operation.type(0));
};

/** Combines any number of operands. */
function chained(operation: Operation, fn: BinaryFunction): string {
  if (operation.inputCount === 0) operation.fail('has no inputs');
  const values = operation.node.inputs.map((_, i) => operation.numbers(i));
  return values.reduce((a, b) => operation.emit('binary', { fn }, [a, b]));
}

function variadic(fn: BinaryFunction): Handler {
  return (operation) => operation.exactResult(chained(operation, fn), operation.type(0));
}

const mean: Handler = (operation) => {
  const sum = chained(operation, 'add');
  const scale = operation.addConstant([], [1 / operation.inputCount]);
  operation.result(operation.emit('binary', { fn: 'mul' }, [sum, scale]));
};

/** The slope broadcasts to the input, never the reverse. */
const prelu: Handler = (operation) => {
  const y = operation.emit('binary', { fn: 'prelu' }, [operation.value(0), operation.value(1)]);
  if (elementCount(operation.shapeOf(y)) !== elementCount(operation.shape(0))) {
    operation.fail(`slopes of shape [${operation.shape(1)}] do not fit an input of shape [${operation.shape(0)}]`);
  }
  operation.result(y);
};

/** Bounds are attributes up to opset 10, inputs from 11. */
const clip: Handler = (operation) => {
  const x = operation.value(0);
  if (operation.opset < 11) {
    const [alpha, beta] = [operation.float('min', -Infinity), operation.float('max', Infinity)];
    return operation.result(operation.emit('unary', { fn: 'clamp', alpha, beta }, [x]));
  }
  const isComputed = [1, 2].some((i) => operation.has(i) && !operation.knownConstant(i));
  if (isComputed) {
    const low = operation.has(1) ? operation.emit('binary', { fn: 'max' }, [x, operation.value(1)]) : x;
    return operation.result(
      operation.has(2) ? operation.emit('binary', { fn: 'min' }, [low, operation.value(2)]) : low,
    );
  }
  const alpha = operation.has(1) ? operation.number(1, 'the minimum') : -Infinity;
  const beta = operation.has(2) ? operation.number(2, 'the maximum') : Infinity;
  operation.result(operation.emit('unary', { fn: 'clamp', alpha, beta }, [x]));
};

const gelu: Handler = (operation) => {
  const approximation = operation.string('approximate', 'none');
  if (approximation !== 'none') operation.unsupported(`approximate "${approximation}"`);
  operation.result(operation.emit('unary', { fn: 'gelu' }, [operation.value(0)]));
};

const selu: Handler = (operation) => {
  const alpha = operation.float('alpha', 1.67326319217681884765625);
  const gamma = operation.addConstant([], [operation.float('gamma', 1.05070102214813232421875)]);
  const elu = operation.emit('unary', { fn: 'elu', alpha }, [operation.value(0)]);
  operation.result(operation.emit('binary', { fn: 'mul' }, [elu, gamma]));
};

/** x / (1 + |x|). */
const softsign: Handler = (operation) => {
  const x = operation.value(0);
  const one = operation.addConstant([], [1]);
  const divisor = operation.emit('binary', { fn: 'add' }, [operation.emit('unary', { fn: 'abs' }, [x]), one]);
  operation.result(operation.emit('binary', { fn: 'div' }, [x, divisor]));
};

/** From opset 13: along one axis. Before: over all axes from the given one on, as if they were one. */
function softmaxOver(operation: Operation, make: (x: string, axis: number) => string): void {
  const x = operation.value(0);
  const shape = operation.shape(0);
  const isOld = operation.opset < 13;
  const given = operation.int('axis', isOld ? 1 : -1);
  const axis = isOld && given === shape.length ? given : operation.axis(given, shape.length);
  if (!isOld || elementCount(shape.slice(axis + 1)) === 1) {
    if (axis === shape.length) operation.fail(`axis ${given} of a tensor of rank ${shape.length}`);
    return operation.result(make(x, axis));
  }
  const rows = operation.reshape(x, [elementCount(shape.slice(0, axis)), elementCount(shape.slice(axis))]);
  operation.result(operation.reshape(make(rows, 1), shape));
}

const softmax: Handler = (operation) =>
  softmaxOver(operation, (x, axis) => operation.emit('softmax', { axis, beta: 1 }, [x]));

/** x − max − log Σ exp(x − max): exact even where the softmax itself would underflow. */
const logSoftmax: Handler = (operation) =>
  softmaxOver(operation, (x, axis) => {
    const reduce = (fn: 'max' | 'sum', value: string) =>
      operation.emit('reduce', { fn, axes: [axis], keepDims: true }, [value]);
    const shifted = operation.emit('binary', { fn: 'sub' }, [x, reduce('max', x)]);
    const sum = reduce('sum', operation.emit('unary', { fn: 'exp' }, [shifted]));
    return operation.emit('binary', { fn: 'sub' }, [shifted, operation.emit('unary', { fn: 'log' }, [sum])]);
  });

/** Constants of other types have been folded. Integer inputs of the graph are exact float32 values here. */
const cast: Handler = (operation) => {
  const to = operation.castType();
  const from = operation.type(0);
  if (operation.quantisation(0) && !(operation.isSum(0) && floatTypes.includes(to)))
    operation.unsupported(`quantised ${from} to ${to}`);
  const x = operation.anyValue(0);
  if (floatTypes.includes(to)) return operation.result(x, 0, to);
  if (to === 'bool') {
    const isZero = operation.emit('binary', { fn: 'equal' }, [x, operation.addConstant([], [0])]);
    return operation.result(operation.emit('binary', { fn: 'sub' }, [operation.addConstant([], [1]), isZero]), 0, to);
  }
  const isWide = to === 'int32' || to === 'int64';
  const [least, most] = isWide ? [-Infinity, Infinity] : (integerRanges[to] ?? operation.unsupported(`to ${to}`));
  const whole = floatTypes.includes(from) ? operation.emit('unary', { fn: 'trunc' }, [x]) : x;
  const { low, high } = operation.translation.ranges.of(whole);
  if (low < least || high > most) operation.unsupported(`to ${to} of numbers that may lie outside`);
  operation.result(whole, 0, to);
};

const dropout: Handler = (operation) => {
  operation.requireOutputs(1);
  if (operation.has(2) && operation.number(2, 'the training mode') !== 0) operation.unsupported('training mode');
  operation.pass();
};

export const elementwise: Record<string, ImportedOperator<Operation>> = {
  Add: { becomes: ['binary'], limits: '', translate: addition('add') },
  Sub: { becomes: ['binary'], limits: '', translate: addition('sub') },
  Mul: { becomes: ['binary'], limits: '', translate: binary('mul') },
  Div: { becomes: ['binary', 'unary'], limits: '', translate: divide },
  Mod: { becomes: ['binary', 'unary'], limits: 'Of integers.', translate: modulo },
  Pow: { becomes: ['binary'], limits: '', translate: binary('pow') },
  Min: { becomes: ['binary'], limits: '', translate: variadic('min') },
  Max: { becomes: ['binary'], limits: '', translate: variadic('max') },
  Sum: { becomes: ['binary'], limits: '', translate: variadic('add') },
  Mean: { becomes: ['binary'], limits: '', translate: mean },
  PRelu: { becomes: ['binary'], limits: '', translate: prelu },
  Relu: { becomes: ['unary'], limits: '', translate: unary({ fn: 'clamp', alpha: 0, beta: Infinity }) },
  LeakyRelu: {
    becomes: ['unary'],
    limits: '',
    translate: unary((operation) => ({ fn: 'leakyRelu', alpha: operation.float('alpha', 0.01) })),
  },
  Clip: { becomes: ['unary', 'binary'], limits: '', translate: clip },
  Sigmoid: { becomes: ['unary'], limits: '', translate: unary({ fn: 'sigmoid' }) },
  HardSigmoid: {
    becomes: ['unary'],
    limits: '',
    translate: unary((operation) => ({
      fn: 'hardSigmoid',
      alpha: operation.float('alpha', 0.2),
      beta: operation.float('beta', 0.5),
    })),
  },
  HardSwish: { becomes: ['unary'], limits: '', translate: unary({ fn: 'hardSwish', alpha: 1 / 6, beta: 0.5 }) },
  Tanh: { becomes: ['unary'], limits: '', translate: unary({ fn: 'tanh' }) },
  Exp: { becomes: ['unary'], limits: '', translate: unary({ fn: 'exp' }) },
  Log: { becomes: ['unary'], limits: '', translate: unary({ fn: 'log' }) },
  Sqrt: { becomes: ['unary'], limits: '', translate: unary({ fn: 'sqrt' }) },
  Neg: { becomes: ['unary'], limits: '', translate: exactUnary('neg') },
  Abs: { becomes: ['unary'], limits: '', translate: exactUnary('abs') },
  Sign: { becomes: ['unary'], limits: '', translate: exactUnary('sign') },
  Floor: { becomes: ['unary'], limits: '', translate: unary({ fn: 'floor' }) },
  Ceil: { becomes: ['unary'], limits: '', translate: unary({ fn: 'ceil' }) },
  Round: { becomes: ['unary'], limits: '', translate: unary({ fn: 'round' }) },
  Sin: { becomes: ['unary'], limits: 'NaN beyond ±2³⁰ radians.', translate: unary({ fn: 'sin' }) },
  Cos: { becomes: ['unary'], limits: 'NaN beyond ±2³⁰ radians.', translate: unary({ fn: 'cos' }) },
  Reciprocal: { becomes: ['unary'], limits: '', translate: unary({ fn: 'reciprocal' }) },
  Elu: {
    becomes: ['unary'],
    limits: '',
    translate: unary((operation) => ({ fn: 'elu', alpha: operation.float('alpha', 1) })),
  },
  Selu: { becomes: ['unary', 'binary'], limits: '', translate: selu },
  Softplus: { becomes: ['unary'], limits: '', translate: unary({ fn: 'softplus' }) },
  Softsign: { becomes: ['binary', 'unary'], limits: '', translate: softsign },
  Mish: { becomes: ['unary'], limits: '', translate: unary({ fn: 'mish' }) },
  Gelu: { becomes: ['unary'], limits: '`approximate` is "none".', translate: gelu },
  Softmax: { becomes: ['softmax', 'reshape'], limits: '', translate: softmax },
  LogSoftmax: { becomes: ['reduce', 'binary', 'unary', 'reshape'], limits: '', translate: logSoftmax },
  Cast: {
    becomes: ['unary', 'binary'],
    limits: 'Computed values: not of quantised types, nor to types of few bits where they may lie outside.',
    translate: cast,
  },
  Identity: { becomes: [], limits: '', translate: (operation) => operation.pass() },
  Dropout: { becomes: [], limits: 'Inference only. No output of the mask.', translate: dropout },
};
