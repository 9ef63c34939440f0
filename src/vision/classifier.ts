// A classifier: takes a photo, returns class names with probabilities.
import { FiligreeError } from '../errors.ts';
import {
  checkSize,
  choosePreprocessing,
  classifierActivations,
  classifierShape,
  readClassifierMetadata,
  type ClassifierActivation,
  type ClassifierPreprocessing,
} from './classifier-metadata.ts';
import { runOnImage } from './image-input.ts';
import { ImageReader, type ImageSource } from './image-source.ts';
import { fitLabels, imageNetWithBackground } from './labels.ts';
import type { ImageModel } from './model.ts';
import type { Preprocessing } from './preprocessing.ts';

export interface ClassifierSettings {
  /** Number of classes returned, best first; default 5. */
  topK?: number;
  /** How a photo becomes the model's input. Default: the model's metadata. Required where the metadata does not say. */
  preprocessing?: ClassifierPreprocessing;
  /**
   * Name of each class. Default: the model's. For models of ImageNet's 1000 classes with a background class in front,
   * lists of 1000 and of 1001 names both fit.
   */
  labels?: readonly string[];
  /** How outputs become probabilities. Default: the model's metadata, else see ClassifierActivation. */
  activation?: ClassifierActivation;
}

export interface Classification {
  label: string;
  classIndex: number;
  /** Probability, 0…1. */
  score: number;
}

export interface ClassificationResult {
  /** Best first; equal scores in class order. */
  classifications: Classification[];
  /** ms. */
  speed: { preprocess: number; inference: number; postprocess: number };
}

const defaultTopK = 5;

/** Classifies images. Made by `createClassifier`. */
export class Classifier<M extends ImageModel = ImageModel> {
  readonly model: M;
  /** Number of classes. */
  readonly classes: number;
  /** What was assumed of the model, because neither it nor its settings say so. */
  readonly notes: readonly string[];
  /** Name of each class; empty when neither the model nor the caller names them. */
  readonly labels: readonly string[];
  /**
   * How images become the model's input.
   * @internal
   */
  readonly preprocessing: Preprocessing;
  private readonly activation: ClassifierActivation | undefined;
  private readonly topK: number;
  private readonly reader = new ImageReader();
  private disposed = false;

  /**
   * Makes a classifier of a loaded model. One of 1000 classes, or 1001 with a background's, that says nothing of itself counts as
   * one of ImageNet's; `notes` says what was assumed.
   * @throws FiligreeError `unsupported` when the model is not an image classifier, `invalid-model` when its metadata is
   * wrong, `invalid-argument` when a setting is wrong or missing
   */
  static async of<M extends ImageModel>(model: M, settings: ClassifierSettings = {}): Promise<Classifier<M>> {
    const classes = classifierShape(model.inputs, model.outputs)?.classes;
    if (classes !== imageNetWithBackground - 1 && classes !== imageNetWithBackground)
      return new Classifier(model, settings);
    const vision = readClassifierMetadata(model.metadata);
    const wanting = {
      labels: !settings.labels && !vision?.labels,
      preprocessing:
        settings.preprocessing === undefined && !vision?.preprocessing && model.inputs[0].dtype === 'float32',
    };
    if (!wanting.labels && !wanting.preprocessing) return new Classifier(model, settings);
    const { assumedOf } = await import('./assumed-classifier.ts');
    const { assumed, notes } = assumedOf(model, classes, wanting);
    return new Classifier(model, { ...settings, ...assumed }, notes);
  }

  /** As `of`, of a model that says of itself, or whose settings say, what is needed. */
  constructor(model: M, settings: ClassifierSettings = {}, notes: readonly string[] = []) {
    const shape = classifierShape(model.inputs, model.outputs);
    if (!shape) {
      const shapes = (tensors: ImageModel['inputs']) =>
        tensors.map(({ name, shape: of }) => `${name} [${of.join(', ')}]`).join(', ');
      if ((model.metadata.vision as { task?: unknown } | undefined)?.task === 'detect') {
        throw new FiligreeError(
          'unsupported',
          `${model.name}: a detector, not a classifier. Use createDetector, or "filigree detect"`,
        );
      }
      throw new FiligreeError(
        'unsupported',
        `${model.name}: not a photo classifier: wanted one input of 3 channels, or 1, and one output, a score per class; its ` +
          `inputs are ${shapes(model.inputs)}, its outputs ${shapes(model.outputs)}`,
      );
    }
    const { topK = defaultTopK, activation } = settings;
    if (!Number.isInteger(topK) || topK < 1) {
      throw new FiligreeError('invalid-argument', `topK: wanted a whole number from 1, got ${String(topK)}`);
    }
    if (activation !== undefined && !classifierActivations.includes(activation)) {
      throw new FiligreeError('invalid-argument', `activation: wanted "softmax" or "none", got ${String(activation)}`);
    }
    const vision = readClassifierMetadata(model.metadata);
    if (vision?.preprocessing) checkSize(vision.preprocessing, shape, 'metadata.vision.preprocessing');
    const preprocessing =
      settings.preprocessing === undefined ? vision?.preprocessing : choosePreprocessing(settings.preprocessing, shape);
    if (!preprocessing) {
      throw new FiligreeError(
        'invalid-argument',
        `${model.name}: its metadata does not say how photos become its input; give the preprocessing (--preprocess): ` +
          '"mobilenet" (b/127.5 − 1 of bytes b), "imagenet" (mean and deviation of PyTorch models), "none" (0…255), ' +
          'or { scale, offset, order, resize }',
      );
    }
    const labels = settings.labels ?? vision?.labels ?? [];
    this.model = model;
    this.notes = notes;
    this.classes = shape.classes;
    this.labels = labels.length > 0 ? fitLabels(labels, shape.classes) : [];
    this.preprocessing = preprocessing;
    this.activation = activation ?? vision?.activation;
    this.topK = topK;
  }

  /**
   * Classifies an image.
   * @throws FiligreeError `invalid-argument` when `image` is not an image or its data does not fit its size, `not-found` when there
   * is no such photo, `invalid-image` when it cannot be decoded, `disposed` after dispose(); the signal's reason
   */
  async classify(image: ImageSource, { signal }: { signal?: AbortSignal } = {}): Promise<ClassificationResult> {
    if (this.disposed) throw new FiligreeError('disposed', 'classify: the classifier is disposed');
    const start = performance.now();
    const pixels = await this.reader.read(image, signal);
    signal?.throwIfAborted();
    const read = performance.now();
    const { result, speed } = await runOnImage(this.model, pixels, this.preprocessing, (session) => {
      const ran = performance.now();
      const classifications = this.best(session.view(session.outputs[0]).read());
      return { classifications, postprocess: performance.now() - ran };
    });
    const { classifications, postprocess } = result;
    return {
      classifications,
      speed: { preprocess: read - start + speed.preprocess, inference: speed.inference, postprocess },
    };
  }

  private best(values: Float32Array): Classification[] {
    return bestClasses(probabilities(values, this.activation), this.topK).map(({ classIndex, score }) => ({
      label: this.labels[classIndex] || `class ${classIndex}`,
      classIndex,
      score,
    }));
  }

  /** Frees all memory. Safe to call twice. */
  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    this.reader.dispose();
    this.model.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** The outputs themselves, or their softmax; see ClassifierActivation. */
function probabilities(values: Float32Array, activation: ClassifierActivation | undefined): ArrayLike<number> {
  if (activation === 'none' || (activation === undefined && areProbabilities(values))) return values;
  let most = -Infinity;
  for (const value of values) if (value > most) most = value;
  const exponentials = Float64Array.from(values, (value) => Math.exp(value - most));
  const sum = exponentials.reduce((total, value) => total + value, 0);
  return exponentials.map((value) => value / sum);
}

function areProbabilities(values: Float32Array): boolean {
  let sum = 0;
  for (const value of values) {
    if (!(value >= 0)) return false;
    sum += value;
  }
  return Math.abs(sum - 1) <= 1e-3;
}

/** Scores of NaN are left out. */
function bestClasses(scores: ArrayLike<number>, count: number): { classIndex: number; score: number }[] {
  const ranked = Array.from(scores, (score, classIndex) => ({ classIndex, score })).filter(
    ({ score }) => !Number.isNaN(score),
  );
  ranked.sort((a, b) => b.score - a.score); // stable
  return ranked.slice(0, count);
}
