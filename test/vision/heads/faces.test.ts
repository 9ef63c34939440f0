import { describe, expect, it } from 'vitest';
import { Tensor } from '../../../src/tensor.ts';
import { priorBoxes, type PriorBoxesHead } from '../../../src/vision/heads/prior-boxes.ts';
import type { MediapipeHead } from '../../../src/vision/heads/mediapipe.ts';
import type { ScrfdHead } from '../../../src/vision/heads/scrfd.ts';
import type { YunetHead } from '../../../src/vision/heads/yunet.ts';
import { corners, decode, decoderFor, difference, logistic, randomOutput, type Box } from './outputs.ts';

/** Float32 against float64 of a few operations. */
const tolerance = 1e-6;

const input = { width: 64, height: 48 };

const row = (tensor: Tensor, i: number, width: number) =>
  Array.from(tensor.data.slice(i * width, (i + 1) * width), Number);

describe('prior boxes', () => {
  const head: PriorBoxesHead = {
    type: 'prior-boxes',
    boxes: { output: 'b', first: 0 },
    scores: { output: 's', first: 0 },
    activation: 'none',
    strides: [16, 32],
    sizes: [[10, 20], [60]],
    variances: [0.1, 0.2],
  };
  // rows from the top, cells from the left, sizes one after the other; none larger than the input
  const priors = [
    ...Array.from({ length: 3 * 4 * 2 }, (_, i) => {
      const cell = i >> 1;
      return [((cell % 4) + 0.5) * 16, (Math.floor(cell / 4) + 0.5) * 16, [10, 20][i & 1], [10, 20][i & 1]];
    }),
    ...Array.from({ length: 2 * 2 }, (_, i) => [
      ((i % 2) + 0.5) * 32,
      Math.min((Math.floor(i / 2) + 0.5) * 32, 48),
      60,
      48,
    ]),
  ];

  it('lie in the middle of their cells', () => {
    expect([...priorBoxes(head, input)]).toEqual(priors.flat());
  });

  const plainly = (
    b: Tensor,
    scoreOf: (i: number) => number,
    threshold: number,
    points?: (i: number) => number[],
  ): Box[] =>
    priors.flatMap(([x, y, w, h], i) => {
      const [dx, dy, dw, dh] = row(b, i, b.shape[2]);
      const score = scoreOf(i);
      if (score < threshold) return [];
      const box = corners(x + dx * 0.1 * w, y + dy * 0.1 * h, w * Math.exp(dw * 0.2), h * Math.exp(dh * 0.2));
      const keypoints = points?.(i).map((v, k) => (k % 2 === 0 ? x + v * 0.1 * w : y + v * 0.1 * h));
      return [{ box, score, classIndex: 0, ...(keypoints && { keypoints }) }];
    });

  it('are moved and sized: UltraFace', () => {
    const [b, s] = [randomOutput(1, [1, 28, 4], -3, 3), randomOutput(2, [1, 28, 2], 0, 1)];
    const expected = plainly(b, (i) => row(s, i, 2)[1], 0.5);
    expect(expected.length).toBeGreaterThan(5);
    expect(difference(decode(head, input, { b, s }, 0.5), expected)).toBeLessThan(tolerance);
    expect(decoderFor(head, input, { b, s }).keypoints).toBeUndefined();
  });

  it('with keypoints, in outputs of their own or in one: RetinaFace', () => {
    const [b, s, k] = [
      randomOutput(1, [1, 28, 4], -3, 3),
      randomOutput(2, [1, 28, 2], -3, 3),
      randomOutput(3, [1, 28, 10], -9, 9),
    ];
    const softmax = (i: number) => logistic(row(s, i, 2)[1] - row(s, i, 2)[0]);
    const expected = plainly(b, softmax, 0.5, (i) => row(k, i, 10));
    const apart: PriorBoxesHead = { ...head, activation: 'softmax', keypoints: { output: 'k', first: 0 } };
    expect(difference(decode(apart, input, { b, s, k }, 0.5), expected)).toBeLessThan(tolerance);
    const all = Array.from({ length: 28 }, (_, i) => [...row(b, i, 4), ...row(s, i, 2), ...row(k, i, 10)]).flat();
    const place = (first: number) => ({ output: 'all', first });
    const joined: PriorBoxesHead = { ...apart, boxes: place(0), scores: place(4), keypoints: place(6) };
    const found = decode(joined, input, { all: new Tensor('float32', [1, 28, 16], all) }, 0.5);
    expect(difference(found, expected)).toBeLessThan(tolerance);
  });

  it('with a guess of the overlap: YuNet of 2022', () => {
    const [b, s, o] = [
      randomOutput(1, [28, 14], -3, 3),
      randomOutput(2, [28, 2], 0, 1),
      randomOutput(3, [28, 1], -0.5, 1.5),
    ];
    const own: PriorBoxesHead = { ...head, keypoints: { output: 'b', first: 4 }, overlap: { output: 'o', first: 0 } };
    const score = (i: number) => Math.sqrt(row(s, i, 2)[1] * Math.min(Math.max(Number(o.data[i]), 0), 1));
    const flat = new Tensor('float32', [1, 28, 14], b.data as Float32Array);
    const expected = plainly(flat, score, 0.5, (i) => row(flat, i, 14).slice(4));
    expect(expected.length).toBeGreaterThan(3);
    expect(difference(decode(own, input, { b, s, o }, 0.5), expected)).toBeLessThan(tolerance);
  });

  it('refuse other outputs', () => {
    const [b, s] = [randomOutput(1, [1, 27, 4]), randomOutput(2, [1, 28, 2])];
    expect(() => decode(head, input, { b, s }, 0.5)).toThrow('output "b": wanted 28 anchors, found 27');
    expect(() => decode({ ...head, sizes: [[10]] }, input, { b, s }, 0.5)).toThrow('sizes: wanted one for each of 2');
  });
});

describe('YuNet of 2023', () => {
  const cells = [8 * 6, 4 * 3];
  const head: YunetHead = {
    type: 'yunet',
    strides: [8, 16],
    levels: [8, 16].map((s) => ({ scores: `c${s}`, objectness: `o${s}`, boxes: `b${s}`, keypoints: `k${s}` })),
  };
  const tensors = Object.fromEntries(
    [8, 16].flatMap((s, i) => [
      [`c${s}`, randomOutput(s, [1, cells[i], 1], 0, 1)],
      [`o${s}`, randomOutput(s + 1, [1, cells[i], 1], -0.2, 1.2)],
      [`b${s}`, randomOutput(s + 2, [1, cells[i], 4], -2, 2)],
      [`k${s}`, randomOutput(s + 3, [1, cells[i], 10], -3, 3)],
    ]),
  );

  it('multiplies two scores, and measures from its cells', () => {
    const expected: Box[] = [];
    [8, 16].forEach((s, level) => {
      for (let i = 0; i < cells[level]; i++) {
        const [x, y] = [i % (64 / s), Math.floor(i / (64 / s))];
        const score = Math.sqrt(
          Number(tensors[`c${s}`].data[i]) * Math.min(Math.max(Number(tensors[`o${s}`].data[i]), 0), 1),
        );
        if (score < 0.6) continue;
        const [dx, dy, w, h] = row(tensors[`b${s}`], i, 4);
        const keypoints = row(tensors[`k${s}`], i, 10).map((v, k) => (v + (k % 2 ? y : x)) * s);
        expected.push({
          box: corners((x + dx) * s, (y + dy) * s, Math.exp(w) * s, Math.exp(h) * s),
          score,
          classIndex: 0,
          keypoints,
        });
      }
    });
    expect(expected.length).toBeGreaterThan(10);
    expect(expected.length).toBeLessThan(50);
    expect(difference(decode(head, input, tensors, 0.6), expected)).toBeLessThan(tolerance);
  });

  it('refuses other outputs', () => {
    expect(() => decode({ ...head, strides: [8] }, input, tensors, 0.5)).toThrow('levels: wanted one for each of 1');
    expect(() => decode({ ...head, strides: [8, 32] }, input, tensors, 0.5)).toThrow('output "c16": wanted [1, 4, 1]');
  });
});

describe('SCRFD', () => {
  it.each([
    [2, true, 'none'],
    [1, false, 'sigmoid'],
  ] as const)(
    'measures in strides from the corners of cells: %i anchors, keypoints %s, %s',
    (perCell, withKeypoints, activation) => {
      const counts = [8 * 6 * perCell, 4 * 3 * perCell];
      const least = activation === 'none' ? 0 : -4;
      const tensors = Object.fromEntries(
        counts.flatMap((n, i) => [
          [`s${i}`, randomOutput(i, [n, 1], least, activation === 'none' ? 1 : 4)],
          [`b${i}`, randomOutput(i + 2, [n, 4], 0, 3)],
          [`k${i}`, randomOutput(i + 4, [n, 10], -3, 3)],
        ]),
      );
      const names = (kind: string) => [`${kind}0`, `${kind}1`];
      const head: ScrfdHead = {
        type: 'scrfd',
        scores: names('s'),
        boxes: names('b'),
        ...(withKeypoints && { keypoints: names('k') }),
        strides: [8, 16],
        anchorsPerCell: perCell,
        activation,
      };
      const expected: Box[] = [];
      counts.forEach((n, level) => {
        const stride = [8, 16][level];
        for (let i = 0; i < n; i++) {
          const cell = Math.floor(i / perCell);
          const [x, y] = [(cell % (64 / stride)) * stride, Math.floor(cell / (64 / stride)) * stride];
          const raw = Number(tensors[`s${level}`].data[i]);
          const score = activation === 'none' ? raw : logistic(raw);
          if (score < 0.7) continue;
          const [l, t, r, b] = row(tensors[`b${level}`], i, 4).map((v) => v * stride);
          const keypoints = row(tensors[`k${level}`], i, 10).map((v, k) => (k % 2 ? y : x) + v * stride);
          expected.push({
            box: [x - l, y - t, x + r, y + b],
            score,
            classIndex: 0,
            ...(withKeypoints && { keypoints }),
          });
        }
      });
      expect(expected.length).toBeGreaterThan(5);
      expect(difference(decode(head, input, tensors, 0.7), expected)).toBeLessThan(tolerance);
      expect(() => decode({ ...head, anchorsPerCell: 3 }, input, tensors, 0.5)).toThrow('wanted [1, 144, 1]');
    },
  );
});

describe('palms and bodies', () => {
  it.each([
    [18, 7, 'wrist'],
    [12, 4, 'mid hip'],
    [16, 6, 'right eye'],
  ])('%i numbers an anchor are those of %i keypoints', (width, count, first) => {
    const head: MediapipeHead = { type: 'mediapipe', boxes: 'b', scores: 's', strides: [16], anchorsPerCell: 2 };
    const [b, s] = [randomOutput(1, [1, 24, width], -20, 20), randomOutput(2, [1, 24, 1], -3, 3)];
    const expected = Array.from({ length: 24 }, (_, i): Box[] => {
      const cell = i >> 1;
      const [x, y] = [((cell % 4) + 0.5) * 16, (Math.floor(cell / 4) + 0.5) * 16];
      const [dx, dy, w, h, ...points] = row(b, i, width);
      const score = logistic(Number(s.data[i]));
      const keypoints = points.map((v, k) => (k % 2 ? y : x) + v);
      return score >= 0.5 ? [{ box: corners(x + dx, y + dy, w, h), score, classIndex: 0, keypoints }] : [];
    }).flat();
    expect(expected.length).toBeGreaterThan(5);
    expect(difference(decode(head, input, { b, s }, 0.5), expected)).toBeLessThan(tolerance);
    const { keypoints = [] } = decoderFor(head, input, { b, s });
    expect([keypoints.length, keypoints[0]]).toEqual([count, first]);
  });
});
