// YuNet (faces with five keypoints), its generation of 2023: one anchor a cell, four outputs a level.
import { CandidateList } from '../candidates.ts';
import { field, integer, invalid, list, outputNamed, text, type Field } from '../fields.ts';
import { gridLevels } from '../grid.ts';
import type { Decoder, HeadType } from './head-type.ts';
import { keypointNames } from './keypoints.ts';
import { rowsOf } from './layout.ts';

/** Names of one level's outputs. */
export interface YunetLevel {
  /** (1, cells, 1): how sure it is a face. */
  readonly scores: string;
  /** (1, cells, 1): how sure it is an object. The score is the root of the product of both. */
  readonly objectness: string;
  /** (1, cells, 4): the centre is (x + column, y + row) · stride, the size (eʷ, eʰ) · stride. */
  readonly boxes: string;
  /** (1, cells, 10): (x + column, y + row) · stride of each. */
  readonly keypoints: string;
}

export interface YunetHead {
  readonly type: 'yunet';
  readonly levels: readonly YunetLevel[];
  /** Input pixels from one cell to the next, one entry a level. */
  readonly strides: readonly number[];
}

const names = keypointNames(5);

const readLevel = (level: Field): YunetLevel => ({
  scores: text(field(level, 'scores')),
  objectness: text(field(level, 'objectness')),
  boxes: text(field(level, 'boxes')),
  keypoints: text(field(level, 'keypoints')),
});

export const yunet: HeadType<YunetHead> = {
  read: (value) => ({
    type: 'yunet',
    levels: list(field(value, 'levels'), readLevel, 16),
    strides: list(field(value, 'strides'), (stride) => integer(stride, 1, 4096), 16),
  }),
  decoder({ levels, strides }, input, outputs) {
    if (levels.length !== strides.length) {
      throw invalid('metadata.vision.head.levels', `one for each of ${strides.length} strides`, levels);
    }
    const grid = gridLevels(input, strides);
    levels.forEach((level, i) => {
      for (const [name, width] of [
        [level.scores, 1],
        [level.objectness, 1],
        [level.boxes, 4],
        [level.keypoints, 10],
      ] as const) {
        const rows = rowsOf(outputNamed(outputs, name), false, width);
        const cells = grid[i].rows * grid[i].columns;
        if (rows.anchors !== cells || rows.width !== width) {
          throw invalid(`metadata.vision.head: output "${name}"`, `[1, ${cells}, ${width}]`, [
            rows.anchors,
            rows.width,
          ]);
        }
      }
    });
    const decode: Decoder['decode'] = (tensors, { scoreThreshold }) => {
      const candidates = new CandidateList(names.length);
      levels.forEach((level, i) => {
        const { stride, rows, columns } = grid[i];
        const [scores, objectness] = [tensors.values(level.scores), tensors.values(level.objectness)];
        const [boxes, points] = [tensors.values(level.boxes), tensors.values(level.keypoints)];
        for (let cell = 0; cell < rows * columns; cell++) {
          const score = Math.sqrt(share(scores[cell]) * share(objectness[cell]));
          if (!(score >= scoreThreshold)) continue;
          const [x, y] = [cell % columns, Math.floor(cell / columns)];
          const [dx, dy, w, h] = boxes.subarray(4 * cell, 4 * cell + 4);
          const keypoints = Array.from(
            points.subarray(10 * cell, 10 * cell + 10),
            (v, k) => (v + (k % 2 === 0 ? x : y)) * stride,
          );
          const [width, height] = [Math.exp(w) * stride, Math.exp(h) * stride];
          candidates.addCentred((x + dx) * stride, (y + dy) * stride, width, height, score, 0, { keypoints });
        }
      });
      return candidates.finish();
    };
    return { classes: 1, keypoints: names, suppression: 'plain', decode };
  },
};

const share = (value: number) => Math.min(Math.max(value, 0), 1);
