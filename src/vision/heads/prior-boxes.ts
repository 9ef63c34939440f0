// Faces as offsets from prior boxes (SSD, https://arxiv.org/abs/1512.02325): RetinaFace (https://arxiv.org/abs/1905.00641),
// UltraFace before its boxes are decoded, and the first generation of YuNet.
import { CandidateList, type More } from '../candidates.ts';
import {
  field,
  flag,
  integer,
  invalid,
  list,
  number,
  oneOf,
  outputNamed,
  text,
  type Field,
  type Input,
} from '../fields.ts';
import type { TensorDescription } from '../fields.ts';
import { gridLevels } from '../grid.ts';
import { find } from '../outputs.ts';
import type { Decoder, HeadType } from './head-type.ts';
import { keypointNames } from './keypoints.ts';
import { rowsOf, scoresAt, type Rows } from './layout.ts';

const activations = ['none', 'softmax'] as const;

/** Numbers of an anchor, from number `first` of its row in an output (1, anchors, width) on. */
export interface Place {
  readonly output: string;
  readonly first: number;
}

export interface PriorBoxesHead {
  readonly type: 'prior-boxes';
  /** Offsets of x and y and logarithms of width and height, off the prior box and times its variances. */
  readonly boxes: Place;
  /** Two numbers: background and face. */
  readonly scores: Place;
  readonly activation: (typeof activations)[number];
  /** Offsets of five keypoints. */
  readonly keypoints?: Place;
  /** How much a box overlaps its face as the network guesses, 0…1: the score is the root of the product. */
  readonly overlap?: Place;
  /** Input pixels from one cell to the next, one entry a level. */
  readonly strides: readonly number[];
  /** Sides of a cell's square prior boxes in input pixels, one list a level. */
  readonly sizes: readonly (readonly number[])[];
  /** Whether cells that reach beyond the input are left out (YuNet). */
  readonly whole?: boolean;
  /** What offsets, and what logarithms, are multiplied by. */
  readonly variances: readonly [offset: number, size: number];
}

type Layout = Pick<PriorBoxesHead, 'strides' | 'sizes' | 'whole'>;

function levelsOf({ strides, whole }: Omit<Layout, 'sizes'>, input: Input) {
  if (!whole) return gridLevels(input, strides);
  const cells = (size: number, stride: number) => Math.floor(size / stride);
  return strides.map((stride) => ({ stride, rows: cells(input.height, stride), columns: cells(input.width, stride) }));
}

/** n × (x centre, y centre, width, height) in input pixels; no prior box is larger than the input. */
export function priorBoxes({ sizes, ...layout }: Layout, input: Input): Float32Array {
  const priors: number[] = [];
  levelsOf(layout, input).forEach(({ stride, rows, columns }, level) => {
    for (let y = 0; y < rows; y++) {
      for (let x = 0; x < columns; x++) {
        for (const size of sizes[level]) {
          const place = [Math.min((x + 0.5) * stride, input.width), Math.min((y + 0.5) * stride, input.height)];
          priors.push(...place, Math.min(size, input.width), Math.min(size, input.height));
        }
      }
    }
  });
  return Float32Array.from(priors);
}

/** How many it makes. */
export function priorCount({ sizes, ...layout }: Layout, input: Input): number {
  return levelsOf(layout, input).reduce((sum, { rows, columns }, i) => sum + rows * columns * sizes[i].length, 0);
}

const readPlace = (value: Field): Place => ({
  output: text(field(value, 'output')),
  first: integer(field(value, 'first'), 0, 65536),
});

const keypointCount = 5;

export const priorBoxesHead: HeadType<PriorBoxesHead> = {
  read(value) {
    const [keypoints, overlap, whole] = ['keypoints', 'overlap', 'whole'].map((name) => field(value, name));
    const variances = list(field(value, 'variances'), (item) => number(item, 0, 100), 2);
    if (variances.length !== 2) throw invalid(`${value.path}.variances`, 'two numbers', variances);
    return {
      type: 'prior-boxes',
      boxes: readPlace(field(value, 'boxes')),
      scores: readPlace(field(value, 'scores')),
      activation: oneOf(field(value, 'activation'), activations),
      ...(keypoints.value !== undefined && { keypoints: readPlace(keypoints) }),
      ...(overlap.value !== undefined && { overlap: readPlace(overlap) }),
      strides: list(field(value, 'strides'), (stride) => integer(stride, 1, 4096), 16),
      sizes: list(field(value, 'sizes'), (level) => list(level, (size) => number(size, 0, 65536), 16), 16),
      ...(whole.value !== undefined && { whole: flag(whole) }),
      variances: [variances[0], variances[1]],
    };
  },
  decoder(head, input, outputs) {
    const { strides, sizes, variances } = head;
    if (sizes.length !== strides.length) {
      throw invalid('metadata.vision.head.sizes', `one for each of ${strides.length} strides`, sizes);
    }
    const count = priorCount(head, input);
    const boxes = rowsAt(outputs, head.boxes, 4, count);
    const scores = rowsAt(outputs, head.scores, 2, count);
    const keypoints = head.keypoints && rowsAt(outputs, head.keypoints, 2 * keypointCount, count);
    const overlap = head.overlap && rowsAt(outputs, head.overlap, 1, count);
    const scan = { ...scoresAt(scores, 0, 2, head.activation), background: 1 };
    const priors = priorBoxes(head, input);
    const decode: Decoder['decode'] = (tensors, selection) => {
      const { scoreThreshold } = selection;
      const found = find(tensors, scan, overlap ? { ...selection, scoreThreshold: scoreThreshold ** 2 } : selection);
      const values = tensors.values(boxes.output);
      const points = keypoints && tensors.values(keypoints.output);
      const guesses = overlap && tensors.values(overlap.output);
      const candidates = new CandidateList(keypoints ? keypointCount : 0);
      for (let i = 0; i < found.length; i++) {
        const anchor = found.anchors[i];
        let score = found.scores[i];
        if (overlap && guesses) {
          score = Math.sqrt(score * Math.min(Math.max(guesses[overlap.at + anchor * overlap.anchorStep], 0), 1));
          if (!(score >= scoreThreshold)) continue;
        }
        const [x, y, width, height] = priors.subarray(4 * anchor, 4 * anchor + 4);
        const at = boxes.at + anchor * boxes.anchorStep;
        const [moveX, moveY] = [variances[0] * width, variances[0] * height];
        const more: More = {};
        if (keypoints && points) {
          const from = keypoints.at + anchor * keypoints.anchorStep;
          const place = (k: number) => (k % 2 === 0 ? x + points[from + k] * moveX : y + points[from + k] * moveY);
          Object.assign(more, { keypoints: Array.from({ length: 2 * keypointCount }, (_, k) => place(k)) });
        }
        candidates.addCentred(
          x + values[at] * moveX,
          y + values[at + 1] * moveY,
          width * Math.exp(values[at + 2] * variances[1]),
          height * Math.exp(values[at + 3] * variances[1]),
          score,
          0,
          more,
        );
      }
      return candidates.finish();
    };
    return {
      classes: 1,
      ...(keypoints && { keypoints: keypointNames(keypointCount) }),
      suppression: 'plain',
      decode,
    };
  },
};

function rowsAt(outputs: readonly TensorDescription[], { output, first }: Place, width: number, count: number): Rows {
  const rows = rowsOf(outputNamed(outputs, output), false, first + width);
  if (rows.anchors !== count)
    throw invalid(`metadata.vision.head: output "${output}"`, `${count} anchors`, rows.anchors);
  return { ...rows, at: rows.at + first };
}
