// Fits class names to a model.
import { FiligreeError } from '../errors.ts';

/**
 * Labels for a model of `classes` classes. ImageNet models have 1000 classes or, with a background class in front,
 * 1001, and so do their label files; one is fitted to the other.
 * @throws FiligreeError `invalid-argument` when the numbers do not fit in any other case
 */
export function fitLabels(labels: readonly string[], classes?: number): readonly string[] {
  const fitting = fittingLabels(labels, classes);
  if (fitting) return fitting;
  throw new FiligreeError('invalid-argument', `labels: there are ${labels.length}; the model has ${classes} classes`);
}

/** Like fitLabels, but undefined when the numbers do not fit; any do where the number of classes is not known. */
export function fittingLabels(labels: readonly string[], classes = labels.length): readonly string[] | undefined {
  if (labels.length === classes) return labels;
  if (labels.length === classes + 1 && isBackground(labels[0])) return labels.slice(1);
  if (labels.length + 1 === classes && classes === imageNetWithBackground && !isBackground(labels[0])) {
    return ['background', ...labels];
  }
  return undefined;
}

/** Number of classes of an ImageNet model with a background class in front of the 1000. */
export const imageNetWithBackground = 1001;

function isBackground(label: string): boolean {
  return /^(background|dummy|\?\?\?|unlabeled|)$/i.test(label.trim());
}
