// The scalar reference of every unary function, in f64. Kernels are tested against it.
import type { Activation } from '../program/activations.ts';

/**
 * f(x) for one number. Parameters that are not given are 0, as in kernels. NaN gives NaN. So do silu, gelu, hardSwish and
 * mish at −∞, because their definitions multiply −∞ by 0.
 */
export function applyActivation(x: number, activation: Activation | undefined): number {
  if (!activation) return x;
  const { fn, alpha = 0, beta = 0 } = activation;
  switch (fn) {
    case 'identity':
      return x;
    case 'clamp':
      return Math.min(Math.max(x, alpha), beta);
    case 'leakyRelu':
      return x < 0 ? alpha * x : x;
    case 'sigmoid':
      return sigmoid(x);
    case 'silu':
      return x * sigmoid(x);
    case 'hardSigmoid':
      return Math.min(Math.max(alpha * x + beta, 0), 1);
    case 'hardSwish':
      return x * Math.min(Math.max(alpha * x + beta, 0), 1);
    case 'tanh':
      return Math.tanh(x);
    case 'exp':
      return Math.exp(x);
    case 'sqrt':
      return Math.sqrt(x);
    case 'neg':
      return -x;
    case 'abs':
      return Math.abs(x);
    case 'reciprocal':
      return 1 / x;
    case 'log':
      return Math.log(x);
    case 'rsqrt':
      return 1 / Math.sqrt(x);
    case 'square':
      return x * x;
    case 'gelu':
      return 0.5 * x * erfc(-x * Math.SQRT1_2);
    case 'elu':
      return x < 0 ? alpha * Math.expm1(x) : x;
    case 'softplus':
      return softplus(x);
    case 'mish':
      return x * Math.tanh(softplus(x));
    case 'floor':
      return Math.floor(x);
    case 'ceil':
      return Math.ceil(x);
    case 'round':
      return roundHalfToEven(x);
    case 'trunc':
      return Math.trunc(x);
    case 'sign':
      return Math.sign(x);
    case 'sin':
      return Math.abs(x) <= maxAngle ? Math.sin(x) : NaN;
    case 'cos':
      return Math.abs(x) <= maxAngle ? Math.cos(x) : NaN;
    default:
      throw new Error(`unknown unary function "${String(fn satisfies never)}"`);
  }
}

/** Applies an activation to every element, in place. */
export function activateInPlace(data: Float32Array, activation: Activation | undefined): Float32Array {
  if (!activation || activation.fn === 'identity') return data;
  for (let i = 0; i < data.length; i++) data[i] = applyActivation(data[i], activation);
  return data;
}

/** Radians: beyond, numbers of float32 lie more than ten turns apart. */
const maxAngle = 2 ** 30;

/** The nearest integer, of two as near the even one. */
export function roundHalfToEven(x: number): number {
  const down = Math.floor(x);
  if (x - down !== 0.5) return Math.round(x);
  return down % 2 === 0 ? down : down + 1;
}

function sigmoid(x: number): number {
  if (x >= 0) return 1 / (1 + Math.exp(-x));
  const e = Math.exp(x);
  return e / (1 + e);
}

/** log(1 + eˣ) without overflow. */
function softplus(x: number): number {
  return x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x));
}

/** 1 − erf(x), to a few units in the last place of f64. */
export function erfc(x: number): number {
  if (Number.isNaN(x)) return NaN;
  if (x < 0) return 2 - erfc(-x);
  if (x < 2.5) {
    // erf x = 2/√π · e^(−x²) · Σ 2ⁿ x²ⁿ⁺¹ / (1·3·…·(2n+1)): every term is positive.
    let term = x;
    let sum = x;
    for (let n = 1; term > sum * 1e-17; n++) {
      term *= (2 * x * x) / (2 * n + 1);
      sum += term;
    }
    return 1 - (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
  }
  if (x > 27) return 0;
  // erfc x = e^(−x²)/√π · 1/(x + ½/(x + 1/(x + 3⁄2/(x + …)))), from the inside out.
  let fraction = x;
  for (let n = 60; n >= 1; n--) fraction = x + n / 2 / fraction;
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * fraction);
}
