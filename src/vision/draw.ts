// How detections are drawn, for any surface. Sizes scale with the picture, so that lines and text are readable on a
// thumbnail and on a 50-megapixel photo.
import type { Detection, Keypoint } from './detection.ts';
import { eachRun, type Mask } from './mask.ts';
import { placeLabel, type Area, type Label } from './place-label.ts';

export interface DrawOptions {
  /** Whether to draw keypoints, and the limbs of bodies; default true. Those of a score below 0.3 are left out. */
  keypoints?: boolean;
  /** Whether to tint masks; default true. */
  masks?: boolean;
  /** Whether to write labels and scores, where they leave the boxes visible; default true. */
  labels?: boolean;
}

export type Colour = readonly [red: number, green: number, blue: number];

/** What to paint, in order, in image pixels. */
export type DrawnShape =
  /** The line is centred on the rectangle's edge. */
  | {
      kind: 'outline';
      x: number;
      y: number;
      width: number;
      height: number;
      line: number;
      colour: Colour;
      alpha: number;
    }
  /** A closed outline of corners x, y, x, y, … */
  | { kind: 'polygon'; corners: number[]; line: number; colour: Colour; alpha: number }
  | { kind: 'line'; from: Point; to: Point; line: number; colour: Colour; alpha: number }
  | { kind: 'mask'; mask: Mask; colour: Colour; alpha: number }
  | { kind: 'dot'; x: number; y: number; radius: number; colour: Colour }
  | { kind: 'fill'; x: number; y: number; width: number; height: number; colour: Colour }
  /** `x` is the left edge, `y` the baseline; `size` is the font's, in pixels: capitals are 0.7 of it high. */
  | { kind: 'text'; x: number; y: number; size: number; text: string; colour: Colour };

// One colour per class. They can be told apart in light and dark pictures, by people with any colour vision (Okabe and
// Ito, "Color universal design", without its black).
const classColours: readonly Colour[] = [
  [240, 228, 66],
  [86, 180, 233],
  [230, 159, 0],
  [0, 158, 115],
  [204, 121, 167],
  [0, 114, 178],
  [213, 94, 0],
];

interface Point {
  readonly x: number;
  readonly y: number;
}

/** Keypoints of COCO's 17 that a line joins. */
const limbs = [
  5, 7, 7, 9, 6, 8, 8, 10, 5, 6, 5, 11, 6, 12, 11, 12, 11, 13, 13, 15, 12, 14, 14, 16, 0, 1, 0, 2, 1, 3, 2, 4,
];

/** A keypoint of a lower score is somewhere else, or not to be seen. */
const minKeypointScore = 0.3;

const black: Colour = [0, 0, 0];
const white: Colour = [255, 255, 255];

/**
 * Lays out boxes, keypoints and labels on a picture of width × height pixels, the best detection on top. Labels are
 * placed best detection first. A label that would hide the boxes is left out.
 * @param textWidth width of a text in pixels at a font size
 */
export function layoutDetections(
  detections: readonly Detection[],
  width: number,
  height: number,
  textWidth: (text: string, size: number) => number,
  options: DrawOptions = {},
): DrawnShape[] {
  const longSide = Math.max(width, height);
  const line = Math.max(1.5, longSide / 320);
  const bestFirst = detections.map(({ box, ...rest }) => ({
    ...rest,
    ...outlineOf(box, rest.angle),
    colour: classColours[rest.classIndex % classColours.length],
  }));
  bestFirst.sort((a, b) => b.score - a.score);
  const masks: DrawnShape[] = [];
  const boxes: DrawnShape[] = [];
  const points: DrawnShape[] = [];
  for (const { box, corners, keypoints = [], mask, colour } of bestFirst.toReversed()) {
    if (mask && options.masks !== false) masks.push({ kind: 'mask', mask, colour, alpha: 0.4 });
    const outline = corners ? ({ kind: 'polygon', corners } as const) : ({ kind: 'outline', ...box } as const);
    boxes.push({ ...outline, line: 1.7 * line, colour: black, alpha: 0.5 }, { ...outline, line, colour, alpha: 1 });
    if (options.keypoints !== false) points.push(...drawKeypoints(keypoints, box.width, line, colour));
  }
  const shapes = [...masks, ...boxes, ...points];
  if (options.labels === false) return shapes;
  const labels: Label[] = [];
  const scene = { width, height, labels, boxes: bestFirst.map(({ box }) => box) };
  for (const { box, label: name, score, colour } of bestFirst) {
    const number = score.toFixed(2);
    const label = placeLabel(scene, box, [`${name} ${number}`, number], line / 2, textWidth);
    if (!label) continue;
    labels.push(label);
    shapes.push(...drawLabel(label, colour));
  }
  return shapes;
}

/** The rectangle around a box, and its corners where it is turned. */
function outlineOf({ xmin, ymin, xmax, ymax }: Detection['box'], angle = 0): { box: Area; corners?: number[] } {
  const [w, h] = [(xmax - xmin) / 2, (ymax - ymin) / 2];
  if (angle === 0) return { box: { x: xmin, y: ymin, width: 2 * w, height: 2 * h } };
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const [x, y] = [xmin + w, ymin + h];
  const corners = [-w, -h, w, -h, w, h, -w, h].map((v, i, all) =>
    i % 2 === 0 ? x + v * cos - all[i + 1] * sin : y + all[i - 1] * sin + v * cos,
  );
  const width = 2 * (Math.abs(w * cos) + Math.abs(h * sin));
  const height = 2 * (Math.abs(w * sin) + Math.abs(h * cos));
  return { box: { x: x - width / 2, y: y - height / 2, width, height }, corners };
}

function drawKeypoints(keypoints: readonly Keypoint[], boxWidth: number, line: number, colour: Colour): DrawnShape[] {
  const shapes: DrawnShape[] = [];
  const seen = ({ score = 1 }: Keypoint) => score >= minKeypointScore;
  for (let i = 0; keypoints.length === 17 && i < limbs.length; i += 2) {
    const [from, to] = [keypoints[limbs[i]], keypoints[limbs[i + 1]]];
    if (!seen(from) || !seen(to)) continue;
    const limb = { kind: 'line', from, to } as const;
    shapes.push({ ...limb, line: 1.7 * line, colour: black, alpha: 0.5 }, { ...limb, line, colour, alpha: 1 });
  }
  const radius = Math.max(0.6, Math.min(1.3 * line, boxWidth / 24));
  for (const { x, y } of keypoints.filter(seen)) {
    shapes.push({ kind: 'dot', x, y, radius: 1.5 * radius, colour: black }, { kind: 'dot', x, y, radius, colour });
  }
  return shapes;
}

function drawLabel({ x, y, width, height, text, size }: Label, background: Colour): DrawnShape[] {
  const [r, g, b] = background;
  const bright = 0.299 * r + 0.587 * g + 0.114 * b > 120;
  return [
    { kind: 'fill', x, y, width, height, colour: background },
    { kind: 'text', x: x + 0.25 * size, y: y + 0.98 * size, size, text, colour: bright ? black : white },
  ];
}

/** The part of a 2-D context that drawing uses: a page's, a worker's, or a canvas library's. */
export interface DrawingContext {
  readonly canvas: { readonly width: number; readonly height: number };
  font: string;
  textAlign: string;
  textBaseline: string;
  fillStyle: unknown;
  strokeStyle: unknown;
  globalAlpha: number;
  lineWidth: number;
  save(): void;
  restore(): void;
  strokeRect(x: number, y: number, width: number, height: number): void;
  fillRect(x: number, y: number, width: number, height: number): void;
  beginPath(): void;
  moveTo(x: number, y: number): void;
  lineTo(x: number, y: number): void;
  closePath(): void;
  rect(x: number, y: number, width: number, height: number): void;
  stroke(): void;
  arc(x: number, y: number, radius: number, from: number, to: number): void;
  fill(): void;
  measureText(text: string): { readonly width: number };
  fillText(text: string, x: number, y: number): void;
}

/**
 * Draws boxes, scores, keypoints and masks on a canvas with the image's pixel size, e.g. over the image itself. For an image
 * shown at another size, scale the context first.
 * @param size the image's, in pixels; default the canvas's
 */
export function drawDetections(
  context: DrawingContext,
  detections: readonly Detection[],
  options: DrawOptions & { width?: number; height?: number } = {},
): void {
  const { width = context.canvas.width, height = context.canvas.height } = options;
  const textWidth = (text: string, size: number) => {
    context.font = font(100); // browsers round the metrics of small sizes
    return (context.measureText(text).width * size) / 100;
  };
  context.save();
  context.textAlign = 'left';
  context.textBaseline = 'alphabetic';
  for (const shape of layoutDetections(detections, width, height, textWidth, options)) {
    const colour = `rgb(${shape.colour.join(' ')})`;
    context.globalAlpha = 'alpha' in shape ? shape.alpha : 1;
    context.fillStyle = colour;
    context.strokeStyle = colour;
    if (shape.kind === 'outline') {
      context.lineWidth = shape.line;
      context.strokeRect(shape.x, shape.y, shape.width, shape.height);
    } else if (shape.kind === 'fill') {
      context.fillRect(shape.x, shape.y, shape.width, shape.height);
    } else if (shape.kind === 'polygon' || shape.kind === 'line') {
      const points = shape.kind === 'line' ? [shape.from.x, shape.from.y, shape.to.x, shape.to.y] : shape.corners;
      context.lineWidth = shape.line;
      context.beginPath();
      context.moveTo(points[0], points[1]);
      for (let i = 2; i < points.length; i += 2) context.lineTo(points[i], points[i + 1]);
      if (shape.kind === 'polygon') context.closePath();
      context.stroke();
    } else if (shape.kind === 'mask') {
      context.beginPath();
      eachRun(shape.mask, (x, y, length) => context.rect(x, y, length, 1));
      context.fill();
    } else if (shape.kind === 'dot') {
      context.beginPath();
      context.arc(shape.x, shape.y, shape.radius, 0, 2 * Math.PI);
      context.fill();
    } else {
      context.font = font(shape.size);
      context.fillText(shape.text, shape.x, shape.y);
    }
  }
  context.restore();
}

function font(size: number): string {
  return `600 ${size}px system-ui, sans-serif`;
}
