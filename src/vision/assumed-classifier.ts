// What is assumed of classifiers of ImageNet's classes that say nothing of themselves. Loaded for those alone.
import type { ClassifierPreprocessing } from './classifier-metadata.ts';
import { imageNetLabels } from './imagenet-labels.ts';
import { channelAxis } from './fields.ts';
import { fitLabels } from './labels.ts';
import type { ImageModel } from './model.ts';

/** What a classifier lacks. */
export interface Assumed {
  labels?: readonly string[];
  preprocessing?: ClassifierPreprocessing;
}

/**
 * ImageNet's names, and with the preprocessing that models of the input's layout mostly have, where neither the
 * model nor the caller says; and what was assumed, in words.
 */
export function assumedOf(
  { name, inputs }: ImageModel,
  classes: number,
  { labels, preprocessing }: { labels: boolean; preprocessing: boolean },
): { assumed: Assumed; notes: string[] } {
  const notes: string[] = [];
  const assumed: Assumed = {};
  if (labels) {
    assumed.labels = fitLabels(imageNetLabels, classes);
    notes.push(
      `${name}: it names none of its ${classes} classes; they are called as ImageNet's are. Other names: labels (--labels)`,
    );
  }
  if (preprocessing) {
    const channelsLast = channelAxis(inputs[0].shape) === 3;
    assumed.preprocessing = channelsLast ? 'mobilenet' : 'imagenet';
    const [what, whose] = channelsLast
      ? ['"mobilenet" (b/127.5 − 1 of bytes b)', "TensorFlow's and Keras' MobileNets"]
      : ['"imagenet" (mean and deviation of PyTorch models)', "PyTorch's models"];
    notes.push(
      `${name}: it does not say how photos become its input; assumed is ${what}, as ${whose} have it. Another: ` +
        'preprocessing (--preprocess)',
    );
  }
  return { assumed, notes };
}
