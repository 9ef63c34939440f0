// What a preset is, and what presets look for among a model's outputs.
import { isReal, type Input, type TensorDescription } from '../fields.ts';
import type { FileFacts } from '../file-facts.ts';
import { cellCount, gridLevels } from '../grid.ts';
import type { Head } from '../heads/head.ts';
import type { OutputTails } from '../output-tails.ts';
import type { Preprocessing } from '../preprocessing.ts';

export interface ModelDescription {
  readonly inputs: readonly TensorDescription[];
  readonly outputs: readonly TensorDescription[];
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** What its graph does last, where that is known. */
  readonly tails?: OutputTails;
}

/** What else may tell what outputs are. */
export interface Clues {
  readonly facts: FileFacts;
  readonly tails?: OutputTails;
  /** Somebody named this head: what is likely but not sure may be taken. */
  readonly named: boolean;
}

/** A way to read a model's outputs. */
export interface Fit {
  readonly head: Head;
  /** Undefined where the outputs do not tell and the file does not say. */
  readonly classes: number | undefined;
  /** Names of the classes, where the file has none. */
  readonly labels?: readonly string[];
  /** The graph or the file says so; shapes alone do not. */
  readonly sure?: boolean;
}

export interface Preset {
  /** What outputs it wants, for messages; sizes in brackets. */
  readonly wants: string;
  /** It is meant only when somebody says so: its outputs look like another preset's. */
  readonly onlyWhenNamed?: boolean;
  /** The preset that is taken instead where both fit: the decoded output beside the maps it is made from. */
  readonly yieldsTo?: string;
  /** Ultralytics' name of what it does; `detect` if not given. */
  readonly task?: 'pose' | 'segment' | 'obb';
  /** Words in a file's own description that point to it. */
  readonly words?: RegExp;
  readonly preprocessing: Omit<Preprocessing, 'width' | 'height'>;
  readonly scoreThreshold: number;
  readonly iouThreshold: number;
  fit(outputs: readonly TensorDescription[], input: ImageInput, clues: Clues): Fit | undefined;
}

/** The image that a model takes. */
export interface ImageInput extends Input {
  readonly channelsLast: boolean;
}

export const strideSets = [
  [8, 16, 32],
  [8, 16, 32, 64],
];

/** The strides of levels that have so many cells, `perCell` anchors each. */
export function stridesOf(input: Input, anchors: number, perCell = 1): number[] | undefined {
  return strideSets.find((strides) => perCell * cellCount(gridLevels(input, strides)) === anchors);
}

/** The first output [1, anchors, width], or [1, width, anchors], of one anchor (or `perCell`) a cell and width > least. */
export function table(
  outputs: readonly TensorDescription[],
  input: Input,
  least: number,
  channelsFirst: boolean,
  perCell = 1,
) {
  for (const { name, shape, dtype } of outputs) {
    if (shape.length !== 3 || shape[0] !== 1 || !isReal(dtype)) continue;
    const [anchors, width] = channelsFirst ? [shape[2], shape[1]] : [shape[1], shape[2]];
    const strides = stridesOf(input, anchors, perCell);
    if (strides && width > least) return { name, width, strides, channelsFirst };
  }
  return undefined;
}

/** The same in either layout. */
export function tableEitherWay(outputs: readonly TensorDescription[], input: Input, least: number) {
  return table(outputs, input, least, true) ?? table(outputs, input, least, false);
}

/** One output of rank 4 or 5 for each level, in the order of strides. */
export function maps(outputs: readonly TensorDescription[], input: Input, channelsFirst: boolean, rank: number) {
  for (const strides of strideSets) {
    const levels = gridLevels(input, strides).map(({ rows, columns }) =>
      outputs.find(({ shape, dtype }) => {
        if (shape.length !== rank || shape[0] !== 1 || !isReal(dtype)) return false;
        const [height, width] = rank === 5 || channelsFirst ? shape.slice(2) : shape.slice(1);
        return height === rows && width === columns;
      }),
    );
    if (levels.every((level) => level !== undefined)) return { levels, strides };
  }
  return undefined;
}
