// Dense 3×3 convolutions of stride 1 by Winograd's tiles.
import { packGemm } from '../../src/lower/pack.ts';
import { constantBytes } from '../../src/program/constants.ts';
import { winogradBand, winogradScratchBytes } from '../../src/program/kernels/winograd.ts';
import { paddedPlane } from '../../src/program/layout.ts';
import type { Constant } from '../../src/program/program.ts';
import { placeConstant, placeFloats, randomFloats } from '../place.ts';
import type { CaseBuilder } from './case.ts';
import { macWork, planesOf, relu6 } from './case.ts';

const winograd = (name: 'f32_winograd_8x4' | 'f32_winograd_8x6'): CaseBuilder => ({
  contest: 'convolution',
  encoding: 'dense',
  hasOwnInput: true,
  fits: ({ op, kernel, stride }) => op === 'conv' && kernel === 3 && stride === 1,
  build(kernels, { inputs: columns, outputs: rows, height, width }) {
    const tile = 4;
    const packed = packGemm(rows, 9 * columns, randomFloats(9 * rows * columns), randomFloats(rows));
    const wide = name === 'f32_winograd_8x6';
    const constant = { ...packed, winograd: tile, wide } as Constant;
    const shape = { rows, columns, tile, width, xWidth: width };
    const band = winogradBand(shape, height);
    const xPlane = paddedPlane(height * width);
    const y = planesOf(rows, height * width);
    const address = kernels.allocate(4 * y.floats);
    const args = {
      x: placeFloats(kernels, columns * xPlane),
      weights: placeConstant(kernels, constant),
      scratch: kernels.allocate(winogradScratchBytes(shape, band)),
      residual: address,
      y: address,
      batch: 1,
      xBatch: 0,
      yBatch: 0,
      rows,
      rowStart: 0,
      rowCount: rows,
      columns,
      tile,
      band,
      firstRow: 0,
      height,
      width,
      xHeight: height,
      xWidth: width,
      top: 1,
      left: 1,
      xPlane: 4 * xPlane,
      yPlane: y.plane,
      add: 0,
      ...relu6,
    };
    const macs = 9 * rows * columns * height * width;
    const moved = 4 * columns * xPlane + constantBytes(constant) + 4 * y.floats;
    return macWork(kernels.record(name, args), { address, ...y }, macs, macs, moved);
  },
});

export const winogradCases = {
  f32_winograd_8x4: winograd('f32_winograd_8x4'),
  f32_winograd_8x6: winograd('f32_winograd_8x6'),
};
