// Keypoints that stand as numbers in an anchor's row: x, y and perhaps a score, one keypoint after the other.
import type { More } from '../candidates.ts';
import { field, integer, list, text, type Field } from '../fields.ts';
import type { Rows } from './layout.ts';

export interface KeypointLayout {
  readonly count: number;
  /** Numbers of a keypoint: x and y, or x, y and a score. */
  readonly values: 2 | 3;
  /** Their names, where the file says them. */
  readonly names?: readonly string[];
}

export function readKeypoints(value: Field): KeypointLayout {
  const names = field(value, 'names');
  return {
    count: integer(field(value, 'count'), 1, 1024),
    values: integer(field(value, 'values'), 2, 3) as 2 | 3,
    ...(names.value !== undefined && { names: list(names, text, 1024) }),
  };
}

/** COCO's, of a person: their own left and right. */
const body =
  'nose|left eye|right eye|left ear|right ear|left shoulder|right shoulder|left elbow|right elbow|left wrist|right wrist|' +
  'left hip|right hip|left knee|right knee|left ankle|right ankle';

/** As a viewer sees them, in the order of RetinaFace, WIDER FACE and all that learned from them. */
const face = 'left eye|right eye|nose tip|left mouth corner|right mouth corner';

/** The names that so many keypoints usually have; numbers for others. */
export function keypointNames(count: number, names?: readonly string[]): readonly string[] {
  if (names?.length === count) return names;
  const usual = [body, face].map((list) => list.split('|')).find((list) => list.length === count);
  return usual ?? Array.from({ length: count }, (_, i) => `keypoint ${i}`);
}

/** The keypoints of an anchor, from number `first` of its row on. */
export function keypointsAt(
  values: ArrayLike<number>,
  rows: Rows,
  anchor: number,
  first: number,
  { count, values: width }: KeypointLayout,
  [unitX, unitY]: readonly [number, number],
): More {
  const keypoints: number[] = [];
  const keypointScores: number[] = [];
  for (let k = 0; k < count; k++) {
    const at = rows.at + anchor * rows.anchorStep + (first + k * width) * rows.step;
    keypoints.push(values[at] * unitX, values[at + rows.step] * unitY);
    if (width === 3) keypointScores.push(values[at + 2 * rows.step]);
  }
  return { keypoints, keypointScores };
}
