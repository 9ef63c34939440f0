// The maps of YOLOv5, YOLOv7 and yolov5-face before decoding: logits, several anchors per cell.
import { CandidateList, type More } from '../candidates.ts';
import { field, flag, integer, invalid, isReal, list, number, outputNamed, text } from '../fields.ts';
import type { TensorDescription } from '../fields.ts';
import { gridLevels } from '../grid.ts';
import type { Decoder, HeadType } from './head-type.ts';
import { find } from '../outputs.ts';
import { sigmoid } from '../scan.ts';
import { keypointNames, keypointsAt, readKeypoints, type KeypointLayout } from './keypoints.ts';
import { scoresAt, type Rows } from './layout.ts';

export interface YoloAnchorsHead {
  readonly type: 'yolo-anchors';
  /**
   * Names of the outputs, one per level: (1, anchors, rows, columns, 5 + classes), (1, anchors · (5 + classes), rows,
   * columns), or without `channelsFirst` (1, rows, columns, anchors · (5 + classes)). Logits of x, y, w, h, objectness,
   * perhaps x and y of keypoints, and classes.
   */
  readonly outputs: readonly string[];
  /** Layout of outputs of rank 4. */
  readonly channelsFirst: boolean;
  /** Input pixels from one cell to the next, one entry per level. */
  readonly strides: readonly number[];
  /** Width and height of a cell's anchors in input pixels, one list per level: w, h, w, h, … */
  readonly anchors: readonly (readonly number[])[];
  /**
   * Keypoints between objectness and classes, from the cell's corner on in widths and heights of the anchor. Source:
   * `Detect` of deepcam's yolov5-face.
   */
  readonly keypoints?: KeypointLayout;
}

/** The rows of each anchor of a level. */
function anchorRows(
  output: TensorDescription,
  head: YoloAnchorsHead,
  { rows, columns, count, first }: { rows: number; columns: number; count: number; first: number },
) {
  const { name, shape, dtype } = output;
  const { channelsFirst } = head;
  const cells = rows * columns;
  const apart = shape.length === 5; // anchors have their own axis
  const channels = apart ? count * shape[4] : shape[channelsFirst ? 1 : 3];
  const width = channels / count;
  const wanted = apart
    ? [1, count, rows, columns, width]
    : channelsFirst
      ? [1, channels, rows, columns]
      : [1, rows, columns, channels];
  if (shape.join() !== wanted.join() || !Number.isInteger(width) || width <= first || !isReal(dtype)) {
    throw invalid(
      `metadata.vision.head: output "${name}"`,
      `${count} anchors in ${rows} rows and ${columns} columns of ${first} + classes numbers, float32`,
      shape,
    );
  }
  return Array.from({ length: count }, (_, a): Rows => {
    const common = { output: name, anchors: cells, width };
    if (apart) return { ...common, at: a * cells * width, anchorStep: width, step: 1 };
    if (channelsFirst) return { ...common, at: a * width * cells, anchorStep: 1, step: cells };
    return { ...common, at: a * width, anchorStep: channels, step: 1 };
  });
}

export const yoloAnchors: HeadType<YoloAnchorsHead> = {
  read(value) {
    const keypoints = field(value, 'keypoints');
    const size = (item: Parameters<typeof number>[0]) => number(item, 0, 65536);
    return {
      type: 'yolo-anchors',
      outputs: list(field(value, 'outputs'), text, 16),
      channelsFirst: flag(field(value, 'channelsFirst')),
      strides: list(field(value, 'strides'), (stride) => integer(stride, 1, 4096), 16),
      anchors: list(field(value, 'anchors'), (level) => list(level, size, 64), 16),
      ...(keypoints.value !== undefined && { keypoints: readKeypoints(keypoints) }),
    };
  },
  decoder(head, input, outputs) {
    const { strides, keypoints } = head;
    const count = keypoints?.count ?? 0;
    const first = 5 + count * (keypoints?.values ?? 0);
    for (const name of ['outputs', 'anchors'] as const) {
      if (head[name].length !== strides.length) {
        throw invalid(`metadata.vision.head.${name}`, `one for each of ${strides.length} strides`, head[name]);
      }
    }
    const levels = gridLevels(input, strides).flatMap(({ stride, columns, rows }, i) => {
      const sizes = head.anchors[i];
      if (sizes.length % 2) throw invalid(`metadata.vision.head.anchors[${i}]`, 'pairs of width and height', sizes);
      const output = outputNamed(outputs, head.outputs[i]);
      return anchorRows(output, head, { rows, columns, count: sizes.length / 2, first }).map((anchor, a) => ({
        rows: anchor,
        scan: scoresAt(anchor, first, anchor.width - first, 'sigmoid', 4),
        stride,
        columns,
        width: sizes[2 * a],
        height: sizes[2 * a + 1],
      }));
    });
    const decode: Decoder['decode'] = (tensors, selection) => {
      const candidates = new CandidateList(count);
      for (const { rows, scan, stride, columns, width, height } of levels) {
        const found = find(tensors, scan, selection);
        const values = tensors.values(rows.output);
        for (let i = 0; i < found.length; i++) {
          const cell = found.anchors[i];
          const value = (k: number) => 2 * sigmoid(values[rows.at + cell * rows.anchorStep + k * rows.step]);
          candidates.addCentred(
            (value(0) - 0.5 + (cell % columns)) * stride,
            (value(1) - 0.5 + Math.floor(cell / columns)) * stride,
            value(2) ** 2 * width,
            value(3) ** 2 * height,
            found.scores[i],
            found.classes[i],
            keypoints && around(keypointsAt(values, rows, cell, 5, keypoints, [width, height]), cell, columns, stride),
          );
        }
      }
      return candidates.finish();
    };
    const names = keypoints && keypointNames(count, keypoints.names);
    return { classes: levels[0].rows.width - first, keypoints: names, suppression: 'plain', decode };
  },
};

/** Keypoints from the corner of their cell on. */
function around({ keypoints }: More, cell: number, columns: number, stride: number): More {
  const corner = [(cell % columns) * stride, Math.floor(cell / columns) * stride];
  return { keypoints: keypoints?.map((v, k) => v + corner[k % 2]) };
}
