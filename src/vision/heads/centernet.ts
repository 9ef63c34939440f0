// Objects as points (CenterNet, https://arxiv.org/abs/1904.07850): peaks of a heatmap, each with a size and an offset.
import { CandidateList } from '../candidates.ts';
import { field, flag, oneOf, outputNamed, text, invalid, type TensorDescription } from '../fields.ts';
import type { Decoder, HeadType } from './head-type.ts';
import { sigmoid } from '../scan.ts';
import { mapRows, type Rows } from './layout.ts';

const activations = ['none', 'sigmoid'] as const;
const units = ['cells', 'pixels'] as const;

export interface CenternetHead {
  readonly type: 'centernet';
  /** Name of the output (1, classes, rows, columns). */
  readonly heatmap: string;
  /** Name of the output (1, 2, rows, columns): width, then height. */
  readonly size: string;
  /**
   * Name of the output (1, 2, rows, columns): x, then y, of the centre within its cell. When absent, the cell's middle.
   */
  readonly offset?: string;
  /** Outputs are laid out as above; otherwise (1, rows, columns, channels). */
  readonly channelsFirst: boolean;
  /** How the heatmap becomes scores. */
  readonly activation: (typeof activations)[number];
  /** Unit of sizes: cells of the heatmap or pixels of the input. */
  readonly sizeUnit: (typeof units)[number];
}

/**
 * Whether the pixel (x, y) is at least as large as those around it. `at` is its element; pixels are `step` elements
 * apart.
 */
function isPeak(
  values: Float32Array,
  { x, y, columns, rows }: { x: number; y: number; columns: number; rows: number },
  at: number,
  step: number,
): boolean {
  const value = values[at];
  for (let dy = y > 0 ? -1 : 0; dy <= (y < rows - 1 ? 1 : 0); dy++) {
    for (let dx = x > 0 ? -1 : 0; dx <= (x < columns - 1 ? 1 : 0); dx++) {
      if (values[at + (dy * columns + dx) * step] > value) return false;
    }
  }
  return true;
}

export const centernet: HeadType<CenternetHead> = {
  read(value) {
    const offset = field(value, 'offset');
    return {
      type: 'centernet',
      heatmap: text(field(value, 'heatmap')),
      size: text(field(value, 'size')),
      ...(offset.value !== undefined && { offset: text(offset) }),
      channelsFirst: flag(field(value, 'channelsFirst')),
      activation: oneOf(field(value, 'activation'), activations),
      sizeUnit: oneOf(field(value, 'sizeUnit'), units),
    };
  },
  decoder(head, input, outputs) {
    const { channelsFirst, activation } = head;
    const heatmap = outputNamed(outputs, head.heatmap);
    const [rows, columns] = channelsFirst ? heatmap.shape.slice(2) : heatmap.shape.slice(1);
    const classes = mapRows(heatmap, channelsFirst, rows, columns);
    const pairs = (name: string | undefined): Rows | undefined => {
      if (name === undefined) return undefined;
      const output: TensorDescription = outputNamed(outputs, name);
      const pair = mapRows(output, channelsFirst, rows, columns);
      if (pair.width !== 2) throw invalid(`metadata.vision.head: output "${name}"`, 'two channels', output.shape);
      return pair;
    };
    const size = pairs(head.size)!;
    const offset = pairs(head.offset);
    const [strideX, strideY] = [input.width / columns, input.height / rows];
    const [unitX, unitY] = head.sizeUnit === 'cells' ? [strideX, strideY] : [1, 1];
    const decode: Decoder['decode'] = (tensors, { scoreThreshold }) => {
      const heat = tensors.values(head.heatmap);
      const sizes = tensors.values(head.size);
      const offsets = head.offset === undefined ? undefined : tensors.values(head.offset);
      const candidates = new CandidateList();
      const least = Math.fround(scoreThreshold);
      // A logit below this cannot reach the threshold, whatever the rounding.
      const floor = activation === 'sigmoid' ? Math.min(Math.log(least / (1 - least)) - 1e-3, 15) : least;
      for (let c = 0; c < classes.width; c++) {
        for (let cell = 0; cell < classes.anchors; cell++) {
          const at = cell * classes.anchorStep + c * classes.step;
          if (!(heat[at] >= floor)) continue;
          const score = Math.fround(activation === 'sigmoid' ? sigmoid(heat[at]) : heat[at]);
          const x = cell % columns;
          const y = Math.floor(cell / columns);
          if (!(score >= least) || !isPeak(heat, { x, y, columns, rows }, at, classes.anchorStep)) continue;
          const [dx, dy] =
            offset && offsets
              ? [offsets[cell * offset.anchorStep], offsets[cell * offset.anchorStep + offset.step]]
              : [0.5, 0.5];
          const sizeAt = cell * size.anchorStep;
          candidates.addCentred(
            (x + dx) * strideX,
            (y + dy) * strideY,
            sizes[sizeAt] * unitX,
            sizes[sizeAt + size.step] * unitY,
            score,
            c,
          );
        }
      }
      return candidates.finish();
    };
    return { classes: classes.width, suppression: 'none', decode };
  },
};
