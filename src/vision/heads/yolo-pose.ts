// Poses: rows of a box, scores and keypoints, decoded by the network itself. YOLOv8-pose and YOLO11-pose, yolov8-face,
// yolov5-face and the poses of YOLOv7.
import { CandidateList } from '../candidates.ts';
import { field, flag, invalid, oneOf, outputNamed, text } from '../fields.ts';
import { find } from '../outputs.ts';
import type { Decoder, HeadType } from './head-type.ts';
import { keypointNames, keypointsAt, readKeypoints, type KeypointLayout } from './keypoints.ts';
import { rowsOf, scoresAt, type Rows } from './layout.ts';
import { boxUnits, pixelsOf, type BoxUnit } from './units.ts';

const places = ['before', 'after'] as const;

export interface YoloPoseHead {
  readonly type: 'yolo-pose';
  /** Name of the output (1, anchors, width): x, y, w, h, perhaps an objectness, then classes and keypoints. */
  readonly output: string;
  /** The output is (1, width, anchors) instead. */
  readonly channelsFirst: boolean;
  /** Number 4 is an objectness, which multiplies the class scores. */
  readonly objectness: boolean;
  /**
   * What boxes and keypoints are counted in. Keypoints may be pixels beside boxes in fractions: Ultralytics' TFLite exports of
   * 2023 and 2024 have them so, and nothing in these files says it.
   */
  readonly boxes: BoxUnit;
  readonly keypoints: KeypointLayout;
  /** Whether keypoints stand before the classes (yolov5-face) or after them. */
  readonly place: (typeof places)[number];
}

export const yoloPose: HeadType<YoloPoseHead> = {
  read: (value) => ({
    type: 'yolo-pose',
    output: text(field(value, 'output')),
    channelsFirst: flag(field(value, 'channelsFirst')),
    objectness: flag(field(value, 'objectness')),
    boxes: oneOf(field(value, 'boxes'), boxUnits),
    keypoints: readKeypoints(field(value, 'keypoints')),
    place: oneOf(field(value, 'place'), places),
  }),
  decoder(head, input, outputs) {
    const { objectness, keypoints, place } = head;
    const first = objectness ? 5 : 4;
    const width = keypoints.count * keypoints.values;
    const rows = rowsOf(outputNamed(outputs, head.output), head.channelsFirst, first + 1);
    const classes = rows.width - first - width;
    if (classes < 1)
      throw invalid('metadata.vision.head.keypoints', `less than ${rows.width - first} numbers`, keypoints);
    const [classesAt, firstKeypoint] = place === 'before' ? [first + width, first] : [first, first + classes];
    const scan = scoresAt(rows, classesAt, classes, 'none', objectness ? 4 : undefined);
    const units = pixelsOf(head.boxes, input);
    const decode: Decoder['decode'] = (tensors, selection) => {
      const found = find(tensors, scan, selection);
      const values = tensors.values(head.output);
      const candidates = new CandidateList(keypoints.count);
      for (let i = 0; i < found.length; i++) {
        const anchor = found.anchors[i];
        const number = (k: number) => values[rows.at + anchor * rows.anchorStep + k * rows.step] * units[k & 1];
        const inPixels = head.boxes === 'fractions' && exceeds(values, rows, anchor, firstKeypoint, keypoints);
        const more = keypointsAt(values, rows, anchor, firstKeypoint, keypoints, inPixels ? [1, 1] : units);
        candidates.addCentred(number(0), number(1), number(2), number(3), found.scores[i], found.classes[i], more);
      }
      return candidates.finish();
    };
    return { classes, keypoints: keypointNames(keypoints.count, keypoints.names), suppression: 'plain', decode };
  },
};

/** More than any fraction: no pose lies so far outside of the input. */
const farthest = 4;

/** Whether keypoints of an anchor cannot be fractions. */
function exceeds(
  values: ArrayLike<number>,
  { at, anchorStep, step }: Rows,
  anchor: number,
  first: number,
  { count, values: width }: KeypointLayout,
): boolean {
  for (let k = 0; k < count; k++) {
    const x = at + anchor * anchorStep + (first + k * width) * step;
    if (Math.abs(values[x]) > farthest || Math.abs(values[x + step]) > farthest) return true;
  }
  return false;
}
