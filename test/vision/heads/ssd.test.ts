import { describe, expect, it } from 'vitest';
import { Tensor } from '../../../src/tensor.ts';
import { floatsToBase64, type SsdHead } from '../../../src/vision/heads/ssd.ts';
import { mobilenetAnchors } from '../../../src/vision/presets/ssd.ts';
import { ssdAnchorCount, ssdAnchors } from '../../../src/vision/ssd-anchors.ts';
import { randomFloats } from '../../kernels/wasm.ts';
import { corners, decode, difference, logistic, randomOutput, type Box } from './outputs.ts';

const tolerance = 1e-6; // float32 against float64 of a few operations

const input = { width: 320, height: 200 };
const count = 40;
/** y centre, x centre, height, width. */
const anchorList = randomFloats(3)(4 * count).map((v) => 0.55 + 0.45 * v);
const head: SsdHead = {
  type: 'ssd',
  boxes: 'boxes',
  scores: 'scores',
  activation: 'sigmoid',
  background: 1,
  coding: 'yxhw',
  scales: [0.1, 0.1, 0.2, 0.2],
  anchors: floatsToBase64(anchorList),
};
const boxes = randomOutput(4, [1, count, 1, 4], -3, 3);
const scores = randomOutput(5, [1, count, 6], -3, 3);
const at = (tensor: Tensor, i: number, width: number) =>
  Array.from(tensor.data.slice(i * width, (i + 1) * width), Number);

/** DecodeCenterSizeBoxes and the scores of detection_postprocess.cc, one anchor at a time. */
function plainly(scoresOf: (logits: number[]) => number[], background: number, threshold: number, xywh = false): Box[] {
  const found: Box[] = [];
  for (let i = 0; i < count; i++) {
    const [first, second, third, fourth] = at(boxes, i, 4);
    const [ty, tx, th, tw] = xywh ? [second, first, fourth, third] : [first, second, third, fourth];
    const [ay, ax, ah, aw] = anchorList.slice(4 * i, 4 * i + 4);
    const y = (ty / 10) * ah + ay;
    const x = (tx / 10) * aw + ax;
    const box = corners(x * 320, y * 200, Math.exp(tw / 5) * aw * 320, Math.exp(th / 5) * ah * 200);
    const classScores = scoresOf(at(scores, i, 6)).slice(background);
    const score = Math.max(...classScores);
    if (score >= threshold) found.push({ box, score, classIndex: classScores.indexOf(score) });
  }
  return found;
}

const softmax = (logits: number[]) => {
  const total = logits.reduce((sum, v) => sum + Math.exp(v), 0);
  return logits.map((v) => Math.exp(v) / total);
};

describe('SSD', () => {
  it.each([
    ['sigmoid', (logits: number[]) => logits.map(logistic), 0.85],
    ['softmax', softmax, 0.4],
    ['none', (scoresAsThey: number[]) => scoresAsThey, 1],
  ] as const)('scores by %s', (activation, scoresOf, threshold) => {
    for (const background of [0, 1]) {
      const expected = plainly(scoresOf, background, threshold);
      expect(expected.length).toBeGreaterThan(5);
      expect(expected.length).toBeLessThan(count);
      const found = decode({ ...head, activation, background }, input, { boxes, scores }, threshold);
      expect(difference(found, expected)).toBeLessThan(tolerance);
    }
  });

  it('counts every class if asked, the background never', () => {
    const expected = Array.from(
      { length: count },
      (_, i) =>
        softmax(at(scores, i, 6))
          .slice(1)
          .filter((s) => s >= 0.2).length,
    );
    const found = decode({ ...head, activation: 'softmax' }, input, { boxes, scores }, 0.2, true);
    expect(found).toHaveLength(expected.reduce((a, b) => a + b));
    expect(found.length).toBeGreaterThan(count);
    expect(found.every(({ classIndex }) => classIndex >= 0 && classIndex < 5)).toBe(true);
  });

  it('with x before y', () => {
    const expected = plainly((logits) => logits.map(logistic), 1, 0.8, true);
    expect(difference(decode({ ...head, coding: 'xywh' }, input, { boxes, scores }, 0.8), expected)).toBeLessThan(
      tolerance,
    );
  });

  it('with corners, that need no anchors', () => {
    const decoded: SsdHead = {
      type: 'ssd',
      boxes: 'boxes',
      scores: 'scores',
      activation: 'none',
      background: 1,
      coding: 'xyxy',
    };
    const tensors = {
      boxes: new Tensor('float32', [1, 2, 4], [0, 0, 1, 1, 0.25, 0.5, 0.75, 1]),
      scores: new Tensor('float32', [1, 2, 2], [0.9, 0.1, 0.25, 0.75]),
    };
    expect(decode(decoded, input, tensors, 0.5)).toEqual([{ box: [80, 100, 240, 200], score: 0.75, classIndex: 0 }]);
    const [{ box }] = decode({ ...decoded, coding: 'yxyx' }, input, tensors, 0.5);
    expect(box).toEqual([160, 50, 320, 150]);
  });

  it('by hand: no offset is the anchor itself', () => {
    const anchors = floatsToBase64(Float32Array.from([0.5, 0.25, 0.5, 0.125])); // y, x, height, width
    const tensors = {
      boxes: new Tensor('float32', [1, 1, 4], [0, 10, 0, 5 * Math.log(2)]), // one width right, twice as wide
      scores: new Tensor('float32', [1, 1, 2], [9, 0]),
    };
    const [{ box, score, classIndex }] = decode({ ...head, anchors }, input, tensors, 0.5);
    expect({ score, classIndex }).toEqual({ score: 0.5, classIndex: 0 });
    [80, 50, 160, 150].forEach((expected, k) => expect(box[k]).toBeCloseTo(expected, 4)); // float32
  });
});

describe('SSD anchors', () => {
  it.each([
    [300, 1917],
    [320, 2034],
  ])('of a MobileNet at %i pixels are %i', (size, anchors) => {
    const options = { ...mobilenetAnchors, inputWidth: size, inputHeight: size };
    expect(ssdAnchorCount(options)).toBe(anchors);
    expect(ssdAnchors(options)).toHaveLength(4 * anchors);
  });

  it('are never made in numbers that the outputs do not have', () => {
    const anchors = { ...mobilenetAnchors, strides: Array(16).fill(1) };
    const huge = { width: 65536, height: 65536 };
    const tensors = { boxes, scores };
    expect(() => decode({ ...head, anchors }, huge, tensors, 0.5)).toThrow('anchors: wanted a rule for 40 anchors');
  });

  it.each([
    [{ ...head, anchors: '&&&' }, 'metadata.vision.head.anchors: wanted base64'],
    [{ ...head, anchors: floatsToBase64(anchorList.subarray(4)) }, 'anchors: wanted 40 anchors, found 39'],
    [{ ...head, anchors: undefined }, 'head.anchors: wanted an object, found undefined'],
    [{ ...head, anchors: { ...mobilenetAnchors, aspectRatios: [0] } }, 'anchors.aspectRatios[0]: wanted a number'],
    [{ ...head, scales: [1, 2, 3] }, 'head.scales: wanted four numbers'],
    [{ ...head, background: 6 }, 'head.background: wanted a number from 0 to 1'],
    [{ ...head, boxes: 'scores' }, 'output "scores": wanted float32 [1, anchors, 4], found'],
  ])('explain invalid heads (%#)', (wrong, message) => {
    expect(() => decode(wrong as SsdHead, input, { boxes, scores }, 0.5)).toThrow(message);
  });

  it('want a score for every box', () => {
    const fewer = randomOutput(5, [1, count - 1, 6]);
    expect(() => decode(head, input, { boxes, scores: fewer }, 0.5)).toThrow(
      'output "scores": wanted [1, 40, classes]',
    );
  });
});
