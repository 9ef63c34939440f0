// Unary functions, by the codes that kernels use (assembly/elementwise/activate.ts).
// The order is the code and is part of the artifact format: append only.

/** `alpha` and `beta` are the parameters of the functions that have any. */
export const unaryFunctions = [
  'identity',
  'clamp', // min(max(x, alpha), beta): relu is (0, ∞), relu6 (0, 6). NaN stays NaN
  'leakyRelu', // x < 0 ? alpha·x : x
  'sigmoid',
  'silu', // x·sigmoid(x)
  'hardSigmoid', // min(max(alpha·x + beta, 0), 1)
  'hardSwish', // x·hardSigmoid(x), alpha 1/6, beta 0.5
  'tanh',
  'exp',
  'sqrt',
  'neg',
  'abs',
  'reciprocal',
  'log',
  'rsqrt',
  'square',
  'gelu', // exact: x·Φ(x), by erf
  'elu', // x < 0 ? alpha·(eˣ − 1) : x
  'softplus', // log(1 + eˣ)
  'mish', // x·tanh(softplus(x))
  'floor',
  'ceil',
  'round', // to the nearest integer, halves to the even one
  'trunc', // towards 0
  'sign', // −1, 0 or 1
  'sin', // of radians; NaN beyond ±2³⁰, where float32 has less than one number for each turn
  'cos', // as sin
] as const;

export type UnaryFunction = (typeof unaryFunctions)[number];

/** A unary function with its parameters, as operators hold it. */
export interface Activation {
  fn: UnaryFunction;
  alpha?: number;
  beta?: number;
}

/**
 * An activation as kernels take it. Every kernel that fuses one clamps to [min, max] at no cost, and applies any other
 * function by its code.
 */
export interface ActivationArguments {
  min: number;
  max: number;
  activation: number;
  alpha: number;
  beta: number;
}

/** Record fields for a fused activation, in the order of ActivationArguments. */
export const activationFields = { min: 'f32', max: 'f32', activation: 'u32', alpha: 'f32', beta: 'f32' } as const;

export function activationArguments(activation: Activation | undefined): ActivationArguments {
  const { fn = 'identity', alpha = 0, beta = 0 } = activation ?? {};
  const open = { min: -Infinity, max: Infinity, activation: 0, alpha: 0, beta: 0 };
  if (fn === 'identity') return open;
  if (fn === 'clamp') return { ...open, min: alpha, max: beta };
  return { ...open, activation: unaryFunctions.indexOf(fn), alpha, beta };
}

/** The code of x < 0 ? slope·x : x with a slope for each row, in kernels whose records say where the slopes are. */
export const preluCode = 255;

/** Throws for a code that is not a known function. */
export function checkActivation(code: number): void {
  if (code >= unaryFunctions.length) throw new Error(`unknown activation code ${code}`);
}
