// Poses, masks and oriented boxes of Ultralytics' models, and objects that a network has chosen itself.
import { isReal } from '../fields.ts';
import type { KeypointLayout } from '../heads/keypoints.ts';
import { prototypesOf, seamsOf } from './parts.ts';
import type { Clues, Preset } from './preset.ts';
import { maps, stridesOf, table, tableEitherWay } from './preset.ts';
import { exportedBoxes, yoloMaps } from './ultralytics.ts';

/** Numbers that the keypoints of one object most often take: bodies, faces, hands, of x, y and a score. */
const usualWidths = [17, 5, 21].map((count) => 3 * count);

/** Keypoints that take `width` numbers. */
function keypointsOf(width: number, { facts, named }: Clues, structured: boolean): KeypointLayout | undefined {
  if (facts.keypointShape) {
    const [count, values] = facts.keypointShape;
    return count * values === width ? { count, values: values as 2 | 3 } : undefined;
  }
  if (!structured && !named && !usualWidths.includes(width)) return undefined;
  if (width > 0 && width % 3 === 0) return { count: width / 3, values: 3 };
  return named && width > 0 && width % 2 === 0 ? { count: width / 2, values: 2 } : undefined;
}

const labelsOf = (classes: number, { count }: KeypointLayout) =>
  classes !== 1 ? undefined : count === 17 ? ['person'] : count === 5 ? ['face'] : undefined;

/** How many classes the file says there are; one, for people who say nothing. */
const statedClasses = ({ facts }: Clues) => facts.labels?.length ?? 1;

export const yolov8Pose: Preset['fit'] = (outputs, input, clues) => {
  const found = tableEitherWay(outputs, input, 6);
  if (!found || prototypesOf(outputs, input)) return undefined;
  const { name, width, channelsFirst } = found;
  const stated = clues.facts.keypointShape;
  const seams = seamsOf(found, clues);
  // Anchors that come first are YOLOX's as well, whose objectness and classes meet in the same places.
  const seam = channelsFirst ? seams.find((at) => at > 4) : undefined;
  if (seams.length > 0 && seam === undefined && !stated) return undefined; // boxes and scores only
  const classes = stated ? width - 4 - stated[0] * stated[1] : seam ? seam - 4 : statedClasses(clues);
  const keypoints = keypointsOf(width - 4 - classes, clues, seam !== undefined);
  if (!keypoints || classes < 1 || (seam !== undefined && seam !== 4 + classes)) return undefined;
  const boxes = exportedBoxes(input, clues);
  return {
    head: { type: 'yolo-pose', output: name, channelsFirst, objectness: false, boxes, keypoints, place: 'after' },
    classes,
    labels: labelsOf(classes, keypoints),
    sure: seam !== undefined || stated !== undefined,
  };
};

/** Maps of distances, classes and keypoints that nothing has decoded. */
export const yolov8PoseMaps: Preset['fit'] = (outputs, input, clues) => {
  const channelsFirst = !input.channelsLast;
  const found = maps(outputs, input, channelsFirst, 4);
  if (!found) return undefined;
  const axis = channelsFirst ? 1 : 3;
  const [width] = found.levels.map(({ shape }) => shape[axis]);
  if (found.levels.some(({ shape }) => shape[axis] !== width)) return undefined;
  const bins = 16;
  const seams = clues.tails?.get(found.levels[0].name)?.seams[axis] ?? [];
  const seam = seams.find((at) => at > 4 * bins);
  const stated = clues.facts.keypointShape;
  if (seams.length > 0 && seam === undefined && !stated) return undefined;
  const classes = stated
    ? width - 4 * bins - stated[0] * stated[1]
    : seam === undefined
      ? statedClasses(clues)
      : seam - 4 * bins;
  const keypoints = keypointsOf(width - 4 * bins - classes, clues, seam !== undefined);
  if (!keypoints || classes < 1) return undefined;
  const names = found.levels.map(({ name }) => name);
  const { strides } = found;
  return {
    head: { type: 'yolo-pose-maps', outputs: names, channelsFirst, bins, strides, keypoints },
    classes,
    labels: labelsOf(classes, keypoints),
    sure: seam !== undefined || stated !== undefined,
  };
};

/** x, y of five keypoints between objectness and classes. */
export const yolov5Face: Preset['fit'] = (outputs, input, clues) => {
  const found = table(outputs, input, 15, false, 3);
  if (!found) return undefined;
  const seams = seamsOf(found, clues);
  if (seams.length > 0 && !seams.includes(15)) return undefined;
  if (seams.length === 0 && found.width !== 16 && !clues.named) return undefined;
  const { name, width } = found;
  const boxes = exportedBoxes(input, clues);
  const keypoints = { count: 5, values: 2 } as const;
  return {
    head: {
      type: 'yolo-pose',
      output: name,
      channelsFirst: false,
      objectness: true,
      boxes,
      keypoints,
      place: 'before',
    },
    classes: width - 15,
    labels: width === 16 ? ['face'] : undefined,
    sure: seams.length > 0,
  };
};

/** Anchors of deepcam's yolov5n-0.5, yolov5n, yolov5s, yolov5m and yolov5l for faces. */
const faceAnchors = [
  [4, 5, 8, 10, 13, 16],
  [23, 29, 43, 55, 73, 105],
  [146, 217, 231, 300, 335, 433],
];

/** x, y of five keypoints between objectness and classes, undecoded. */
export const yolov5FaceMaps: Preset['fit'] = (outputs, input, clues) => {
  const fit = yoloMaps(faceAnchors)(outputs, input, clues);
  if (!fit || fit.head.type !== 'yolo-anchors' || fit.classes === undefined) return undefined;
  const classes = fit.classes - 10;
  if (classes !== 1 && !(classes > 1 && clues.named)) return undefined;
  const head = { ...fit.head, keypoints: { count: 5, values: 2 } as const };
  return { head, classes, labels: classes === 1 ? ['face'] : undefined };
};

/** x, y and a score of each keypoint behind objectness and classes. */
export const yolov7Pose: Preset['fit'] = (outputs, input, clues) => {
  const found = table(outputs, input, 7, false, 3);
  if (!found) return undefined;
  const seams = seamsOf(found, clues);
  const seam = seams.find((at) => at > 5);
  if (seams.length > 0 && seam === undefined) return undefined;
  const classes = seam ? seam - 5 : statedClasses(clues);
  const { name, width } = found;
  const keypoints = keypointsOf(width - 5 - classes, clues, false);
  if (!keypoints || keypoints.values !== 3) return undefined;
  const boxes = exportedBoxes(input, clues);
  return {
    head: { type: 'yolo-pose', output: name, channelsFirst: false, objectness: true, boxes, keypoints, place: 'after' },
    classes,
    labels: labelsOf(classes, keypoints),
    sure: seam !== undefined,
  };
};

/** YOLOv8 and later, or with an objectness and three anchors a cell YOLOv5. */
export const yoloSeg: Preset['fit'] = (outputs, input, clues) => {
  const prototypes = prototypesOf(outputs, input);
  if (!prototypes) return undefined;
  const objectness = !tableEitherWay(outputs, input, 4);
  const found = tableEitherWay(outputs, input, 4) ?? table(outputs, input, 5, false, 3);
  if (!found) return undefined;
  const { name, width, channelsFirst } = found;
  const classes = width - (objectness ? 5 : 4) - prototypes.count;
  if (classes < 1) return undefined;
  return {
    head: {
      type: 'yolo-seg',
      output: name,
      channelsFirst,
      objectness,
      boxes: exportedBoxes(input, clues),
      prototypes: prototypes.name,
      prototypesFirst: prototypes.channelsFirst,
    },
    classes,
    sure: true,
  };
};

export const yoloObb: Preset['fit'] = (outputs, input, clues) => {
  const found = tableEitherWay(outputs, input, 5);
  if (!found || prototypesOf(outputs, input)) return undefined;
  const { name, width, channelsFirst } = found;
  const seams = seamsOf(found, clues).filter((at) => at > 4);
  const structured = channelsFirst && seams.length === 1 && seams[0] === width - 1;
  if (!structured && (seams.length > 0 || (clues.facts.task !== 'obb' && !clues.named))) return undefined;
  return {
    head: { type: 'yolo-obb', output: name, channelsFirst, boxes: exportedBoxes(input, clues) },
    classes: width - 5,
    sure: structured || clues.facts.task === 'obb',
  };
};

/** Nobody asks a detector for more objects. */
const maxObjects = 3000;

export const endToEnd: Preset['fit'] = (outputs, input, clues) => {
  const prototypes = prototypesOf(outputs, input);
  const rows = outputs.filter(({ name }) => name !== prototypes?.name);
  if (rows.length !== 1) return undefined;
  const [{ name, shape, dtype }] = rows;
  const [batch, objects, width] = shape;
  if (shape.length !== 3 || batch !== 1 || objects > maxObjects || width < 6 || !isReal(dtype)) return undefined;
  const { facts, named } = clues;
  if (!named && [1, 3].some((perCell) => stridesOf(input, objects, perCell))) return undefined;
  const head = {
    type: 'end-to-end',
    output: name,
    boxes: exportedBoxes(input, clues),
    classes: facts.labels?.length,
  } as const;
  const fit = (more: object, sure: boolean, labels?: readonly string[]) => ({
    head: JSON.parse(JSON.stringify({ ...head, ...more })) as typeof head, // without fields that nobody knows
    classes: head.classes,
    labels,
    sure,
  });
  const extra = width - 6;
  if (prototypes) {
    const masks = { prototypes: prototypes.name, prototypesFirst: prototypes.channelsFirst };
    return extra === prototypes.count ? fit(masks, true) : undefined;
  }
  if (extra === 0) return fit({}, false);
  if (extra === 1) return facts.task === 'obb' || named ? fit({ angle: true }, facts.task === 'obb') : undefined;
  const keypoints = keypointsOf(extra, clues, false);
  return keypoints && fit({ keypoints }, facts.task === 'pose', labelsOf(statedClasses(clues), keypoints));
};
