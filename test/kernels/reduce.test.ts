import { beforeAll, describe, expect, it } from 'vitest';
import { builds, loadKernels, randomFloats, relativeError, type Kernels } from './wasm.ts';

describe.each(builds)('%s build', (build) => {
  let kernels: Kernels;
  beforeAll(async () => {
    kernels = await loadKernels(build);
  });

  it('f32_softmax walks two outer loops, the axis and columns with strides', () => {
    kernels.reset();
    // (2, 3, axis 5, 6), rows 8 floats apart in x and 7 in y.
    const x = kernels.floats(randomFloats(1)(2 * 3 * 5 * 8, 4));
    const y = kernels.floats(2 * 3 * 5 * 7);
    kernels.call('f32_softmax', {
      x: x.address,
      y: y.address,
      outer0: 2,
      outer1: 3,
      axis: 5,
      inner: 6,
      beta: 1,
      xOuter0: 480,
      xOuter1: 160,
      xAxis: 32,
      yOuter0: 420,
      yOuter1: 140,
      yAxis: 28,
    });
    const expected = new Float32Array(y.f32.length).fill(NaN);
    for (let outer = 0; outer < 6; outer++) {
      for (let i = 0; i < 6; i++) {
        const e = Array.from({ length: 5 }, (_, k) => Math.exp(x.f32[outer * 40 + k * 8 + i]));
        const sum = e.reduce((a, b) => a + b);
        for (let k = 0; k < 5; k++) expected[outer * 35 + k * 7 + i] = e[k] / sum;
      }
    }
    // Gaps hold the NaN they held before.
    expect(relativeError(y.f32, expected)).toBeLessThan(2e-6);
  });

  it('f32_reduce walks kept and reduced loops with strides', () => {
    kernels.reset();
    // kept (2, 3, inner 5), reduced (2, 2, 3); every stride its own, y with gaps.
    const x = kernels.floats(randomFloats(2)(2000, 4));
    const y = kernels.floats(2 * 24);
    const strides = { xKept0: 4 * 700, xKept1: 4 * 200, xReduced0: 4 * 100, xReduced1: 4 * 40, xReduced2: 4 * 11 };
    for (const [fn, fold] of [
      (a: number, b: number) => a + b,
      (a: number, b: number) => Math.max(a, b),
      (a: number, b: number) => Math.min(a, b),
    ].entries()) {
      y.f32.fill(NaN);
      kernels.call('f32_reduce', {
        x: x.address,
        y: y.address,
        fn,
        scale: 0.25,
        kept0: 2,
        kept1: 3,
        inner: 5,
        ...strides,
        yKept0: 96,
        yKept1: 32,
        reduced0: 2,
        reduced1: 2,
        reduced2: 3,
      });
      const expected = new Float32Array(y.f32.length).fill(NaN);
      for (const [k0, k1, i] of product(2, 3, 5)) {
        const values = product(2, 2, 3).map(([a, b, c]) => x.f32[k0 * 700 + k1 * 200 + i + a * 100 + b * 40 + c * 11]);
        expected[k0 * 24 + k1 * 8 + i] = values.reduce(fold) / 4;
      }
      expect(relativeError(y.f32, expected)).toBeLessThan(1e-6);
    }
  });

  it('refuses records that make no sense', () => {
    kernels.reset();
    const at = kernels.floats(60).address;
    const softmax = {
      x: at,
      y: at,
      outer0: 2,
      outer1: 3,
      axis: 2,
      inner: 5,
      beta: 1,
      xOuter0: 120,
      xOuter1: 40,
      xAxis: 20,
      yOuter0: 120,
      yOuter1: 40,
      yAxis: 20,
    };
    expect(() => kernels.extents('f32_softmax', softmax)).not.toThrow();
    expect(() => kernels.extents('f32_softmax', { ...softmax, axis: 3 })).toThrow('the axes of y overlap');
    expect(() => kernels.extents('f32_softmax', { ...softmax, outer1: 0 })).toThrow('an extent is 0');
    expect(() => kernels.extents('f32_softmax', { ...softmax, xOuter0: 2 ** 32 - 4 })).toThrow('x may touch');
    const reduce = {
      x: at,
      y: at,
      fn: 0,
      scale: 1,
      kept0: 1,
      kept1: 3,
      inner: 1,
      xKept0: 0,
      xKept1: 80,
      yKept0: 0,
      yKept1: 4,
      reduced0: 1,
      reduced1: 1,
      reduced2: 20,
      xReduced0: 0,
      xReduced1: 0,
      xReduced2: 4,
    };
    expect(() => kernels.extents('f32_reduce', reduce)).not.toThrow();
    expect(() => kernels.extents('f32_reduce', { ...reduce, fn: 3 })).toThrow('unknown reduction code 3');
    expect(() => kernels.extents('f32_reduce', { ...reduce, reduced2: 0 })).toThrow('an extent is 0');
    expect(() => kernels.extents('f32_reduce', { ...reduce, reduced2: 40 })).toThrow('the axes of x overlap');
    expect(() => kernels.extents('f32_reduce', { ...reduce, yKept1: 200 })).toThrow('y may touch');
  });
});

function product(...lengths: number[]): number[][] {
  return lengths.reduce<number[][]>(
    (rows, length) => rows.flatMap((row) => Array.from({ length }, (_, i) => [...row, i])),
    [[]],
  );
}
