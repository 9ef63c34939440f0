// Writes a photo into a model's input with the kernel f32_image, and runs the model.
import { FiligreeError } from '../errors.ts';
import { imageScratchBytes } from '../program/kernels/image.ts';
import type { Endpoint } from '../program/program.ts';
import type { Session } from '../runtime/session.ts';
import { up64 } from '../runtime/up64.ts';
import type { ImageModel } from './model.ts';
import type { Geometry, ImageRun, Pixels, Preprocessing } from './preprocessing.ts';
import { checkPixels, imageGeometry } from './preprocessing.ts';

/**
 * Writes an image into a model's only input, runs the model and reads its outputs.
 * @param read reads the outputs it needs; views are valid until it returns
 * @throws FiligreeError as `writeImage`, and as `Model.run`
 */
export async function runOnImage<T>(
  model: ImageModel,
  image: Pixels,
  preprocessing: Preprocessing,
  read: (session: Session, geometry: Geometry) => T,
): Promise<{ result: T } & ImageRun> {
  return model.session((session) => {
    const start = performance.now();
    const geometry = writeImage(session, image, preprocessing);
    const written = performance.now();
    return session.run(() => {
      const speed = { preprocess: written - start, inference: performance.now() - written };
      return { result: read(session, geometry), geometry, speed };
    });
  });
}

/**
 * Resizes and normalises an image into the model's only input. Its bytes are staged in scratch memory, which grows when
 * an image is larger than all before.
 * @returns where the image lies in the input
 * @throws FiligreeError `invalid-argument` when the data does not fit the image's size, or the input is not an RGB
 * image of the size in `preprocessing`; `environment` when memory runs out
 */
export function writeImage(session: Session, image: Pixels, preprocessing: Preprocessing): Geometry {
  const { name, inputs } = session;
  if (inputs.length !== 1) {
    throw new FiligreeError('invalid-argument', `${name}: has ${inputs.length} inputs, not one image`);
  }
  checkPixels(image);
  const geometry = imageGeometry(image, preprocessing);
  const target = imageLayout(inputs[0], name);
  const { width, height, scale, offset, padValue, order, antialias = true } = preprocessing;
  if (width !== target.width || height !== target.height) {
    throw new FiligreeError(
      'invalid-argument',
      `preprocessing is for ${width} × ${height} pixels, the model's input has ${target.width} × ${target.height}`,
    );
  }
  const { destination } = geometry;
  const spans = up64(imageScratchBytes(destination.width));
  const scratch = session.scratch(spans + image.data.length, 'an image');
  scratch.set(image.data, spans);
  session.call('f32_image', {
    x: scratch.byteOffset + spans,
    scratch: scratch.byteOffset,
    y: session.view(inputs[0]).address,
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
  });
  return geometry;
}

/**
 * Size of a model's only input, in pixels.
 * @throws FiligreeError `invalid-argument` when it is not one RGB image
 */
export function imageSize(inputs: readonly Endpoint[], model: string): { width: number; height: number } {
  if (inputs.length !== 1) {
    throw new FiligreeError('invalid-argument', `${model}: has ${inputs.length} inputs, not one image`);
  }
  const { width, height } = imageLayout(inputs[0], model);
  return { width, height };
}

/** How an input of shape (1, H, W, 3) or (1, 3, H, W) is stored; strides in bytes. */
interface ImageLayout {
  width: number;
  height: number;
  row: number;
  pixel: number;
  channel: number;
}

function imageLayout({ name, shape, strides }: Endpoint, model: string): ImageLayout {
  const channel = shape.length === 4 && shape[0] === 1 ? (shape[3] === 3 ? 3 : shape[1] === 3 ? 1 : 0) : 0;
  if (channel === 0) {
    throw new FiligreeError(
      'invalid-argument',
      `${model}: input "${name}" has shape [${shape.join(', ')}], wanted an RGB image: [1, H, W, 3] or [1, 3, H, W]`,
    );
  }
  const [y, x] = channel === 3 ? [1, 2] : [2, 3];
  return {
    height: shape[y],
    width: shape[x],
    row: 4 * strides[y],
    pixel: 4 * strides[x],
    channel: 4 * strides[channel],
  };
}
