import { describe, expect, it } from 'vitest';
import { Tensor } from '../../../src/tensor.ts';
import { cellAt, cellCount, gridLevels } from '../../../src/vision/grid.ts';
import type { YoloHead } from '../../../src/vision/heads/yolo.ts';
import { corners, decode, difference, randomOutput, type Box } from './outputs.ts';

/** Float32 against float64 of a few operations. */
const tolerance = 1e-6;

const input = { width: 96, height: 64 };
const strides = [8, 16, 32];
const cells = 12 * 8 + 6 * 4 + 3 * 2;
const head: YoloHead = { type: 'yolo', output: 'out', channelsFirst: false, objectness: true, boxes: 'pixels' };

/** (1, a, b) → (1, b, a). */
function transposed({ shape: [, a, b], data }: Tensor): Tensor {
  const values = Float32Array.from({ length: a * b }, (_, i) => Number(data[(i % a) * b + Math.floor(i / a)]));
  return new Tensor('float32', [1, b, a], values);
}

/** The best class of every row of (1, anchors, 4 or 5 + classes), decoded by `boxOf`. */
function plainly(
  { shape: [, anchors, width], data }: Tensor,
  objectness: boolean,
  threshold: number,
  boxOf: (row: number[], anchor: number) => number[],
): Box[] {
  const boxes: Box[] = [];
  for (let i = 0; i < anchors; i++) {
    const row = Array.from(data.slice(i * width, (i + 1) * width), Number);
    const scores = row.slice(objectness ? 5 : 4).map((score) => (objectness ? score * row[4] : score));
    const score = Math.max(...scores);
    if (score >= threshold) boxes.push({ box: boxOf(row, i), score, classIndex: scores.indexOf(score) });
  }
  return boxes;
}

/** Column, row and stride of each cell, in the order of YOLOX's and everybody's grids. */
const grid = strides.flatMap((stride) => {
  const places: [number, number, number][] = [];
  for (let y = 0; y < input.height / stride; y++)
    for (let x = 0; x < input.width / stride; x++) places.push([x, y, stride]);
  return places;
});

describe('the grid', () => {
  it.each([
    [416, strides, 3549],
    [640, strides, 8400],
    [320, [8, 16, 32, 64], 2125],
    [416, [8, 16, 32, 64], 3598],
  ])('of %i pixels and strides %j has %i cells', (size, levels, count) => {
    expect(cellCount(gridLevels({ width: size, height: size }, levels))).toBe(count);
  });

  it('finds column, row and stride of every cell', () => {
    const levels = gridLevels(input, strides);
    expect(cellCount(levels)).toBe(cells);
    grid.forEach(([x, y, stride], i) => {
      const found = cellAt(levels, i);
      expect([found.x, found.y, found.level.stride]).toEqual([x, y, stride]);
    });
  });
});

describe('scores in percent', () => {
  const output = randomOutput(9, [1, cells, 5 + 3], 0, 1);
  const hundredfold = Float32Array.from(output.data as Float32Array, (v, i) => (i % 8 < 4 ? v : 100 * v));
  const tensors = { out: new Tensor('float32', output.shape, hundredfold) };

  it('become shares of 1, and thresholds are of those', () => {
    const expected = plainly(output, true, 0.5, ([x, y, w, h]) => corners(x, y, w, h));
    expect(expected.length).toBeGreaterThan(20);
    expect(expected.length).toBeLessThan(100);
    expect(difference(decode({ ...head, percent: true }, input, tensors, 0.5), expected)).toBeLessThan(tolerance);
  });
});

describe('YOLOX', () => {
  const yolox: YoloHead = { ...head, boxes: 'grid', strides };
  const output = randomOutput(1, [1, cells, 5 + 7], 0, 1);

  it('is decoded from its grid', () => {
    const expected = plainly(output, true, 0.5, ([x, y, w, h], i) => {
      const [column, row, stride] = grid[i];
      return corners((x + column) * stride, (y + row) * stride, Math.exp(w) * stride, Math.exp(h) * stride);
    });
    expect(expected.length).toBeGreaterThan(20);
    expect(expected.length).toBeLessThan(cells);
    expect(difference(decode(yolox, input, { out: output }, 0.5), expected)).toBeLessThan(tolerance);
  });

  it('by hand: cell (1, 2) of stride 16', () => {
    const data = new Float32Array(cells * 6);
    // Number 96 + 2·6 + 1: half a cell right, a quarter down, as wide as the stride, twice as high.
    data.set([0.5, 0.25, 0, Math.log(2), 0.5, 0.5], (96 + 13) * 6);
    const [found, ...others] = decode(yolox, input, { out: new Tensor('float32', [1, cells, 6], data) }, 0.25);
    expect(others).toEqual([]);
    expect(found).toEqual({ box: [16, 20, 32, 52], score: 0.25, classIndex: 0 });
  });

  it('refuses outputs that are not its grid', () => {
    const wrong = { out: randomOutput(2, [1, cells + 1, 12]) };
    expect(() => decode(yolox, input, wrong, 0.5)).toThrow('strides: wanted the cells of 127 anchors, found [8,16,32]');
    expect(() => decode(yolox, input, { out: randomOutput(2, [1, 1, cells, 12]) }, 0.5)).toThrow(
      'wanted float32 [1, anc',
    );
    expect(() => decode(yolox, input, { out: randomOutput(2, [1, cells, 5]) }, 0.5)).toThrow('6 or more');
    expect(() => decode(yolox, input, { other: output }, 0.5)).toThrow('wanted one of the outputs other, found "out"');
  });
});

describe('decoded boxes', () => {
  const pixels = ([x, y, w, h]: number[]) => corners(x, y, w, h);

  it.each([
    [true, false],
    [true, true],
    [false, false],
    [false, true],
  ])('objectness %s, channels first %s', (objectness, channelsFirst) => {
    const output = randomOutput(3, [1, 2000, objectness ? 25 : 24], 0, 1); // more anchors than one block
    const out = channelsFirst ? transposed(output) : output;
    const expected = plainly(output, objectness, 0.9, pixels);
    expect(expected.length).toBeGreaterThan(50);
    expect(expected.length).toBeLessThan(2000);
    const found = decode({ ...head, objectness, channelsFirst }, input, { out }, 0.9);
    expect(difference(found, expected)).toBeLessThan(tolerance);
  });

  it('as fractions of the input', () => {
    const out = randomOutput(4, [1, 50, 8], 0, 1);
    const expected = plainly(out, false, 0.8, ([x, y, w, h]) => corners(x * 96, y * 64, w * 96, h * 64));
    const found = decode({ ...head, objectness: false, boxes: 'fractions' }, input, { out }, 0.8);
    expect(difference(found, expected)).toBeLessThan(tolerance);
  });

  it('one for each class that reaches the threshold, if asked', () => {
    const out = randomOutput(5, [1, 60, 11], 0, 1);
    const expected: Box[] = [];
    for (let i = 0; i < 60; i++) {
      const row = Array.from(out.data.slice(11 * i, 11 * i + 11), Number);
      for (let c = 0; c < 6; c++) {
        const score = row[4] * row[5 + c];
        if (score >= 0.4) expected.push({ box: pixels(row), score, classIndex: c });
      }
    }
    expect(expected.length).toBeGreaterThan(60);
    expect(difference(decode(head, input, { out }, 0.4, true), expected)).toBeLessThan(tolerance);
    const across = decode({ ...head, channelsFirst: true }, input, { out: transposed(out) }, 0.4, true);
    expect(difference(across, expected)).toBeLessThan(tolerance);
  });
});

describe('outputs with NaN', () => {
  const rows = (...values: number[][]) => new Tensor('float32', [1, values.length, values[0].length], values.flat());
  const found = (out: Tensor, threshold: number, multiLabel = false) =>
    decode(head, input, { out: out }, threshold, multiLabel).map(({ score, classIndex }) => [score, classIndex]);

  it.each([false, true])('leaves out scores of NaN, multi-label %s', (multiLabel) => {
    const out = rows(
      [1, 1, 1, 1, 1, NaN, 0.5], // another class counts
      [1, 1, 1, 1, NaN, 0.5, 0.5],
      [1, 1, 1, 1, 1, NaN, NaN],
      [1, 1, 1, 1, 1, -Infinity, -Infinity],
      [1, 1, 1, 1, 0.5, 0.5, -1],
    );
    expect(found(out, 0.25, multiLabel)).toEqual([
      [0.5, 1],
      [0.25, 0],
    ]);
    expect(found(out, 0, multiLabel)).toEqual([
      [0.5, 1],
      [0.25, 0],
    ]);
  });

  it('takes the first of equal classes, and scores at the threshold', () => {
    expect(found(rows([1, 1, 1, 1, 1, 0.3, 0.3]), 0.3)).toEqual([[Math.fround(0.3), 0]]);
    expect(found(rows([1, 1, 1, 1, 0.9, 0.7, 0.8]), Math.fround(0.9) * Math.fround(0.8))).toHaveLength(1);
  });
});

describe('metadata', () => {
  it.each([
    [{ ...head, channelsFirst: 1 }, 'metadata.vision.head.channelsFirst: wanted true or false, found 1'],
    [{ ...head, boxes: 'feet' }, 'head.boxes: wanted "pixels" or "fractions" or "grid", found "feet"'],
    [{ ...head, boxes: 'grid' }, 'head.strides: wanted a list of 1 to 16, found undefined'],
    [{ ...head, boxes: 'grid', strides: [8, 0.5] }, 'head.strides[1]: wanted a whole number'],
    [{ ...head, output: undefined }, 'head.output: wanted a text'],
  ])('names the wrong field (%#)', (wrong, message) => {
    expect(() => decode(wrong as never, input, { out: randomOutput(1, [1, 3, 9]) }, 0.5)).toThrow(message);
  });
});
