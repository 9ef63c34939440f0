// Class scores of every anchor → the few anchors to decode. Inputs are classes; height · width is the number of anchors.
import { foundHeaderBytes } from '../../src/program/kernels/detect.ts';
import { placeFloats } from '../place.ts';
import type { CaseBuilder } from './case.ts';
import { elementWork, flatOutput } from './case.ts';

/** `bestClass`: (classes, anchors), `bestClassRows`: (anchors, classes). */
const operators = ['bestClass', 'bestClassRows'];
const most = 100;

const bestClass: CaseBuilder = {
  contest: 'bestClass',
  encoding: 'dense',
  fits: ({ op }) => operators.includes(op),
  build(kernels, { op, inputs: classes, height, width }) {
    const anchors = height * width;
    const planar = op === 'bestClass';
    const x = placeFloats(kernels, classes * anchors);
    const y = kernels.allocate(foundHeaderBytes + 12 * most);
    const run = kernels.record('f32_best_class', {
      x,
      objectness: x,
      y,
      anchors,
      classes,
      anchorStep: 4 * (planar ? 1 : classes),
      classStep: 4 * (planar ? anchors : 1),
      hasObjectness: 0,
      sigmoid: 0,
      floor: 0.999,
      threshold: 0.999,
      most,
    });
    const scores = y + foundHeaderBytes + 8 * most;
    return elementWork(run, flatOutput(scores, most), classes * anchors, 4 * classes * anchors);
  },
};

export const detectCases = { f32_best_class: bestClass };
