// Heads that give, for the distance from a cell to each side of its box, a distribution (generalised focal loss,
// https://arxiv.org/abs/2006.04388): NanoDet, PicoDet, and YOLOv8 and YOLO11 exported without their decoding.
import { CandidateList } from '../candidates.ts';
import {
  field,
  flag,
  integer,
  invalid,
  list,
  number,
  oneOf,
  outputNamed,
  text,
  type TensorDescription,
} from '../fields.ts';
import { cellAt, cellCount, gridLevels, type Level } from '../grid.ts';
import type { Decoder, HeadType } from './head-type.ts';
import { find } from '../outputs.ts';
import type { ScoreScan } from '../scan.ts';
import { mapRows, rowsOf, scoresAt, type Rows } from './layout.ts';

const activations = ['none', 'sigmoid'] as const;
const places = ['before', 'after'] as const;

export interface GflHead {
  readonly type: 'gfl';
  /**
   * Names of the outputs that hold the classes: one (1, cells, width) with all levels, or per level one (1, cells,
   * width) or one map (1, rows, columns, width).
   */
  readonly outputs: readonly string[];
  /** Outputs are (1, width, cells), maps (1, width, rows, columns). */
  readonly channelsFirst: boolean;
  /**
   * Where the 4 · bins numbers of the distances are: before the classes in the same output (YOLOv8), after them
   * (NanoDet), or in outputs of their own, named here, one for each of `outputs` (PicoDet).
   */
  readonly distances: (typeof places)[number] | readonly string[];
  /** Length of one distribution: logits of 0, 1, … bins − 1 strides. */
  readonly bins: number;
  /** Input pixels from one cell to the next, one entry per level. */
  readonly strides: readonly number[];
  /** The point of a cell that distances are measured from, in strides: 0 (NanoDet-Plus) or 0.5. */
  readonly centre: number;
  /** How the classes' numbers become scores. */
  readonly activation: (typeof activations)[number];
}

/** Mean of 0, 1, … bins − 1, weighted by the softmax of `bins` logits from `at` on. */
export function expectedBin(values: ArrayLike<number>, at: number, step: number, bins: number): number {
  let most = -Infinity;
  for (let k = 0; k < bins; k++) most = Math.max(most, values[at + k * step]);
  let sum = 0;
  let weighted = 0;
  for (let k = 0; k < bins; k++) {
    const weight = Math.exp(values[at + k * step] - most);
    sum += weight;
    weighted += k * weight;
  }
  return weighted / sum;
}

export const gfl: HeadType<GflHead> = {
  read(value) {
    const distances = field(value, 'distances');
    return {
      type: 'gfl',
      outputs: list(field(value, 'outputs'), text, 16),
      channelsFirst: flag(field(value, 'channelsFirst')),
      distances: Array.isArray(distances.value) ? list(distances, text, 16) : oneOf(distances, places),
      bins: integer(field(value, 'bins'), 1, 256),
      strides: list(field(value, 'strides'), (stride) => integer(stride, 1, 4096), 16),
      centre: number(field(value, 'centre'), 0, 1),
      activation: oneOf(field(value, 'activation'), activations),
    };
  },
  decoder(head, input, outputs) {
    const { bins, centre } = head;
    const levels = gridLevels(input, head.strides);
    const parts = partsOf(head, levels, outputs);
    const decode: Decoder['decode'] = (tensors, selection) => {
      const candidates = new CandidateList();
      for (const { first, scan, distances } of parts) {
        const found = find(tensors, scan, selection);
        const values = tensors.values(distances.output);
        for (let i = 0; i < found.length; i++) {
          const anchor = found.anchors[i];
          const { level, x, y } = cellAt(levels, first + anchor);
          const at = distances.at + anchor * distances.anchorStep;
          const side = (k: number) => expectedBin(values, at + k * bins * distances.step, distances.step, bins);
          const [left, top, right, bottom] = [x + centre - side(0), y + centre - side(1), side(2), side(3)];
          const box = [left, top, x + centre + right, y + centre + bottom] as const;
          const { stride } = level;
          candidates.add(
            [box[0] * stride, box[1] * stride, box[2] * stride, box[3] * stride],
            found.scores[i],
            found.classes[i],
          );
        }
      }
      return candidates.finish();
    };
    return { classes: parts[0].scan.classes, suppression: 'plain', decode };
  },
};

/** One or more levels: where their classes and their distances lie. */
interface Part {
  /** Number of its first cell. */
  readonly first: number;
  readonly scan: ScoreScan;
  /** Bin k of side s of a cell is number bins · s + k of its row. */
  readonly distances: Rows;
}

function partsOf(head: GflHead, levels: readonly Level[], outputs: readonly TensorDescription[]): Part[] {
  const { bins, distances, channelsFirst, activation } = head;
  const apart = typeof distances !== 'string';
  const inOne = head.outputs.length === 1 && outputNamed(outputs, head.outputs[0]).shape.length < 4;
  const count = inOne ? 1 : levels.length;
  for (const [name, names] of [
    ['outputs', head.outputs] as const,
    ...(apart ? [['distances', distances] as const] : []),
  ]) {
    if (names.length !== count) {
      throw invalid(`metadata.vision.head.${name}`, inOne ? 'one' : `one for each of ${count} strides`, names);
    }
  }
  return head.outputs.map((name, i) => {
    const level = inOne ? undefined : levels[i];
    const rows = rowsIn(outputNamed(outputs, name), channelsFirst, levels, level);
    const first = level?.first ?? 0;
    if (apart) {
      const other = rowsIn(outputNamed(outputs, distances[i]), channelsFirst, levels, level);
      if (other.width !== 4 * bins) throw invalid('metadata.vision.head.bins', `4 · bins to be ${other.width}`, bins);
      return { first, scan: scoresAt(rows, 0, rows.width, activation), distances: other };
    }
    const classes = rows.width - 4 * bins;
    if (classes < 1) throw invalid('metadata.vision.head.bins', `4 · bins less than ${rows.width}`, bins);
    const scan = scoresAt(rows, distances === 'before' ? 4 * bins : 0, classes, activation);
    return { first, scan, distances: { ...rows, at: rows.at + (distances === 'before' ? 0 : classes) * rows.step } };
  });
}

/** Rows of an output that holds one level, or all levels when `level` is absent. */
function rowsIn(output: TensorDescription, channelsFirst: boolean, levels: readonly Level[], level?: Level): Rows {
  if (level && output.shape.length === 4) return mapRows(output, channelsFirst, level.rows, level.columns);
  const rows = rowsOf(output, channelsFirst, 1);
  const cells = level ? level.rows * level.columns : cellCount(levels);
  if (rows.anchors === cells) return rows;
  if (level) throw invalid(`metadata.vision.head: output "${output.name}"`, `${cells} cells`, output.shape);
  throw invalid(
    'metadata.vision.head.strides',
    `the cells of ${rows.anchors} anchors`,
    levels.map(({ stride }) => stride),
  );
}
