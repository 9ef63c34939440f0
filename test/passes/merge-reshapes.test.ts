import { describe, expect, it } from 'vitest';
import { mergeReshapes } from '../../src/passes/merge-reshapes.ts';
import { mergeTransposes } from '../../src/passes/merge-transposes.ts';
import { removeDead } from '../../src/passes/remove-dead.ts';
import type { Pass } from '../../src/passes/match.ts';
import { applyPass, GraphBuilder, nodeOf, ops } from '../graphs.ts';

/** The pass, without the dead code that it leaves. */
const clean =
  (pass: Pass): Pass =>
  (graph) =>
    pass(graph) && (removeDead(graph), true);

describe('mergeReshapes', () => {
  it('keeps the last of a chain', () => {
    const b = new GraphBuilder();
    let x = b.input([2, 12]);
    for (const shape of [[24], [2, 3, 4], [4, 6]]) x = b.node('reshape', { shape }, x);
    const { graph } = applyPass(b.finish(x), clean(mergeReshapes));
    expect(ops(graph)).toEqual(['reshape']);
    expect(nodeOf(graph, 'reshape').inputs).toEqual(['input0']);
  });

  it('keeps a reshape that others read', () => {
    const b = new GraphBuilder();
    const x = b.node('reshape', { shape: [24] }, b.input([2, 12]));
    const graph = b.finish(x, b.node('reshape', { shape: [4, 6] }, x));
    expect(ops(applyPass(graph, clean(mergeReshapes)).graph)).toEqual(['reshape', 'reshape']);
  });

  it.each([
    [[1, 3, 1, 1], [0, 2, 3, 1], 'reshape'],
    [[2, 1, 3, 4], [0, 2, 1, 3], 'reshape'],
    [[2, 1, 3, 4], [0, 3, 1, 2], 'transpose'],
    [[1, 3, 2, 2], [0, 2, 3, 1], 'transpose'],
  ])('sees that a transpose of %j by %j is a %s', (shape, permutation, op) => {
    const b = new GraphBuilder();
    const graph = b.finish(b.node('transpose', { permutation }, b.input(shape)));
    expect(ops(applyPass(graph, mergeReshapes).graph)).toEqual([op]);
  });

  it.each([
    [[1, 3, 1, 1], [2, 3], 'reshape'],
    [[1, 3, 1, 2], [2, 3], 'reduce'],
  ])('sees that a mean of %j over %j is a %s', (shape, axes, op) => {
    const b = new GraphBuilder();
    const graph = b.finish(b.node('reduce', { fn: 'mean', axes, keepDims: false }, b.input(shape)));
    expect(ops(applyPass(graph, mergeReshapes).graph)).toEqual([op]);
  });
});

describe('mergeTransposes', () => {
  it('makes one of two', () => {
    const b = new GraphBuilder();
    const x = b.node('transpose', { permutation: [2, 0, 3, 1] }, b.input([2, 3, 4, 5]));
    const { graph } = applyPass(
      b.finish(b.node('transpose', { permutation: [1, 3, 0, 2] }, x)),
      clean(mergeTransposes),
    );
    expect(ops(graph)).toEqual(['transpose']);
    expect(nodeOf(graph, 'transpose').attributes).toEqual({ permutation: [0, 1, 2, 3] });
  });

  it('leaves a single one', () => {
    const b = new GraphBuilder();
    const graph = b.finish(b.node('transpose', { permutation: [1, 0] }, b.input([2, 3])));
    expect(applyPass(graph, mergeTransposes).changed).toBe(false);
  });
});
