// Draws detections into pixels, for hosts without a canvas. Anti-aliased by the share of each pixel that is covered.
import type { Detection } from '../vision/detection.ts';
import { layoutDetections, type Colour, type DrawOptions } from '../vision/draw.ts';
import type { Mask } from '../vision/mask.ts';
import { checkPixels, type Pixels } from '../vision/preprocessing.ts';
import { toRgba } from './decode.ts';
import { hersheyBaseline, hersheyCapitalHeight, hersheyGlyph } from './hershey.ts';

/** A copy of the picture, in RGBA, with the detections drawn on it. Characters outside ASCII become question marks. */
export function drawOnPixels(image: Pixels, detections: readonly Detection[], options: DrawOptions = {}): Pixels {
  checkPixels(image);
  const { width, height } = image;
  const canvas: Canvas = { data: toRgba(image), width, height };
  for (const shape of layoutDetections(detections, width, height, textWidth, options)) {
    if (shape.kind === 'fill') {
      fillRectangle(canvas, shape.x, shape.y, shape.x + shape.width, shape.y + shape.height, shape.colour, 1);
    } else if (shape.kind === 'outline') {
      strokeRectangle(canvas, shape, shape.colour, shape.alpha);
    } else if (shape.kind === 'polygon') {
      strokeSegments(canvas, segmentsOf(shape.corners), shape.line, shape.colour, shape.alpha);
    } else if (shape.kind === 'line') {
      const { from, to } = shape;
      strokeSegments(canvas, [from.x, from.y, to.x, to.y], shape.line, shape.colour, shape.alpha);
    } else if (shape.kind === 'mask') {
      fillMask(canvas, shape.mask, shape.colour, shape.alpha);
    } else if (shape.kind === 'dot') {
      const { x, y, radius, colour } = shape;
      fillDistance(canvas, x - radius, y - radius, x + radius, y + radius, colour, (px, py) => {
        return radius - Math.hypot(px - x, py - y);
      });
    } else {
      drawText(canvas, shape.text, shape.x, shape.y, shape.size, shape.colour);
    }
  }
  return { data: canvas.data, width, height, channels: 4 };
}

interface Canvas {
  readonly data: Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

/** Pixels of one unit of the stroke font at a font size: capitals are 0.7 of the size. */
function unitOf(size: number): number {
  return (0.7 * size) / hersheyCapitalHeight;
}

function textWidth(text: string, size: number): number {
  let units = 0;
  for (const character of text) units += hersheyGlyph(character).advance;
  return units * unitOf(size);
}

function drawText(canvas: Canvas, text: string, x: number, baseline: number, size: number, colour: Colour): void {
  const unit = unitOf(size);
  const halfLine = Math.max(0.6, 0.05 * size);
  for (const character of text) {
    const { advance, strokes } = hersheyGlyph(character);
    const top = baseline - hersheyBaseline * unit;
    const segments: number[] = [];
    for (const stroke of strokes) {
      for (let i = 0; i + 3 < stroke.length; i += 2) {
        const [x0, y0, x1, y1] = stroke.slice(i, i + 4);
        segments.push(x + x0 * unit, top + y0 * unit, x + x1 * unit, top + y1 * unit);
      }
    }
    if (segments.length > 0) {
      const [right, bottom] = [x + advance * unit, top + 30 * unit]; // descenders end at 29
      const left = x - halfLine;
      fillDistance(canvas, left, top - 4 * unit, right, bottom, colour, (px, py) => {
        return halfLine - distanceToSegments(segments, px, py);
      });
    }
    x += advance * unit;
  }
}

function distanceToSegments(segments: readonly number[], px: number, py: number): number {
  let least = Infinity;
  for (let i = 0; i < segments.length; i += 4) {
    const [x0, y0] = [segments[i], segments[i + 1]];
    const [dx, dy] = [segments[i + 2] - x0, segments[i + 3] - y0];
    const length = dx * dx + dy * dy;
    const along = length > 0 ? Math.min(Math.max(((px - x0) * dx + (py - y0) * dy) / length, 0), 1) : 0;
    const [ex, ey] = [px - x0 - along * dx, py - y0 - along * dy];
    least = Math.min(least, ex * ex + ey * ey);
  }
  return Math.sqrt(least);
}

/**
 * Paints where `inside` is positive, with an edge half a pixel soft. `inside` is the distance in pixels from the
 * shape's edge inwards, at a pixel's centre.
 */
function fillDistance(
  canvas: Canvas,
  left: number,
  top: number,
  right: number,
  bottom: number,
  colour: Colour,
  inside: (x: number, y: number) => number,
  alpha = 1,
): void {
  const yEnd = Math.min(canvas.height, Math.ceil(bottom + 1));
  const xEnd = Math.min(canvas.width, Math.ceil(right + 1));
  for (let y = Math.max(0, Math.floor(top - 1)); y < yEnd; y++) {
    for (let x = Math.max(0, Math.floor(left - 1)); x < xEnd; x++) {
      const coverage = Math.min(inside(x + 0.5, y + 0.5) + 0.5, 1);
      if (coverage > 0) blend(canvas, x, y, colour, coverage * alpha);
    }
  }
}

/** A closed outline as segments x, y, x, y. */
function segmentsOf(corners: readonly number[]): number[] {
  const segments: number[] = [];
  for (let i = 0; i < corners.length; i += 2) {
    const next = (i + 2) % corners.length;
    segments.push(corners[i], corners[i + 1], corners[next], corners[next + 1]);
  }
  return segments;
}

function strokeSegments(canvas: Canvas, segments: number[], line: number, colour: Colour, alpha: number): void {
  const half = line / 2;
  const xs = segments.filter((_, i) => i % 2 === 0);
  const ys = segments.filter((_, i) => i % 2 === 1);
  fillDistance(
    canvas,
    Math.min(...xs) - half,
    Math.min(...ys) - half,
    Math.max(...xs) + half,
    Math.max(...ys) + half,
    colour,
    (x, y) => half - distanceToSegments(segments, x, y),
    alpha,
  );
}

function fillMask(canvas: Canvas, { x, y, width, height, data }: Mask, colour: Colour, alpha: number): void {
  for (let v = Math.max(0, -y); v < Math.min(height, canvas.height - y); v++) {
    for (let u = Math.max(0, -x); u < Math.min(width, canvas.width - x); u++) {
      if (data[v * width + u] !== 0) blend(canvas, x + u, y + v, colour, alpha);
    }
  }
}

function strokeRectangle(
  canvas: Canvas,
  { x, y, width, height, line }: { x: number; y: number; width: number; height: number; line: number },
  colour: Colour,
  alpha: number,
): void {
  const half = line / 2;
  const [left, top, right, bottom] = [x - half, y - half, x + width + half, y + height + half];
  if (width <= line || height <= line) {
    fillRectangle(canvas, left, top, right, bottom, colour, alpha);
    return;
  }
  fillRectangle(canvas, left, top, right, top + line, colour, alpha);
  fillRectangle(canvas, left, bottom - line, right, bottom, colour, alpha);
  fillRectangle(canvas, left, top + line, left + line, bottom - line, colour, alpha);
  fillRectangle(canvas, right - line, top + line, right, bottom - line, colour, alpha);
}

function fillRectangle(
  canvas: Canvas,
  left: number,
  top: number,
  right: number,
  bottom: number,
  colour: Colour,
  alpha: number,
): void {
  const yEnd = Math.min(canvas.height, Math.ceil(bottom));
  const xEnd = Math.min(canvas.width, Math.ceil(right));
  for (let y = Math.max(0, Math.floor(top)); y < yEnd; y++) {
    const rows = Math.min(bottom, y + 1) - Math.max(top, y);
    for (let x = Math.max(0, Math.floor(left)); x < xEnd; x++) {
      const columns = Math.min(right, x + 1) - Math.max(left, x);
      blend(canvas, x, y, colour, alpha * rows * columns);
    }
  }
}

function blend({ data, width }: Canvas, x: number, y: number, colour: Colour, alpha: number): void {
  const at = 4 * (y * width + x);
  for (let c = 0; c < 3; c++) data[at + c] += (colour[c] - data[at + c]) * alpha;
}
