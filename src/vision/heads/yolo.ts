// Heads that give each anchor a box in four numbers, an optional objectness, and a score for every class: YOLOX
// (https://arxiv.org/abs/2107.08430), YOLOv8 and YOLO11, and the usual exports of YOLOv5 and YOLOv7.
import { CandidateList } from '../candidates.ts';
import { field, flag, integer, invalid, list, oneOf, outputNamed, text } from '../fields.ts';
import { cellAt, cellCount, gridLevels } from '../grid.ts';
import type { Decoder, HeadType } from './head-type.ts';
import { find } from '../outputs.ts';
import { rowsOf, scoresAt } from './layout.ts';

/**
 * The meaning of an anchor's four numbers (x, y, w, h).
 * - `pixels`: centre and size in input pixels.
 * - `fractions`: the same, as fractions of the input's width and height.
 * - `grid`: YOLOX's own encoding: the centre is (x + column, y + row) · stride, the size (eʷ, eʰ) · stride.
 */
export const yoloBoxes = ['pixels', 'fractions', 'grid'] as const;

export interface YoloHead {
  readonly type: 'yolo';
  /** Name of the output (1, anchors, 4 + classes), with `objectness` (1, anchors, 5 + classes). */
  readonly output: string;
  /** The output is (1, 4 + classes, anchors) instead. */
  readonly channelsFirst: boolean;
  /** Number 4 is an objectness, which multiplies the class scores. */
  readonly objectness: boolean;
  readonly boxes: (typeof yoloBoxes)[number];
  /** Objectness and class scores are in percent, as in Seeed's YOLOv5. */
  readonly percent?: true;
  /** With `grid`: pixels from one cell to the next, one entry per level. */
  readonly strides?: readonly number[];
}

export const yolo: HeadType<YoloHead> = {
  read(value) {
    const boxes = oneOf(field(value, 'boxes'), yoloBoxes);
    return {
      type: 'yolo',
      output: text(field(value, 'output')),
      channelsFirst: flag(field(value, 'channelsFirst')),
      objectness: flag(field(value, 'objectness')),
      boxes,
      ...(field(value, 'percent').value === true && { percent: true }),
      ...(boxes === 'grid' && { strides: list(field(value, 'strides'), (stride) => integer(stride, 1, 4096), 16) }),
    };
  },
  decoder(head, input, outputs) {
    const { objectness, boxes } = head;
    const first = objectness ? 5 : 4;
    const rows = rowsOf(outputNamed(outputs, head.output), head.channelsFirst, first + 1);
    const levels = gridLevels(input, head.strides ?? []);
    if (boxes === 'grid' && cellCount(levels) !== rows.anchors) {
      throw invalid('metadata.vision.head.strides', `the cells of ${rows.anchors} anchors`, head.strides);
    }
    const scan = scoresAt(rows, first, rows.width - first, 'none', objectness ? 4 : undefined);
    // a score of 1, in what the scan sees
    const one = head.percent ? (objectness ? 100 * 100 : 100) : 1;
    const decode: Decoder['decode'] = (tensors, selection) => {
      const found = find(tensors, scan, { ...selection, scoreThreshold: selection.scoreThreshold * one });
      const values = tensors.values(head.output);
      const candidates = new CandidateList();
      for (let i = 0; i < found.length; i++) {
        const anchor = found.anchors[i];
        const at = rows.at + anchor * rows.anchorStep;
        let x = values[at];
        let y = values[at + rows.step];
        let width = values[at + 2 * rows.step];
        let height = values[at + 3 * rows.step];
        if (boxes === 'grid') {
          const cell = cellAt(levels, anchor);
          const { stride } = cell.level;
          x = (x + cell.x) * stride;
          y = (y + cell.y) * stride;
          width = Math.exp(width) * stride;
          height = Math.exp(height) * stride;
        } else if (boxes === 'fractions') {
          x *= input.width;
          y *= input.height;
          width *= input.width;
          height *= input.height;
        }
        candidates.addCentred(x, y, width, height, found.scores[i] / one, found.classes[i]);
      }
      return candidates.finish();
    };
    return { classes: rows.width - first, suppression: 'plain', decode };
  },
};
