// Photos in files → pixels, where the host has no decoder: Node, Deno, Bun, edge functions.
export { decodeImage, encodePng } from './decode.ts';
export type { DecodeOptions } from './decode.ts';
export { readImageHeader } from './header.ts';
export type { ImageHeader } from './header.ts';
export type { Pixels } from '../runtime/preprocessing.ts';
export { FiligreeError } from '../errors.ts';
export type { FiligreeErrorCode } from '../errors.ts';
