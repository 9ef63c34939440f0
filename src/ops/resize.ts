import type { Lowering } from '../lower/lowering.ts';
import { elementCount } from '../tensor.ts';
import { everyElement, ownStorage, type Operator } from './operator.ts';

export interface ResizeAttributes {
  mode: 'nearest' | 'linear';
  /** Output height and width. */
  size: readonly [number, number];
  /** ONNX coordinate_transformation_mode. TFLite: alignCorners, halfPixel, else asymmetric. */
  coordinates: 'halfPixel' | 'pytorchHalfPixel' | 'alignCorners' | 'asymmetric' | 'tfHalfPixelForNearest';
  /** ONNX nearest_mode. TFLite nearest is floor (half pixel: floor of the scaled x + 0.5; align corners: roundPreferCeil). */
  nearest: 'roundPreferFloor' | 'roundPreferCeil' | 'floor' | 'ceil';
  /** Output size over input size, when the file gives a value other than exactly size/input. */
  scales?: readonly [number, number];
}

/** (N, C, H, W) → (N, C, H′, W′). ONNX Resize, Upsample; TFLite RESIZE_BILINEAR, RESIZE_NEAREST_NEIGHBOR. */
export const resize: Operator<ResizeAttributes> = {
  infer({ size, scales }, [x]) {
    if (x?.shape.length !== 4) throw new Error(`the input must have rank 4, got [${x?.shape ?? ''}]`);
    if (!size.every((length) => Number.isInteger(length) && length > 0)) {
      throw new Error(`the output size ${size.join('×')} must be positive integers`);
    }
    if (scales && !scales.every((scale) => scale > 0 && Number.isFinite(scale))) {
      throw new Error(`scales [${scales}] must be positive`);
    }
    return [[x.shape[0], x.shape[1], ...size]];
  },

  evaluate(attributes, [x], [shape]) {
    const { mode, nearest } = attributes;
    const [, , xHeight, xWidth] = x!.shape;
    const [n, c, height, width] = shape;
    const data = new Float32Array(elementCount(shape));
    let to = 0;
    for (let plane = 0; plane < n * c; plane++) {
      const pixel = (row: number, column: number) => x!.data[(plane * xHeight + row) * xWidth + column];
      for (let i = 0; i < height; i++) {
        for (let j = 0; j < width; j++) {
          const v = sourceCoordinate(i, 0, xHeight, attributes);
          const u = sourceCoordinate(j, 1, xWidth, attributes);
          if (mode === 'nearest') {
            data[to++] = pixel(clamp(rounded(v, nearest), xHeight), clamp(rounded(u, nearest), xWidth));
            continue;
          }
          // Σ over the neighbours, weighted by 1 − distance along both axes. Beyond the image its border repeats.
          let sum = 0;
          for (const row of [Math.floor(v), Math.floor(v) + 1]) {
            for (const column of [Math.floor(u), Math.floor(u) + 1]) {
              const weight = (1 - Math.abs(v - row)) * (1 - Math.abs(u - column));
              sum += weight * pixel(clamp(row, xHeight), clamp(column, xWidth));
            }
          }
          data[to++] = sum;
        }
      }
    }
    return [{ shape, data }];
  },

  evaluationWork: everyElement,

  layout: 'planes',
  place: ownStorage,

  lower(node, lowering) {
    const { attributes, inputs, outputs } = node;
    const [batch, channels, xHeight, xWidth] = lowering.shape(inputs[0]);
    const [, , height, width] = lowering.shape(outputs[0]);
    const [xBatch, xPlane] = lowering.strides(inputs[0]);
    const [yBatch, yPlane] = lowering.strides(outputs[0]);
    const args = {
      x: lowering.at(inputs[0]),
      y: lowering.at(outputs[0]),
      batch,
      xBatch: 4 * xBatch,
      yBatch: 4 * yBatch,
      channels,
      xPlane: 4 * xPlane,
      xWidth,
      yPlane: 4 * yPlane,
      height,
      width,
    };
    lowering.claimTables?.(height + width);
    if (attributes.mode === 'nearest') {
      const rows = nearestTable(0, xHeight, attributes);
      const columns = nearestTable(1, xWidth, attributes);
      if (isDoubled(rows, xHeight) && isDoubled(columns, xWidth) && xWidth >= 4) {
        lowering.emit('f32_upsample_2x2', args);
        return;
      }
      lowering.emit('f32_resize_nearest', {
        ...args,
        rows: integers(rows, 4 * xWidth, lowering),
        columns: integers(toMultipleOf4(columns), 4, lowering),
      });
      return;
    }
    const rows = linearTable(0, xHeight, attributes);
    const columns = linearTable(1, xWidth, attributes);
    lowering.emit('f32_resize_linear', {
      ...args,
      rows: integers(
        rows.flatMap(({ first, second }) => [first, second]),
        4 * xWidth,
        lowering,
      ),
      rowWeights: lowering.constant({ form: 'f32', data: Float32Array.from(rows, ({ weight }) => weight) }),
      columns: integers(
        toMultipleOf4(columns).flatMap(({ first, second }) => [first, second]),
        4,
        lowering,
      ),
      columnWeights: lowering.constant({
        form: 'f32',
        data: Float32Array.from(toMultipleOf4(columns), ({ weight }) => weight),
      }),
      scratch: lowering.scratch(4 * (xWidth + 3)),
    });
  },
};

/** An index within 0…length − 1. */
function clamp(index: number, length: number): number {
  return Math.min(Math.max(index, 0), length - 1);
}

/**
 * The position of output index i along an axis of the input, in input pixels; the centre of the first pixel is 0. Rules
 * of ONNX Resize.
 */
function sourceCoordinate(i: number, axis: 0 | 1, input: number, attributes: ResizeAttributes): number {
  const { coordinates, scales, size } = attributes;
  const output = size[axis];
  // i · input / output is exact when the quotient is. Files store scales as f32, and runtimes divide by them in f32.
  const unscaled = (at: number) => (scales ? Math.fround(at / Math.fround(scales[axis])) : (at * input) / output);
  switch (coordinates) {
    case 'halfPixel':
      return unscaled(i + 0.5) - 0.5;
    case 'pytorchHalfPixel':
      return output > 1 ? unscaled(i + 0.5) - 0.5 : 0;
    case 'alignCorners':
      return output > 1 ? (i * (input - 1)) / (output - 1) : 0;
    case 'asymmetric':
      return unscaled(i);
    case 'tfHalfPixelForNearest':
      // an axis that is not resized keeps its pixels, whatever the rounding
      return output === input && (scales?.[axis] ?? 1) === 1 ? i : unscaled(i + 0.5);
    default:
      throw new Error(`unknown coordinate rule "${String(coordinates satisfies never)}"`);
  }
}

function rounded(coordinate: number, nearest: ResizeAttributes['nearest']): number {
  switch (nearest) {
    case 'roundPreferFloor':
      return Math.ceil(coordinate - 0.5);
    case 'roundPreferCeil':
      return Math.floor(coordinate + 0.5);
    case 'floor':
      return Math.floor(coordinate);
    case 'ceil':
      return Math.ceil(coordinate);
    default:
      throw new Error(`unknown rounding "${String(nearest satisfies never)}"`);
  }
}

/** The source index of every output index along an axis. */
function nearestTable(axis: 0 | 1, input: number, attributes: ResizeAttributes): number[] {
  return Array.from({ length: attributes.size[axis] }, (_, i) => {
    return clamp(rounded(sourceCoordinate(i, axis, input, attributes), attributes.nearest), input);
  });
}

/** Two source indices and the weight of the second for every output index along an axis. */
function linearTable(axis: 0 | 1, input: number, attributes: ResizeAttributes) {
  return Array.from({ length: attributes.size[axis] }, (_, i) => {
    const at = clamp(sourceCoordinate(i, axis, input, attributes), input);
    const first = Math.floor(at);
    return { first, second: Math.min(first + 1, input - 1), weight: at - first };
  });
}

/** 0 0 1 1 2 2 … */
function isDoubled(table: readonly number[], input: number): boolean {
  return table.length === 2 * input && table.every((index, i) => index === i >> 1);
}

function toMultipleOf4<T>(table: readonly T[]): T[] {
  const whole = [...table];
  while (whole.length % 4) whole.push(table[table.length - 1]);
  return whole;
}

function integers(indices: readonly number[], bytes: number, lowering: Lowering) {
  return lowering.constant({ form: 'i32', data: Int32Array.from(indices, (index) => index * bytes) });
}
