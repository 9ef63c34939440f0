import { describe, expect, it } from 'vitest';
import { blazeAnchors } from '../../src/vision/heads/mediapipe.ts';
import { ssdAnchors } from '../../src/vision/ssd-anchors.ts';

const row = (anchors: Float32Array, i: number) => Array.from(anchors.subarray(4 * i, 4 * i + 4));

describe('anchors of the face models', () => {
  it('full range: 48 × 48 cells of one', () => {
    const anchors = blazeAnchors(
      { type: 'mediapipe', boxes: '', scores: '', strides: [4], anchorsPerCell: 1 },
      192,
      192,
    );
    expect(anchors.length / 4).toBe(2304);
    expect(row(anchors, 0)).toEqual([0.5 / 48, 0.5 / 48, 1, 1].map(Math.fround));
    expect(row(anchors, 49)).toEqual([1.5 / 48, 1.5 / 48, 1, 1].map(Math.fround));
    expect(row(anchors, 47)).toEqual([47.5 / 48, 0.5 / 48, 1, 1].map(Math.fround)); // columns run first
  });

  it('short range: 16 × 16 cells of two, then 8 × 8 cells of six', () => {
    const anchors = blazeAnchors(
      { type: 'mediapipe', boxes: '', scores: '', strides: [8, 16, 16, 16], anchorsPerCell: 2 },
      128,
      128,
    );
    expect(anchors.length / 4).toBe(896);
    expect(row(anchors, 0)).toEqual([0.03125, 0.03125, 1, 1]);
    expect(row(anchors, 1)).toEqual([0.03125, 0.03125, 1, 1]);
    expect(row(anchors, 2)).toEqual([0.09375, 0.03125, 1, 1]);
    expect(row(anchors, 511)).toEqual([0.96875, 0.96875, 1, 1]);
    for (let i = 512; i < 518; i++) expect(row(anchors, i)).toEqual([0.0625, 0.0625, 1, 1]);
    expect(row(anchors, 518)).toEqual([0.1875, 0.0625, 1, 1]);
    expect(row(anchors, 895)).toEqual([0.9375, 0.9375, 1, 1]);
  });
});

describe('anchors of sizes', () => {
  const ssd = {
    inputWidth: 300,
    inputHeight: 300,
    strides: [16, 32, 64, 128, 256, 512],
    aspectRatios: [1, 2, 0.5, 3, 0.3333],
    interpolatedScaleAspectRatio: 1,
    fixedAnchorSize: false,
    minScale: 0.2,
    maxScale: 0.95,
    reduceBoxesInLowestLayer: true,
  };

  it('SSD MobileNet: 1917 anchors on 19, 10, 5, 3, 2, 1 cells', () => {
    const anchors = ssdAnchors(ssd);
    expect(anchors.length / 4).toBe(3 * 19 * 19 + 6 * (100 + 25 + 9 + 4 + 1));
    const half = 0.5 / 19;
    expect(row(anchors, 0)).toEqual([half, half, 0.1, 0.1].map(Math.fround));
    expect(row(anchors, 1)).toEqual([half, half, 0.2 * Math.SQRT2, 0.2 / Math.SQRT2].map(Math.fround));
    // Layer 1: scale 0.2 + 0.75/5 = 0.35, the sixth anchor between it and 0.5.
    const first = 3 * 19 * 19;
    expect(row(anchors, first)).toEqual([0.05, 0.05, 0.35, 0.35].map(Math.fround));
    const between = Math.sqrt(0.35 * 0.5);
    expect(row(anchors, first + 5)[2]).toBeCloseTo(between, 6); // float32
    // The last layer is followed by a scale of 1.
    expect(row(anchors, 1916)[2]).toBeCloseTo(Math.sqrt(0.95), 6); // float32
  });

  it('one layer takes the middle of the scales', () => {
    const anchors = ssdAnchors({
      ...ssd,
      strides: [512],
      aspectRatios: [1],
      interpolatedScaleAspectRatio: 0,
      reduceBoxesInLowestLayer: false,
    });
    expect([...anchors]).toEqual([0.5, 0.5, 0.575, 0.575].map(Math.fround));
  });
});
