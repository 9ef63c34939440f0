import type { Tensor } from '../tensor.ts';
import type { Outputs } from './outputs.ts';
import type { TensorDescription } from './fields.ts';
import type { Geometry, Pixels, Preprocessing } from '../runtime/preprocessing.ts';

/** What vision needs of a loaded model; runtime/model.ts is one. */
export interface ImageModel {
  readonly name: string;
  readonly inputs: readonly TensorDescription[];
  readonly outputs: readonly TensorDescription[];
  readonly metadata: Record<string, unknown>;
  /** Image → input 0, then runs. Times are in ms. */
  runImage(
    image: Pixels,
    preprocessing: Preprocessing,
  ): Promise<{
    outputs: Record<string, Tensor>;
    geometry: Geometry;
    speed: { preprocess: number; inference: number };
  }>;
  /** As runImage, but outputs stay where they are: good until `use` returns. */
  runImageInPlace?<T>(
    image: Pixels,
    preprocessing: Preprocessing,
    use: (outputs: Outputs) => T,
  ): Promise<{ result: T; geometry: Geometry; speed: { preprocess: number; inference: number } }>;
  dispose(): void;
}
