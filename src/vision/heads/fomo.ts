// FOMO (Edge Impulse): a class for each cell of a grid. Neighbouring cells of one class are one object.
import { CandidateList } from '../candidates.ts';
import { field, flag, invalid, outputNamed, text } from '../fields.ts';
import type { Decoder, HeadType } from './head-type.ts';
import { mapRows } from './layout.ts';

export interface FomoHead {
  readonly type: 'fomo';
  /** Name of the output (1, rows, columns, 1 + classes), probabilities; the background is first. */
  readonly output: string;
  /** It is (1, 1 + classes, rows, columns) instead. */
  readonly channelsFirst: boolean;
}

export const fomo: HeadType<FomoHead> = {
  read: (value) => ({
    type: 'fomo',
    output: text(field(value, 'output')),
    channelsFirst: flag(field(value, 'channelsFirst')),
  }),
  decoder(head, input, outputs) {
    const output = outputNamed(outputs, head.output);
    const [rows, columns] = head.channelsFirst ? output.shape.slice(2) : output.shape.slice(1);
    const layout = mapRows(output, head.channelsFirst, rows, columns);
    if (layout.width < 2)
      throw invalid(`metadata.vision.head: output "${head.output}"`, 'two classes or more', layout.width);
    const decode: Decoder['decode'] = (tensors, { scoreThreshold }) => {
      const values = tensors.values(head.output);
      const candidates = new CandidateList();
      const [width, height] = [input.width / columns, input.height / rows];
      for (let c = 1; c < layout.width; c++) {
        const scoreOf = (cell: number) => values[cell * layout.anchorStep + c * layout.step];
        const seen = new Uint8Array(layout.anchors);
        for (let start = 0; start < layout.anchors; start++) {
          if (seen[start] || !(scoreOf(start) >= scoreThreshold)) continue;
          seen[start] = 1;
          const cells = [start];
          let score = 0;
          let [left, top, right, bottom] = [columns, rows, 0, 0];
          for (const cell of cells) {
            const [x, y] = [cell % columns, Math.floor(cell / columns)];
            score = Math.max(score, scoreOf(cell));
            [left, top] = [Math.min(left, x), Math.min(top, y)];
            [right, bottom] = [Math.max(right, x + 1), Math.max(bottom, y + 1)];
            for (let v = Math.max(0, y - 1); v <= Math.min(rows - 1, y + 1); v++) {
              for (let u = Math.max(0, x - 1); u <= Math.min(columns - 1, x + 1); u++) {
                const next = v * columns + u;
                if (seen[next] || !(scoreOf(next) >= scoreThreshold)) continue;
                seen[next] = 1;
                cells.push(next);
              }
            }
          }
          candidates.add([left * width, top * height, right * width, bottom * height], score, c - 1);
        }
      }
      return candidates.finish();
    };
    return { classes: layout.width - 1, suppression: 'none', decode };
  },
};
