// Large photos in parts that overlap (slicing aided hyper inference, Akyon et al., arXiv 2202.06934), so that what is small
// in them is large enough to be found. Loaded when somebody asks for tiles.
import { FiligreeError } from '../errors.ts';
import { union } from './mask.ts';
import type { Detection, DetectionResult } from './detection.ts';
import type { Pixels } from './preprocessing.ts';

export interface TileOptions {
  /** Pixels of the photo along a tile's side, at least 32; default the model's input. */
  size?: number;
  /** Part of a tile that it shares with the next one, 0…0.5; default 0.2. */
  overlap?: number;
}

export interface Rectangle {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** More are refused: each is a run of the model. */
const maxTiles = 1000;

/**
 * Rectangles that cover a picture, each of the size or, where the picture is smaller, as large as that.
 * @throws FiligreeError `invalid-argument` for options out of range, or more than 1000 tiles
 */
export function tilesOf(width: number, height: number, size: number, overlap = 0.2): Rectangle[] {
  if (!Number.isInteger(size) || size < 32) {
    throw new FiligreeError(
      'invalid-argument',
      `tiles.size: wanted a whole number of pixels from 32, got ${String(size)}`,
    );
  }
  if (!(overlap >= 0 && overlap <= 0.5)) {
    throw new FiligreeError('invalid-argument', `tiles.overlap: wanted a number from 0 to 0.5, got ${String(overlap)}`);
  }
  const starts = (length: number): number[] => {
    if (length <= size) return [0];
    const count = 1 + Math.ceil((length - size) / (size * (1 - overlap)));
    return Array.from({ length: count }, (_, i) => Math.round((i * (length - size)) / (count - 1)));
  };
  const [columns, rows] = [starts(width), starts(height)];
  if (columns.length * rows.length > maxTiles) {
    throw new FiligreeError(
      'invalid-argument',
      `tiles: ${width} × ${height} pixels in tiles of ${size} would be ${columns.length * rows.length} runs of the model, ` +
        `more than ${maxTiles}; give larger tiles: { tiles: { size: ${4 * size} } }`,
    );
  }
  const [tileWidth, tileHeight] = [Math.min(size, width), Math.min(size, height)];
  return rows.flatMap((y) => columns.map((x) => ({ x, y, width: tileWidth, height: tileHeight })));
}

/** A part of a picture, copied. */
export function crop({ data, width, channels }: Pixels, part: Rectangle): Pixels {
  const row = part.width * channels;
  const copy = new Uint8Array(row * part.height);
  for (let y = 0; y < part.height; y++) {
    const from = ((part.y + y) * width + part.x) * channels;
    copy.set(data.subarray(from, from + row), y * row);
  }
  return { data: copy, width: part.width, height: part.height, channels } as Pixels;
}

/**
 * Looks at the whole photo and at each tile, and makes one detection of what several of them show.
 * @param look finds objects in a picture, in its own pixels
 */
export async function detectInTiles(
  image: Pixels,
  size: number,
  { size: tileSize = size, overlap }: TileOptions,
  { iouThreshold, maxResults, classAgnostic }: { iouThreshold: number; maxResults: number; classAgnostic: boolean },
  look: (part: Pixels) => Promise<DetectionResult>,
): Promise<DetectionResult> {
  const { width, height } = image;
  const tiles = tilesOf(width, height, tileSize, overlap);
  const whole = await look(image);
  if (tiles.length === 1) return whole;
  const found: Seen[] = whole.detections.map((detection) => ({ detection, isCut: false }));
  const speed = { ...whole.speed };
  for (const tile of tiles) {
    const part = await look(crop(image, tile));
    for (const key of ['preprocess', 'inference', 'postprocess'] as const) speed[key] += part.speed[key];
    for (const detection of part.detections) {
      found.push({ detection: moved(detection, tile), isCut: isCut(detection, tile, width, height) });
    }
  }
  return { detections: merge(found, iouThreshold, classAgnostic).slice(0, maxResults), speed };
}

export interface Seen {
  detection: Detection;
  /** Whether it ends where its tile does, though the photo goes on: it may be a part of something. */
  isCut: boolean;
}

/** What a part has in common with what it is a part of: at least so much of its own area. */
const partThreshold = 0.6;

/**
 * One detection for each object, best first. Whole ones suppress others as usual, and parts that lie in them; parts that
 * overlap become one.
 */
export function merge(found: readonly Seen[], iouThreshold: number, classAgnostic: boolean): Detection[] {
  const order = found.toSorted((a, b) => Number(a.isCut) - Number(b.isCut) || b.detection.score - a.detection.score);
  const kept: Seen[] = [];
  for (const { detection, isCut: isPart } of order) {
    const same = kept.find(({ detection: other, isCut: isOtherPart }) => {
      if (!classAgnostic && other.classIndex !== detection.classIndex) return false;
      const { union, smaller } = overlaps(other.box, detection.box);
      return union > iouThreshold || ((isPart || isOtherPart) && smaller > partThreshold);
    });
    if (!same) kept.push({ detection: { ...detection, box: { ...detection.box } }, isCut: isPart });
    else if (same.isCut) {
      const { box } = same.detection;
      box.xmin = Math.min(box.xmin, detection.box.xmin);
      box.ymin = Math.min(box.ymin, detection.box.ymin);
      box.xmax = Math.max(box.xmax, detection.box.xmax);
      box.ymax = Math.max(box.ymax, detection.box.ymax);
      const { mask } = same.detection;
      if (mask && detection.mask) same.detection.mask = union(mask, detection.mask);
    }
  }
  return kept.map(({ detection }) => detection).toSorted((a, b) => b.score - a.score);
}

/** Intersection over union, and over the smaller one's area. */
function overlaps(a: Detection['box'], b: Detection['box']): { union: number; smaller: number } {
  const width = Math.min(a.xmax, b.xmax) - Math.max(a.xmin, b.xmin);
  const height = Math.min(a.ymax, b.ymax) - Math.max(a.ymin, b.ymin);
  if (!(width > 0 && height > 0)) return { union: 0, smaller: 0 };
  const area = (of: Detection['box']) => (of.xmax - of.xmin) * (of.ymax - of.ymin);
  const common = width * height;
  return { union: common / (area(a) + area(b) - common), smaller: common / Math.min(area(a), area(b)) };
}

function moved(detection: Detection, { x, y }: Rectangle): Detection {
  const { box, keypoints, mask } = detection;
  return {
    ...detection,
    box: { xmin: box.xmin + x, ymin: box.ymin + y, xmax: box.xmax + x, ymax: box.ymax + y },
    ...(keypoints && { keypoints: keypoints.map((point) => ({ ...point, x: point.x + x, y: point.y + y })) }),
    ...(mask && { mask: { ...mask, x: mask.x + x, y: mask.y + y } }),
  };
}

/** @param box in the tile's pixels */
function isCut({ box }: Detection, tile: Rectangle, width: number, height: number): boolean {
  const near = Math.max(2, 0.01 * Math.max(tile.width, tile.height)); // heads place edges no better
  return (
    (box.xmin < near && tile.x > 0) ||
    (box.ymin < near && tile.y > 0) ||
    (box.xmax > tile.width - near && tile.x + tile.width < width) ||
    (box.ymax > tile.height - near && tile.y + tile.height < height)
  );
}
