import { describe, expect, it } from 'vitest';
import { Tensor } from '../../../src/tensor.ts';
import { expectedBin } from '../../../src/vision/heads/gfl.ts';
import type { MovenetHead } from '../../../src/vision/heads/movenet.ts';
import type { YoloFastestHead } from '../../../src/vision/heads/yolo-fastest.ts';
import type { YoloPoseMapsHead } from '../../../src/vision/heads/yolo-pose-maps.ts';
import { corners, decode, difference, logistic, randomOutput, type Box } from './outputs.ts';

/** Float32 against float64 of a few operations. */
const tolerance = 2e-6;

const input = { width: 96, height: 64 };

const best = (scores: number[]) => ({ top: Math.max(...scores), classIndex: scores.indexOf(Math.max(...scores)) });

describe('FastestDet', () => {
  it('multiplies powers of its scores', () => {
    const out = randomOutput(1, [1, 5 + 3, 4, 6], 0, 1);
    const expected = Array.from({ length: 24 }, (_, cell): Box[] => {
      const [object, x, y, w, h, ...classes] = Array.from({ length: 8 }, (__, k) => Number(out.data[k * 24 + cell]));
      const { top, classIndex } = best(classes);
      const score = object ** 0.6 * top ** 0.4;
      const [column, line] = [cell % 6, Math.floor(cell / 6)];
      const box = corners((Math.tanh(x) + column) * 16, (Math.tanh(y) + line) * 16, logistic(w) * 96, logistic(h) * 64);
      return score >= 0.6 ? [{ box, score, classIndex }] : [];
    }).flat();
    expect(expected.length).toBeGreaterThan(5);
    expect(expected.length).toBeLessThan(24);
    const head = { type: 'fastestdet', output: 'out', stride: 16 } as const;
    expect(difference(decode(head, input, { out }, 0.6), expected)).toBeLessThan(tolerance);
    expect(() => decode({ ...head, stride: 8 }, input, { out }, 0.6)).toThrow('wanted float32 [1, channels, 8, 12]');
  });
});

describe('Yolo-FastestV2', () => {
  const anchors = [
    [10, 20, 30, 40, 50, 60],
    [70, 80, 90, 20, 30, 90],
  ];
  const [a, b] = [randomOutput(1, [1, 4, 6, 15 + 4], 0, 1), randomOutput(2, [1, 2, 3, 15 + 4], 0, 1)];
  const expected: Box[] = [];
  [a, b].forEach((output, level) => {
    const [, rows, columns] = output.shape;
    for (let cell = 0; cell < rows * columns; cell++) {
      const numbers = Array.from(output.data.slice(19 * cell, 19 * (cell + 1)), Number);
      const { top, classIndex } = best(numbers.slice(15));
      for (let k = 0; k < 3; k++) {
        const score = numbers[12 + k] * top;
        if (score < 0.6) continue;
        const [x, y, w, h] = numbers.slice(4 * k, 4 * k + 4);
        const stride = [16, 32][level];
        const at = [(2 * x - 0.5 + (cell % columns)) * stride, (2 * y - 0.5 + Math.floor(cell / columns)) * stride];
        const [width, height] = [anchors[level][2 * k], anchors[level][2 * k + 1]];
        expected.push({ box: corners(at[0], at[1], (2 * w) ** 2 * width, (2 * h) ** 2 * height), score, classIndex });
      }
    }
  });
  const head: YoloFastestHead = { type: 'yolo-fastest', outputs: ['a', 'b'], strides: [16, 32], anchors };

  it('has classes that the anchors of a cell share, in a map a level or in one table', () => {
    expect(expected.length).toBeGreaterThan(10);
    expect(difference(decode(head, input, { a, b }, 0.6), expected)).toBeLessThan(tolerance);
    const all = new Tensor('float32', [30, 19], [...Array.from(a.data, Number), ...Array.from(b.data, Number)]);
    expect(difference(decode({ ...head, outputs: ['all'] }, input, { all }, 0.6), expected)).toBeLessThan(tolerance);
  });

  it('refuses other outputs', () => {
    expect(() => decode({ ...head, outputs: ['a'] }, input, { a: randomOutput(1, [29, 19]) }, 0.5)).toThrow(
      '3 anchors in each',
    );
    expect(() => decode({ ...head, anchors: [[1, 2]] }, input, { a, b }, 0.5)).toThrow(
      'anchors: wanted one for each of 2',
    );
  });
});

describe('FOMO', () => {
  it.each([false, true])('makes one object of neighbouring cells of a class, channels first %s', (channelsFirst) => {
    const maps = { cat: ['.9....', '..8..7', '......', '6.....'], dog: ['.5....', '......', '.55...', '......'] };
    const values = (name: 'cat' | 'dog') =>
      maps[name]
        .join('')
        .split('')
        .map((c) => (c === '.' ? 0.1 : Number(c) / 10));
    const [cat, dog] = [values('cat'), values('dog')];
    const rows = cat.map((c, i) => [1 - c - dog[i], c, dog[i]]);
    const out = channelsFirst
      ? new Tensor(
          'float32',
          [1, 3, 4, 6],
          [0, 1, 2].flatMap((k) => rows.map((row) => row[k])),
        )
      : new Tensor('float32', [1, 4, 6, 3], rows.flat());
    const found = decode({ type: 'fomo', output: 'out', channelsFirst }, input, { out }, 0.5);
    expect(found.map(({ box, score, classIndex }) => [classIndex, Number(score.toFixed(2)), ...box])).toEqual([
      [0, 0.9, 16, 0, 48, 32], // two cells, corner to corner
      [0, 0.7, 80, 16, 96, 32],
      [0, 0.6, 0, 48, 16, 64],
      [1, 0.5, 16, 0, 32, 16],
      [1, 0.5, 16, 32, 48, 48],
    ]);
  });
});

describe('MoveNet', () => {
  const head: MovenetHead = { type: 'movenet', output: 'out' };
  const points = Array.from({ length: 17 }, (_, k) => [0.01 * k, 0.02 * k, k < 9 ? 0.9 : 0.1]);

  it('finds one person where its keypoints are', () => {
    const out = new Tensor('float32', [1, 1, 17, 3], points.flat());
    const [person, ...others] = decode(head, input, { out }, 0.4);
    expect(others).toEqual([]);
    expect(person.score).toBeCloseTo((9 * 0.9 + 8 * 0.1) / 17, 6);
    // keypoints 0 to 8 are seen: x up to 0.16 of 96, y up to 0.08 of 64
    person.box.forEach((v, i) => expect(v).toBeCloseTo([0, 0, 15.36, 5.12][i], 4));
    expect(person.keypoints!.slice(2, 4).map((v) => Number(v.toFixed(3)))).toEqual([1.92, 0.64]);
    expect(person.keypointScores![16]).toBeCloseTo(0.1, 6);
    expect(decode(head, input, { out }, 0.9)).toEqual([]);
  });

  it('finds several with their boxes', () => {
    const people = [0.8, 0.1, 0.6].flatMap((score) => [...points.flat(), 0.25, 0.5, 0.75, 1, score]);
    const found = decode(head, input, { out: new Tensor('float32', [1, 3, 56], people) }, 0.5);
    expect(found.map(({ score }) => score)).toEqual([Math.fround(0.8), Math.fround(0.6)]);
    expect(found[0].box).toEqual([48, 16, 96, 48]);
    expect(() => decode(head, input, { out: randomOutput(1, [1, 6, 57]) }, 0.5)).toThrow('[1, people, 56]');
  });
});

describe('poses before they are decoded', () => {
  it.each([true, false])('are distances, logits and keypoints of a cell, channels first %s', (channelsFirst) => {
    const head: YoloPoseMapsHead = {
      type: 'yolo-pose-maps',
      outputs: ['a', 'b'],
      channelsFirst,
      bins: 4,
      strides: [16, 32],
      keypoints: { count: 2, values: 3 },
    };
    const width = 16 + 1 + 6;
    const shape = (rows: number, columns: number) =>
      channelsFirst ? [1, width, rows, columns] : [1, rows, columns, width];
    const tensors = { a: randomOutput(1, shape(4, 6), -3, 3), b: randomOutput(2, shape(2, 3), -3, 3) };
    const expected: Box[] = [];
    Object.values(tensors).forEach(({ data }, level) => {
      const [stride, columns, cells] = [
        [16, 6, 24],
        [32, 3, 6],
      ][level];
      for (let cell = 0; cell < cells; cell++) {
        const numbers = Array.from({ length: width }, (_, k) =>
          Number(data[channelsFirst ? k * cells + cell : cell * width + k]),
        );
        const score = logistic(numbers[16]);
        if (score < 0.6) continue;
        const [x, y] = [cell % columns, Math.floor(cell / columns)];
        const [l, t, r, b] = [0, 4, 8, 12].map((at) => expectedBin(numbers, at, 1, 4));
        const points = [numbers.slice(17, 20), numbers.slice(20, 23)];
        expected.push({
          box: [x + 0.5 - l, y + 0.5 - t, x + 0.5 + r, y + 0.5 + b].map((v) => v * stride),
          score,
          classIndex: 0,
          keypoints: points.flatMap(([u, v]) => [(2 * u + x) * stride, (2 * v + y) * stride]),
          keypointScores: points.map(([, , s]) => logistic(s)),
        });
      }
    });
    expect(expected.length).toBeGreaterThan(5);
    expect(difference(decode(head, input, tensors, 0.6), expected)).toBeLessThan(tolerance);
    expect(() => decode({ ...head, keypoints: { count: 9, values: 3 } }, input, tensors, 0.6)).toThrow(
      'less than 7 numbers',
    );
  });
});
