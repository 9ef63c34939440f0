import { elementCount } from '../tensor.ts';
import { everyElement, ownStorage, type Operator } from './operator.ts';

/** What lies outside the image, and the codes by which f32_grid_sample knows it. */
export const gridPaddings = ['zeros', 'border', 'reflection'] as const;

export interface GridSampleAttributes {
  mode: 'nearest' | 'linear';
  padding: (typeof gridPaddings)[number];
  /** Whether −1 and 1 are the centres of the first and the last pixel, or their outer edges. */
  alignCorners: boolean;
}

/**
 * x (N, C, H, W), grid (N, H′, W′, 2) → y (N, C, H′, W′): y[n, c, i, j] is x[n, c] at the column grid[n, i, j, 0] and the row
 * grid[n, i, j, 1], both −1…1. ONNX GridSample with images.
 *
 * Coordinates are computed in f32, as other runtimes do: rounding to the nearest pixel is a step, and coordinates of whole pixels
 * are common. A coordinate that is NaN is outside: zero, or the first pixel. So is an infinite one under reflection.
 */
export const gridSample: Operator<GridSampleAttributes> = {
  infer({ mode, padding, alignCorners }, [x, grid]) {
    if (x!.shape.length !== 4) throw new Error(`the input must be (N, C, H, W), got shape [${x!.shape}]`);
    const [n, c] = x!.shape;
    const { shape } = grid!;
    if (shape.length !== 4 || shape[0] !== n || shape[3] !== 2) {
      throw new Error(`the grid must be (${n}, H, W, 2), got shape [${shape}]`);
    }
    if (mode !== 'nearest' && mode !== 'linear') throw new Error(`mode "${String(mode)}" must be nearest or linear`);
    if (!gridPaddings.includes(padding)) {
      throw new Error(`padding "${String(padding)}" must be one of ${gridPaddings.join(', ')}`);
    }
    if (typeof alignCorners !== 'boolean') throw new Error('alignCorners must be true or false');
    return [[n, c, shape[1], shape[2]]];
  },

  evaluate(attributes, [x, grid], [shape]) {
    const [, , xHeight, xWidth] = x!.shape;
    const [n, c, height, width] = shape;
    const data = new Float32Array(elementCount(shape));
    let to = 0;
    for (let image = 0; image < n; image++) {
      for (let channel = 0; channel < c; channel++) {
        const plane = (image * c + channel) * xHeight * xWidth;
        for (let pixel = 0; pixel < height * width; pixel++) {
          const at = 2 * (image * height * width + pixel);
          const columns = neighbours(grid!.data[at], xWidth, attributes);
          const rows = neighbours(grid!.data[at + 1], xHeight, attributes);
          let sum = 0;
          for (const row of rows) {
            for (const column of columns) {
              if (row.weight === 0 || column.weight === 0) continue; // outside, and zero
              sum += row.weight * column.weight * x!.data[plane + row.index * xWidth + column.index];
            }
          }
          data[to++] = sum;
        }
      }
    }
    return [{ shape, data }];
  },

  evaluationWork: (attributes, inputs, outputs) => 8 * everyElement(attributes, inputs, outputs),

  layout: 'planes',
  place: ownStorage,

  lower({ attributes, inputs: [x, grid], outputs: [y] }, lowering) {
    const [batch, channels, xHeight, xWidth] = lowering.shape(x);
    const [, , height, width] = lowering.shape(y);
    const [xBatch, xPlane] = lowering.strides(x);
    const [gridBatch, gridRow] = lowering.strides(grid);
    const [yBatch, yPlane] = lowering.strides(y);
    lowering.emit('f32_grid_sample', {
      x: lowering.at(x),
      grid: lowering.at(grid),
      scratch: lowering.scratch(32 * Math.ceil(width / 4) * 4),
      y: lowering.at(y),
      batch,
      xBatch: 4 * xBatch,
      gridBatch: 4 * gridBatch,
      yBatch: 4 * yBatch,
      channels,
      xPlane: 4 * xPlane,
      xHeight,
      xWidth,
      gridRow: 4 * gridRow,
      yPlane: 4 * yPlane,
      height,
      width,
      linear: attributes.mode === 'linear' ? 1 : 0,
      padding: gridPaddings.indexOf(attributes.padding),
      alignCorners: attributes.alignCorners ? 1 : 0,
    });
  },
};

const f32 = Math.fround;

/** The pixels along one axis that a coordinate takes, each with its weight; none with weight where all are outside. */
function neighbours(
  coordinate: number,
  length: number,
  { mode, padding, alignCorners }: GridSampleAttributes,
): { index: number; weight: number }[] {
  const last = length - 1;
  const shifted = f32(coordinate + 1);
  let at = alignCorners ? f32(f32(shifted * 0.5) * last) : f32(f32(f32(shifted * length) - 1) * 0.5);
  if (mode === 'nearest') at = roundedToEven(at);
  if (padding !== 'zeros') {
    if (padding === 'reflection') at = alignCorners ? reflected(at, 0, last) : reflected(at, -0.5, f32(last + 0.5));
    at = at > 0 ? at : 0;
    at = at < last ? at : last;
  }
  const first = Math.floor(at);
  const second = f32(at - first);
  return [
    { index: first, weight: f32(1 - second) },
    { index: first + 1, weight: second },
  ].map(({ index, weight }) => (index >= 0 && index <= last ? { index, weight } : { index: 0, weight: 0 }));
}

/** A coordinate mirrored at both edges until it is between them. */
function reflected(at: number, low: number, high: number): number {
  const range = f32(high - low);
  const beyond = at < low ? f32(low - at) : f32(at - high);
  if (!(beyond > 0)) return at;
  if (range === 0) return low;
  const times = Math.floor(f32(beyond / range));
  const rest = f32(beyond - f32(times * range));
  // an even number of reflections more: back from the edge that was crossed
  return at < low === (times % 2 === 0) ? f32(low + rest) : f32(high - rest);
}

/** Halves become even. */
function roundedToEven(at: number): number {
  const down = Math.floor(at);
  const rest = at - down;
  if (rest === 0.5) return down + (down % 2 === 0 ? 0 : 1);
  return rest < 0.5 ? down : down + 1;
}
