// How detections are drawn, for any surface. Sizes scale with the picture, so that lines and text are readable on a
// thumbnail and on a 50-megapixel photo.
import type { Detection } from './detection.ts';
import { placeLabel, type Label } from './place-label.ts';

export interface DrawOptions {
  /** Whether to draw keypoints; default true. */
  keypoints?: boolean;
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
  const bestFirst = detections.map(({ box: { xmin, ymin, xmax, ymax }, ...rest }) => ({
    ...rest,
    box: { x: xmin, y: ymin, width: xmax - xmin, height: ymax - ymin },
    colour: classColours[rest.classIndex % classColours.length],
  }));
  bestFirst.sort((a, b) => b.score - a.score);
  const boxes: DrawnShape[] = [];
  const dots: DrawnShape[] = [];
  for (const { box, keypoints, colour } of bestFirst.toReversed()) {
    boxes.push({ kind: 'outline', ...box, line: 1.7 * line, colour: black, alpha: 0.5 });
    boxes.push({ kind: 'outline', ...box, line, colour, alpha: 1 });
    if (options.keypoints === false) continue;
    const radius = Math.max(0.6, Math.min(1.3 * line, box.width / 24));
    for (const { x, y } of keypoints ?? []) {
      dots.push({ kind: 'dot', x, y, radius: 1.5 * radius, colour: black }, { kind: 'dot', x, y, radius, colour });
    }
  }
  const shapes = [...boxes, ...dots];
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
  arc(x: number, y: number, radius: number, from: number, to: number): void;
  fill(): void;
  measureText(text: string): { readonly width: number };
  fillText(text: string, x: number, y: number): void;
}

/**
 * Draws boxes, scores and keypoints on a canvas with the image's pixel size, e.g. over the image itself. For an image
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
    context.globalAlpha = shape.kind === 'outline' ? shape.alpha : 1;
    context.fillStyle = colour;
    context.strokeStyle = colour;
    if (shape.kind === 'outline') {
      context.lineWidth = shape.line;
      context.strokeRect(shape.x, shape.y, shape.width, shape.height);
    } else if (shape.kind === 'fill') {
      context.fillRect(shape.x, shape.y, shape.width, shape.height);
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
