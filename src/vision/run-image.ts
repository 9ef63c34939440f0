import type { Model } from '../runtime/model.ts';
import { readOutputs } from '../runtime/tensors.ts';
import type { Tensor } from '../tensor.ts';
import type { ImageRun, Pixels, Preprocessing } from './preprocessing.ts';

/**
 * Resizes and normalises an image straight into a model's only input, which must be an image of RGB or grey, and runs the model.
 * For callers that read the outputs themselves; `createDetector` and `createClassifier` do all this on their own.
 * @returns Outputs as `Model.run` gives them, where the image lies in the input, and milliseconds.
 * @throws FiligreeError `invalid-argument` when the input is not an image of the size in `preprocessing`, and as
 * `Model.run`.
 */
export async function runImage(
  model: Model,
  image: Pixels,
  preprocessing: Preprocessing,
): Promise<{ outputs: Record<string, Tensor> } & ImageRun> {
  const { runOnImage } = await import('./image-input.ts');
  const { result: outputs, ...run } = await runOnImage(model, image, preprocessing, readOutputs);
  return { outputs, ...run };
}
