// Elementwise operators and softmax.
import type { ImportedOperator } from '../../imported-operator.ts';
import type { BinaryFunction } from '../../../ops/binary.ts';
import { elementCount } from '../../../tensor.ts';
import type { Activation } from '../../../program/activations.ts';
import { floatTypes } from '../constant.ts';
import type { Handler, Operation } from '../operation.ts';

function unary(activation: Activation | ((operation: Operation) => Activation)): Handler {
  return (operation) => {
    const attributes = typeof activation === 'function' ? activation(operation) : activation;
    operation.result(operation.emit('unary', attributes, [operation.value(0)]));
  };
}

function binary(fn: BinaryFunction): Handler {
  return (operation) => operation.result(operation.emit('binary', { fn }, [operation.value(0), operation.value(1)]));
}

/** Combines any number of operands. */
function chained(operation: Operation, fn: BinaryFunction): string {
  if (operation.inputCount === 0) operation.fail('has no inputs');
  const values = operation.node.inputs.map((_, i) => operation.value(i));
  return values.reduce((a, b) => operation.emit('binary', { fn }, [a, b]));
}

function variadic(fn: BinaryFunction): Handler {
  return (operation) => operation.result(chained(operation, fn));
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
  if (operation.quantisation(0)) operation.unsupported(`quantised ${from} to ${to}`);
  if (!floatTypes.includes(to)) operation.unsupported(`from ${from} to ${to}`);
  operation.result(operation.anyValue(0), 0, to);
};

const dropout: Handler = (operation) => {
  operation.requireOutputs(1);
  if (operation.has(2) && operation.number(2, 'the training mode') !== 0) operation.unsupported('training mode');
  operation.pass();
};

export const elementwise: Record<string, ImportedOperator<Operation>> = {
  Add: { becomes: ['binary'], limits: '', translate: binary('add') },
  Sub: { becomes: ['binary'], limits: '', translate: binary('sub') },
  Mul: { becomes: ['binary'], limits: '', translate: binary('mul') },
  Div: { becomes: ['binary'], limits: '', translate: binary('div') },
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
  Neg: { becomes: ['unary'], limits: '', translate: unary({ fn: 'neg' }) },
  Abs: { becomes: ['unary'], limits: '', translate: unary({ fn: 'abs' }) },
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
  Cast: { becomes: [], limits: 'Computed values: only to float types, and not from quantised ones.', translate: cast },
  Identity: { becomes: [], limits: '', translate: (operation) => operation.pass() },
  Dropout: { becomes: [], limits: 'Inference only. No output of the mask.', translate: dropout },
};
