// Kernels that only move data.
import { placeConstant, placeFloats } from '../place.ts';
import type { LayerShape } from '../shapes.ts';
import type { CaseBuilder, Output } from './case.ts';
import { elementWork, flatOutput, planesOf } from './case.ts';

interface CopyAxis {
  size: number;
  /** Strides in bytes. */
  x: number;
  y: number;
}

interface Copy {
  /** Outermost first. */
  axes: CopyAxis[];
  y: Omit<Output, 'address'>;
}

/** The copies of operators. */
const copies: Record<string, (shape: LayerShape) => Copy> = {
  /** Planes to planes. */
  copy({ inputs, height, width }) {
    const y = planesOf(inputs, height * width);
    return {
      axes: [
        { size: inputs, x: y.plane, y: y.plane },
        { size: y.pixels, x: 4, y: 4 },
      ],
      y,
    };
  },
  /** Planes → (H, W, C). */
  transpose({ inputs, height, width }) {
    const { plane, pixels } = planesOf(inputs, height * width);
    return {
      axes: [
        { size: pixels, x: 4, y: 4 * inputs },
        { size: inputs, x: plane, y: 4 },
      ],
      y: flatOutput(0, inputs * pixels),
    };
  },
  /** (C·b², H, W) → (C, H·b, W·b), TFLite's order; b is the shape's kernel. */
  depthToSpace({ outputs, height, width, kernel: b }) {
    const { plane } = planesOf(1, height * width);
    const y = planesOf(outputs, height * width * b * b);
    return {
      axes: [
        { size: outputs, x: plane, y: y.plane },
        { size: height, x: 4 * width, y: 4 * width * b * b },
        { size: b, x: b * outputs * plane, y: 4 * width * b },
        { size: width, x: 4, y: 4 * b },
        { size: b, x: outputs * plane, y: 4 },
      ],
      y,
    };
  },
};

const copy: CaseBuilder = {
  contest: 'copy',
  encoding: 'dense',
  fits: ({ op }) => op in copies,
  build(kernels, shape) {
    const { axes, y: output } = copies[shape.op](shape);
    const args: Record<string, number> = {
      x: placeFloats(kernels, planesOf(shape.inputs, shape.height * shape.width).floats),
      y: kernels.allocate(output.planes * output.plane),
    };
    const outer = Array.from({ length: 6 - axes.length }, () => ({ size: 1, x: 0, y: 0 }));
    for (const [i, { size, x, y }] of [...outer, ...axes].entries()) {
      Object.assign(args, { [`d${i}`]: size, [`x${i}`]: x, [`y${i}`]: y });
    }
    const moved = axes.reduce((elements, { size }) => elements * size, 1);
    const y = { ...output, address: args.y };
    return elementWork(kernels.record('f32_copy', args), y, 0, 8 * moved);
  },
};

const fill: CaseBuilder = {
  contest: 'fill',
  encoding: 'dense',
  fits: ({ op }) => op === 'fill',
  build(kernels, { inputs, height, width }) {
    const n = inputs * height * width;
    const y = kernels.allocate(4 * n);
    return elementWork(kernels.record('f32_fill', { y, n, value: 1 }), flatOutput(y, n), 0, 4 * n);
  },
};

/** Planes in another order: channel c of y is channel (c mod 2)·C/2 + ⌊c/2⌋ of x. */
const gather: CaseBuilder = {
  contest: 'gather',
  encoding: 'dense',
  fits: ({ op }) => op === 'gather',
  build(kernels, { inputs, height, width }) {
    const planes = planesOf(inputs, height * width);
    const { floats, plane, pixels } = planes;
    const data = Int32Array.from({ length: inputs }, (_, c) => (c % 2) * Math.floor(inputs / 2) + (c >> 1));
    const args = {
      x: placeFloats(kernels, floats),
      indices: placeConstant(kernels, { form: 'i32', data }),
      y: kernels.allocate(4 * floats),
      d0: 1,
      d1: 1,
      n: inputs,
      run: pixels,
      x0: 0,
      x1: 0,
      xIndex: plane,
      y0: 0,
      y1: 0,
      yIndex: plane,
    };
    return elementWork(kernels.record('f32_gather', args), { address: args.y, ...planes }, 0, 8 * inputs * pixels);
  },
};

export const copyCases = { f32_copy: copy, f32_fill: fill, f32_gather: gather };
