import { beforeAll, describe, expect, it } from 'vitest';
import { foundHeaderBytes } from '../../src/program/kernels/detect.ts';
import { kernels } from '../../src/program/kernels.ts';
import { scanBest, type ScoreScan } from '../../src/vision/scan.ts';
import { loadCall, type Call } from './planes.ts';
import { builds, randomFloats } from './wasm.ts';

interface Case {
  anchors: number;
  classes: number;
  /** Floats from one anchor and one class to the next. */
  anchorStep: number;
  classStep: number;
  objectness?: boolean;
  sigmoid?: boolean;
  threshold: number;
}

/** Rows of scores, after the objectness and one other number. */
const rows = (anchors: number, classes: number): Case => ({
  anchors,
  classes,
  anchorStep: classes + 2,
  classStep: 1,
  threshold: 0.8,
});
const planar = (anchors: number, classes: number): Case => ({
  anchors,
  classes,
  anchorStep: 1,
  classStep: anchors + 3,
  threshold: 0.8,
});

const cases: Case[] = [];
for (const anchors of [1, 3, 4, 5, 15, 16, 17, 31, 33, 100]) {
  for (const classes of [1, 2, 3, 4, 7, 8, 9, 12, 80]) {
    for (const layout of [rows, planar]) {
      const plain = layout(anchors, classes);
      cases.push(plain, { ...plain, objectness: true, threshold: 0.3 }, { ...plain, sigmoid: true, threshold: 0.65 });
      cases.push({ ...plain, objectness: true, sigmoid: true, threshold: 0.35 });
    }
  }
}

describe.each(builds)('f32_best_class, %s', (build) => {
  let call: Call;
  beforeAll(async () => {
    call = await loadCall(build);
  });

  /** What the kernel finds in scores that lie from element `at` on, objectness being element 0 of each anchor. */
  function find(values: Float32Array, at: number, c: Case, most = c.anchors, floor = -Infinity) {
    const { y } = call('f32_best_class', {
      x: values.subarray(at),
      objectness: c.objectness ? values : new Float32Array(1),
      anchors: c.anchors,
      classes: c.classes,
      anchorStep: 4 * c.anchorStep,
      classStep: 4 * c.classStep,
      hasObjectness: c.objectness ? 1 : 0,
      sigmoid: c.sigmoid ? 1 : 0,
      floor,
      threshold: c.threshold,
      most,
    });
    const words = new Int32Array(y.buffer, y.byteOffset, y.length);
    const table = foundHeaderBytes / 4;
    const [length] = words;
    return {
      anchors: [...words.subarray(table, table + length)],
      classes: [...words.subarray(table + most, table + most + length)],
      scores: [...y.subarray(table + 2 * most, table + 2 * most + length)],
    };
  }

  function reference(values: Float32Array, at: number, c: Case) {
    const scan: ScoreScan = {
      output: '',
      anchors: c.anchors,
      classes: c.classes,
      background: 0,
      at,
      anchorStep: c.anchorStep,
      classStep: c.classStep,
      ...(c.objectness && { objectness: 0 }),
      activation: c.sigmoid ? 'sigmoid' : 'none',
    };
    const { anchors, classes, scores } = scanBest(values, scan, c.threshold);
    return { anchors: [...anchors], classes: [...classes], scores: [...scores] };
  }

  const startOf = ({ classStep }: Case) => (classStep === 1 ? 2 : classStep);
  const sizeOf = (c: Case) => startOf(c) + (c.anchors - 1) * c.anchorStep + (c.classes - 1) * c.classStep + 1;

  it(`agrees with the plain search in ${cases.length} layouts`, () => {
    let found = 0;
    let all = 0;
    cases.forEach((c, i) => {
      const values = randomFloats(i + 1)(sizeOf(c));
      const expected = reference(values, startOf(c), c);
      const actual = find(values, startOf(c), c);
      expect(actual.anchors, JSON.stringify(c)).toEqual(expected.anchors);
      expect(actual.classes).toEqual(expected.classes);
      // Sigmoids are float32 here, float64 there.
      actual.scores.forEach((score, k) =>
        expect(Math.abs(score - expected.scores[k])).toBeLessThan(c.sigmoid ? 1e-6 : 1e-30),
      );
      found += actual.anchors.length;
      all += c.anchors;
    });
    expect(found).toBeGreaterThan(all / 20);
    expect(found).toBeLessThan(all - all / 20);
  });

  it.each([rows, planar])('takes NaN for no score, and the first of equals (%#)', (layout) => {
    for (const sigmoid of [false, true]) {
      for (const special of [NaN, -Infinity, Infinity, -3e38, 3e38]) {
        const c = { ...layout(37, 9), sigmoid, objectness: true, threshold: 0 };
        const values = randomFloats(5)(sizeOf(c));
        const random = randomFloats(6)(sizeOf(c));
        for (let i = 0; i < values.length; i++) if (random[i] > 0.3) values[i] = special;
        const { anchors, classes, scores } = find(values, startOf(c), c);
        const expected = reference(values, startOf(c), c);
        expect(anchors).toEqual(expected.anchors);
        expect(classes).toEqual(expected.classes);
        expect(scores.length).toBeGreaterThan(0);
        expect(scores).not.toContain(NaN);
      }
      const c = { ...layout(8, 5), sigmoid, threshold: 0 };
      expect(find(new Float32Array(sizeOf(c)).fill(NaN), startOf(c), c).anchors).toEqual([]);
      expect(find(new Float32Array(sizeOf(c)).fill(-Infinity), startOf(c), c).anchors).toEqual([]);
      expect(find(new Float32Array(sizeOf(c)).fill(0.5), startOf(c), c).classes).toEqual(Array(8).fill(0));
    }
  });

  it.each([rows, planar])('stops at `most`, and passes over what is under the floor (%#)', (layout) => {
    const c = { ...layout(40, 3), threshold: -2 };
    const values = randomFloats(9)(sizeOf(c));
    const all = find(values, startOf(c), c);
    expect(all.anchors).toEqual(Array.from({ length: 40 }, (_, i) => i));
    for (const most of [0, 1, 7]) {
      const some = find(values, startOf(c), c, most);
      expect(some.anchors).toEqual(all.anchors.slice(0, most));
      expect(some.scores).toEqual(all.scores.slice(0, most));
    }
    const above = all.scores.filter((score) => score >= 0.5);
    expect(above.length).toBeGreaterThan(5);
    expect(find(values, startOf(c), c, 40, 0.5).scores).toEqual(above);
  });
});

describe('extents of f32_best_class', () => {
  const usual = {
    anchors: 10,
    classes: 3,
    anchorStep: 4,
    classStep: 40,
    hasObjectness: 1,
    sigmoid: 0,
    floor: 0,
    threshold: 0,
    most: 5,
  };
  const table = () => {
    throw new Error('no table');
  };
  const extents = (changes: object) => kernels.f32_best_class.extents({ ...usual, ...changes }, table);

  it('equal the bytes that are touched', () => {
    expect(extents({})).toEqual({ x: 36 + 4 + 80 + 12, objectness: 40, y: 16 + 60 });
    expect(extents({ hasObjectness: 0 }).objectness).toBe(0);
  });

  it('refuse calls that the kernel does not support', () => {
    expect(() => extents({ anchors: 0 })).toThrow('an extent is 0');
    expect(() => extents({ anchorStep: 8 })).toThrow('neither anchors nor classes are 4 bytes apart');
    const huge = extents({ anchors: 2 ** 32 - 1, classes: 2 ** 32 - 1, classStep: 2 ** 32 - 1, most: 2 ** 32 - 1 });
    for (const bytes of Object.values(huge)) expect(bytes).toBeGreaterThan(2 ** 32);
  });
});
