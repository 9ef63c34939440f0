import type { Candidates } from '../candidates.ts';
import type { Field, Input, TensorDescription } from '../fields.ts';
import type { Outputs, Selection } from '../outputs.ts';

export interface HeadType<H> {
  /** Names of the keypoints of each detection, in the order of the candidates. */
  readonly keypoints: readonly string[];
  /** How overlapping boxes become one; see nms.ts. `none` where each object gives one box. */
  readonly suppression: 'plain' | 'weighted' | 'none';
  /** Checks the head's metadata. @throws FiligreeError `invalid-model` naming the field */
  read(value: Field): H;
  /**
   * Makes the decoder of a model's outputs, for an input of the given size.
   * @throws FiligreeError `invalid-model` when the model's outputs do not fit the head
   */
  decoder(head: H, input: Input, outputs: readonly TensorDescription[]): Decoder;
}

export interface Decoder {
  /** Number of classes; undefined where the outputs hold class indices and do not tell. */
  readonly classes?: number;
  readonly decode: (outputs: Outputs, selection: Selection) => Candidates;
}
