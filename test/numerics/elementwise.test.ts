// NaN, infinities, subnormals, −0, huge and tiny numbers through functions of one and two numbers: docs/numerics.md.
import { describe, expect, it } from 'vitest';
import { applyActivation } from '../../src/graph/activation.ts';
import { unaryFunctions, type Activation } from '../../src/program/activations.ts';
import { binaryFunctions, type BinaryFunction } from '../../src/program/kernels/elementwise.ts';
import { GraphBuilder } from '../graphs.ts';
import { edges, inBothBuilds } from './run.ts';

const activations: Activation[] = unaryFunctions.flatMap((fn): Activation[] => {
  if (fn === 'clamp') {
    return [
      { fn, alpha: 0, beta: Infinity },
      { fn, alpha: 0, beta: 6 },
      { fn, alpha: -1, beta: 1 },
    ];
  }
  if (fn === 'hardSigmoid' || fn === 'hardSwish') return [{ fn, alpha: 1 / 6, beta: 0.5 }];
  return fn === 'leakyRelu' || fn === 'elu' ? [{ fn, alpha: 0.1 }] : [{ fn }];
});

/** Functions that give a zero the sign that IEEE 754 wants. The others may give either zero for one. */
const signed = new Set([
  'identity',
  'leakyRelu',
  'sqrt',
  'neg',
  'abs',
  'reciprocal',
  'rsqrt',
  'square',
  'elu',
  'exp',
  'log',
]);

/**
 * Results below this may be off by as much: e⁻ᵛ is 0 above 88.4 and never below 2⁻¹²⁶ in softplus, and sigmoid and SiLU are 0
 * from 87.7 on.
 */
const vanishing = 4e-37;

/** GELU is a difference of numbers near ½, times its argument. */
const geluError = 1e-6;

/** Tolerances, relative, of functions made of exp and log. The drift table has the actual errors. */
const relative = 2e-6;

function agrees(found: number, wanted: number, fn: string): boolean {
  if (Object.is(found, wanted)) return true;
  if (!Number.isFinite(wanted) || !Number.isFinite(found)) return false;
  if (found === 0 && wanted === 0) return !signed.has(fn);
  const least = fn === 'gelu' ? geluError : vanishing;
  return Math.abs(found - wanted) <= Math.max(relative * Math.abs(wanted), least);
}

const show = (v: number) => (Object.is(v, -0) ? '−0' : String(v));

/** Every edge in every lane of a vector, in the body of a row and at its end. */
const rows = [0, 1, 2, 3].map((shift) => [...Array.from({ length: shift }, () => 1), ...edges, ...edges.toReversed()]);

describe.each(activations.map((activation) => [activation.fn, activation] as const))('%s', (fn, activation) => {
  const wantedOf = (x: number) => Math.fround(applyActivation(x, activation));

  it('is as IEEE 754 says at the edges', async () => {
    for (const row of rows) {
      const b = new GraphBuilder();
      const graph = b.finish(b.node('unary', activation, b.input([row.length])));
      for (const [build, output] of await inBothBuilds(graph, [row])) {
        row.forEach((x, i) => {
          const wanted = wantedOf(x);
          const message = `${build}: ${fn}(${show(x)}) = ${show(output[i])}, not ${show(wanted)}`;
          expect(agrees(output[i], wanted, fn), message).toBe(true);
        });
      }
    }
  });

  it('is the same fused into a layer', async () => {
    const b = new GraphBuilder();
    const x = b.input([1, 1, 1, edges.length]);
    const geometry = { stride: [1, 1], dilation: [1, 1], pads: [0, 0, 0, 0], groups: 1 } as const;
    const graph = b.finish(b.node('conv2d', { ...geometry, activation }, x, b.constant([1, 1, 1, 1], [1])));
    for (const [build, output] of await inBothBuilds(graph, [edges])) {
      edges.forEach((v, i) => {
        // the sum begins with a bias of +0
        const wanted = wantedOf(v + 0);
        const message = `${build}: ${fn}(${show(v)}) = ${show(output[i])}, not ${show(wanted)}`;
        expect(agrees(output[i], wanted, fn), message).toBe(true);
      });
    }
  });
});

const functions: Record<BinaryFunction, (a: number, b: number) => number> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  min: Math.min,
  max: Math.max,
  pow: Math.pow,
  prelu: (a, b) => (a < 0 ? b * a : a),
  less: (a, b) => (a < b ? 1 : 0),
  lessOrEqual: (a, b) => (a <= b ? 1 : 0),
  equal: (a, b) => (a === b ? 1 : 0),
  select: (a, b) => (a !== 0 ? b : -0),
};

describe.each(binaryFunctions)('%s', (fn) => {
  // a power's relative error grows with its logarithm: e^(b·ln a)
  const some = edges.filter(
    (v) => fn !== 'pow' || !Number.isFinite(v) || (Math.abs(v) < 200 && Math.abs(v) > 1e-8) || v === 0,
  );
  const pairs = some.flatMap((a) => some.map((b): [number, number] => [a, b]));
  const isClose = (found: number, wanted: number) => {
    if (Object.is(found, wanted)) return true;
    if (fn !== 'pow') return Object.is(found, Math.fround(wanted));
    if (found === wanted) return true;
    // what overflows and vanishes does so within a rounding error of the limit
    if (Math.abs(wanted) > 1e38) return Math.abs(found) > 1e38 && Math.sign(found) === Math.sign(wanted);
    return Math.abs(found - wanted) <= Math.max(2e-5 * Math.abs(wanted), vanishing);
  };

  it.each(['both rows', 'one number for a row'])('is as IEEE 754 says for every pair of edges: %s', async (way) => {
    const b = new GraphBuilder();
    const n = some.length;
    const isRow = way === 'both rows';
    const [x, y] = isRow ? [b.input([n * n]), b.input([n * n])] : [b.input([n, n]), b.input([n, 1])];
    const graph = b.finish(b.node('binary', { fn }, x, y));
    const first = pairs.map(([, v]) => v);
    const second = isRow ? pairs.map(([v]) => v) : some;
    for (const [build, output] of await inBothBuilds(graph, [first, second])) {
      pairs.forEach(([q, p], i) => {
        const wanted = Math.fround(functions[fn](p, q));
        const message = `${build}: ${fn}(${show(p)}, ${show(q)}) = ${show(output[i])}, not ${show(wanted)}`;
        expect(isClose(output[i], wanted), message).toBe(true);
      });
    }
  });
});
