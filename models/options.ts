// Options of every builder.
import { FiligreeError } from '../src/errors.ts';
import type { SparsityTarget } from './sparsify.ts';
import { densityOf } from './sparsify.ts';

/** A layer with weights, for the choice of layers that get zeros. */
export interface LayerDescription {
  name: string;
  /** `first` reads the image, `last` makes an output (a classifier or a head's predictions), `hidden` is every other layer. */
  role: 'first' | 'hidden' | 'depthwise' | 'last';
  /** Output channels, input channels of a group, kernel height, kernel width. */
  shape: readonly [number, number, number, number];
}

export interface SparsityOptions extends SparsityTarget {
  /** Which layers get zeros. Default: the hidden ones, pointwise and k×k. */
  layers?: (layer: LayerDescription) => boolean;
}

export interface NetworkOptions {
  /** Multiplies the published numbers of channels. Default 1. */
  width?: number;
  /** Pixels: the side of a square, or height and width. Default: as published. */
  resolution?: number | readonly [height: number, width: number];
  /** Default: as published, 1000 (ImageNet) or 80 and 90 (COCO). */
  classes?: number;
  /** Seed of the weights: the same seed gives the same network. Default 1. */
  seed?: number;
  /** Default: no zeros. */
  sparsity?: SparsityOptions;
}

/** Convolution padding: TensorFlow's SAME, or PyTorch's, equal on both sides. They differ at stride 2. */
export type Padding = 'same' | 'symmetric';

export interface PaddingOptions {
  /** Default `same`, as the network was published. */
  padding?: Padding;
}

/** Values of black and white in a network's input. */
export type ImageRange = readonly [low: number, high: number];

export interface ResolvedOptions extends PaddingOptions {
  width: number;
  size: readonly [height: number, width: number];
  classes: number;
  seed: number;
  sparsity?: SparsityOptions;
}

/**
 * Options with defaults filled in. `multiple` is what height and width must be multiples of.
 * @throws FiligreeError `invalid-argument` naming the option.
 */
export function resolveOptions(
  options: NetworkOptions & PaddingOptions,
  defaults: { resolution: number; classes: number; multiple?: number },
): ResolvedOptions {
  const { width = 1, resolution = defaults.resolution, classes = defaults.classes, seed = 1, ...rest } = options;
  const size = typeof resolution === 'number' ? ([resolution, resolution] as const) : resolution;
  const { multiple = 1 } = defaults;
  if (!(width > 0 && Number.isFinite(width))) throw invalid(`width ${width} must be a positive number`);
  if (size.length !== 2 || !size.every((pixels) => Number.isInteger(pixels) && pixels > 0 && pixels % multiple === 0)) {
    throw invalid(`resolution ${size.join('×')} must be positive multiples of ${multiple}`);
  }
  if (!Number.isInteger(classes) || classes < 1) throw invalid(`classes ${classes} must be a positive integer`);
  if (rest.sparsity) densityOf(rest.sparsity);
  return { ...rest, width, size, classes, seed };
}

function invalid(message: string): FiligreeError {
  return new FiligreeError('invalid-argument', message);
}

/** `channels` rounded to a multiple of 8 that is no more than a tenth below (slim's and torchvision's make_divisible). */
export function roundChannels(channels: number, divisor = 8): number {
  const rounded = Math.max(divisor, Math.floor((channels + divisor / 2) / divisor) * divisor);
  return rounded < 0.9 * channels ? rounded + divisor : rounded;
}
