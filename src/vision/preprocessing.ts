// How a photo becomes a model's input: where it lands in the input, and the way back.
//
// Coordinates are continuous: a picture of w pixels spans [0, w]; the centre of its first pixel is at 0.5.
import { FiligreeError } from '../errors.ts';

/** An image in memory: rows from the top, interleaved channels (grey, RGB or RGBA), one byte each. */
export interface Pixels {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3 | 4;
}

/**
 * - `stretch`: the image fills the input; its aspect ratio changes.
 * - `letterbox`: the image keeps its aspect ratio, is centred, and the rest is padding.
 * - `letterbox-top-left`: the same, with the padding on the right and below (YOLOX).
 */
export const resizeModes = ['stretch', 'letterbox', 'letterbox-top-left'] as const;
export type ResizeMode = (typeof resizeModes)[number];

/** Image → input tensor. The value of channel c is `byte · scale[c] + offset[c]`; bytes are 0…255. */
export interface Preprocessing {
  /** Size of the model's input, in pixels. */
  readonly width: number;
  readonly height: number;
  readonly resize: ResizeMode;
  /** Fills the padding: a byte (0…255), scaled like the image's own. */
  readonly padValue: number;
  /** Per channel, in the model's channel order. */
  readonly scale: readonly [number, number, number];
  readonly offset: readonly [number, number, number];
  /** The model's channel order. */
  readonly order: 'RGB' | 'BGR';
  /** Average areas instead of sampling when an image shrinks to less than half; true if not given. */
  readonly antialias?: boolean;
}

export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Where an image lies in a model's input. */
export interface Geometry {
  readonly imageWidth: number;
  readonly imageHeight: number;
  readonly inputWidth: number;
  readonly inputHeight: number;
  /** The part of the input that holds the image, in whole input pixels. */
  readonly destination: Rectangle;
}

/** Where an image lay in the input, and how long its run took, in milliseconds. */
export interface ImageRun {
  geometry: Geometry;
  speed: { preprocess: number; inference: number };
}

/** Scale and offset that compute `(byte − mean) / std` per channel; mean and std are on the 0…255 scale. */
export function normalization(
  mean: readonly [number, number, number],
  std: readonly [number, number, number],
): Pick<Preprocessing, 'scale' | 'offset'> {
  return {
    scale: [1 / std[0], 1 / std[1], 1 / std[2]],
    offset: [-mean[0] / std[0], -mean[1] / std[1], -mean[2] / std[2]],
  };
}

/**
 * The part of an inputWidth × inputHeight input that an imageWidth × imageHeight image is resized to: whole pixels, at
 * least one each way, within the input. Sizes are rounded as the models' own code does it: to the nearest when centred
 * (an odd pixel of padding goes right or below), down for `letterbox-top-left`.
 */
export function letterbox(
  imageWidth: number,
  imageHeight: number,
  inputWidth: number,
  inputHeight: number,
  mode: ResizeMode,
): Rectangle {
  if (mode === 'stretch') return { x: 0, y: 0, width: inputWidth, height: inputHeight };
  const scale = Math.min(inputWidth / imageWidth, inputHeight / imageHeight);
  // imageWidth · (inputWidth / imageWidth) can be a rounding error less than inputWidth; floor would lose a pixel.
  const whole = (size: number) => (mode === 'letterbox' ? Math.round(size) : Math.floor(size + 1e-6));
  const width = Math.min(inputWidth, Math.max(1, whole(imageWidth * scale)));
  const height = Math.min(inputHeight, Math.max(1, whole(imageHeight * scale)));
  if (mode === 'letterbox-top-left') return { x: 0, y: 0, width, height };
  return { x: Math.floor((inputWidth - width) / 2), y: Math.floor((inputHeight - height) / 2), width, height };
}

/** Where `preprocessing` puts an image of the given size. */
export function imageGeometry(
  image: { readonly width: number; readonly height: number },
  preprocessing: Pick<Preprocessing, 'width' | 'height' | 'resize'>,
): Geometry {
  const { width: inputWidth, height: inputHeight, resize } = preprocessing;
  return {
    imageWidth: image.width,
    imageHeight: image.height,
    inputWidth,
    inputHeight,
    destination: letterbox(image.width, image.height, inputWidth, inputHeight, resize),
  };
}

/** Input pixels → image pixels: the exact inverse of the resize. Points in the padding land outside the image. */
export function inputToImage(geometry: Geometry, x: number, y: number): { x: number; y: number } {
  const { imageWidth, imageHeight, destination } = geometry;
  return {
    x: ((x - destination.x) * imageWidth) / destination.width,
    y: ((y - destination.y) * imageHeight) / destination.height,
  };
}

/**
 * A box that is turned about its centre by `angle` (radians, clockwise), input pixels → image pixels. Where the image was
 * stretched by different factors a rectangle becomes a parallelogram: its sides keep their lengths, the first its direction.
 */
export function turnedToImage(
  geometry: Geometry,
  { left, top, right, bottom }: { left: number; top: number; right: number; bottom: number },
  angle: number,
): { box: { xmin: number; ymin: number; xmax: number; ymax: number }; angle: number } {
  const { imageWidth, imageHeight, destination } = geometry;
  const [scaleX, scaleY] = [imageWidth / destination.width, imageHeight / destination.height];
  const centre = inputToImage(geometry, (left + right) / 2, (top + bottom) / 2);
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const width = ((right - left) * Math.hypot(cos * scaleX, sin * scaleY)) / 2;
  const height = ((bottom - top) * Math.hypot(sin * scaleX, cos * scaleY)) / 2;
  return {
    box: { xmin: centre.x - width, ymin: centre.y - height, xmax: centre.x + width, ymax: centre.y + height },
    angle: scaleX === scaleY ? angle : Math.atan2(sin * scaleY, cos * scaleX),
  };
}

/** Coordinates as fractions of the input (0…1) → image pixels. */
export function normalizedToImage(geometry: Geometry, x: number, y: number): { x: number; y: number } {
  return inputToImage(geometry, x * geometry.inputWidth, y * geometry.inputHeight);
}

/** Image pixels → input pixels. */
export function imageToInput(geometry: Geometry, x: number, y: number): { x: number; y: number } {
  const { imageWidth, imageHeight, destination } = geometry;
  return {
    x: (x * destination.width) / imageWidth + destination.x,
    y: (y * destination.height) / imageHeight + destination.y,
  };
}

function notPixels(what: string): FiligreeError {
  return new FiligreeError('invalid-argument', `image: ${what}`);
}

/**
 * @throws FiligreeError `invalid-argument` unless `image` has exactly the bytes for its size.
 */
export function checkPixels(image: Pixels): void {
  const { data, width, height, channels } = image;
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1) {
    throw notPixels(
      `width and height must be positive whole numbers of pixels; got ${String(width)} × ${String(height)}`,
    );
  }
  if (channels !== 1 && channels !== 3 && channels !== 4) {
    throw notPixels(`channels must be 1 (grey), 3 (RGB) or 4 (RGBA); got ${String(channels)}`);
  }
  if (!(data instanceof Uint8Array || data instanceof Uint8ClampedArray)) {
    const found = (data as object | undefined)?.constructor?.name ?? typeof data;
    throw notPixels(`data must be a Uint8Array or Uint8ClampedArray of bytes; got ${found}`);
  }
  const bytes = width * height * channels;
  if (data.length !== bytes) {
    throw notPixels(
      `${width} × ${height} pixels of ${channels} channels need ${bytes} bytes; the data has ${data.length}`,
    );
  }
}
