// Weights × planes in eight bits. The time includes quantising the input.
import type { RawKernels } from '../../src/kernels.ts';
import { packInt8, quantiseWeights, stepsOf } from '../../src/lower/int8.ts';
import type { Group } from '../../src/program/tiles.ts';
import { bytePlane } from '../../src/program/layout.ts';
import { constantBytes } from '../../src/program/constants.ts';
import type { KernelName } from '../../src/program/kernels.ts';
import { placeConstant, placeFloats, randomFloats } from '../place.ts';
import type { LayerShape } from '../shapes.ts';
import type { CaseBuilder } from './case.ts';
import { elementWork, macWork, planesOf, relu6 } from './case.ts';
import { sparseWeights } from './matrix.ts';

/** Inputs are random floats in [−1, 1). */
const input = stepsOf({ min: -1, max: 1 });

const fits = ({ op, height, width, kernel, stride }: LayerShape) =>
  op === 'conv' && kernel === 1 && stride === 1 && height * width > 1;

function quantise(kernels: RawKernels, { inputs, height, width }: LayerShape) {
  const x = planesOf(inputs, height * width);
  const plane = bytePlane(x.pixels);
  const y = kernels.allocate(inputs * plane);
  const run = kernels.record('i8_quantise', {
    x: placeFloats(kernels, x.floats),
    y,
    planes: inputs,
    pixels: x.pixels,
    xPlane: x.plane,
    yPlane: plane,
    scale: 1 / input.step,
    zero: input.zero,
  });
  return { run, y, plane, bytes: 4 * x.floats + inputs * plane };
}

function product(name: KernelName, group: Group): CaseBuilder {
  return {
    contest: 'pointwise',
    encoding: 'sparse',
    fits,
    build(kernels, shape, density) {
      const { inputs: columns, outputs: rows, height, width } = shape;
      const x = quantise(kernels, shape);
      const taps = placeConstant(kernels, {
        form: 'taps',
        taps: {
          channels: columns,
          kernel: [1, 1],
          stride: [1, 1],
          dilation: [1, 1],
          channelBytes: x.plane,
          phaseBytes: 0,
          rowBytes: 0,
        },
      });
      const dense = density === 1;
      const weights = dense ? randomFloats(rows * columns) : sparseWeights(rows, columns, group, density);
      const [values, steps] = quantiseWeights(rows, columns, weights);
      const constant = packInt8({ rows, columns, bias: randomFloats(rows) }, values, steps, input, group, 0);
      const y = planesOf(rows, height * width);
      const address = kernels.allocate(4 * y.floats);
      const run = kernels.record(name, {
        x: x.y,
        weights: placeConstant(kernels, constant, taps),
        y: address,
        batch: 1,
        xBatch: 0,
        yBatch: 0,
        rows,
        pixels: y.pixels,
        yPlane: y.plane,
        ...relu6,
      });
      const nonzeros = weights.reduce((count, value) => count + (value === 0 ? 0 : 1), 0);
      return macWork(
        () => {
          x.run();
          run();
        },
        { address, ...y },
        rows * columns * y.pixels,
        nonzeros * y.pixels,
        x.bytes + constantBytes(constant) + 4 * y.floats,
      );
    },
  };
}

export const int8Cases = {
  i8_spmm_8x4: product('i8_spmm_8x4', 4),
  i8_spmm_8x2: product('i8_spmm_8x2', 2),
  i8_spmm_16x1: product('i8_spmm_16x1', 1),
  i8_quantise: {
    contest: 'quantise',
    encoding: 'dense',
    fits,
    build(kernels, shape) {
      const { run, y, plane, bytes } = quantise(kernels, shape);
      const floats = plane / 4;
      const output = { address: y, planes: shape.inputs, pixels: (shape.height * shape.width) >> 2, plane: 4 * floats };
      return elementWork(run, output, 2 * shape.inputs * shape.height * shape.width, bytes);
    },
  },
} satisfies Record<string, CaseBuilder>;
