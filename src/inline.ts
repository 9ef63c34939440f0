// The public API with the wasm embedded. No file has to be served beside the bundle, and there is nothing to configure.
import relaxed from './hosts/wasm/filigree-relaxed.wasm?deflated';
import simd from './hosts/wasm/filigree-simd.wasm?deflated';
import { inflate } from './hosts/inflate.ts';
import type { LoadOptions } from './runtime/load.ts';
import { loadModel as load } from './runtime/load.ts';
import type { Model } from './runtime/model.ts';
import type { ModelSource } from './runtime/source.ts';
import type { Classifier, ClassifierSettings } from './vision/classifier.ts';
import * as create from './vision/create.ts';
import type { Detector } from './vision/detector.ts';
import type { DetectorSettings } from './vision/detector-settings.ts';
import type { ShippedClassifier, ShippedDetector } from './vision/shipped.ts';

const wasm: LoadOptions['wasm'] = (build) => inflate(build === 'simd' ? simd : relaxed);

/** See `loadModel` of `filigree`. */
export function loadModel(source: ModelSource, options: LoadOptions = {}): Promise<Model> {
  return load(source, { wasm, ...options });
}

/** See `createDetector` of `filigree`. */
export function createDetector(
  source: ShippedDetector | ModelSource | Model,
  options: LoadOptions & DetectorSettings = {},
): Promise<Detector<Model>> {
  return create.createDetector(source, { wasm, ...options });
}

/** See `createClassifier` of `filigree`. */
export function createClassifier(
  source: ShippedClassifier | ModelSource | Model,
  options: LoadOptions & ClassifierSettings = {},
): Promise<Classifier<Model>> {
  return create.createClassifier(source, { wasm, ...options });
}

export { Model } from './runtime/model.ts';
export { Tensor } from './tensor.ts';
export { FiligreeError } from './errors.ts';
export { drawDetections } from './vision/draw.ts';
export { runImage } from './vision/run-image.ts';
