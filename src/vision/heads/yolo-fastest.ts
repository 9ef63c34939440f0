// FastestDet and Yolo-FastestV2 (dog-qiuqiu): light heads whose outputs are put together from objectness, box and classes of a
// cell, activated already.
import { CandidateList } from '../candidates.ts';
import { field, integer, invalid, list, number, outputNamed, text, type Field } from '../fields.ts';
import { gridLevels } from '../grid.ts';
import type { Decoder, HeadType } from './head-type.ts';
import { mapRows, rowsOf, type Rows } from './layout.ts';
import { sigmoid } from '../scan.ts';

export interface FastestDetHead {
  readonly type: 'fastestdet';
  /** Name of the output (1, 5 + classes, rows, columns): objectness, four numbers of the box, classes. */
  readonly output: string;
  readonly stride: number;
}

/** Best of `classes` numbers of an anchor's row from number `first` on. */
function bestClass(values: ArrayLike<number>, { at, step }: Rows, start: number, first: number, classes: number) {
  let [score, classIndex] = [-Infinity, 0];
  for (let c = 0; c < classes; c++) {
    const value = values[at + start + (first + c) * step];
    if (value > score) [score, classIndex] = [value, c];
  }
  return { score, classIndex };
}

export const fastestDet: HeadType<FastestDetHead> = {
  read: (value) => ({
    type: 'fastestdet',
    output: text(field(value, 'output')),
    stride: integer(field(value, 'stride'), 1, 4096),
  }),
  decoder(head, input, outputs) {
    const [{ rows, columns }] = gridLevels(input, [head.stride]);
    const layout = mapRows(outputNamed(outputs, head.output), true, rows, columns);
    const classes = layout.width - 5;
    if (classes < 1)
      throw invalid(`metadata.vision.head: output "${head.output}"`, 'six channels or more', layout.width);
    const decode: Decoder['decode'] = (tensors, { scoreThreshold }) => {
      const values = tensors.values(head.output);
      const candidates = new CandidateList();
      for (let cell = 0; cell < layout.anchors; cell++) {
        const start = cell * layout.anchorStep;
        const at = (k: number) => values[layout.at + start + k * layout.step];
        const best = bestClass(values, layout, start, 5, classes);
        const score = at(0) ** 0.6 * best.score ** 0.4;
        if (!(score >= scoreThreshold)) continue;
        candidates.addCentred(
          ((Math.tanh(at(1)) + (cell % columns)) * input.width) / columns,
          ((Math.tanh(at(2)) + Math.floor(cell / columns)) * input.height) / rows,
          sigmoid(at(3)) * input.width,
          sigmoid(at(4)) * input.height,
          score,
          best.classIndex,
        );
      }
      return candidates.finish();
    };
    return { classes, suppression: 'plain', decode };
  },
};

export interface YoloFastestHead {
  readonly type: 'yolo-fastest';
  /**
   * Names of outputs (1, rows, columns, width), one a level, or of one (cells, width) with all: four numbers for each anchor's
   * box, an objectness for each anchor, and classes that all anchors of a cell share.
   */
  readonly outputs: readonly string[];
  readonly strides: readonly number[];
  /** Width and height of a cell's anchors in input pixels, one list a level: w, h, w, h, … */
  readonly anchors: readonly (readonly number[])[];
}

export const yoloFastest: HeadType<YoloFastestHead> = {
  read: (value) => ({
    type: 'yolo-fastest',
    outputs: list(field(value, 'outputs'), text, 16),
    strides: list(field(value, 'strides'), (stride) => integer(stride, 1, 4096), 16),
    anchors: list(field(value, 'anchors'), (level) => list(level, (size: Field) => number(size, 0, 65536), 64), 16),
  }),
  decoder(head, input, outputs) {
    const { strides, anchors } = head;
    if (anchors.length !== strides.length) {
      throw invalid('metadata.vision.head.anchors', `one for each of ${strides.length} strides`, anchors);
    }
    const grid = gridLevels(input, strides);
    const levels = grid.map(({ rows, columns, first }, i) => {
      const inOne = head.outputs.length === 1;
      const output = outputNamed(outputs, head.outputs[inOne ? 0 : i] ?? '');
      const layout = inOne ? rowsOf(output, false, 6) : mapRows(output, false, rows, columns);
      const count = anchors[i].length / 2;
      const classes = layout.width - 5 * count;
      if (
        classes < 1 ||
        !Number.isInteger(count) ||
        (inOne && layout.anchors !== grid.reduce((n, l) => n + l.rows * l.columns, 0))
      ) {
        throw invalid(
          `metadata.vision.head: output "${output.name}"`,
          `${count} anchors in each cell of ${strides.join(', ')} pixels`,
          output.shape,
        );
      }
      return {
        layout: { ...layout, anchors: rows * columns, at: inOne ? first * layout.anchorStep : 0 },
        count,
        classes,
      };
    });
    const decode: Decoder['decode'] = (tensors, { scoreThreshold }) => {
      const candidates = new CandidateList();
      levels.forEach(({ layout, count, classes }, level) => {
        const { stride, columns } = grid[level];
        const values = tensors.values(layout.output);
        for (let cell = 0; cell < layout.anchors; cell++) {
          const start = cell * layout.anchorStep;
          const best = bestClass(values, layout, start, 5 * count, classes);
          for (let a = 0; a < count; a++) {
            const at = (k: number) => values[layout.at + start + k * layout.step];
            const score = at(4 * count + a) * best.score;
            if (!(score >= scoreThreshold)) continue;
            candidates.addCentred(
              (2 * at(4 * a) - 0.5 + (cell % columns)) * stride,
              (2 * at(4 * a + 1) - 0.5 + Math.floor(cell / columns)) * stride,
              (2 * at(4 * a + 2)) ** 2 * anchors[level][2 * a],
              (2 * at(4 * a + 3)) ** 2 * anchors[level][2 * a + 1],
              score,
              best.classIndex,
            );
          }
        }
      });
      return candidates.finish();
    };
    return { classes: levels[0].classes, suppression: 'plain', decode };
  },
};
