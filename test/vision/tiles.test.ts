// Large photos in parts: where the parts lie, and what becomes of what several of them show.
import { describe, expect, it } from 'vitest';
import type { Detection } from '../../src/vision/detection.ts';
import type { Pixels } from '../../src/vision/preprocessing.ts';
import { crop, detectInTiles, merge, tilesOf } from '../../src/vision/tiles.ts';

describe('tiles', () => {
  it.each([
    [1000, 700, 320, 0.2],
    [641, 640, 640, 0],
    [4000, 3000, 416, 0.25],
    [100, 3000, 416, 0.5],
    [416, 416, 416, 0.2],
    [50, 60, 416, 0.2],
  ])('cover a picture of %d × %d with tiles of %d, sharing %d', (width, height, size, overlap) => {
    const tiles = tilesOf(width, height, size, overlap);
    const columns = new Set(tiles.map(({ x }) => x));
    const rows = new Set(tiles.map(({ y }) => y));
    expect(tiles.length).toBe(columns.size * rows.size);
    for (const tile of tiles) {
      expect([tile.width, tile.height]).toEqual([Math.min(size, width), Math.min(size, height)]);
      expect(tile.x >= 0 && tile.y >= 0 && tile.x + tile.width <= width && tile.y + tile.height <= height).toBe(true);
    }
    for (const [starts, length] of [[columns, width] as const, [rows, height] as const]) {
      const sorted = [...starts].toSorted((a, b) => a - b);
      expect([sorted[0], sorted.at(-1)! + Math.min(size, length)]).toEqual([0, length]);
      for (let i = 1; i < sorted.length; i++) {
        expect(sorted[i] - sorted[i - 1]).toBeLessThanOrEqual(Math.ceil(size * (1 - overlap)));
      }
    }
  });

  it('refuses senseless sizes, and too many', () => {
    const refused = (...given: Parameters<typeof tilesOf>) => expect(() => tilesOf(...given));
    refused(1000, 1000, 31).toThrow('tiles.size: wanted a whole number of pixels from 32, got 31');
    refused(1000, 1000, 40.5).toThrow('tiles.size');
    refused(1000, 1000, 100, 0.6).toThrow('tiles.overlap: wanted a number from 0 to 0.5, got 0.6');
    refused(20_000, 20_000, 64).toThrow('more than 1000; give larger tiles: { tiles: { size: 256 } }');
  });

  it.each([1, 3, 4] as const)('are copied of pictures of %d channels', (channels) => {
    const [width, height] = [7, 5];
    const data = Uint8Array.from({ length: width * height * channels }, (_, i) => i);
    const part = crop({ data, width, height, channels }, { x: 2, y: 1, width: 3, height: 4 });
    expect([part.width, part.height, part.channels, part.data.length]).toEqual([3, 4, channels, 12 * channels]);
    for (let y = 0; y < 4; y++) {
      for (let x = 0; x < 3; x++) {
        for (let c = 0; c < channels; c++) {
          expect(part.data[(y * 3 + x) * channels + c]).toBe(data[((y + 1) * width + x + 2) * channels + c]);
        }
      }
    }
  });
});

const box = (xmin: number, ymin: number, xmax: number, ymax: number, score = 0.9, classIndex = 0): Detection => ({
  label: `class ${classIndex}`,
  classIndex,
  score,
  box: { xmin, ymin, xmax, ymax },
});

describe('what several tiles show', () => {
  const merged = (...seen: [Detection, boolean][]) =>
    merge(
      seen.map(([detection, isCut]) => ({ detection, isCut })),
      0.5,
      false,
    ).map(({ box: { xmin, ymin, xmax, ymax }, score }) => [xmin, ymin, xmax, ymax, score]);

  it('is one detection, the best', () => {
    expect(merged([box(0, 0, 100, 100, 0.6), false], [box(2, 0, 102, 100, 0.8), false])).toEqual([
      [2, 0, 102, 100, 0.8],
    ]);
  });

  it('is the whole one, even if a part of it has a better score', () => {
    expect(merged([box(0, 0, 50, 100, 0.95), true], [box(0, 0, 100, 100, 0.6), false])).toEqual([
      [0, 0, 100, 100, 0.6],
    ]);
  });

  it('has the mask of all its parts', () => {
    const part = (x: number, ...data: number[]): Detection => ({
      ...box(x, 0, x + 4, 1),
      mask: { x, y: 0, width: 4, height: 1, data: Uint8Array.from(data) },
    });
    const [whole, ...others] = merge(
      [
        { detection: part(0, 0, 1, 1, 1), isCut: true },
        { detection: part(1, 1, 1, 1, 0), isCut: true },
      ],
      0.5,
      false,
    );
    expect(others).toEqual([]);
    expect(whole.mask).toEqual({ x: 0, y: 0, width: 5, height: 1, data: Uint8Array.of(0, 1, 1, 1, 0) });
  });

  it('is put together of parts that overlap', () => {
    expect(
      merged([box(0, 0, 60, 100, 0.7), true], [box(40, 0, 60, 100, 0.6), true], [box(45, 0, 150, 100, 0.5), true]),
    ).toEqual([
      [0, 0, 60, 100, 0.7],
      [45, 0, 150, 100, 0.5],
    ]);
    expect(merged([box(0, 0, 100, 100, 0.7), true], [box(60, 0, 110, 100, 0.6), true])).toEqual([
      [0, 0, 110, 100, 0.7],
    ]);
  });

  it('is two where two are whole, one in front of the other', () => {
    expect(merged([box(0, 0, 100, 100, 0.9), false], [box(30, 30, 60, 60, 0.8), false]).length).toBe(2);
  });

  it('is two where classes differ', () => {
    expect(merged([box(0, 0, 100, 100, 0.9), false], [box(0, 0, 100, 100, 0.8, 1), true]).length).toBe(2);
  });
});

describe('a photo looked at in tiles', () => {
  /** Finds bright squares that lie in a picture, if they are at least a twentieth of it wide: as models do. */
  const squares = [
    { x: 20, y: 20, size: 60 },
    { x: 900, y: 500, size: 40 },
    { x: 310, y: 300, size: 50 },
  ];
  const [width, height] = [1000, 600];
  const data = new Uint8Array(width * height * 3);
  for (const [i, { x, y, size }] of squares.entries()) {
    for (let row = y; row < y + size; row++) data.fill(i + 1, (row * width + x) * 3, (row * width + x + size) * 3);
  }
  const photo: Pixels = { data, width, height, channels: 3 };
  let looks = 0;
  const look = async (part: Pixels) => {
    looks++;
    const detections = squares.flatMap((_, i) => {
      let [xmin, ymin, xmax, ymax] = [Infinity, Infinity, -1, -1];
      for (let p = 0; p < part.width * part.height; p++) {
        if (part.data[3 * p] !== i + 1) continue;
        const [x, y] = [p % part.width, Math.floor(p / part.width)];
        [xmin, ymin, xmax, ymax] = [Math.min(xmin, x), Math.min(ymin, y), Math.max(xmax, x + 1), Math.max(ymax, y + 1)];
      }
      return xmax - xmin >= Math.max(part.width, 1) / 20
        ? [{ ...box(xmin, ymin, xmax, ymax), keypoints: [{ name: 'k', x: xmin, y: ymin }] }]
        : [];
    });
    return { detections, speed: { preprocess: 1, inference: 2, postprocess: 3 } };
  };
  const limits = { iouThreshold: 0.5, maxResults: 100, classAgnostic: false };

  it('shows what is too small in the whole, once, where it is', async () => {
    expect((await look(photo)).detections.length).toBe(2);
    looks = 0;
    const { detections, speed } = await detectInTiles(photo, 320, {}, limits, look);
    const found = detections.map(({ box: { xmin, ymin, xmax } }) => ({ x: xmin, y: ymin, size: xmax - xmin }));
    expect(found.toSorted((a, b) => a.x - b.x)).toEqual(squares.toSorted((a, b) => a.x - b.x));
    for (const {
      box: { xmin, ymin },
      keypoints,
    } of detections)
      expect(keypoints).toEqual([{ name: 'k', x: xmin, y: ymin }]);
    expect(looks).toBe(1 + tilesOf(width, height, 320).length);
    expect(speed).toEqual({ preprocess: looks, inference: 2 * looks, postprocess: 3 * looks });
  });

  it('has as many results as are asked for', async () => {
    const { detections } = await detectInTiles(photo, 320, {}, { ...limits, maxResults: 2 }, look);
    expect(detections.length).toBe(2);
  });

  it('is looked at once where it is no larger than a tile', async () => {
    looks = 0;
    await detectInTiles(photo, 1000, {}, limits, look);
    expect(looks).toBe(1);
  });
});
