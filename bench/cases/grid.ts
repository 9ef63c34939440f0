// Images at the coordinates of a grid, as large as the image: each pixel moves a little.
import { gridPaddings } from '../../src/ops/grid-sample.ts';
import { placeConstant, placeFloats } from '../place.ts';
import type { CaseBuilder } from './case.ts';
import { elementWork, planesOf } from './case.ts';

export const gridCases: { f32_grid_sample: CaseBuilder } = {
  f32_grid_sample: {
    contest: 'gridSample',
    encoding: 'dense',
    fits: ({ op }) => op === 'gridSample',
    build(kernels, { inputs: channels, height, width }) {
      const x = planesOf(channels, height * width);
      const y = planesOf(channels, height * width);
      const grid = Float32Array.from({ length: 2 * height * width }, (_, i) => {
        const pixel = i >> 1;
        const [at, length] = i % 2 === 0 ? [pixel % width, width] : [Math.floor(pixel / width), height];
        return ((2 * at + 1) / length - 1) * 0.98;
      });
      const args = {
        x: placeFloats(kernels, x.floats),
        grid: placeConstant(kernels, { form: 'f32', data: grid }),
        scratch: kernels.allocate(32 * Math.ceil(width / 4) * 4),
        y: kernels.allocate(4 * y.floats),
        batch: 1,
        xBatch: 0,
        gridBatch: 0,
        yBatch: 0,
        channels,
        xPlane: x.plane,
        xHeight: height,
        xWidth: width,
        gridRow: 8 * width,
        yPlane: y.plane,
        height,
        width,
        linear: 1,
        padding: gridPaddings.indexOf('zeros'),
        alignCorners: 0,
      };
      const outputs = channels * height * width;
      return elementWork(kernels.record('f32_grid_sample', args), { address: args.y, ...y }, 8 * outputs, 8 * outputs);
    },
  },
};
