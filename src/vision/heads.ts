// The detection heads we know. A new one is a file with a HeadType and a row here.
import type { Tensor } from '../tensor.ts';
import type { Candidates } from './candidates.ts';
import type { Field, Input, TensorDescription } from './fields.ts';
import { mediapipeFace, type MediapipeFaceHead } from './mediapipe-face.ts';

export interface HeadType<H> {
  /** Names of the keypoints of each detection, in the order of the candidates. */
  readonly keypoints: readonly string[];
  /** How overlapping boxes become one; see nms.ts. */
  readonly suppression: 'plain' | 'weighted';
  /** Checks the head's metadata. @throws FiligreeError `invalid-model` naming the field */
  read(value: Field): H;
  /**
   * Makes the function from outputs to candidates, for an input of the given size.
   * @throws FiligreeError `invalid-model` when the model's outputs are not what the head needs
   */
  decoder(
    head: H,
    input: Input,
    outputs: readonly TensorDescription[],
  ): (tensors: Record<string, Tensor>, scoreThreshold: number) => Candidates;
}

export type Head = MediapipeFaceHead;

export const headTypes: { readonly [K in Head['type']]: HeadType<Extract<Head, { type: K }>> } = {
  'mediapipe-face': mediapipeFace,
};
