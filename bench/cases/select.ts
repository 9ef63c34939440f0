// Selection, as the tails of detectors without suppression do it.
import { topKScratchBytes } from '../../src/program/kernels/select.ts';
import { placeFloats } from '../place.ts';
import type { CaseBuilder } from './case.ts';
import { elementWork, flatOutput } from './case.ts';

/** Positions of the `outputs` largest of `inputs` numbers. */
const topK: CaseBuilder = {
  contest: 'topK',
  encoding: 'dense',
  fits: ({ op }) => op === 'topK',
  build(kernels, { inputs, outputs: k }) {
    const y = kernels.allocate(4 * k);
    const args = {
      x: placeFloats(kernels, inputs),
      scratch: kernels.allocate(topKScratchBytes(k)),
      y,
      outer0: 1,
      outer1: 1,
      axis: inputs,
      k,
      smallest: 0,
      xOuter0: 0,
      xOuter1: 0,
      xAxis: 4,
      yOuter0: 0,
      yOuter1: 0,
      yAxis: 4,
    };
    return elementWork(kernels.record('f32_top_k', args), flatOutput(y, k), inputs, 4 * (inputs + k));
  },
};

/** `outputs` rows of `width` of `inputs`, by positions: placed numbers are in [−1, 1), so the first and the last row. */
const take: CaseBuilder = {
  contest: 'take',
  encoding: 'dense',
  fits: ({ op }) => op === 'take',
  build(kernels, { inputs, outputs: rows, width: run }) {
    const y = kernels.allocate(4 * rows * run);
    const args = {
      x: placeFloats(kernels, inputs * run),
      indices: placeFloats(kernels, rows),
      y,
      d0: 1,
      d1: 1,
      d2: rows,
      run,
      size: inputs,
      xIndex: 4 * run,
      x0: 0,
      x1: 0,
      x2: 0,
      i0: 0,
      i1: 0,
      i2: 4,
      y0: 0,
      y1: 0,
      y2: 4 * run,
    };
    return elementWork(kernels.record('f32_take', args), flatOutput(y, rows * run), 0, 4 * rows * (2 * run + 1));
  },
};

export const selectCases = { f32_top_k: topK, f32_take: take };
