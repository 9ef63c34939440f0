// Outputs left in linear memory against copies of them.
import { describe, expect, it } from 'vitest';
import { emptyGraph, type Graph } from '../../src/graph/graph.ts';
import { inferShapes } from '../../src/graph/infer.ts';
import type { Preprocessing } from '../../src/vision/preprocessing.ts';
import { runOnImage } from '../../src/vision/image-input.ts';
import type { Outputs } from '../../src/vision/outputs.ts';
import { OutputsInPlace } from '../../src/vision/outputs-in-place.ts';
import { runImage } from '../../src/vision/run-image.ts';
import { scanBest, type ScoreScan } from '../../src/vision/scan.ts';
import { builds } from '../kernels/wasm.ts';
import { loadGraph } from '../program.ts';

const size = 20;
const preprocessing: Preprocessing = {
  width: size,
  height: size,
  resize: 'stretch',
  padValue: 0,
  scale: [1 / 32, 1 / 32, 1 / 32],
  offset: [-4, -4, -4],
  order: 'RGB',
};

/** 3 × 20² numbers of a photo, less than 4, as a map in padded planes and as two tables. */
function graph(): Graph {
  const g = emptyGraph('outputs');
  const add = (name: string, shape: number[]) => g.values.set(name, { name, shape, dtype: 'float32' });
  add('image', [1, 3, size, size]);
  g.inputs.push({ value: 'image', name: 'image', dtype: 'float32' });
  for (const [name, op, attributes] of [
    ['map', 'unary', { fn: 'square' }],
    ['rows', 'reshape', { shape: [1, 100, 12] }],
    ['columns', 'reshape', { shape: [1, 12, 100] }],
  ] as const) {
    add(name, []);
    g.nodes.push({ name, op, attributes, inputs: ['image'], outputs: [name] });
    g.outputs.push({ value: name, name, dtype: 'float32' });
  }
  inferShapes(g);
  return g;
}

const photo = (side: number) => ({
  data: Uint8Array.from({ length: 3 * side * side }, (_, i) => (Math.imul(i + side, 2654435761) >>> 11) & 255),
  width: side,
  height: side,
  channels: 3 as const,
});

const table = (output: string, changes: Partial<ScoreScan> = {}): ScoreScan => {
  const rows = output === 'rows';
  return {
    output,
    anchors: 100,
    classes: 7,
    background: 0,
    at: rows ? 5 : 500,
    anchorStep: rows ? 12 : 1,
    classStep: rows ? 1 : 100,
    objectness: rows ? 4 : 400,
    activation: 'none',
    ...changes,
  };
};

const scans: [ScoreScan, number][] = [
  [table('rows'), 6],
  [table('columns'), 6],
  [table('rows', { objectness: undefined }), 3.5],
  [table('columns', { objectness: undefined, background: 1 }), 3.5],
  [table('rows', { background: 1, activation: 'sigmoid' }), 0.9],
  [table('columns', { activation: 'sigmoid' }), 0.9],
  [table('columns', { activation: 'sigmoid' }), 0],
  [table('columns', { activation: 'sigmoid', objectness: undefined }), 1],
  [table('rows', { activation: 'softmax', objectness: undefined }), 0.5],
  // A map in planes with padding between, and a table walked diagonally: not for the kernel.
  [{ ...table('map'), anchors: 400, classes: 2, at: 400, anchorStep: 1, classStep: 400, objectness: 0 }, 9],
  [table('rows', { anchors: 10, anchorStep: 60, classStep: 2, classes: 5, objectness: undefined }), 2],
];

describe.each(builds)('outputs in place, %s', (build) => {
  it('equal copies, run after run', async () => {
    const model = await loadGraph(graph(), build);
    for (const side of [20, 33, 200, 20]) {
      const { outputs: copies, geometry } = await runImage(model, photo(side), preprocessing);
      let found = 0;
      const use = (outputs: Outputs) => {
        for (const [scan, threshold] of scans) {
          const expected = scanBest(copies[scan.output].data as Float32Array, scan, threshold);
          const actual = outputs.best(scan, threshold);
          expect(actual.length, JSON.stringify(scan)).toBe(expected.length);
          expect(actual.anchors).toEqual(expected.anchors);
          expect(actual.classes).toEqual(expected.classes);
          // Sigmoids are float32 in the kernel, float64 here.
          actual.scores.forEach((score, i) => expect(Math.abs(score - expected.scores[i])).toBeLessThan(1e-6));
          found += actual.length;
        }
        for (const [name, { data }] of Object.entries(copies)) expect(outputs.values(name)).toEqual(data);
      };
      const { geometry: again, speed } = await runOnImage(model, photo(side), preprocessing, (session) =>
        use(new OutputsInPlace(session)),
      );
      expect(again).toEqual(geometry);
      expect(speed.inference).toBeGreaterThan(0);
      expect(found).toBeGreaterThan(50);
    }
    model.dispose();
    await expect(runOnImage(model, photo(20), preprocessing, () => {})).rejects.toMatchObject({ code: 'disposed' });
  });
});
