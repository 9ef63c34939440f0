// `metadata.vision` of a classifier's artifact, and the defaults for artifacts without it.
import { FiligreeError } from '../errors.ts';
import { channelAxis, field, invalid, list, oneOf, text, type Field, type TensorDescription } from './fields.ts';
import { readPreprocessing } from './metadata.ts';
import { normalization, type Preprocessing } from './preprocessing.ts';

/**
 * How a model's outputs become probabilities: `softmax` applies it; `none` says that they are probabilities already.
 * Without either, outputs that are all ≥ 0 and sum to 1 ± 0.001 count as probabilities, others as logits.
 */
export const classifierActivations = ['softmax', 'none'] as const;
export type ClassifierActivation = (typeof classifierActivations)[number];

export interface ClassifierMetadata {
  readonly task: 'classify';
  /** Absent when unknown. */
  readonly preprocessing?: Preprocessing;
  /** Name of each class. */
  readonly labels?: readonly string[];
  readonly activation?: ClassifierActivation;
}

/**
 * Checks a classifier's `metadata.vision`. Returns undefined when there is none.
 * @throws FiligreeError `invalid-model` naming the first field that is wrong
 */
export function readClassifierMetadata(metadata: Record<string, unknown>): ClassifierMetadata | undefined {
  if (metadata.vision === undefined) return undefined;
  const vision: Field = { value: metadata.vision, path: 'metadata.vision' };
  oneOf(field(vision, 'task'), ['classify']);
  const preprocessing = field(vision, 'preprocessing');
  const labels = field(vision, 'labels');
  const activation = field(vision, 'activation');
  return {
    task: 'classify',
    ...(preprocessing.value !== undefined && { preprocessing: readPreprocessing(preprocessing) }),
    ...(labels.value !== undefined && { labels: list(labels, text) }),
    ...(activation.value !== undefined && { activation: oneOf(activation, classifierActivations) }),
  };
}

export const same = (scale: number, offset: number): Pick<Preprocessing, 'scale' | 'offset'> => ({
  scale: [scale, scale, scale],
  offset: [offset, offset, offset],
});

/**
 * The preprocessing that classifiers are trained with. The photo is stretched to the model's input, as RGB; its bytes b
 * become
 * - `mobilenet`: b/127.5 − 1 (TensorFlow's and Keras' MobileNets, EfficientNet-Lite);
 * - `imagenet`: (b/255 − mean) / std of ImageNet's channels (PyTorch's models);
 * - `none`: b, 0…255 (models that normalise by themselves).
 */
export const preprocessingPresets = {
  mobilenet: same(1 / 127.5, -1),
  imagenet: normalization([0.485 * 255, 0.456 * 255, 0.406 * 255], [0.229 * 255, 0.224 * 255, 0.225 * 255]),
  none: same(1, 0),
} satisfies Record<string, Pick<Preprocessing, 'scale' | 'offset'>>;
export type PreprocessingPreset = keyof typeof preprocessingPresets;

/** A preset, or the fields that differ from `none`. Width and height are the model's. */
export type ClassifierPreprocessing = PreprocessingPreset | Partial<Omit<Preprocessing, 'width' | 'height'>>;

/**
 * Checks a caller's preprocessing and fills in defaults, for an input of the given size.
 * @throws FiligreeError `invalid-argument` naming the field that is wrong
 */
export function choosePreprocessing(
  given: ClassifierPreprocessing,
  { width, height }: { readonly width: number; readonly height: number },
): Preprocessing {
  const none = preprocessingPresets.none;
  const plain: Preprocessing = { width, height, resize: 'stretch', padValue: 0, order: 'RGB', ...none };
  if (typeof given === 'string' && Object.hasOwn(preprocessingPresets, given)) {
    return { ...plain, ...preprocessingPresets[given] };
  }
  try {
    if (typeof given !== 'object' || given === null || Array.isArray(given)) {
      throw invalid('preprocessing', `${presetList} or an object`, given);
    }
    for (const name of Object.keys(given)) {
      if (!Object.hasOwn(plain, name))
        throw invalid('preprocessing', `the fields ${Object.keys(plain).join(', ')}`, name);
    }
    const chosen = readPreprocessing({ value: { ...plain, ...given }, path: 'preprocessing' });
    checkSize(chosen, { width, height }, 'preprocessing');
    return chosen;
  } catch (cause) {
    throw new FiligreeError('invalid-argument', (cause as Error).message, { cause });
  }
}

const presetList = Object.keys(preprocessingPresets)
  .map((name) => `"${name}"`)
  .join(', ');

export function checkSize(
  preprocessing: Preprocessing,
  { width, height }: { readonly width: number; readonly height: number },
  path: string,
): void {
  if (preprocessing.width !== width || preprocessing.height !== height) {
    const found = { width: preprocessing.width, height: preprocessing.height };
    throw invalid(path, `the size of the model's input, ${width} × ${height}`, found);
  }
}

/** Input size and number of classes of a model that can classify photos; undefined for others. */
export function classifierShape(
  inputs: readonly TensorDescription[],
  outputs: readonly TensorDescription[],
): { width: number; height: number; classes: number } | undefined {
  if (inputs.length !== 1 || outputs.length !== 1) return undefined;
  const { shape } = inputs[0];
  const channel = channelAxis(shape);
  const classes = outputs[0].shape.filter((d) => d !== 1);
  if (channel === undefined || classes.length !== 1) return undefined;
  const [height, width] = channel === 3 ? [shape[1], shape[2]] : [shape[2], shape[3]];
  return { height, width, classes: classes[0] };
}
