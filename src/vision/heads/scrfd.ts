// SCRFD (https://arxiv.org/abs/2105.04714; faces): anchors measure the distances to the sides of their boxes in strides.
import { CandidateList } from '../candidates.ts';
import { field, integer, invalid, list, oneOf, outputNamed, text } from '../fields.ts';
import { gridLevels } from '../grid.ts';
import { find } from '../outputs.ts';
import type { Decoder, HeadType } from './head-type.ts';
import { keypointNames } from './keypoints.ts';
import { rowsOf, scoresAt } from './layout.ts';

const activations = ['none', 'sigmoid'] as const;

export interface ScrfdHead {
  readonly type: 'scrfd';
  /** Names of outputs (1, anchors, 1), one a level: anchors of a cell lie side by side. */
  readonly scores: readonly string[];
  readonly activation: (typeof activations)[number];
  /** (1, anchors, 4): left, top, right, bottom off the cell's corner, in strides. */
  readonly boxes: readonly string[];
  /** (1, anchors, 10): x and y of five keypoints off the cell's corner, in strides. */
  readonly keypoints?: readonly string[];
  /** Input pixels from one cell to the next, one entry a level. */
  readonly strides: readonly number[];
  readonly anchorsPerCell: number;
}

const names = keypointNames(5);

export const scrfd: HeadType<ScrfdHead> = {
  read(value) {
    const keypoints = field(value, 'keypoints');
    return {
      type: 'scrfd',
      scores: list(field(value, 'scores'), text, 16),
      activation: oneOf(field(value, 'activation'), activations),
      boxes: list(field(value, 'boxes'), text, 16),
      ...(keypoints.value !== undefined && { keypoints: list(keypoints, text, 16) }),
      strides: list(field(value, 'strides'), (stride) => integer(stride, 1, 4096), 16),
      anchorsPerCell: integer(field(value, 'anchorsPerCell'), 1, 16),
    };
  },
  decoder(head, input, outputs) {
    const { scores, boxes, keypoints, strides, anchorsPerCell, activation } = head;
    const levels = gridLevels(input, strides).map(({ stride, columns, rows }, i) => {
      const anchors = rows * columns * anchorsPerCell;
      const checked = (kind: string, list: readonly string[], width: number) => {
        if (list.length !== strides.length) {
          throw invalid(`metadata.vision.head.${kind}`, `one for each of ${strides.length} strides`, list);
        }
        const found = rowsOf(outputNamed(outputs, list[i]), false, width);
        if (found.anchors !== anchors || found.width !== width) {
          throw invalid(`metadata.vision.head: output "${list[i]}"`, `[1, ${anchors}, ${width}]`, [
            found.anchors,
            found.width,
          ]);
        }
        return found;
      };
      return {
        stride,
        columns,
        scan: scoresAt(checked('scores', scores, 1), 0, 1, activation),
        boxes: checked('boxes', boxes, 4).output,
        keypoints: keypoints && checked('keypoints', keypoints, 2 * names.length).output,
      };
    });
    const decode: Decoder['decode'] = (tensors, selection) => {
      const candidates = new CandidateList(keypoints ? names.length : 0);
      for (const level of levels) {
        const { stride, columns } = level;
        const found = find(tensors, level.scan, selection);
        const sides = tensors.values(level.boxes);
        const points = level.keypoints === undefined ? undefined : tensors.values(level.keypoints);
        for (let i = 0; i < found.length; i++) {
          const anchor = found.anchors[i];
          const cell = Math.floor(anchor / anchorsPerCell);
          const [x, y] = [cell % columns, Math.floor(cell / columns)];
          const [left, top, right, bottom] = sides.subarray(4 * anchor, 4 * anchor + 4);
          const more = points && {
            keypoints: Array.from(
              points.subarray(10 * anchor, 10 * anchor + 10),
              (v, k) => ((k % 2 === 0 ? x : y) + v) * stride,
            ),
          };
          const box = [(x - left) * stride, (y - top) * stride, (x + right) * stride, (y + bottom) * stride] as const;
          candidates.add(box, found.scores[i], 0, more);
        }
      }
      return candidates.finish();
    };
    return { classes: 1, ...(keypoints && { keypoints: names }), suppression: 'plain', decode };
  },
};
