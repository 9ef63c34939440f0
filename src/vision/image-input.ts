// Writes a photo into a model's input with the kernel f32_image, and runs the model.
import { FiligreeError } from '../errors.ts';
import { imageScratchBytes } from '../program/kernels/image.ts';
import type { Endpoint } from '../program/program.ts';
import type { Session } from '../runtime/session.ts';
import { up64 } from '../runtime/up64.ts';
import type { ImageModel } from './model.ts';
import type { Geometry, ImageRun, Pixels, Preprocessing } from './preprocessing.ts';
import { channelAxis } from './fields.ts';
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
 * Resizes and normalises an image into the model's only input; of a grey input's three scales the first counts. Its bytes are staged in scratch memory, which grows when
 * an image is larger than all before.
 * @returns where the image lies in the input
 * @throws FiligreeError `invalid-argument` when the data does not fit the image's size, or the input is not an
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
  const channels = target.isGrey ? 1 : image.channels;
  const bytes = image.width * image.height * channels;
  const { quads } = inputs[0];
  // an input in bytes is made of planes of floats, which lie behind the image
  const before = up64(spans + bytes);
  const scratch = session.scratch(before + (quads ? 4 * target.row * height : 0), 'an image');
  const view = session.view(inputs[0]);
  const y = quads ? scratch.byteOffset + before : view.address;
  if (channels === image.channels) scratch.set(image.data, spans);
  else writeGrey(image, scratch.subarray(spans));
  // the kernel writes a grey input three times in one place
  const [from, by] = target.isGrey ? [scale.map(() => scale[0]), offset.map(() => offset[0])] : [scale, offset];
  session.call('f32_image', {
    x: scratch.byteOffset + spans,
    scratch: scratch.byteOffset,
    y,
    channels,
    xRow: image.width * channels,
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
    reverse: order === 'BGR' && !target.isGrey ? 1 : 0,
    antialias: antialias ? 1 : 0,
    pad: padValue,
    scale0: from[0],
    scale1: from[1],
    scale2: from[2],
    offset0: by[0],
    offset1: by[1],
    offset2: by[2],
  });
  view.roundPlanes?.(y, target.channel);
  return geometry;
}

/**
 * Size of a model's only input, in pixels.
 * @throws FiligreeError `invalid-argument` when it is not one image
 */
export function imageSize(inputs: readonly Endpoint[], model: string): { width: number; height: number } {
  if (inputs.length !== 1) {
    throw new FiligreeError('invalid-argument', `${model}: has ${inputs.length} inputs, not one image`);
  }
  const { width, height } = imageLayout(inputs[0], model);
  return { width, height };
}

/** Luma of RGB or RGBA pixels as Pillow and OpenCV round it (ITU-R BT.601), a byte each. */
function writeGrey({ data, channels }: Pixels, grey: Uint8Array): void {
  for (let i = 0, at = 0; at < data.length; i++, at += channels) {
    grey[i] = (19595 * data[at] + 38470 * data[at + 1] + 7471 * data[at + 2] + 0x8000) >> 16;
  }
}

/** How the floats of an input of shape (1, H, W, C) or (1, C, H, W) are stored, C 3 or 1; strides in bytes. */
interface ImageLayout {
  isGrey: boolean;
  width: number;
  height: number;
  row: number;
  pixel: number;
  channel: number;
}

function imageLayout({ name, shape, strides, quads }: Endpoint, model: string): ImageLayout {
  const channel = channelAxis(shape);
  if (channel === undefined) {
    throw new FiligreeError(
      'invalid-argument',
      `${model}: input "${name}" has shape [${shape.join(', ')}], wanted an image: [1, H, W, C] or [1, C, H, W] with 3 channels, or 1 of grey`,
    );
  }
  const [y, x] = channel === 3 ? [1, 2] : [2, 3];
  const isGrey = shape[channel] === 1;
  const [height, width] = [shape[y], shape[x]];
  if (quads) {
    const plane = 16 * Math.ceil((width * height) / 4);
    return { isGrey, height, width, row: 4 * width, pixel: 4, channel: isGrey ? 0 : plane };
  }
  return {
    isGrey,
    height,
    width,
    row: 4 * strides[y],
    pixel: 4 * strides[x],
    channel: isGrey ? 0 : 4 * strides[channel],
  };
}
