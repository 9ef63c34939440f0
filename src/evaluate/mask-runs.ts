// Masks of whole images as runs, in COCO's order: columns from the left, each from the top. pycocotools' maskApi.c.
import type { Mask } from '../vision/mask.ts';

/** Where a mask begins and ends, again and again: pixels p with runs[0] ≤ p < runs[1], runs[2] ≤ p < runs[3], … belong to it. */
export type MaskRuns = Uint32Array;

/** Number of pixels. */
export function runsArea(runs: MaskRuns): number {
  let area = 0;
  for (let i = 0; i < runs.length; i += 2) area += runs[i + 1] - runs[i];
  return area;
}

/** Intersection over union of a detection and an object; for a crowd, over the detection's area. */
export function maskOverlap(detection: MaskRuns, object: MaskRuns, crowd: boolean): number {
  let common = 0;
  for (let i = 0, j = 0; i < detection.length && j < object.length;) {
    const end = Math.min(detection[i + 1], object[j + 1]);
    common += Math.max(0, end - Math.max(detection[i], object[j]));
    if (detection[i + 1] === end) i += 2;
    else j += 2;
  }
  if (common === 0) return 0;
  const own = runsArea(detection);
  return common / (crowd ? own : own + runsArea(object) - common);
}

/** A detection's mask, in an image of the given height. */
export function runsOfMask({ x, y, width, height, data }: Mask, imageHeight: number): MaskRuns {
  const runs: number[] = [];
  for (let u = 0; u < width; u++) {
    for (let v = 0, inside = false; v <= height; v++) {
      const is = v < height && data[v * width + u] !== 0;
      if (is === inside) continue;
      inside = is;
      runs.push((x + u) * imageHeight + y + v);
    }
  }
  return merged(runs);
}

/** Runs that touch become one. */
function merged(runs: readonly number[]): MaskRuns {
  const kept: number[] = [];
  for (let i = 0; i < runs.length; i += 2) {
    if (kept.length > 0 && kept.at(-1) === runs[i]) kept[kept.length - 1] = runs[i + 1];
    else kept.push(runs[i], runs[i + 1]);
  }
  return Uint32Array.from(kept);
}

/** Lengths of what is outside and inside by turns, as an uncompressed RLE has them. */
export function runsOfCounts(counts: readonly number[]): MaskRuns {
  const runs: number[] = [];
  let at = 0;
  counts.forEach((count, i) => {
    if (i % 2 === 1 && count > 0) runs.push(at, at + count);
    at += count;
  });
  return merged(runs);
}

/** The counts of an uncompressed RLE, of an image of so many pixels. */
export function countsOfRuns(runs: MaskRuns, pixels: number): number[] {
  const places = [0, ...runs, pixels];
  return places.slice(1).map((at, i) => at - places[i]);
}

/** The counts of a compressed RLE: six bits a character, low ones first, from the third on less those two before. */
export function countsOfText(text: string): number[] {
  const counts: number[] = [];
  for (let at = 0; at < text.length;) {
    let value = 0;
    let shift = 0;
    let code: number;
    do {
      code = text.charCodeAt(at++) - 48;
      value |= (code & 31) << shift;
      shift += 5;
    } while (code & 32 && at < text.length);
    if (code & 16 && shift < 32) value |= -1 << shift;
    counts.push(counts.length > 2 ? value + counts[counts.length - 2] : value);
  }
  return counts;
}

/** Polygons, each x, y, x, y, … in pixels: all that any of them holds. */
export function runsOfPolygons(polygons: readonly (readonly number[])[], width: number, height: number): MaskRuns {
  const changes: [at: number, by: 1 | -1][] = [];
  for (const polygon of polygons) {
    const places = edgesOf(polygon, width, height).sort((a, b) => a - b);
    places.forEach((at, i) => changes.push([at, i % 2 === 0 ? 1 : -1]));
    if (places.length % 2 === 1) changes.push([width * height, -1]);
  }
  changes.sort(([a], [b]) => a - b);
  const runs: number[] = [];
  let depth = 0;
  changes.forEach(([at, by], i) => {
    depth += by;
    const last = i === changes.length - 1 || changes[i + 1][0] !== at;
    if (last && depth > 0 !== (runs.length % 2 === 1)) runs.push(at);
  });
  return merged(runs);
}

/** Where a polygon's outline crosses the columns' middles, as pixels in COCO's order: rleFrPoly, in fifths of a pixel. */
function edgesOf(polygon: readonly number[], width: number, height: number): number[] {
  const scale = 5;
  const count = polygon.length >> 1;
  const xs = Array.from({ length: count + 1 }, (_, i) => Math.trunc(scale * polygon[2 * (i % count)] + 0.5));
  const ys = Array.from({ length: count + 1 }, (_, i) => Math.trunc(scale * polygon[2 * (i % count) + 1] + 0.5));
  const [u, v]: [number[], number[]] = [[], []];
  for (let i = 0; i < count; i++) {
    let [x0, x1, y0, y1] = [xs[i], xs[i + 1], ys[i], ys[i + 1]];
    const [dx, dy] = [Math.abs(x1 - x0), Math.abs(y1 - y0)];
    const flip = (dx >= dy && x0 > x1) || (dx < dy && y0 > y1);
    if (flip) [x0, x1, y0, y1] = [x1, x0, y1, y0];
    const slope = dx >= dy ? (y1 - y0) / dx : (x1 - x0) / dy;
    for (let d = 0; d <= Math.max(dx, dy); d++) {
      const t = flip ? Math.max(dx, dy) - d : d;
      u.push(dx >= dy ? t + x0 : Math.trunc(x0 + slope * t + 0.5));
      v.push(dx >= dy ? Math.trunc(y0 + (slope * t || 0) + 0.5) : t + y0);
    }
  }
  const places: number[] = [];
  for (let j = 1; j < u.length; j++) {
    if (u[j] === u[j - 1]) continue;
    const x = ((u[j] < u[j - 1] ? u[j] : u[j] - 1) + 0.5) / scale - 0.5;
    if (!Number.isInteger(x) || x < 0 || x > width - 1) continue;
    const y = (Math.min(v[j], v[j - 1]) + 0.5) / scale - 0.5;
    places.push(x * height + Math.ceil(Math.min(Math.max(y, 0), height)));
  }
  return places;
}
