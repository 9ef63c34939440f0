import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  checkPixels,
  imageGeometry,
  imageToInput,
  inputToImage,
  letterbox,
  normalization,
  normalizedToImage,
  resizeModes,
  type Pixels,
} from '../../src/vision/preprocessing.ts';

describe('letterbox', () => {
  it.each([
    // image, input, mode, expected x, y, width, height
    [640, 480, 192, 192, 'letterbox', 0, 24, 192, 144],
    [480, 640, 192, 192, 'letterbox', 24, 0, 144, 192],
    [192, 192, 192, 192, 'letterbox', 0, 0, 192, 192],
    [100, 100, 416, 416, 'letterbox', 0, 0, 416, 416],
    [639, 427, 192, 192, 'letterbox', 0, 32, 192, 128], // 128.3 rows → 128
    [640, 425, 192, 192, 'letterbox', 0, 32, 192, 128], // 127.5 rows → 128
    [640, 423, 192, 192, 'letterbox', 0, 32, 192, 127], // 65 rows of padding: 32 above, 33 below
    [10_000, 7, 192, 192, 'letterbox', 0, 95, 192, 1], // 0.13 rows, but never none
    [7, 10_000, 192, 192, 'letterbox', 95, 0, 1, 192],
    [640, 480, 192, 192, 'stretch', 0, 0, 192, 192],
    [1, 1, 320, 180, 'letterbox', 70, 0, 180, 180],
    [640, 427, 416, 416, 'letterbox-top-left', 0, 0, 416, 277], // 277.55 rows, cut off as YOLOX does
    [427, 640, 416, 416, 'letterbox-top-left', 0, 0, 277, 416],
    [49, 49, 416, 416, 'letterbox-top-left', 0, 0, 416, 416], // 49 · (416 / 49) is 415.99… in floating point
  ] as const)('puts %i×%i into %i×%i (%s)', (iw, ih, w, h, mode, x, y, width, height) => {
    expect(letterbox(iw, ih, w, h, mode)).toEqual({ x, y, width, height });
  });

  it('stays within the input, in whole pixels, for any size', () => {
    const size = fc.integer({ min: 1, max: 20_000 });
    const input = fc.integer({ min: 1, max: 2000 });
    fc.assert(
      fc.property(size, size, input, input, fc.constantFrom(...resizeModes), (iw, ih, w, h, mode) => {
        const { x, y, width, height } = letterbox(iw, ih, w, h, mode);
        for (const n of [x, y, width, height]) expect(Number.isInteger(n)).toBe(true);
        expect(Math.min(x, y)).toBeGreaterThanOrEqual(0);
        expect(Math.min(width, height)).toBeGreaterThanOrEqual(1);
        expect(x + width).toBeLessThanOrEqual(w);
        expect(y + height).toBeLessThanOrEqual(h);
        if (mode !== 'stretch') expect(width === w || height === h).toBe(true); // fits as large as it can
      }),
      { seed: 1, numRuns: 300 },
    );
  });
});

describe('inputToImage', () => {
  it('undoes a centred letterbox', () => {
    const geometry = imageGeometry({ width: 640, height: 480 }, { width: 192, height: 192, resize: 'letterbox' });
    expect(inputToImage(geometry, 0, 24)).toEqual({ x: 0, y: 0 });
    expect(inputToImage(geometry, 192, 168)).toEqual({ x: 640, y: 480 });
    expect(inputToImage(geometry, 96, 96)).toEqual({ x: 320, y: 240 });
    expect(inputToImage(geometry, 0, 0)).toEqual({ x: 0, y: -80 }); // padding
    expect(normalizedToImage(geometry, 0.5, 0.5)).toEqual({ x: 320, y: 240 });
    expect(normalizedToImage(geometry, 1, 0.875)).toEqual({ x: 640, y: 480 });
  });

  it('undoes a stretch', () => {
    const geometry = imageGeometry({ width: 640, height: 480 }, { width: 300, height: 300, resize: 'stretch' });
    expect(inputToImage(geometry, 150, 75)).toEqual({ x: 320, y: 120 });
  });

  it('is the inverse of imageToInput, and corners go to corners, for any size', () => {
    const size = fc.integer({ min: 1, max: 20_000 });
    const fraction = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(size, size, fraction, fraction, fc.constantFrom(...resizeModes), (width, height, u, v, resize) => {
        const geometry = imageGeometry({ width, height }, { width: 416, height: 320, resize });
        const there = imageToInput(geometry, u * width, v * height);
        const back = inputToImage(geometry, there.x, there.y);
        // Rounding of doubles only: coordinates of up to 2e4 carry 53 bits.
        expect(Math.abs(back.x - u * width)).toBeLessThan(1e-8);
        expect(Math.abs(back.y - v * height)).toBeLessThan(1e-8);
        const { destination: d } = geometry;
        expect(inputToImage(geometry, d.x + d.width, d.y + d.height)).toEqual({ x: width, y: height });
      }),
      { seed: 2, numRuns: 300 },
    );
  });
});

describe('normalization', () => {
  it('gives (byte − mean) / std', () => {
    const { scale, offset } = normalization([123.675, 116.28, 103.53], [58.395, 57.12, 57.375]);
    expect(200 * scale[0] + offset[0]).toBeCloseTo((200 - 123.675) / 58.395, 12);
    expect(7 * scale[2] + offset[2]).toBeCloseTo((7 - 103.53) / 57.375, 12);
  });
});

const image = (change: object) => ({ data: new Uint8Array(12), width: 2, height: 2, channels: 3, ...change }) as Pixels;

describe('checkPixels', () => {
  it('accepts bytes that fit', () => {
    checkPixels(image({}));
    checkPixels(image({ data: new Uint8ClampedArray(4), channels: 1 }));
    checkPixels(image({ data: Buffer.alloc(16), channels: 4 }));
  });

  it.each([
    [{ width: 0 }, 'positive whole numbers of pixels; got 0 × 2'],
    [{ height: Number.NaN }, 'got 2 × NaN'],
    [{ width: 1.5 }, 'got 1.5 × 2'],
    [{ height: -2 }, 'got 2 × -2'],
    [{ width: undefined }, 'got undefined × 2'],
    [{ channels: 2 }, 'channels must be 1 (grey), 3 (RGB) or 4 (RGBA); got 2'],
    [{ data: new Uint8Array(11) }, '2 × 2 pixels of 3 channels need 12 bytes; the data has 11'],
    [{ data: new Float32Array(12) }, 'bytes; got Float32Array'],
    [{ data: undefined }, 'bytes; got undefined'],
  ])('refuses %o', (change, message) => {
    expect(() => checkPixels(image(change))).toThrow(message);
    expect(() => checkPixels(image(change))).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
  });
});
