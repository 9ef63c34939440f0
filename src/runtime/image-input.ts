// An image's bytes → a model's input, by the kernel f32_image.
import { FiligreeError } from '../errors.ts';
import type { imageKernels } from '../program/kernels/image.ts';
import { imageScratchBytes } from '../program/kernels/image.ts';
import type { Endpoint } from '../program/program.ts';
import type { Place } from './image-run.ts';
import { up64 } from './up64.ts';
import type { Geometry, Pixels, Preprocessing } from './preprocessing.ts';

/** Where an input of shape (1, H, W, 3) or (1, 3, H, W) is stored; strides in bytes. */
export interface ImageTarget {
  address: number;
  width: number;
  height: number;
  row: number;
  pixel: number;
  channel: number;
}

/** @throws FiligreeError `invalid-argument` when the input has another shape. */
export function imageTarget({ name, shape, strides }: Endpoint, address: number, model: string): ImageTarget {
  const channel = shape.length === 4 && shape[0] === 1 ? (shape[3] === 3 ? 3 : shape[1] === 3 ? 1 : 0) : 0;
  if (channel === 0) {
    throw new FiligreeError(
      'invalid-argument',
      `${model}: input "${name}" has shape [${shape.join(', ')}], which is no RGB image: [1, H, W, 3] or [1, 3, H, W]`,
    );
  }
  const [y, x] = channel === 3 ? [1, 2] : [2, 3];
  return {
    address,
    height: shape[y],
    width: shape[x],
    row: 4 * strides[y],
    pixel: 4 * strides[x],
    channel: 4 * strides[channel],
  };
}

/**
 * Writes an image into its place. The pixels are staged behind the program, at address `free`; memory grows the first
 * time an image is larger than all before.
 */
export function writeImage(
  { instance: { memory, exports }, free, recordBytes, growMemory, writeRecord }: Place,
  target: ImageTarget,
  image: Pixels,
  preprocessing: Preprocessing,
  { destination }: Geometry,
): void {
  const { width, height, scale, offset, padValue, order, antialias = true } = preprocessing;
  if (width !== target.width || height !== target.height) {
    throw new FiligreeError(
      'invalid-argument',
      `preprocessing is for ${width} × ${height} pixels, the model's input has ${target.width} × ${target.height}`,
    );
  }
  const record = up64(free);
  const scratch = up64(record + recordBytes('f32_image'));
  const pixels = up64(scratch + imageScratchBytes(destination.width));
  growMemory(memory, pixels + image.data.length + 64, 'an image');
  new Uint8Array(memory.buffer).set(image.data, pixels);
  const args: Record<keyof typeof imageKernels.f32_image.fields, number> = {
    x: pixels,
    scratch,
    y: target.address,
    channels: image.channels,
    xRow: image.width * image.channels,
    xLeft: 0,
    xTop: 0,
    xWidth: image.width,
    xHeight: image.height,
    yRow: target.row,
    yPixel: target.pixel,
    yChannel: target.channel,
    width,
    height,
    left: destination.x,
    top: destination.y,
    toWidth: destination.width,
    toHeight: destination.height,
    reverse: order === 'BGR' ? 1 : 0,
    antialias: antialias ? 1 : 0,
    pad: padValue,
    scale0: scale[0],
    scale1: scale[1],
    scale2: scale[2],
    offset0: offset[0],
    offset1: offset[1],
    offset2: offset[2],
  };
  writeRecord(memory, record, 'f32_image', (field) => args[field as keyof typeof args]);
  exports.f32_image(record);
}
