// Rows of objects that the network has chosen itself: YOLO26 and YOLOv10 without suppression, and Ultralytics' exports with it.
import { CandidateList, type More } from '../candidates.ts';
import { field, flag, integer, invalid, oneOf, outputNamed, text } from '../fields.ts';
import type { Decoder, HeadType } from './head-type.ts';
import { keypointNames, keypointsAt, readKeypoints, type KeypointLayout } from './keypoints.ts';
import { rowsOf } from './layout.ts';
import { maskFrom, prototypesIn } from './prototypes.ts';
import { boxUnits, pixelsOf, type BoxUnit } from './units.ts';

export interface EndToEndHead {
  readonly type: 'end-to-end';
  /**
   * Name of the output (1, objects, 6 or more): xmin, ymin, xmax, ymax, score and class, then keypoints, coefficients of
   * masks or an angle; with an angle the box is x, y, w, h.
   */
  readonly output: string;
  readonly boxes: BoxUnit;
  /** Number of classes, where the file says it: the rows do not. */
  readonly classes?: number;
  readonly keypoints?: KeypointLayout;
  /** Name of the output of prototypes, (1, rows, columns, prototypes). */
  readonly prototypes?: string;
  /** It is (1, prototypes, rows, columns) instead. */
  readonly prototypesFirst?: boolean;
  readonly angle?: boolean;
}

export const endToEnd: HeadType<EndToEndHead> = {
  read(value) {
    const [classes, keypoints, prototypes, angle] = ['classes', 'keypoints', 'prototypes', 'angle'].map((name) =>
      field(value, name),
    );
    return {
      type: 'end-to-end',
      output: text(field(value, 'output')),
      boxes: oneOf(field(value, 'boxes'), boxUnits),
      ...(classes.value !== undefined && { classes: integer(classes, 1, 65536) }),
      ...(keypoints.value !== undefined && { keypoints: readKeypoints(keypoints) }),
      ...(prototypes.value !== undefined && {
        prototypes: text(prototypes),
        prototypesFirst: flag(field(value, 'prototypesFirst')),
      }),
      ...(angle.value !== undefined && { angle: flag(angle) }),
    };
  },
  decoder(head, input, outputs) {
    const { keypoints, angle } = head;
    const rows = rowsOf(outputNamed(outputs, head.output), false, 6);
    const prototypes =
      head.prototypes === undefined
        ? undefined
        : prototypesIn(outputNamed(outputs, head.prototypes), head.prototypesFirst ?? false);
    const more =
      (keypoints ? keypoints.count * keypoints.values : 0) + (prototypes?.pixels.width ?? 0) + (angle ? 1 : 0);
    if (rows.width !== 6 + more)
      throw invalid(`metadata.vision.head: output "${head.output}"`, `${6 + more} numbers an object`, rows.width);
    const units = pixelsOf(head.boxes, input);
    const decode: Decoder['decode'] = (tensors, { scoreThreshold }) => {
      const values = tensors.values(head.output);
      const candidates = new CandidateList(keypoints?.count);
      const kept: number[] = [];
      for (let i = 0; i < rows.anchors; i++) {
        const at = i * rows.width;
        const [score, classIndex] = [values[at + 4], values[at + 5]];
        if (!(score >= Math.fround(scoreThreshold)) || !(classIndex >= 0)) continue;
        kept.push(i);
        const [a, b, c, d] = [0, 1, 2, 3].map((k) => values[at + k] * units[k & 1]);
        const extras: More = keypoints
          ? keypointsAt(values, rows, i, 6, keypoints, units)
          : angle
            ? { angle: values[at + 6] }
            : {};
        if (angle) candidates.addCentred(a, b, c, d, score, Math.round(classIndex), extras);
        else candidates.add([a, b, c, d], score, Math.round(classIndex), extras);
      }
      return candidates.finish(
        prototypes &&
          ((i, within, geometry) => {
            const coefficients = tensors
              .values(head.output)
              .subarray(kept[i] * rows.width + 6, (kept[i] + 1) * rows.width);
            return maskFrom(tensors.values(head.prototypes!), prototypes, coefficients, within, geometry);
          }),
      );
    };
    return {
      classes: head.classes,
      ...(keypoints && { keypoints: keypointNames(keypoints.count, keypoints.names) }),
      suppression: 'none',
      decode,
    };
  },
};
