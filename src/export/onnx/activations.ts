// Unary functions as ONNX operators, opset 17.
import type { Activation } from '../../program/activations.ts';
import type { AttributeSpec } from './protobuf.ts';

export interface OnnxActivationStep {
  op: string;
  /** `x` is the function's argument, `$i` the output of step i, a number a constant, '' an absent input. */
  inputs: readonly (string | number)[];
  attributes?: Record<string, AttributeSpec>;
}

const step = (
  op: string,
  inputs: OnnxActivationStep['inputs'] = ['x'],
  attributes: OnnxActivationStep['attributes'] = {},
): OnnxActivationStep => ({
  op,
  inputs,
  attributes,
});

/** The steps that compute the function; the last one gives its value. */
export function activationSteps({ fn, alpha = 0, beta = 0 }: Activation): OnnxActivationStep[] {
  const hardSigmoid = step('HardSigmoid', ['x'], { alpha: { float: alpha }, beta: { float: beta } });
  switch (fn) {
    case 'identity':
      return [step('Identity')];
    case 'clamp':
      if (alpha === 0 && beta === Infinity) return [step('Relu')];
      return [step('Clip', ['x', alpha === -Infinity ? '' : alpha, ...(beta === Infinity ? [] : [beta])])];
    case 'leakyRelu':
      return [step('LeakyRelu', ['x'], { alpha: { float: alpha } })];
    case 'sigmoid':
      return [step('Sigmoid')];
    case 'silu':
      return [step('Sigmoid'), step('Mul', ['x', '$0'])];
    case 'hardSigmoid':
      return [hardSigmoid];
    case 'hardSwish':
      return [hardSigmoid, step('Mul', ['x', '$0'])];
    case 'tanh':
      return [step('Tanh')];
    case 'exp':
      return [step('Exp')];
    case 'sqrt':
      return [step('Sqrt')];
    case 'neg':
      return [step('Neg')];
    case 'abs':
      return [step('Abs')];
    case 'reciprocal':
      return [step('Reciprocal')];
    case 'log':
      return [step('Log')];
    case 'rsqrt':
      return [step('Sqrt'), step('Reciprocal', ['$0'])];
    case 'square':
      return [step('Mul', ['x', 'x'])];
    case 'gelu':
      return [
        step('Mul', ['x', Math.SQRT1_2]),
        step('Erf', ['$0']),
        step('Add', ['$1', 1]),
        step('Mul', ['x', '$2']),
        step('Mul', ['$3', 0.5]),
      ];
    case 'elu':
      return [step('Elu', ['x'], { alpha: { float: alpha } })];
    case 'softplus':
      return [step('Softplus')];
    case 'mish':
      return [step('Softplus'), step('Tanh', ['$0']), step('Mul', ['x', '$1'])];
    case 'floor':
      return [step('Floor')];
    case 'ceil':
      return [step('Ceil')];
    case 'round':
      return [step('Round')];
    case 'trunc':
      return [step('Abs'), step('Floor', ['$0']), step('Sign'), step('Mul', ['$1', '$2'])];
    case 'sign':
      return [step('Sign')];
    case 'sin':
      return [step('Sin')];
    case 'cos':
      return [step('Cos')];
    default:
      throw new Error(`unknown unary function "${String(fn satisfies never)}"`);
  }
}
