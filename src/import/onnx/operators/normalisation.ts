// BatchNormalization and InstanceNormalization as products and sums, whose constants passes fold into convolutions.
import type { ImportedOperator } from '../../imported-operator.ts';
import { asFloats, type OnnxConstant } from '../constant.ts';
import type { Handler, Operation } from '../operation.ts';

/** Factors for each channel of an (N, C, …) tensor, as a constant that broadcasts over it. */
function perChannel(operation: Operation, factors: Float64Array, name: string): string {
  const shape = [
    factors.length,
    ...operation
      .shape(0)
      .slice(2)
      .map(() => 1),
  ];
  return operation.addConstant(shape, Float32Array.from(factors), `${operation.title}/${name}`);
}

function parameter(operation: Operation, i: number, what: string): OnnxConstant {
  const constant = operation.constant(i, what);
  const [, channels] = operation.shape(0);
  if (constant.shape.length !== 1 || constant.shape[0] !== channels) {
    operation.fail(`${what} of shape [${constant.shape}] for an input of shape [${operation.shape(0)}]`);
  }
  return constant;
}

/** (x − mean) / √(variance + ε) · scale + bias. */
const batchNormalization: Handler = (operation) => {
  operation.requireOutputs(1);
  if (operation.rank(0) < 2) operation.fail(`an input of shape [${operation.shape(0)}] has no channels`);
  if (operation.int('training_mode', 0) !== 0) operation.unsupported('training mode');
  if (operation.int('spatial', 1) === 0) operation.unsupported('statistics for each pixel (spatial 0)');
  const names = ['the scale', 'the bias', 'the mean', 'the variance'];
  const [scale, bias, mean, variance] = names.map((name, i) => asFloats(parameter(operation, i + 1, name)));
  const epsilon = operation.float('epsilon', 1e-5);
  const factor = Float64Array.from(scale, (s, c) => s / Math.sqrt(variance[c] + epsilon));
  const shift = Float64Array.from(bias, (b, c) => b - mean[c] * factor[c]);
  const x = operation.value(0);
  perChannel(operation, Float64Array.from(scale), 'scale'); // read only by pruning (prune/channels/batch-norm.ts)
  const product = operation.emit('binary', { fn: 'mul' }, [x, perChannel(operation, factor, 'factor')]);
  operation.result(operation.emit('binary', { fn: 'add' }, [product, perChannel(operation, shift, 'shift')]));
};

const instanceNormalization: Handler = (operation) => {
  const rank = operation.rank(0);
  if (rank < 3) operation.fail(`an input of shape [${operation.shape(0)}] has no spatial axes`);
  const axes = Array.from({ length: rank - 2 }, (_, i) => i + 2);
  const binary = (fn: string, a: string, b: string) => operation.emit('binary', { fn }, [a, b]);
  const [scale, bias] = ['the scale', 'the bias'].map((name, i) => {
    const factors = Float64Array.from(parameter(operation, i + 1, name).data);
    return perChannel(operation, factors, i === 0 ? 'scale' : 'bias');
  });
  const y = normalised(operation, operation.value(0), axes);
  operation.result(binary('add', binary('mul', y, scale), bias));
};

/** (x − mean) / √(variance + ε) over the axes. */
function normalised(operation: Operation, x: string, axes: readonly number[]): string {
  const mean = (value: string) => operation.emit('reduce', { fn: 'mean', axes, keepDims: true }, [value]);
  const binary = (fn: string, a: string, b: string) => operation.emit('binary', { fn }, [a, b]);
  const unary = (fn: string, value: string) => operation.emit('unary', { fn }, [value]);
  const centred = binary('sub', x, mean(x));
  const epsilon = operation.addConstant([], [operation.float('epsilon', 1e-5)]);
  return binary('mul', centred, unary('rsqrt', binary('add', mean(unary('square', centred)), epsilon)));
}

/** (x − mean) / √(variance + ε) · scale + bias over the axes from the given one on. */
const layerNormalization: Handler = (operation) => {
  operation.requireOutputs(1);
  const rank = operation.rank(0);
  const first = operation.axis(operation.int('axis', -1), rank);
  const axes = Array.from({ length: rank - first }, (_, i) => first + i);
  const x = operation.value(0);
  const y = normalised(operation, x, axes);
  const scaled = operation.emit('binary', { fn: 'mul' }, [y, operation.value(1)]);
  const shifted = operation.has(2) ? operation.emit('binary', { fn: 'add' }, [scaled, operation.value(2)]) : scaled;
  if (String(operation.shapeOf(shifted)) !== String(operation.shape(0))) {
    operation.fail(`scale and bias do not fit an input of shape [${operation.shape(0)}]`);
  }
  operation.result(shifted);
};

export const normalisation: Record<string, ImportedOperator<Operation>> = {
  BatchNormalization: {
    becomes: ['binary'],
    limits: 'Inference only. Scale, bias, mean and variance are constants.',
    translate: batchNormalization,
  },
  InstanceNormalization: {
    becomes: ['reduce', 'binary', 'unary'],
    limits: 'Scale and bias are constants.',
    translate: instanceNormalization,
  },
  LayerNormalization: {
    becomes: ['reduce', 'binary', 'unary'],
    limits: 'No outputs of mean and deviation.',
    translate: layerNormalization,
  },
};
