// Oriented boxes: rows of x, y, w, h, scores and an angle. YOLOv8-obb and YOLO11-obb.
import { CandidateList } from '../candidates.ts';
import { field, flag, oneOf, outputNamed, text } from '../fields.ts';
import { find } from '../outputs.ts';
import type { Decoder, HeadType } from './head-type.ts';
import { rowsOf, scoresAt } from './layout.ts';
import { probabilisticOverlap } from './turned.ts';
import { boxUnits, pixelsOf, type BoxUnit } from './units.ts';

export interface YoloObbHead {
  readonly type: 'yolo-obb';
  /** Name of the output (1, anchors, 4 + classes + 1); the angle is in radians, clockwise. */
  readonly output: string;
  /** The output is (1, 4 + classes + 1, anchors) instead. */
  readonly channelsFirst: boolean;
  readonly boxes: BoxUnit;
}

export const yoloObb: HeadType<YoloObbHead> = {
  read: (value) => ({
    type: 'yolo-obb',
    output: text(field(value, 'output')),
    channelsFirst: flag(field(value, 'channelsFirst')),
    boxes: oneOf(field(value, 'boxes'), boxUnits),
  }),
  decoder(head, input, outputs) {
    const rows = rowsOf(outputNamed(outputs, head.output), head.channelsFirst, 6);
    const classes = rows.width - 5;
    const scan = scoresAt(rows, 4, classes, 'none');
    const units = pixelsOf(head.boxes, input);
    const decode: Decoder['decode'] = (tensors, selection) => {
      const found = find(tensors, scan, selection);
      const values = tensors.values(head.output);
      const candidates = new CandidateList();
      for (let i = 0; i < found.length; i++) {
        const number = (k: number) => values[rows.at + found.anchors[i] * rows.anchorStep + k * rows.step];
        const [x, y, w, h] = [0, 1, 2, 3].map((k) => number(k) * units[k & 1]);
        candidates.addCentred(x, y, w, h, found.scores[i], found.classes[i], { angle: number(4 + classes) });
      }
      return candidates.finish();
    };
    return { classes, suppression: 'plain', overlap: probabilisticOverlap, decode };
  },
};
