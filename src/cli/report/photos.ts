// Photos of a pruning report: what the detector finds in them before and after, as SVG over one small picture.
import { layoutDetections, type DrawnShape } from '../../vision/draw.ts';
import type { Detection } from '../../vision/detection.ts';
import { eachRun, type Mask } from '../../vision/mask.ts';
import { escape } from './chart.ts';
import type { ComparedPhoto } from './compared-photos.ts';

/** Width of a text in a sans-serif font of weight 600, roughly: an SVG is laid out before a font is known. */
const textWidth = (text: string, size: number) => 0.56 * size * text.length;

const round = (value: number) => Number(value.toFixed(1));
const points = (corners: readonly number[]) => corners.map(round).join(' ');

/** The pixels of a mask as a path: a rectangle for each run of a row. */
function maskPath(mask: Mask): string {
  let path = '';
  eachRun(mask, (x, y, length) => (path += `M${x} ${y}h${length}v1h${-length}z`));
  return path;
}

function element(shape: DrawnShape): string {
  const colour = `rgb(${shape.colour.join(' ')})`;
  const alpha = 'alpha' in shape && shape.alpha < 1 ? ` opacity="${shape.alpha}"` : '';
  const fill = `fill="${colour}"${alpha}`;
  if (shape.kind === 'dot')
    return `<circle cx="${round(shape.x)}" cy="${round(shape.y)}" r="${round(shape.radius)}" ${fill}/>`;
  if (shape.kind === 'mask') return `<path d="${maskPath(shape.mask)}" ${fill}/>`;
  if (shape.kind === 'text') {
    return `<text x="${round(shape.x)}" y="${round(shape.y)}" font-size="${round(shape.size)}" ${fill}>${escape(shape.text)}</text>`;
  }
  if (shape.kind === 'polygon')
    return `<polygon points="${points(shape.corners)}" ${stroke(shape.line, colour)}${alpha}/>`;
  if (shape.kind === 'line') {
    const { from, to } = shape;
    return `<polyline points="${points([from.x, from.y, to.x, to.y])}" ${stroke(shape.line, colour)}${alpha}/>`;
  }
  const { x, y, width, height } = shape;
  const area = `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}"`;
  return shape.kind === 'fill' ? `${area} ${fill}/>` : `${area} ${stroke(shape.line, colour)}${alpha}/>`;
}

const stroke = (line: number, colour: string) => `fill="none" stroke="${colour}" stroke-width="${round(line)}"`;

/** "2 persons", as it may be: one line of what was found, by label. */
function inWords(detections: readonly Detection[]): string {
  const counts = new Map<string, number>();
  for (const { label } of detections) counts.set(label, (counts.get(label) ?? 0) + 1);
  if (counts.size === 0) return 'nothing';
  return [...counts].map(([label, count]) => (count === 1 ? label : `${count} × ${label}`)).join(', ');
}

function panel(photo: ComparedPhoto, when: 'before' | 'after', picture: string): string {
  const { name, width, height } = photo;
  const found = photo[when];
  const label = escape(`${name} ${when} pruning: ${inWords(found)}`);
  const shapes = layoutDetections(found, width, height, textWidth).map(element).join('');
  return (
    `<div><svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${label}" font-family="system-ui, sans-serif" font-weight="600">` +
    `${picture}${shapes}</svg><p><b>${when}</b> ${escape(inWords(found))}</p></div>`
  );
}

/** Photos side by side, with boxes before and after; empty where there are none. */
export function photosFigure(photos: readonly ComparedPhoto[]): string {
  if (photos.length === 0) return '';
  const pairs = photos.map((photo, i) => {
    const { width, height, thumbnail } = photo;
    const bytes = Buffer.from(thumbnail).toString('base64');
    const image = `<image id="photo-${i}" width="${width}" height="${height}" href="data:image/jpeg;base64,${bytes}"/>`;
    return `<div class="pair">${panel(photo, 'before', image)}${panel(photo, 'after', `<use href="#photo-${i}"/>`)}</div>`;
  });
  return `<h2>Before and after, on calibration photos</h2>\n${pairs.join('\n')}`;
}
