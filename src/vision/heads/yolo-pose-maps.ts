// Poses of YOLOv8 before they are decoded, as yolov8-face is often exported: a map a level of distances, classes and keypoints.
import { CandidateList } from '../candidates.ts';
import { field, flag, integer, invalid, list, outputNamed, text } from '../fields.ts';
import { gridLevels } from '../grid.ts';
import { find } from '../outputs.ts';
import { sigmoid } from '../scan.ts';
import { expectedBin } from './gfl.ts';
import type { Decoder, HeadType } from './head-type.ts';
import { keypointNames, keypointsAt, readKeypoints, type KeypointLayout } from './keypoints.ts';
import { mapRows, scoresAt } from './layout.ts';

export interface YoloPoseMapsHead {
  readonly type: 'yolo-pose-maps';
  /** Names of maps (1, width, rows, columns), one a level: 4 · bins logits of distances, logits of classes, keypoints. */
  readonly outputs: readonly string[];
  /** Otherwise maps are (1, rows, columns, width). */
  readonly channelsFirst: boolean;
  readonly bins: number;
  readonly strides: readonly number[];
  /** A keypoint is at (2x + column, 2y + row) · stride; its score is a logit. */
  readonly keypoints: KeypointLayout;
}

export const yoloPoseMaps: HeadType<YoloPoseMapsHead> = {
  read: (value) => ({
    type: 'yolo-pose-maps',
    outputs: list(field(value, 'outputs'), text, 16),
    channelsFirst: flag(field(value, 'channelsFirst')),
    bins: integer(field(value, 'bins'), 1, 256),
    strides: list(field(value, 'strides'), (stride) => integer(stride, 1, 4096), 16),
    keypoints: readKeypoints(field(value, 'keypoints')),
  }),
  decoder(head, input, outputs) {
    const { bins, strides, keypoints } = head;
    if (head.outputs.length !== strides.length) {
      throw invalid('metadata.vision.head.outputs', `one for each of ${strides.length} strides`, head.outputs);
    }
    const levels = gridLevels(input, strides).map(({ stride, rows, columns }, i) => {
      const layout = mapRows(outputNamed(outputs, head.outputs[i]), head.channelsFirst, rows, columns);
      const classes = layout.width - 4 * bins - keypoints.count * keypoints.values;
      if (classes < 1)
        throw invalid('metadata.vision.head.keypoints', `less than ${layout.width - 4 * bins} numbers`, keypoints);
      return { stride, columns, layout, classes, scan: scoresAt(layout, 4 * bins, classes, 'sigmoid') };
    });
    const decode: Decoder['decode'] = (tensors, selection) => {
      const candidates = new CandidateList(keypoints.count);
      for (const { stride, columns, layout, classes, scan } of levels) {
        const found = find(tensors, scan, selection);
        const values = tensors.values(layout.output);
        for (let i = 0; i < found.length; i++) {
          const cell = found.anchors[i];
          const [x, y] = [cell % columns, Math.floor(cell / columns)];
          const at = layout.at + cell * layout.anchorStep;
          const side = (k: number) => expectedBin(values, at + k * bins * layout.step, layout.step, bins);
          const raw = keypointsAt(values, layout, cell, 4 * bins + classes, keypoints, [2, 2]);
          candidates.add(
            [
              (x + 0.5 - side(0)) * stride,
              (y + 0.5 - side(1)) * stride,
              (x + 0.5 + side(2)) * stride,
              (y + 0.5 + side(3)) * stride,
            ],
            found.scores[i],
            found.classes[i],
            {
              keypoints: raw.keypoints?.map((v, k) => (v + (k % 2 === 0 ? x : y)) * stride),
              keypointScores: raw.keypointScores?.map(sigmoid),
            },
          );
        }
      }
      return candidates.finish();
    };
    const names = keypointNames(keypoints.count, keypoints.names);
    return { classes: levels[0].classes, keypoints: names, suppression: 'plain', decode };
  },
};
