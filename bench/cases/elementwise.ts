// Elementwise kernels and kernels along axes. Operators of the shape files have the names of the functions.
import { activationArguments, unaryFunctions } from '../../src/program/activations.ts';
import type { UnaryFunction } from '../../src/program/activations.ts';
import { binaryFunctions } from '../../src/program/kernels/elementwise.ts';
import type { BinaryFunction } from '../../src/program/kernels/elementwise.ts';
import { reduceFunctions } from '../../src/program/kernels/reduce.ts';
import { placeFloats } from '../place.ts';
import type { CaseBuilder } from './case.ts';
import { elementWork, flatOutput, planesOf, relu6 } from './case.ts';

/** Parameters of functions that have any. */
const parameters: Partial<Record<UnaryFunction, { alpha: number; beta?: number }>> = {
  clamp: { alpha: 0, beta: 6 },
  leakyRelu: { alpha: 0.1 },
  elu: { alpha: 1 },
  hardSigmoid: { alpha: 1 / 6, beta: 0.5 },
  hardSwish: { alpha: 1 / 6, beta: 0.5 },
};

const unary: CaseBuilder = {
  contest: 'unary',
  encoding: 'dense',
  fits: ({ op }) => unaryFunctions.includes(op as UnaryFunction),
  build(kernels, { op, inputs, height, width }) {
    const x = planesOf(inputs, height * width);
    const fn = op as UnaryFunction;
    const args = {
      x: placeFloats(kernels, x.floats),
      y: kernels.allocate(4 * x.floats),
      rows: inputs,
      columns: x.pixels,
      xRow: x.plane,
      yRow: x.plane,
      ...activationArguments({ fn, ...parameters[fn] }),
    };
    const elements = inputs * x.pixels;
    return elementWork(kernels.record('f32_unary', args), { address: args.y, ...x }, elements, 8 * elements);
  },
};

const binary: CaseBuilder = {
  contest: 'binary',
  encoding: 'dense',
  fits: ({ op }) => binaryFunctions.includes(op as BinaryFunction),
  build(kernels, { op, inputs, height, width }) {
    const planes = planesOf(inputs, height * width);
    const { floats, pixels, plane } = planes;
    const strides = { a0: 0, a1: 0, a2: plane, a3: 4, b0: 0, b1: 0, b2: plane, b3: 4, y0: 0, y1: 0, y2: plane };
    const args = {
      a: placeFloats(kernels, floats),
      b: placeFloats(kernels, floats),
      y: kernels.allocate(4 * floats),
      fn: binaryFunctions.indexOf(op as BinaryFunction),
      dim0: 1,
      dim1: 1,
      dim2: inputs,
      dim3: pixels,
      ...strides,
      ...relu6,
    };
    const elements = inputs * pixels;
    return elementWork(kernels.record('f32_binary', args), { address: args.y, ...planes }, elements, 12 * elements);
  },
};

/** (C, H, W) → (C): the mean over a plane. */
const reduce: CaseBuilder = {
  contest: 'reduce',
  encoding: 'dense',
  fits: ({ op }) => op === 'mean',
  build(kernels, { inputs, height, width }) {
    const x = planesOf(inputs, height * width);
    const args = {
      x: placeFloats(kernels, x.floats),
      y: kernels.allocate(4 * inputs),
      fn: reduceFunctions.indexOf('sum'),
      scale: 1 / x.pixels,
      kept0: 1,
      kept1: inputs,
      inner: 1,
      xKept0: 0,
      xKept1: x.plane,
      yKept0: 0,
      yKept1: 4,
      reduced0: 1,
      reduced1: 1,
      reduced2: x.pixels,
      xReduced0: 0,
      xReduced1: 0,
      xReduced2: 4,
    };
    const elements = inputs * x.pixels;
    return elementWork(
      kernels.record('f32_reduce', args),
      flatOutput(args.y, inputs),
      elements,
      4 * (elements + inputs),
    );
  },
};

/** (C, H, W) → (C, H, W), along the channels. */
const softmax: CaseBuilder = {
  contest: 'softmax',
  encoding: 'dense',
  fits: ({ op }) => op === 'softmax',
  build(kernels, { inputs, height, width }) {
    const x = planesOf(inputs, height * width);
    const args = {
      x: placeFloats(kernels, x.floats),
      y: kernels.allocate(4 * x.floats),
      outer0: 1,
      outer1: 1,
      axis: inputs,
      inner: x.pixels,
      xOuter0: 0,
      xOuter1: 0,
      xAxis: x.plane,
      yOuter0: 0,
      yOuter1: 0,
      yAxis: x.plane,
      beta: 1,
    };
    const elements = inputs * x.pixels;
    return elementWork(kernels.record('f32_softmax', args), { address: args.y, ...x }, elements, 8 * elements);
  },
};

export const elementwiseCases = {
  f32_unary: unary,
  f32_binary: binary,
  f32_softmax: softmax,
  f32_reduce: reduce,
};
