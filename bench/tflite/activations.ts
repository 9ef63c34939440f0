// Activations in TFLite: some are fused into the operator before, the others are operators.
import type { Activation } from '../../src/program/activations.ts';
import type { Options } from '../../test/import/tflite/writer.ts';

/** ActivationFunctionType, or undefined for functions that are not fused. */
export function fusedActivation(activation: Activation | undefined): number | undefined {
  const { fn, alpha = 0, beta = 0 } = activation ?? { fn: 'identity' };
  if (fn === 'identity') return 0;
  if (fn !== 'clamp') return undefined;
  if (alpha === 0 && beta === Infinity) return 1;
  if (alpha === -1 && beta === 1) return 2;
  return alpha === 0 && beta === 6 ? 3 : undefined;
}

export interface TfliteActivationStep {
  op: string;
  /** `x` is the function's argument, `last` the output of the step before, a number a constant. */
  inputs: readonly ('x' | 'last' | number)[];
  options?: Options;
}

const named: Partial<Record<Activation['fn'], string>> = {
  sigmoid: 'LOGISTIC',
  tanh: 'TANH',
  exp: 'EXP',
  sqrt: 'SQRT',
  neg: 'NEG',
  abs: 'ABS',
  log: 'LOG',
  rsqrt: 'RSQRT',
  square: 'SQUARE',
};

/** The steps that compute the function; the last gives its value. @throws Error for functions without TFLite operators. */
export function activationSteps(activation: Activation): TfliteActivationStep[] {
  const { fn, alpha = 0, beta = 0 } = activation;
  const isOther = Math.abs(alpha - 1 / 6) > 1e-6 || beta !== 0.5;
  if ((fn === 'hardSwish' || fn === 'hardSigmoid') && isOther)
    throw new Error(`TFLite has no operator for ${fn} of ${alpha}, ${beta}`);
  const name = named[fn];
  if (name) return [{ op: name, inputs: ['x'] }];
  switch (fn) {
    case 'clamp': {
      const fused = fusedActivation(activation);
      if (fused) return [{ op: ['', 'RELU', 'RELU_N1_TO_1', 'RELU6'][fused], inputs: ['x'] }];
      return [
        { op: 'MAXIMUM', inputs: ['x', alpha] },
        { op: 'MINIMUM', inputs: ['last', beta] },
      ];
    }
    case 'silu':
      return [
        { op: 'LOGISTIC', inputs: ['x'] },
        { op: 'MUL', inputs: ['x', 'last'], options: { Mul: { activation: 0 } } },
      ];
    case 'leakyRelu':
      return [{ op: 'LEAKY_RELU', inputs: ['x'], options: { LeakyRelu: { alpha } } }];
    case 'hardSwish':
      return [{ op: 'HARD_SWISH', inputs: ['x'] }];
    case 'hardSigmoid': // relu6(x + 3) / 6
      return [
        { op: 'ADD', inputs: ['x', 3], options: { Add: { activation: 3 } } },
        { op: 'MUL', inputs: ['last', 1 / 6], options: { Mul: { activation: 0 } } },
      ];
    default:
      throw new Error(`TFLite has no operator for ${fn}`);
  }
}
