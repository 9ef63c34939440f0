// Kernels on values in bytes, which are not products of matrices.
import { poolRowBytes } from '../../src/program/kernels/pool.ts';
import type { KernelName } from '../../src/program/kernels.ts';
import { quadsOf } from '../../src/program/quads.ts';
import { placeConstant, placeFloats } from '../place.ts';
import { leadingPads, outputSize } from '../shapes.ts';
import type { LayerShape } from '../shapes.ts';
import type { CaseBuilder, Planes } from './case.ts';
import { elementWork, planesOf } from './case.ts';
import { fillBytes } from './dots.ts';

interface Places {
  shape: LayerShape;
  /** Planes of floats, for kernels that read or write them, else of words. */
  x: Planes;
  y: Planes;
  /** Address of memory for that many floats, with noise. */
  place(floats: number): number;
  /** Address of an i32 constant. */
  integers(data: readonly number[]): number;
}

const bytes = { zero: 20, low: 0, high: 127 };

/** A case that reads and writes `xFloats` and `yFloats` planes for each channel: 1 for floats, 1/4 for bytes. */
function quads(
  kernel: KernelName,
  op: string,
  [xFloats, yFloats]: readonly [number, number],
  fields: (places: Places) => Record<string, number>,
): CaseBuilder {
  return {
    contest: op,
    encoding: 'dense',
    fits: (shape) => shape.op === op,
    build(kernels, shape) {
      const { inputs, height, width } = shape;
      const [outHeight, outWidth] = op === 'meanBytes' ? [1, 1] : outputSize(shape);
      const planes = (share: number, pixels: number) => planesOf(share === 1 ? inputs : quadsOf(inputs), pixels);
      const x = planes(xFloats, height * width);
      const y = planes(yFloats, outHeight * outWidth);
      const place = (floats: number) => {
        const address = placeFloats(kernels, floats);
        fillBytes(kernels, address, 4 * floats);
        return address;
      };
      const integers = (data: readonly number[]) =>
        placeConstant(kernels, { form: 'i32', data: Int32Array.from(data) });
      const address = kernels.allocate(4 * y.floats);
      const args = { y: address, ...fields({ shape, x, y, place, integers }) };
      const elements = inputs * x.pixels;
      const moved = 4 * (xFloats * elements + yFloats * inputs * y.pixels);
      return elementWork(kernels.record(kernel, args as never), { address, ...y }, elements, moved);
    },
  };
}

const layer = { scale: 40, ...bytes };

const window = ({ shape, x, y, place }: Places) => {
  const { kernel, stride, width: xWidth, height: xHeight } = shape;
  const [height, width] = outputSize(shape);
  const [top, left] = leadingPads(shape);
  const sizes = { xPlane: x.plane, xHeight, xWidth, yPlane: y.plane, height, width };
  return {
    x: place(x.floats),
    ...sizes,
    kernelH: kernel,
    kernelW: kernel,
    strideH: stride,
    strideW: stride,
    top,
    left,
  };
};

export const quadCases = {
  i8_from_f32: quads('i8_from_f32', 'toBytes', [1, 0.25], ({ shape, x, y, place }) => {
    const planes = { channels: shape.inputs, pixels: x.pixels, xPlane: x.plane, yPlane: y.plane };
    return { x: place(x.floats), ...layer, ...planes };
  }),
  i8_from_bytes: quads('i8_from_bytes', 'tensorBytes', [0.25, 0.25], ({ shape, x, y, place }) => {
    const steps = { xPixel: shape.inputs, xChannel: 1, yPlane: y.plane, shift: 0 };
    return { x: place(x.floats), channels: shape.inputs, pixels: x.pixels, ...steps };
  }),
  i8_to_f32: quads('i8_to_f32', 'toFloats', [0.25, 1], ({ shape, x, y, place }) => {
    const planes = { channels: shape.inputs, pixels: x.pixels, xPlane: x.plane, yPlane: y.plane };
    return { x: place(x.floats), ...planes, scale: 0.02, zero: 20 };
  }),
  i8_table: quads('i8_table', 'tableBytes', [0.25, 0.25], ({ x, place }) => {
    return { x: place(x.floats), table: place(64), words: x.floats };
  }),
  i8_binary: quads('i8_binary', 'addBytes', [0.5, 0.25], ({ x, place }) => {
    const planes = { planes: 1, words: x.floats, aPlane: 0, bPlane: 0, yPlane: 0, bStep: 4, multiply: 0 };
    const scales = { aZero: 3, bZero: 5, aFactor: 734003, bFactor: 419430, shift: 20, scale: 0 };
    return { a: place(x.floats), b: place(x.floats), ...planes, ...scales, ...bytes };
  }),
  i8_mean: quads('i8_mean', 'meanBytes', [0.25, 0.25], ({ x, y, place }) => {
    const planes = { planes: x.planes, pixels: x.pixels, xPlane: x.plane, yPlane: y.plane };
    return { x: place(x.floats), ...planes, xZero: 3, scale: 1 / x.pixels, ...bytes };
  }),
  i8_average_pool: quads('i8_average_pool', 'averagePoolBytes', [0.25, 0.25], (places) => {
    return { ...window(places), planes: places.x.planes, divisor: 0, xZero: 3, scale: 1, ...bytes };
  }),
  i8_max_pool: quads('i8_max_pool', 'maxPoolBytes', [0.25, 0.25], (places) => {
    const fields = { ...window(places), dilationH: 1, dilationW: 1 };
    const none = { min: 0, max: 0, activation: 0, alpha: 0, beta: 0 };
    const scratch = places.place(poolRowBytes(fields) / 4);
    return { ...fields, scratch, batch: 1, xBatch: 0, yBatch: 0, channels: places.x.planes, ...none };
  }),
  /** Two halves of the channels, interleaved. */
  i8_channels: quads('i8_channels', 'shuffleBytes', [0.25, 0.25], ({ shape: { inputs }, x, y, place, integers }) => {
    const order = Array.from({ length: 4 * x.planes }, (_, i) =>
      Math.min((i % 2) * (inputs / 2) + (i >> 1), inputs - 1),
    );
    const from = integers(order.map((c) => (c >> 2) * x.plane + (c & 3)));
    return { x: place(x.floats), from, planes: x.planes, pixels: x.pixels, yPlane: y.plane, keep: 0 };
  }),
};
