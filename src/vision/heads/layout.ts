// How an anchor's numbers lie in an output.
import type { TensorDescription } from '../fields.ts';
import { invalid, isReal } from '../fields.ts';
import type { ScoreActivation, ScoreScan } from '../scan.ts';

/** The anchors of one output: number k of anchor i is element `at + i · anchorStep + k · step`, row-major. */
export interface Rows {
  readonly output: string;
  readonly anchors: number;
  /** Numbers per anchor. */
  readonly width: number;
  readonly at: number;
  readonly anchorStep: number;
  readonly step: number;
}

/** Rows of an output (1, anchors, width), or (1, width, anchors) with `channelsFirst`; the axis of 1 may be missing. */
export function rowsOf(output: TensorDescription, channelsFirst: boolean, least: number): Rows {
  const { name, shape, dtype } = output;
  const fits = (shape.length === 2 || (shape.length === 3 && shape[0] === 1)) && isReal(dtype);
  const [anchors, width] = channelsFirst ? shape.slice(-2).toReversed() : shape.slice(-2);
  if (!fits || !(width >= least)) {
    const wanted = channelsFirst ? `[1, ${least} or more, anchors]` : `[1, anchors, ${least} or more]`;
    throw invalid(`metadata.vision.head: output "${name}"`, `float32 ${wanted}`, shape);
  }
  return {
    output: name,
    anchors,
    width,
    at: 0,
    anchorStep: channelsFirst ? 1 : width,
    step: channelsFirst ? anchors : 1,
  };
}

/**
 * Rows of a map (1, width, rows, columns), or (1, rows, columns, width) without `channelsFirst`, with one anchor per
 * cell.
 */
export function mapRows(output: TensorDescription, channelsFirst: boolean, rows: number, columns: number): Rows {
  const { name, shape, dtype } = output;
  const [height, breadth, width] = channelsFirst ? [shape[2], shape[3], shape[1]] : [shape[1], shape[2], shape[3]];
  if (shape.length !== 4 || shape[0] !== 1 || height !== rows || breadth !== columns || !isReal(dtype)) {
    const wanted = channelsFirst ? `[1, channels, ${rows}, ${columns}]` : `[1, ${rows}, ${columns}, channels]`;
    throw invalid(`metadata.vision.head: output "${name}"`, `float32 ${wanted}`, shape);
  }
  const anchors = rows * columns;
  return {
    output: name,
    anchors,
    width,
    at: 0,
    anchorStep: channelsFirst ? 1 : width,
    step: channelsFirst ? anchors : 1,
  };
}

/** A scan for scores that start at number `first` of each anchor. */
export function scoresAt(
  rows: Rows,
  first: number,
  classes: number,
  activation: ScoreActivation,
  objectness?: number,
): ScoreScan {
  return {
    output: rows.output,
    anchors: rows.anchors,
    classes,
    background: 0,
    at: rows.at + first * rows.step,
    anchorStep: rows.anchorStep,
    classStep: rows.step,
    ...(objectness !== undefined && { objectness: rows.at + objectness * rows.step }),
    activation,
  };
}
