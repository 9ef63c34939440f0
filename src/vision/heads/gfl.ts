// Heads whose distances from a cell to the four sides of its box are distributions (generalised focal loss,
// https://arxiv.org/abs/2006.04388): NanoDet, and YOLOv8 and YOLO11 where the decoding was left out of the export.
import { CandidateList } from '../candidates.ts';
import { field, flag, integer, invalid, list, number, oneOf, outputNamed, text } from '../fields.ts';
import { cellAt, cellCount, gridLevels } from '../grid.ts';
import type { Decoder, HeadType } from './index.ts';
import { find } from '../outputs.ts';
import { mapRows, rowsOf, scoresAt, type Rows } from './layout.ts';

const activations = ['none', 'sigmoid'] as const;

export interface GflHead {
  readonly type: 'gfl';
  /**
   * Names of the outputs: one (1, cells, classes + 4 · bins) with all levels, or one map (1, rows, columns, classes +
   * 4 · bins) a level.
   */
  readonly outputs: readonly string[];
  /** Outputs are (1, classes + 4 · bins, cells), maps (1, classes + 4 · bins, rows, columns). */
  readonly channelsFirst: boolean;
  /** Distances come before classes (YOLOv8), not after (NanoDet). */
  readonly distancesFirst: boolean;
  /** Numbers of one distribution: logits of 0, 1, … bins − 1 strides. */
  readonly bins: number;
  /** Input pixels from one cell to the next, one entry a level. */
  readonly strides: readonly number[];
  /** Where in its cell the point is that distances are measured from, in strides: 0 (NanoDet-Plus) or 0.5. */
  readonly centre: number;
  /** What makes scores of the classes' numbers. */
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
  keypoints: [],
  suppression: 'plain',
  read(value) {
    return {
      type: 'gfl',
      outputs: list(field(value, 'outputs'), text, 16),
      channelsFirst: flag(field(value, 'channelsFirst')),
      distancesFirst: flag(field(value, 'distancesFirst')),
      bins: integer(field(value, 'bins'), 1, 256),
      strides: list(field(value, 'strides'), (stride) => integer(stride, 1, 4096), 16),
      centre: number(field(value, 'centre'), 0, 1),
      activation: oneOf(field(value, 'activation'), activations),
    };
  },
  decoder(head, input, outputs) {
    const { bins, centre, distancesFirst, channelsFirst } = head;
    const levels = gridLevels(input, head.strides);
    const inOne = head.outputs.length === 1 && outputNamed(outputs, head.outputs[0]).shape.length === 3;
    let parts: { rows: Rows; first: number }[];
    if (inOne) {
      const rows = rowsOf(outputNamed(outputs, head.outputs[0]), channelsFirst, 4 * bins + 1);
      if (rows.anchors !== cellCount(levels)) {
        throw invalid('metadata.vision.head.strides', `the cells of ${rows.anchors} anchors`, head.strides);
      }
      parts = [{ rows, first: 0 }];
    } else {
      if (head.outputs.length !== levels.length) {
        throw invalid('metadata.vision.head.outputs', `one for each of ${levels.length} strides`, head.outputs);
      }
      parts = levels.map(({ rows, columns, first }, i) => ({
        rows: mapRows(outputNamed(outputs, head.outputs[i]), channelsFirst, rows, columns),
        first,
      }));
    }
    const scans = parts.map(({ rows, first }) => {
      const classes = rows.width - 4 * bins;
      if (classes < 1) throw invalid('metadata.vision.head.bins', `4 · bins less than ${rows.width}`, bins);
      const scan = scoresAt(rows, distancesFirst ? 4 * bins : 0, classes, head.activation);
      return { rows, first, scan, distances: rows.at + (distancesFirst ? 0 : classes) * rows.step };
    });
    const decode: Decoder['decode'] = (tensors, selection) => {
      const candidates = new CandidateList();
      for (const { rows, first, scan, distances } of scans) {
        const found = find(tensors, scan, selection);
        const values = tensors.values(rows.output);
        for (let i = 0; i < found.length; i++) {
          const anchor = found.anchors[i];
          const { level, x, y } = cellAt(levels, first + anchor);
          const at = distances + anchor * rows.anchorStep;
          const side = (k: number) => expectedBin(values, at + k * bins * rows.step, rows.step, bins);
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
    return { classes: scans[0].scan.classes, decode };
  },
};
