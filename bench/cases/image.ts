// A photo's bytes → planes: letterboxed and normalised. The kernel size of a shape is the side of the square output.
import { imageScratchBytes } from '../../src/program/kernels/image.ts';
import { placeFloats } from '../place.ts';
import type { CaseBuilder } from './case.ts';
import { elementWork, planesOf } from './case.ts';

/** `image`: bilinear. `imageArea`: averaged over the area of each pixel. */
const operators = ['image', 'imageArea'];

const image: CaseBuilder = {
  contest: 'image',
  encoding: 'dense',
  fits: ({ op }) => operators.includes(op),
  build(kernels, { op, inputs: channels, height, width, kernel: side }) {
    const y = planesOf(3, side * side);
    const scale = side / Math.max(height, width);
    const toWidth = Math.round(width * scale);
    const toHeight = Math.round(height * scale);
    const sourceBytes = height * width * channels;
    const antialias = operators.indexOf(op);
    const args = {
      x: placeFloats(kernels, Math.ceil(sourceBytes / 4)),
      scratch: kernels.allocate(imageScratchBytes(toWidth)),
      y: kernels.allocate(4 * y.floats),
      channels,
      xRow: width * channels,
      xLeft: 0,
      xTop: 0,
      xWidth: width,
      xHeight: height,
      yRow: 4 * side,
      yPixel: 4,
      yChannel: y.plane,
      width: side,
      height: side,
      left: (side - toWidth) >> 1,
      top: (side - toHeight) >> 1,
      toWidth,
      toHeight,
      reverse: 0,
      antialias,
      pad: 114,
      scale0: 1 / 127.5,
      scale1: 1 / 127.5,
      scale2: 1 / 127.5,
      offset0: -1,
      offset1: -1,
      offset2: -1,
    };
    // A weighted sum of every source value or of four a pixel, then scale and offset.
    const summed = antialias ? 3 * height * width : 4 * 3 * toWidth * toHeight;
    const operations = 2 * summed + 2 * 3 * side * side;
    const read = antialias ? sourceBytes : Math.min(sourceBytes, 4 * channels * toWidth * toHeight);
    const run = kernels.record('f32_image', args);
    return elementWork(run, { address: args.y, ...y }, operations, read + 4 * 3 * side * side);
  },
};

export const imageCases = { f32_image: image };
