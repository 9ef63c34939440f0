import { beforeAll, describe, expect, it } from 'vitest';
import { applyActivation } from '../../src/graph/activation.ts';
import { activationArguments, unaryFunctions, type Activation } from '../../src/program/activations.ts';
import { binaryFunctions } from '../../src/program/kernels/elementwise.ts';
import { builds, loadKernels, randomFloats, relativeError, type Kernels } from './wasm.ts';

/** Every function, with parameters that are used in networks. */
const activations: Activation[] = unaryFunctions.map((fn) => {
  if (fn === 'clamp') return { fn, alpha: -0.25, beta: 6 };
  if (fn === 'leakyRelu') return { fn, alpha: 0.1 };
  if (fn === 'hardSigmoid') return { fn, alpha: 0.2, beta: 0.5 };
  if (fn === 'hardSwish') return { fn, alpha: 1 / 6, beta: 0.5 };
  if (fn === 'elu') return { fn, alpha: 1.5 };
  return { fn };
});

/**
 * Error allowed over the whole range, relative to the value, or to `floor` where the value is smaller: 4e-7 is up to six
 * roundings (mish). Sigmoid and SiLU are e to a power near −80 that was rounded to f32. GELU is x times a difference of
 * numbers near ½.
 */
const accuracy: Partial<Record<Activation['fn'], number>> = {
  exp: 2e-7,
  gelu: 1e-6,
  hardSigmoid: 4e-7,
  hardSwish: 8e-7,
  sigmoid: 5e-6,
  silu: 5e-6,
};
/** The same, relative to the larger of 1 and the value, where that says more. */
const accuracyToOne: Partial<Record<Activation['fn'], number>> = { sigmoid: 2.5e-7, silu: 2.5e-7 };
const smallestNormal = 1.1754944e-38;
/**
 * The hard functions are differences of numbers near 1. Beyond −88, sigmoid, silu, softplus and mish are below 1e-35, where their
 * exponential is infinite or subnormal.
 */
const floor: Partial<Record<Activation['fn'], number>> = {
  gelu: 1,
  hardSigmoid: 1,
  hardSwish: 1,
  sigmoid: 1e-29,
  silu: 1e-29,
  mish: 1e-29,
  softplus: 1e-29,
  sin: 1,
  cos: 1,
};

const open = activationArguments(undefined);

describe.each(builds)('%s build', (build) => {
  let kernels: Kernels;
  beforeAll(async () => {
    kernels = await loadKernels(build);
  });

  const unary = (input: Float32Array, activation: Activation): Float32Array => {
    kernels.reset();
    const x = kernels.floats(input);
    const y = kernels.floats(input.length);
    kernels.call('f32_unary', {
      x: x.address,
      y: y.address,
      rows: 1,
      columns: input.length,
      xRow: 0,
      yRow: 0,
      ...activationArguments(activation),
    });
    return y.f32.slice();
  };

  describe.each(activations)('f32_unary $fn', (activation) => {
    const f = (v: number) => applyActivation(v, activation);

    it('is accurate over the whole range of f32', () => {
      const random = randomFloats(7);
      const scales = Array.from({ length: 160 }, (_, i) => 2 ** (i / 2 - 40));
      const magnitudes = scales.flatMap((scale) => [...random(40, scale)]);
      const input = Float32Array.from([...magnitudes, ...random(4000, 8), ...random(4000, 110), 1e30, -1e30, 3e38]);
      const actual = unary(input, activation);
      let worst = 0;
      let worstAt = 0;
      let worstToOne = 0;
      for (const [i, x] of input.entries()) {
        const e = Math.fround(f(x));
        if (!Number.isFinite(e)) {
          // Overflow may come one rounding early.
          if (Number.isNaN(e)) expect(actual[i], `f(${x})`).toBeNaN();
          else expect(Math.abs(actual[i]), `f(${x})`).toBeGreaterThan(3.402e38);
          continue;
        }
        const scale = Math.max(Math.abs(f(x)), floor[activation.fn] ?? smallestNormal);
        const error = Number.isNaN(actual[i]) ? Infinity : Math.abs(actual[i] - f(x)) / scale;
        worstToOne = Math.max(worstToOne, (error * scale) / Math.max(1, Math.abs(f(x))));
        if (error > worst) [worst, worstAt] = [error, x];
      }
      expect(worst, `at ${worstAt}`).toBeLessThan(accuracy[activation.fn] ?? 4e-7);
      expect(worstToOne).toBeLessThan(accuracyToOne[activation.fn] ?? 1e-6);
    });

    it('maps NaN to NaN, and infinities and zeros as the reference does', () => {
      const input = Float32Array.of(NaN, Infinity, -Infinity, 0, -0, NaN, 1, -1);
      const actual = unary(input, activation);
      for (const [i, x] of input.entries()) {
        const e = f(x);
        if (Number.isFinite(e)) expect(Math.abs(actual[i] - e), `f(${x})`).toBeLessThanOrEqual(5e-7);
        else expect(actual[i], `f(${x})`).toBe(e);
      }
      expect(actual[0]).toBeNaN();
    });
  });

  it('gelu and silu: beyond the bounds of their approximations, with the sign of zeros', () => {
    const input = Float32Array.of(5.3, 1e30, 3e38, -5.3, -1e30, -3e38, -0, 0);
    expect([...unary(input, { fn: 'gelu' })]).toEqual([...input.subarray(0, 3), -0, -0, -0, -0, 0]);
    const far = Float32Array.of(90, 1e30, 3e38, -90, -1e30, -3e38, -0, 0);
    expect([...unary(far, { fn: 'silu' })]).toEqual([...far.subarray(0, 3), -0, -0, -0, -0, 0]);
    expect([...unary(far, { fn: 'sigmoid' })]).toEqual([1, 1, 1, 0, 0, 0, 0.5, 0.5]);
  });

  it('exp: extremes', () => {
    const input = Float32Array.of(88.7, 88.73, 89, 200, 3e38, -87, -103, -104.5, -200, -3e38, Infinity, -Infinity);
    const actual = unary(input, { fn: 'exp' });
    expect(Math.abs(actual[0] / Math.exp(input[0]) - 1)).toBeLessThan(3e-7);
    expect([...actual.subarray(1, 5)]).toEqual([Infinity, Infinity, Infinity, Infinity]);
    expect(Math.abs(actual[5] / Math.exp(input[5]) - 1)).toBeLessThan(3e-7);
    // Subnormal numbers are multiples of 2⁻¹⁴⁹.
    expect(Math.abs(actual[6] - Math.exp(input[6]))).toBeLessThanOrEqual(2 ** -149);
    expect([...actual.subarray(7)]).toEqual([0, 0, 0, Infinity, 0]);
  });

  describe.each([{ fn: 'clamp', alpha: 0, beta: 6 } as const, { fn: 'silu' } as const])(
    'f32_unary $fn',
    (activation) => {
      const f = (v: number) => applyActivation(v, activation);

      it.each(Array.from({ length: 35 }, (_, i) => i + 1))('writes exactly %i floats, also in place', (n) => {
        const input = randomFloats(n)(n, 9);
        const expected = Float32Array.from(input, f);
        expect(relativeError(unary(input, activation), expected)).toBeLessThan(1e-6);
        kernels.reset();
        const x = kernels.floats(input);
        kernels.call('f32_unary', {
          x: x.address,
          y: x.address,
          rows: 1,
          columns: n,
          xRow: 0,
          yRow: 0,
          ...activationArguments(activation),
        });
        expect(relativeError(x.f32, expected)).toBeLessThan(1e-6);
      });
    },
  );

  it.each(['sigmoid', 'silu', 'hardSwish'] as const)('f32_unary clamps before %s', (fn) => {
    const activation: Activation = fn === 'hardSwish' ? { fn, alpha: 1 / 6, beta: 0.5 } : { fn };
    const input = randomFloats(3)(37, 4);
    kernels.reset();
    const x = kernels.floats(input);
    const y = kernels.floats(input.length);
    const range = { min: -1, max: 1.5 };
    const args = { x: x.address, y: y.address, rows: 1, columns: input.length, xRow: 0, yRow: 0 };
    kernels.call('f32_unary', { ...args, ...activationArguments(activation), ...range });
    const expected = input.map((v) => applyActivation(Math.min(Math.max(v, range.min), range.max), activation));
    expect(relativeError(y.f32, expected)).toBeLessThan(1e-6);
  });

  it('f32_unary walks rows', () => {
    kernels.reset();
    const x = kernels.floats(randomFloats(3)(5 * 24));
    const y = kernels.floats(5 * 17);
    kernels.call('f32_unary', {
      x: x.address,
      y: y.address,
      rows: 5,
      columns: 17,
      xRow: 96,
      yRow: 68,
      ...activationArguments({ fn: 'neg' }),
    });
    const expected = Float32Array.from(y.f32, (_, i) => -x.f32[Math.floor(i / 17) * 24 + (i % 17)]);
    expect([...y.f32]).toEqual([...expected]);
  });

  describe.each(binaryFunctions)('f32_binary %s', (fn) => {
    const row = (a: Float32Array, b: Float32Array, n: number): Float32Array => {
      kernels.reset();
      const [ra, rb, y] = [kernels.floats(a), kernels.floats(b), kernels.floats(n)];
      const steps = {
        a0: 0,
        a1: 0,
        a2: 0,
        a3: a.length === n ? 4 : 0,
        b0: 0,
        b1: 0,
        b2: 0,
        b3: b.length === n ? 4 : 0,
      };
      kernels.call('f32_binary', {
        a: ra.address,
        b: rb.address,
        y: y.address,
        fn: binaryFunctions.indexOf(fn),
        dim0: 1,
        dim1: 1,
        dim2: 1,
        dim3: n,
        ...steps,
        y0: 0,
        y1: 0,
        y2: 0,
        ...open,
      });
      return y.f32.slice();
    };
    const reference = (a: number, b: number): number =>
      ({
        add: a + b,
        sub: a - b,
        mul: a * b,
        div: a / b,
        min: Math.min(a, b),
        max: Math.max(a, b),
        pow: a ** b,
        prelu: a < 0 ? b * a : a,
        less: a < b ? 1 : 0,
        lessOrEqual: a <= b ? 1 : 0,
        equal: a === b ? 1 : 0,
        select: a !== 0 ? b : -0,
      })[fn];
    // One operation is one rounding; pow goes through a logarithm.
    const tolerance = fn === 'pow' ? 3e-6 : 1.2e-7;

    it.each(Array.from({ length: 35 }, (_, i) => i + 1))('%i floats with as many, with one, and one with them', (n) => {
      const random = randomFloats(100 + n);
      for (const [aLength, bLength] of [
        [n, n],
        [n, 1],
        [1, n],
      ]) {
        const signed = random(aLength, 3);
        const a = fn === 'pow' ? signed.map(Math.abs) : signed;
        const b = random(bLength, 2);
        const expected = Float32Array.from({ length: n }, (_, i) =>
          reference(a[aLength === 1 ? 0 : i], b[bLength === 1 ? 0 : i]),
        );
        expect(relativeError(row(a, b, n), expected)).toBeLessThan(tolerance);
      }
    });

    it('agrees with JavaScript on NaN, infinities, zeros and signs', () => {
      const values = [NaN, Infinity, -Infinity, 0, -0, 1, -1, 2, -2, 3, -3, 0.5, -0.5, 2.5, -1.5];
      const pairs = values.flatMap((a) => values.map((b) => [a, b]));
      const a = Float32Array.from(pairs, ([v]) => v);
      const b = Float32Array.from(pairs, ([, v]) => v);
      const actual = row(a, b, pairs.length);
      for (const [i, [x, y]] of pairs.entries()) {
        const e = reference(x, y);
        const label = `${fn}(${Object.is(x, -0) ? '-0' : x}, ${Object.is(y, -0) ? '-0' : y})`;
        if (Number.isFinite(e) && e !== 0) expect(Math.abs(actual[i] / e - 1), label).toBeLessThan(3e-6);
        else if (fn === 'pow') expect(actual[i], label).toBe(e);
        else expect(actual[i] === e || (Number.isNaN(e) && Number.isNaN(actual[i])), label).toBe(true);
      }
    });
  });

  it('f32_binary clamps, then activates, across blocks of a long row', () => {
    const n = 5003;
    const random = randomFloats(5);
    const [a, b] = [random(n, 4), random(n, 4)];
    for (const activation of [{ fn: 'clamp', alpha: 0, beta: 3 } as const, { fn: 'sigmoid' } as const]) {
      kernels.reset();
      const [ra, rb] = [kernels.floats(a), kernels.floats(b)];
      kernels.call('f32_binary', {
        a: ra.address,
        b: rb.address,
        y: ra.address,
        fn: 0,
        dim0: 1,
        dim1: 1,
        dim2: 1,
        dim3: n,
        a0: 0,
        a1: 0,
        a2: 0,
        a3: 4,
        b0: 0,
        b1: 0,
        b2: 0,
        b3: 4,
        y0: 0,
        y1: 0,
        y2: 0,
        ...activationArguments(activation),
      });
      const expected = a.map((v, i) => applyActivation(v + b[i], activation));
      // Rounding of the sum, of magnitude 8, and 3e-7 of the function.
      expect(relativeError(ra.f32, expected)).toBeLessThan(1e-6);
    }
  });

  it('refuses records that make no sense', () => {
    kernels.reset();
    const x = kernels.floats(16).address;
    const args = { x, y: x, rows: 1, columns: 16, xRow: 64, yRow: 64, ...open };
    expect(() => kernels.extents('f32_unary', { ...args, columns: 17 })).toThrow('y may touch 68 bytes, 64 are there');
    expect(() => kernels.extents('f32_unary', { ...args, rows: 2 })).toThrow('may touch');
    expect(() => kernels.extents('f32_unary', { ...args, columns: 0 })).toThrow('an extent is 0');
    expect(() => kernels.extents('f32_unary', { ...args, activation: 99 })).toThrow('unknown activation code 99');
    const steps = { a0: 0, a1: 0, a2: 0, a3: 4, b0: 0, b1: 0, b2: 0, b3: 4, y0: 0, y1: 0, y2: 0 };
    const binary = { a: x, b: x, y: x, fn: 0, dim0: 1, dim1: 1, dim2: 1, dim3: 16, ...steps, ...open };
    expect(() => kernels.extents('f32_binary', binary)).not.toThrow();
    expect(() => kernels.extents('f32_binary', { ...binary, fn: binaryFunctions.length })).toThrow(
      `unknown binary function code ${binaryFunctions.length}`,
    );
    expect(() => kernels.extents('f32_binary', { ...binary, a3: 8 })).toThrow('inner strides 8 and 4');
    expect(() => kernels.extents('f32_binary', { ...binary, dim1: 0 })).toThrow('an extent is 0');
    expect(() => kernels.extents('f32_binary', { ...binary, dim0: 2, y0: 4 })).toThrow('the axes of y overlap');
    expect(() => kernels.extents('f32_binary', { ...binary, dim0: 2 ** 32 - 1, b0: 2 ** 32 - 1 })).toThrow(
      'the axes of y overlap',
    );
    expect(() => kernels.extents('f32_binary', { ...binary, dim2: 2, dim3: 8, y2: 32, b2: 2 ** 32 - 1 })).toThrow(
      'b may touch',
    );
  });
});
