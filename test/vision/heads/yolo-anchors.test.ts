import { describe, expect, it } from 'vitest';
import { Tensor } from '../../../src/tensor.ts';
import type { YoloAnchorsHead } from '../../../src/vision/heads/yolo-anchors.ts';
import { corners, decode, difference, logistic, randomOutput, type Box } from './outputs.ts';

const tolerance = 1e-6; // float32 against float64 of a few operations

const input = { width: 64, height: 96 };
const head: YoloAnchorsHead = {
  type: 'yolo-anchors',
  outputs: ['p3', 'p4'],
  channelsFirst: true,
  strides: [16, 32],
  anchors: [
    [10, 13, 16, 30, 33, 23],
    [30, 61, 62, 45, 59, 119],
  ],
};
const classes = 4;
const width = 5 + classes;
const sizes = [
  { rows: 6, columns: 4 },
  { rows: 3, columns: 2 },
];
const maps = sizes.map(({ rows, columns }, i) => randomOutput(7 + i, [1, 3, rows, columns, width], -2, 2));

/** The formulas of YOLOv5's Detect layer, one anchor at a time. */
const expected: Box[] = [];
sizes.forEach(({ rows, columns }, level) => {
  const stride = head.strides[level];
  for (let a = 0; a < 3; a++) {
    for (let y = 0; y < rows; y++) {
      for (let x = 0; x < columns; x++) {
        const at = ((a * rows + y) * columns + x) * width;
        const row = Array.from(maps[level].data.slice(at, at + width), Number);
        const [tx, ty, tw, th, to, ...logits] = row.map(logistic);
        const score = to * Math.max(...logits);
        if (score < 0.5) continue;
        const [w, h] = head.anchors[level].slice(2 * a);
        const box = corners(
          (2 * tx - 0.5 + x) * stride,
          (2 * ty - 0.5 + y) * stride,
          (2 * tw) ** 2 * w,
          (2 * th) ** 2 * h,
        );
        expected.push({ box, score, classIndex: logits.indexOf(Math.max(...logits)) });
      }
    }
  }
});

/** (1, 3, rows, columns, width) with its axes in another order. */
function rearranged({ shape, data }: Tensor, order: number[], newShape: number[]): Tensor {
  const steps = shape.map((_, i) => shape.slice(i + 1).reduce((n, d) => n * d, 1));
  const values = new Float32Array(data.length);
  const extents = order.map((axis) => shape[axis]);
  for (let i = 0; i < values.length; i++) {
    let rest = i;
    let from = 0;
    for (let k = extents.length - 1; k >= 0; k--) {
      from += (rest % extents[k]) * steps[order[k]];
      rest = Math.floor(rest / extents[k]);
    }
    values[i] = Number(data[from]);
  }
  return new Tensor('float32', newShape, values);
}

const outputs = (map: (tensor: Tensor, rows: number, columns: number) => Tensor) =>
  Object.fromEntries(maps.map((tensor, i) => [head.outputs[i], map(tensor, sizes[i].rows, sizes[i].columns)]));

describe('YOLOv5 maps', () => {
  it('with an axis for anchors', () => {
    expect(expected.length).toBeGreaterThan(10);
    expect(expected.length).toBeLessThan(90);
    expect(
      difference(
        decode(
          head,
          input,
          outputs((t) => t),
          0.5,
        ),
        expected,
      ),
    ).toBeLessThan(tolerance);
  });

  it('as convolutions leave them', () => {
    const planar = outputs((t, rows, columns) => rearranged(t, [0, 1, 4, 2, 3], [1, 3 * width, rows, columns]));
    expect(difference(decode(head, input, planar, 0.5), expected)).toBeLessThan(tolerance);
    const last = outputs((t, rows, columns) => rearranged(t, [0, 2, 3, 1, 4], [1, rows, columns, 3 * width]));
    expect(difference(decode({ ...head, channelsFirst: false }, input, last, 0.5), expected)).toBeLessThan(tolerance);
  });

  it('by hand: logits of 0 are the middle of the cell and the anchor itself', () => {
    const p4 = new Float32Array(3 * 6 * 6).fill(-50);
    p4.set([0, 0, 0, 0, 50, 0], (1 * 6 + 2 * 2 + 1) * 6); // anchor 1 (62 × 45), row 2, column 1
    const tensors = {
      p3: new Tensor('float32', [1, 3, 6, 4, 6], new Float32Array(3 * 24 * 6).fill(-50)),
      p4: new Tensor('float32', [1, 3, 3, 2, 6], p4),
    };
    expect(decode(head, input, tensors, 0.4)).toEqual([
      { box: [48 - 31, 80 - 22.5, 48 + 31, 80 + 22.5], score: 0.5, classIndex: 0 },
    ]);
  });

  it('with keypoints, from the corner of their cell in sizes of the anchor', () => {
    const faceWidth = 5 + 4 + 1;
    const logits = (rows: number, columns: number) => new Float32Array(3 * rows * columns * faceWidth).fill(-50);
    const p4 = logits(3, 2);
    p4.set([0, 0, 0, 0, 50, 0.5, 1, -0.25, 2, 0], (1 * 6 + 2 * 2 + 1) * faceWidth); // anchor 1 (62 × 45), row 2, column 1
    const tensors = {
      p3: new Tensor('float32', [1, 3, 6, 4, faceWidth], logits(6, 4)),
      p4: new Tensor('float32', [1, 3, 3, 2, faceWidth], p4),
    };
    const faces: YoloAnchorsHead = { ...head, keypoints: { count: 2, values: 2 } };
    const box = [48 - 31, 80 - 22.5, 48 + 31, 80 + 22.5];
    const keypoints = [32 + 31, 64 + 45, 32 - 15.5, 64 + 90];
    expect(decode(faces, input, tensors, 0.4)).toEqual([{ box, score: 0.5, classIndex: 0, keypoints }]);
  });

  it('survives extremes', () => {
    for (const value of [NaN, Infinity, -Infinity, 3e38]) {
      const tensors = outputs(
        ({ shape }) => new Tensor('float32', shape, new Float32Array(shape.reduce((n, d) => n * d)).fill(value)),
      );
      const found = decode(head, input, tensors, 0.5);
      expect(found).toHaveLength(value > 0 ? 90 : 0);
      for (const { score } of found) expect(score).toBe(1);
    }
  });

  it.each([
    [{ ...head, outputs: ['p3'] }, 'metadata.vision.head.outputs: wanted one for each of 2 strides'],
    [{ ...head, anchors: [head.anchors[0], [30]] }, 'head.anchors[1]: wanted pairs'],
    [
      {
        ...head,
        anchors: [
          [10, 13],
          [30, 61],
        ],
      },
      'output "p3": wanted 1 anchors in 6 rows and 4 columns',
    ],
    [{ ...head, strides: [8, 32] }, 'output "p3": wanted 3 anchors in 12 rows and 8 columns'],
  ])('names what is wrong (%#)', (wrong, message) => {
    expect(() =>
      decode(
        wrong,
        input,
        outputs((t) => t),
        0.5,
      ),
    ).toThrow(message);
  });
});
