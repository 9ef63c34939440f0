import { describe, expect, it } from 'vitest';
import { Tensor } from '../../../src/tensor.ts';
import { expectedBin, type GflHead } from '../../../src/vision/heads/gfl.ts';
import { decode, difference, logistic, randomOutput, type Box } from './outputs.ts';

const tolerance = 1e-6; // float32 against float64 of a few operations

const input = { width: 96, height: 64 };
const strides = [16, 32];
const sizes = [
  { rows: 4, columns: 6, stride: 16 },
  { rows: 2, columns: 3, stride: 32 },
];
const cells = 30;
const nanodet: GflHead = {
  type: 'gfl',
  outputs: ['out'],
  channelsFirst: false,
  distances: 'after',
  bins: 8,
  strides,
  centre: 0,
  activation: 'none',
};
const yolov8: GflHead = {
  ...nanodet,
  distances: 'before',
  channelsFirst: true,
  bins: 16,
  centre: 0.5,
  activation: 'sigmoid',
};

/** Softmax of the logits times 0, 1, 2, …, without care for overflow. */
function distance(logits: number[]): number {
  const total = logits.reduce((sum, v) => sum + Math.exp(v), 0);
  return logits.reduce((sum, v, k) => sum + (k * Math.exp(v)) / total, 0);
}

/** `at(cell, k)` is number k of a cell. */
function plainly(head: GflHead, classes: number, threshold: number, at: (cell: number, k: number) => number): Box[] {
  const found: Box[] = [];
  let cell = 0;
  for (const { rows, columns, stride } of sizes) {
    for (let y = 0; y < rows; y++) {
      for (let x = 0; x < columns; x++, cell++) {
        const numbers = Array.from({ length: classes + 4 * head.bins }, (_, k) => at(cell, k));
        const scores =
          head.distances === 'before' ? numbers.slice(4 * head.bins).map(logistic) : numbers.slice(0, classes);
        const logits = head.distances === 'before' ? numbers.slice(0, 4 * head.bins) : numbers.slice(classes);
        const [l, t, r, b] = [0, 1, 2, 3].map(
          (k) => distance(logits.slice(k * head.bins, (k + 1) * head.bins)) * stride,
        );
        const [px, py] = [(x + head.centre) * stride, (y + head.centre) * stride];
        const score = Math.max(...scores);
        if (score >= threshold) {
          found.push({ box: [px - l, py - t, px + r, py + b], score, classIndex: scores.indexOf(score) });
        }
      }
    }
  }
  return found;
}

it('the expected bin', () => {
  expect(expectedBin([0, 0, 0, 0, 0], 0, 1, 5)).toBe(2);
  expect(expectedBin([-1000, 1000, -1000], 0, 1, 3)).toBe(1);
  expect(expectedBin([9, 0, 9, Math.log(3), 9], 1, 2, 2)).toBeCloseTo(0.75, 12);
  expect(expectedBin([NaN, 1], 0, 1, 2)).toBeNaN();
});

describe('NanoDet', () => {
  it('is decoded from classes, then distributions', () => {
    const classes = 5;
    const out = randomOutput(11, [1, cells, classes + 32], 0, 1);
    const at = (cell: number, k: number) => Number(out.data[cell * (classes + 32) + k]);
    for (const centre of [0, 0.5]) {
      const head = { ...nanodet, centre };
      const expected = plainly(head, classes, 0.8, at);
      expect(expected.length).toBeGreaterThan(10);
      expect(expected.length).toBeLessThan(cells);
      expect(difference(decode(head, input, { out }, 0.8), expected)).toBeLessThan(tolerance);
    }
  });

  it('by hand', () => {
    const data = new Float32Array(cells * 33);
    const at = (24 + 4) * 33; // column 1, row 1 of stride 32
    data[at] = 0.75;
    for (const [side, bin] of [0, 1, 3, 7].entries()) data[at + 1 + 8 * side + bin] = 1000;
    const found = decode(nanodet, input, { out: new Tensor('float32', [1, cells, 33], data) }, 0.5);
    expect(found).toEqual([{ box: [32, 0, 32 + 96, 32 + 7 * 32], score: 0.75, classIndex: 0 }]);
  });
});

describe('PicoDet, whose classes and distances are outputs of their own', () => {
  const classes = 5;
  const counts = [24, 6];
  const outputs = (shape: (cells: number, width: number) => number[]) => ({
    s0: randomOutput(21, shape(24, classes), 0, 1),
    s1: randomOutput(22, shape(6, classes), 0, 1),
    d0: randomOutput(23, shape(24, 32), -3, 3),
    d1: randomOutput(24, shape(6, 32), -3, 3),
  });
  const picodet: GflHead = { ...nanodet, outputs: ['s0', 's1'], distances: ['d0', 'd1'], centre: 0.5 };

  it.each<[string, boolean, (cells: number, width: number) => number[]]>([
    ['rows', false, (cells, width) => [1, cells, width]],
    ['rows without an axis of 1', false, (cells, width) => [cells, width]],
    ['rows across', true, (cells, width) => [1, width, cells]],
    ['maps', false, (cells, width) => [1, cells / (cells === 24 ? 6 : 3), cells === 24 ? 6 : 3, width]],
    ['maps across', true, (cells, width) => [1, width, cells / (cells === 24 ? 6 : 3), cells === 24 ? 6 : 3]],
  ])('is decoded from %s', (_, channelsFirst, shape) => {
    const tensors = outputs(shape);
    const at = (cell: number, k: number) => {
      const level = cell < counts[0] ? 0 : 1;
      const [row, cells] = [cell - level * counts[0], counts[level]];
      const { data } = k < classes ? [tensors.s0, tensors.s1][level] : [tensors.d0, tensors.d1][level];
      const [column, width] = k < classes ? [k, classes] : [k - classes, 32];
      return Number(data[channelsFirst ? column * cells + row : row * width + column]);
    };
    const expected = plainly(picodet, classes, 0.8, at);
    expect(expected.length).toBeGreaterThan(10);
    expect(expected.length).toBeLessThan(cells);
    const { s1, d0, s0, d1 } = tensors; // in any order
    const head = { ...picodet, channelsFirst };
    expect(difference(decode(head, input, { s1, d0, s0, d1 }, 0.8), expected)).toBeLessThan(tolerance);
  });

  it('says which output does not fit', () => {
    const tensors = outputs((cells, width) => [1, cells, width]);
    const wrong = (head: object) => () => decode({ ...picodet, ...head }, input, tensors, 0.5);
    expect(wrong({ distances: ['d1', 'd0'] })).toThrow('output "d1": wanted 24 cells, found [1,6,32]');
    expect(wrong({ distances: ['d0'] })).toThrow('head.distances: wanted one for each of 2 strides');
    expect(wrong({ outputs: ['s0', 's1', 's1'] })).toThrow('head.outputs: wanted one for each of 2 strides');
    expect(wrong({ bins: 7 })).toThrow('head.bins: wanted 4 · bins to be 32, found 7');
    expect(wrong({ distances: ['d0', 'gone'] })).toThrow('wanted one of the outputs s0, s1, d0, d1, found "gone"');
    expect(wrong({ distances: 'beside' })).toThrow('head.distances: wanted "before" or "after"');
  });
});

describe('YOLOv8 without its decoding', () => {
  const classes = 3;
  const width = 64 + classes;

  it('in one output, either way round', () => {
    const out = randomOutput(12, [1, width, cells], -3, 3);
    const expected = plainly(yolov8, classes, 0.85, (cell, k) => Number(out.data[k * cells + cell]));
    expect(expected.length).toBeGreaterThan(5);
    expect(expected.length).toBeLessThan(cells);
    expect(difference(decode(yolov8, input, { out }, 0.85), expected)).toBeLessThan(tolerance);

    const rows = Float32Array.from({ length: width * cells }, (_, i) =>
      Number(out.data[(i % width) * cells + Math.floor(i / width)]),
    );
    const across = { out: new Tensor('float32', [1, cells, width], rows) };
    expect(difference(decode({ ...yolov8, channelsFirst: false }, input, across, 0.85), expected)).toBeLessThan(
      tolerance,
    );
  });

  it('in one map a level', () => {
    const maps = sizes.map(({ rows, columns }, i) => randomOutput(13 + i, [1, width, rows, columns], -3, 3));
    const at = (cell: number, k: number) =>
      Number(cell < 24 ? maps[0].data[k * 24 + cell] : maps[1].data[k * 6 + cell - 24]);
    const head = { ...yolov8, outputs: ['a', 'b'] };
    const expected = plainly(head, classes, 0.85, at);
    expect(difference(decode(head, input, { b: maps[1], a: maps[0] }, 0.85), expected)).toBeLessThan(tolerance);
    expect(() => decode({ ...head, outputs: ['b', 'a'] }, input, { a: maps[0], b: maps[1] }, 0.5)).toThrow(
      'output "b": wanted float32 [1, channels, 4, 6], found [1,67,2,3]',
    );
    expect(() => decode({ ...head, bins: 17 }, input, { a: maps[0], b: maps[1] }, 0.5)).toThrow('head.bins: wanted 4');
  });

  it('gives NaN boxes where distances are NaN, and no candidate where scores are', () => {
    const numbers = new Float32Array(width * cells).fill(NaN);
    const tensors = { out: new Tensor('float32', [1, width, cells], numbers) };
    expect(decode(yolov8, input, tensors, 0)).toEqual([]);
    numbers[64 * cells] = 1;
    expect(decode(yolov8, input, tensors, 0)).toEqual([
      { box: [NaN, NaN, NaN, NaN], score: Math.fround(logistic(1)), classIndex: 0 },
    ]);
  });
});
