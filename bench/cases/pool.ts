// Pooling, padding SAME and not counted.
import type { KernelName } from '../../src/program/kernels.ts';
import { poolRowBytes } from '../../src/program/kernels/pool.ts';
import { placeConstant, placeFloats } from '../place.ts';
import { leadingPads, outputSize } from '../shapes.ts';
import type { LayerShape } from '../shapes.ts';
import type { CaseBuilder } from './case.ts';
import { elementWork, planesOf, relu6 } from './case.ts';

/** Number of elements inside the input of each window along an axis. */
function counts(outputs: number, inputs: number, before: number, { kernel, stride }: LayerShape): number[] {
  return Array.from({ length: outputs }, (_, i) => {
    const start = i * stride - before;
    return Math.min(start + kernel, inputs) - Math.max(start, 0);
  });
}

function pool(name: KernelName, op: string): CaseBuilder {
  return {
    contest: op,
    encoding: 'dense',
    fits: (shape) => shape.op === op,
    build(kernels, shape) {
      const { inputs: channels, height: xHeight, width: xWidth, kernel, stride } = shape;
      const [height, width] = outputSize(shape);
      const [top, left] = leadingPads(shape);
      const x = planesOf(channels, xHeight * xWidth);
      const y = planesOf(channels, height * width);
      const divisors = [...counts(height, xHeight, top, shape), ...counts(width, xWidth, left, shape)];
      const row = { xWidth, width, kernelW: kernel, strideW: stride, dilationW: 1, left };
      const args = {
        x: placeFloats(kernels, x.floats),
        scratch: kernels.allocate(poolRowBytes(row)),
        y: kernels.allocate(4 * y.floats),
        counts: placeConstant(kernels, { form: 'f32', data: Float32Array.from(divisors) }),
        batch: 1,
        xBatch: 0,
        yBatch: 0,
        channels,
        xPlane: x.plane,
        xHeight,
        yPlane: y.plane,
        height,
        kernelH: kernel,
        strideH: stride,
        dilationH: 1,
        top,
        ...row,
        ...relu6,
      };
      const outputs = channels * height * width;
      const bytes = 4 * (channels * x.pixels + outputs);
      return elementWork(kernels.record(name, args), { address: args.y, ...y }, outputs * kernel ** 2, bytes);
    },
  };
}

export const poolCases = {
  f32_max_pool: pool('f32_max_pool', 'maxPool'),
  f32_average_pool: pool('f32_average_pool', 'averagePool'),
};
