// Masks: rows of a box, scores and coefficients, and an output of prototypes that these multiply. YOLOv8-seg, YOLO11-seg and,
// with an objectness, YOLOv5-seg.
import { CandidateList } from '../candidates.ts';
import { field, flag, invalid, oneOf, outputNamed, text } from '../fields.ts';
import { find } from '../outputs.ts';
import type { Decoder, HeadType } from './head-type.ts';
import { rowsOf, scoresAt } from './layout.ts';
import { maskFrom, prototypesIn } from './prototypes.ts';
import { boxUnits, pixelsOf, type BoxUnit } from './units.ts';

export interface YoloSegHead {
  readonly type: 'yolo-seg';
  /** Name of the output (1, anchors, width): x, y, w, h, perhaps an objectness, then classes and coefficients. */
  readonly output: string;
  /** The output is (1, width, anchors) instead. */
  readonly channelsFirst: boolean;
  /** Number 4 is an objectness, which multiplies the class scores. */
  readonly objectness: boolean;
  readonly boxes: BoxUnit;
  /** Name of the output (1, rows, columns, prototypes). */
  readonly prototypes: string;
  /** It is (1, prototypes, rows, columns) instead. */
  readonly prototypesFirst: boolean;
}

export const yoloSeg: HeadType<YoloSegHead> = {
  read: (value) => ({
    type: 'yolo-seg',
    output: text(field(value, 'output')),
    channelsFirst: flag(field(value, 'channelsFirst')),
    objectness: flag(field(value, 'objectness')),
    boxes: oneOf(field(value, 'boxes'), boxUnits),
    prototypes: text(field(value, 'prototypes')),
    prototypesFirst: flag(field(value, 'prototypesFirst')),
  }),
  decoder(head, input, outputs) {
    const first = head.objectness ? 5 : 4;
    const rows = rowsOf(outputNamed(outputs, head.output), head.channelsFirst, first + 1);
    const prototypes = prototypesIn(outputNamed(outputs, head.prototypes), head.prototypesFirst);
    const classes = rows.width - first - prototypes.pixels.width;
    if (classes < 1) {
      throw invalid('metadata.vision.head.prototypes', `less than ${rows.width - first}`, prototypes.pixels.width);
    }
    const scan = scoresAt(rows, first, classes, 'none', head.objectness ? 4 : undefined);
    const units = pixelsOf(head.boxes, input);
    const decode: Decoder['decode'] = (tensors, selection) => {
      const { length, anchors, scores, classes: best } = find(tensors, scan, selection);
      const candidates = new CandidateList();
      const number = (anchor: number, k: number) =>
        tensors.values(head.output)[rows.at + anchor * rows.anchorStep + k * rows.step];
      for (let i = 0; i < length; i++) {
        const [x, y, w, h] = [0, 1, 2, 3].map((k) => number(anchors[i], k) * units[k & 1]);
        candidates.addCentred(x, y, w, h, scores[i], best[i]);
      }
      return candidates.finish((i, within, geometry) => {
        const coefficients = Float32Array.from({ length: prototypes.pixels.width }, (_, k) =>
          number(anchors[i], first + classes + k),
        );
        return maskFrom(tensors.values(head.prototypes), prototypes, coefficients, within, geometry);
      });
    };
    return { classes, suppression: 'plain', decode };
  },
};
