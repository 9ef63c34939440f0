import type { Candidates } from '../candidates.ts';
import type { Field, Input, TensorDescription } from '../fields.ts';
import type { Outputs, Selection } from '../outputs.ts';

export interface HeadType<H> {
  /** Checks the head's metadata. @throws FiligreeError `invalid-model` naming the field */
  read(value: Field): H;
  /**
   * Makes the decoder of a model's outputs, for an input of the given size.
   * @throws FiligreeError `invalid-model` when the model's outputs do not fit the head
   */
  decoder(head: H, input: Input, outputs: readonly TensorDescription[]): Decoder;
}

export interface Decoder {
  /** Number of classes; undefined where neither the outputs nor the file say it. */
  readonly classes: number | undefined;
  /** Names of the keypoints of each detection, in the order of the candidates; none if not given. */
  readonly keypoints?: readonly string[];
  /** How overlapping boxes become one; see nms.ts. `none` where each object gives one box. */
  readonly suppression: 'plain' | 'weighted' | 'none';
  /** How far candidates i and j are the same, 0…1, where that is not the intersection over union of their boxes. */
  readonly overlap?: (candidates: Candidates, i: number, j: number) => number;
  readonly decode: (outputs: Outputs, selection: Selection) => Candidates;
}
