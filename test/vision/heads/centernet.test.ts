import { describe, expect, it } from 'vitest';
import { Tensor } from '../../../src/tensor.ts';
import type { CenternetHead } from '../../../src/vision/heads/centernet.ts';
import { corners, decode, difference, logistic, randomOutput, type Box } from './outputs.ts';

const tolerance = 1e-6; // float32 against float64 of a few operations

const input = { width: 48, height: 32 };
const [rows, columns, classes] = [8, 12, 3]; // stride 4
const head: CenternetHead = {
  type: 'centernet',
  heatmap: 'hm',
  size: 'wh',
  offset: 'reg',
  channelsFirst: true,
  activation: 'sigmoid',
  sizeUnit: 'cells',
};
const tensors = {
  hm: randomOutput(1, [1, classes, rows, columns], -4, 4),
  wh: randomOutput(2, [1, 2, rows, columns], 0, 9),
  reg: randomOutput(3, [1, 2, rows, columns], 0, 1),
};

/** Max-pooling of 3 × 3, and the values that it leaves unchanged. */
function plainly(threshold: number, unit: number): Box[] {
  const at = (tensor: Tensor, c: number, y: number, x: number) =>
    y < 0 || x < 0 || y >= rows || x >= columns ? -Infinity : Number(tensor.data[(c * rows + y) * columns + x]);
  const found: Box[] = [];
  for (let c = 0; c < classes; c++) {
    for (let y = 0; y < rows; y++) {
      for (let x = 0; x < columns; x++) {
        const around = [-1, 0, 1].flatMap((dy) => [-1, 0, 1].map((dx) => at(tensors.hm, c, y + dy, x + dx)));
        const score = logistic(at(tensors.hm, c, y, x));
        if (at(tensors.hm, c, y, x) !== Math.max(...around) || score < threshold) continue;
        const [cx, cy] = [x + at(tensors.reg, 0, y, x), y + at(tensors.reg, 1, y, x)];
        const box = corners(4 * cx, 4 * cy, unit * at(tensors.wh, 0, y, x), unit * at(tensors.wh, 1, y, x));
        found.push({ box, score, classIndex: c });
      }
    }
  }
  return found;
}

/** (1, c, h, w) → (1, h, w, c). */
function channelsLast({ shape: [, c, h, w], data }: Tensor): Tensor {
  const values = Float32Array.from({ length: c * h * w }, (_, i) => Number(data[(i % c) * h * w + Math.floor(i / c)]));
  return new Tensor('float32', [1, h, w, c], values);
}

describe('CenterNet', () => {
  it('finds peaks with their sizes', () => {
    const expected = plainly(0.6, 4);
    expect(expected.length).toBeGreaterThan(10);
    expect(difference(decode(head, input, tensors, 0.6), expected)).toBeLessThan(tolerance);
    const nhwc = Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, channelsLast(tensor)]));
    expect(difference(decode({ ...head, channelsFirst: false }, input, nhwc, 0.6), expected)).toBeLessThan(tolerance);
    const pixels = decode({ ...head, sizeUnit: 'pixels' }, input, tensors, 0.6);
    expect(difference(pixels, plainly(0.6, 1))).toBeLessThan(tolerance);
  });

  it('takes scores as they are, and the middle of the cell without offsets', () => {
    const hm = new Tensor('float32', [1, 1, rows, columns], new Float32Array(rows * columns).fill(0.1));
    const values = hm.data as Float32Array;
    values[0] = 0.9; // a corner
    values[1] = 0.8; // beside it
    values[columns * rows - 1] = 0.5;
    values[columns * 4 + 5] = NaN;
    const wh = new Tensor('float32', [1, 2, rows, columns], new Float32Array(2 * rows * columns).fill(2));
    const found = decode({ ...head, offset: undefined, activation: 'none' }, input, { hm, wh }, 0.3);
    expect(found).toEqual([
      { box: [-2, -2, 6, 6], score: Math.fround(0.9), classIndex: 0 },
      { box: [42, 26, 50, 34], score: 0.5, classIndex: 0 },
    ]);
  });

  it('keeps equal neighbours, and goes from threshold 0 to 1', () => {
    const hm = new Tensor('float32', [1, 1, rows, columns], new Float32Array(rows * columns).fill(30));
    const all = { ...tensors, hm };
    expect(decode(head, input, all, 1)).toHaveLength(rows * columns); // sigmoid(30) is 1 in float32
    expect(
      decode(head, input, { ...all, hm: randomOutput(5, [1, 1, rows, columns], -99, -98) }, 0).length,
    ).toBeGreaterThan(0);
  });

  it('wants maps of one size', () => {
    const wrong = { ...tensors, wh: randomOutput(2, [1, 2, rows, 11]) };
    expect(() => decode(head, input, wrong, 0.5)).toThrow('output "wh": wanted float32 [1, channels, 8, 12]');
    expect(() => decode(head, input, { ...tensors, reg: randomOutput(2, [1, 1, rows, columns]) }, 0.5)).toThrow(
      'output "reg": wanted two channels',
    );
  });
});
