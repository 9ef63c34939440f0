import { describe, expect, it } from 'vitest';
import { applyActivation, erfc } from '../../src/graph/activation.ts';
import { unaryFunctions } from '../../src/program/activations.ts';

describe('applyActivation', () => {
  // Values by Python’s math module.
  it.each([
    [{ fn: 'sigmoid' }, 1.5, 0.8175744761936437],
    [{ fn: 'sigmoid' }, -800, 0],
    [{ fn: 'silu' }, -1.5, -0.2736382857095344],
    [{ fn: 'gelu' }, 1.25, 1.1179377829164308],
    [{ fn: 'softplus' }, 800, 800],
    [{ fn: 'softplus' }, -1, 0.3132616875182228],
    [{ fn: 'mish' }, 1, 0.8650983882673103],
    [{ fn: 'elu', alpha: 2 }, -1, -1.2642411176571153],
    [{ fn: 'leakyRelu', alpha: 0.25 }, -8, -2],
    [{ fn: 'hardSigmoid', alpha: 0.25, beta: 0.5 }, 1, 0.75],
    [{ fn: 'hardSwish', alpha: 1 / 6, beta: 0.5 }, 1.5, 1.125],
    [{ fn: 'hardSwish', alpha: 1 / 6, beta: 0.5 }, -4, -0],
    [{ fn: 'clamp', alpha: -1, beta: 2 }, 5, 2],
    [{ fn: 'rsqrt' }, 4, 0.5],
    [{ fn: 'reciprocal' }, -4, -0.25],
  ] as const)('%o of %f is %f', (activation, x, expected) => {
    expect(applyActivation(x, activation)).toBeCloseTo(expected, 6);
  });

  it('is the identity where there is none', () => {
    expect(applyActivation(-3, undefined)).toBe(-3);
  });

  it.each(unaryFunctions)('%s passes NaN through', (fn) => {
    expect(applyActivation(NaN, { fn, alpha: 0, beta: 1 })).toBeNaN();
  });

  it.each(unaryFunctions)('%s is a finite number from −4 to 4, where it is defined', (fn) => {
    for (let x = -4; x <= 4; x += 0.25) {
      if (x <= 0 && ['log', 'sqrt', 'rsqrt', 'reciprocal'].includes(fn)) continue;
      expect(applyActivation(x, { fn, alpha: 0.1, beta: 0.5 })).toSatisfy(Number.isFinite);
    }
  });
});

describe('erfc', () => {
  it.each([
    [0, 1],
    [0.5, 0.4795001221869535],
    [1, 0.15729920705028513],
    [2.4, 0.0006885138966450789],
    [2.6, 0.00023603441652934908],
    [5, 1.5374597944280351e-12],
    [-1, 1.8427007929497148],
    [30, 0],
  ])('of %f is %f', (x, expected) => {
    // Cancellation in 1 − erf(x) costs digits of the result below 2.5.
    expect(Math.abs(erfc(x) - expected)).toBeLessThanOrEqual(1e-15 + 1e-13 * expected);
  });
});
