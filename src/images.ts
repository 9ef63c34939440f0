// Photos in files → pixels, where the host has no decoder: Node, Deno, Bun, edge functions.
export { decodeImage, encodePng } from './images/decode.ts';
export type { DecodeOptions } from './images/decode.ts';
export { readImageHeader } from './images/header.ts';
export type { ImageHeader } from './images/header.ts';
export type { Pixels } from './vision/preprocessing.ts';
export { FiligreeError } from './errors.ts';
export type { FiligreeErrorCode } from './errors.ts';
