// Scores, boxes and photos with NaN: docs/numerics.md.
import { describe, expect, it } from 'vitest';
import { writeArtifact } from '../../src/artifact/write.ts';
import { compileGraph } from '../../src/compile.ts';
import { loadModel } from '../../src/runtime/load.ts';
import { CandidateList } from '../../src/vision/candidates.ts';
import { Classifier } from '../../src/vision/classifier.ts';
import { rankCandidates, suppress, suppressWeighted } from '../../src/vision/nms.ts';
import { GraphBuilder } from '../graphs.ts';
import { builds, loadKernels } from '../kernels/wasm.ts';
import '../program.ts';

type Box = [number, number, number, number];

describe('suppression', () => {
  const odd: [Box, number][] = [
    [[0, 0, 10, 10], NaN],
    [[NaN, 0, 10, 10], 0.9],
    [[0, 0, Infinity, 10], 0.9],
    [[-Infinity, 0, Infinity, 10], 0.9],
    [[0, 0, 10, 10], Infinity],
    [[10, 0, 0, 10], 0.9],
  ];
  const fine: [Box, number][] = [
    [[0, 0, 10, 10], 0.8],
    [[100, 100, 110, 110], 0.7],
    [[1, 0, 11, 10], 0.6],
    [[50, 50, 50, 50], 0.5],
    [[-0, 1e-40, 3e38, 3e38], 0.4],
  ];
  const list = new CandidateList();
  for (const [box, score] of [...odd, ...fine, ...odd]) list.add(box, score, 0);
  const candidates = list.finish();
  const options = { iouThreshold: 0.5, maxResults: 100 };

  it('leaves out scores and boxes that are not finite, and boxes turned inside out', () => {
    expect(rankCandidates(candidates, 100)).toEqual([6, 7, 8, 9, 10]);
    expect(suppress(candidates, options)).toEqual([6, 7, 9, 10]);
  });

  it('merges none of them', () => {
    const merged = suppressWeighted(candidates, options);
    expect(merged.length).toBe(4);
    expect(Array.from(merged.boxes.subarray(0, 16)).every(Number.isFinite)).toBe(true);
    expect(Array.from(merged.scores)).toEqual([0.8, 0.7, 0.5, 0.4].map(Math.fround));
  });
});

describe.each(builds)('%s', (build) => {
  /** Anchors and classes that f32_best_class finds in rows of scores. */
  async function bestOf(
    rows: number[][],
    { sigmoid = 0, objectness = undefined as number[] | undefined, threshold = 0.5 } = {},
  ) {
    const kernels = await loadKernels(build, 1);
    const classes = rows[0].length;
    const y = kernels.floats(4 + 3 * rows.length);
    const x = kernels.floats(rows.map((row, i) => [...row, objectness?.[i] ?? 0]).flat());
    kernels.call('f32_best_class', {
      x: x.address,
      objectness: x.address + 4 * classes,
      y: y.address,
      anchors: rows.length,
      classes,
      anchorStep: 4 * (classes + 1),
      classStep: 4,
      hasObjectness: objectness ? 1 : 0,
      sigmoid,
      floor: -Infinity,
      threshold,
      most: rows.length,
    });
    const found = y.i32[0];
    return Array.from({ length: found }, (_, i) => [
      y.i32[4 + i],
      y.i32[4 + rows.length + i],
      y.f32[4 + 2 * rows.length + i],
    ]);
  }

  it('NaN is not a score: the best class is the best of the others', async () => {
    const rows = [
      [NaN, 0.75, NaN],
      [NaN, NaN, NaN],
      [0.625, NaN, 0.5],
      [-Infinity, -Infinity, -Infinity],
      [NaN, Infinity, 1],
    ];
    expect(await bestOf(rows)).toEqual([
      [0, 1, 0.75],
      [2, 0, 0.625],
      [4, 1, Infinity],
    ]);
  });

  it('infinite logits are scores of 0 and 1', async () => {
    const rows = [
      [Infinity, 0],
      [-Infinity, -200],
      [100, 3e38],
    ];
    expect(await bestOf(rows, { sigmoid: 1 })).toEqual([
      [0, 0, 1],
      [2, 1, 1],
    ]);
  });

  it('an objectness of NaN finds nothing', async () => {
    const rows = [[0.9], [0.9], [0.9]];
    const found = await bestOf(rows, { objectness: [NaN, 1, NaN] });
    expect(found).toEqual([[1, 0, Math.fround(0.9)]]);
  });
});

describe('a classifier', () => {
  /** The classes of a model that always gives these numbers. */
  async function classesOf(numbers: number[], activation?: 'softmax' | 'none') {
    const b = new GraphBuilder();
    const x = b.input([1, 3, 1, 1]);
    const flat = b.node('reshape', { shape: [1, 3] }, x);
    const zero = b.node(
      'linear',
      {},
      flat,
      b.constant(
        [numbers.length, 3],
        numbers.flatMap(() => [0, 0, 0]),
      ),
    );
    const graph = b.finish(b.node('binary', { fn: 'max' }, zero, b.constant([1, numbers.length], numbers)));
    const model = await loadModel(writeArtifact(compileGraph(graph)), { build: 'simd' });
    using classifier = new Classifier(model, { preprocessing: 'none', activation, topK: 3 });
    const image = { data: new Uint8Array(3), width: 1, height: 1, channels: 3 as const };
    return (await classifier.classify(image)).classifications.map(({ classIndex, score }) => [classIndex, score]);
  }

  it('leaves out probabilities that are NaN', async () => {
    expect(await classesOf([0.25, NaN, 0.75, NaN, 0.5], 'none')).toEqual([
      [2, 0.75],
      [4, 0.5],
      [0, 0.25],
    ]);
  });

  it('gives no class for a softmax with NaN or ∞ among its inputs', async () => {
    expect(await classesOf([1, NaN, 2], 'softmax')).toEqual([]);
    expect(await classesOf([1, Infinity, 2], 'softmax')).toEqual([]);
  });

  it('takes huge numbers', async () => {
    expect(await classesOf([3e38, 1, 3e38], 'softmax')).toEqual([
      [0, 0.5],
      [2, 0.5],
      [1, 0],
    ]);
  });
});
