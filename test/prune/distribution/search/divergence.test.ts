import { describe, expect, it } from 'vitest';
import type { Shape } from '../../../../src/graph/graph.ts';
import type { Comparison } from '../../../../src/prune/distribution/search/divergence.ts';
import { Divergence } from '../../../../src/prune/distribution/search/divergence.ts';
import { randomFloats } from '../../../kernels/wasm.ts';

/** Outputs of these shapes. */
const ports = (...shapes: Shape[]) => shapes.map((shape, i) => ({ name: `output${i}`, shape }));

describe('Divergence', () => {
  it('of class scores is that of their softmax', () => {
    const [p, q] = [Float32Array.of(1, 2, 3), Float32Array.of(2, 2, 1)];
    const softmax = (x: Float32Array) => Array.from(x, (v) => Math.exp(v) / x.reduce((sum, w) => sum + Math.exp(w), 0));
    const [a, b] = [softmax(p), softmax(q)];
    const error = (x: ArrayLike<number>, y: ArrayLike<number>) =>
      Array.from(x).reduce((sum, v, i) => sum + (v - y[i]) ** 2, 0) / Array.from(x).reduce((sum, v) => sum + v * v, 0);
    const divergence = a.reduce((sum, v, i) => sum + v * Math.log(v / b[i]), 0);
    const wanted = divergence + error(p, q) / 100;
    expect(new Divergence(ports([1, 3]), [[p]]).of(0, [q])).toBeCloseTo(wanted, 6);
    // a constant added to all scores changes no probability
    const shifted = q.map((v) => v + 50);
    expect(new Divergence(ports([1, 3]), [[p]]).of(0, [shifted])).toBeCloseTo(divergence + error(p, shifted) / 100, 5);
    expect(new Divergence(ports([1, 3, 1, 1]), [[Float32Array.from(a)]]).of(0, [Float32Array.from(b)])).toBeCloseTo(
      divergence + error(a, b) / 100,
      6,
    );
  });

  it('of fields weighs each by its own spread', () => {
    const dense = randomFloats(1)(64);
    const scaled = dense.map((v, i) => (i % 4 === 3 ? 1000 * v : v));
    const changed = (field: number) => scaled.map((v, i) => (i % 4 === field ? v + 0.1 * scaled[(i + 4) % 64] : v));
    const divergence = new Divergence(ports([1, 16, 4]), [[scaled]]);
    const [small, large] = [divergence.of(0, [changed(2)]), divergence.of(0, [changed(3)])];
    expect(small / large).toBeGreaterThan(0.5);
    expect(small / large).toBeLessThan(2);
  });

  it('of anything else is relative, and the mean of all outputs', () => {
    const [a, b] = [Float32Array.of(3, 4), Float32Array.of(3, 5)];
    expect(new Divergence(ports([2]), [[a]]).of(0, [b])).toBeCloseTo(1 / 25, 7);
    expect(new Divergence(ports([2], [2]), [[a, a]]).of(0, [b, a])).toBeCloseTo(1 / 50, 7);
    expect(new Divergence(ports([1, 2]), [[a]], 'relative').of(0, [b])).toBeCloseTo(1 / 25, 7);
  });

  it('uses a given comparison', () => {
    const [a, b] = [Float32Array.of(3, 4), Float32Array.of(3, 5)];
    const comparison: Comparison = (dense) => (other) => {
      expect([dense.output0.shape, dense.output1.shape]).toEqual([[1, 2], [2]]);
      return Number(other.output1.data[1]) - Number(dense.output0.data[1]);
    };
    const divergence = new Divergence(
      ports([1, 2], [2]),
      [
        [b, a],
        [a, a],
      ],
      comparison,
    );
    expect([0, 1].map((photo) => divergence.of(photo, [a, b]))).toEqual([0, 1]);
    expect(divergence.of(1, [a, Float32Array.of(1, NaN)])).toBe(Infinity);
  });

  it.each([[[1, 3]], [[1, 1, 3, 1]], [[3]], [[1, 6, 1]]])(
    'is 0 for the same outputs %j and infinite for no numbers',
    (shape) => {
      const dense = randomFloats(2)(shape.reduce((a, b) => a * b, 1));
      const divergence = new Divergence(ports(shape), [[dense]]);
      expect(divergence.of(0, [dense])).toBe(0);
      expect(divergence.of(0, [dense.map((v, i) => (i === 1 ? NaN : v))])).toBe(Infinity);
    },
  );
});
