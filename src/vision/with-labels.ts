// Adds a caller's class names to the metadata of a compiled model.
import { FiligreeError } from '../errors.ts';
import { classifierShape, readClassifierMetadata, type ClassifierMetadata } from './classifier-metadata.ts';
import { list, text } from './fields.ts';
import { fitLabels } from './labels.ts';
import { readVisionMetadata, type VisionMetadata } from './metadata.ts';
import type { ModelDescription } from './presets/preset.ts';
import { classCount } from './recognise.ts';

/**
 * A model's vision metadata with the caller's class names. A classifier about which nothing else is known counts as
 * one.
 * @throws FiligreeError `invalid-argument` when the number of names differs from the number of classes, or the model is
 * neither a known detector nor a classifier
 */
export function visionWithLabels(
  model: ModelDescription & { readonly name: string },
  labels: readonly string[],
): VisionMetadata | ClassifierMetadata {
  const { inputs, outputs, metadata = {} } = model;
  const names = list({ value: labels, path: 'labels' }, text);
  const shape = classifierShape(inputs, outputs);
  const { task } = (metadata.vision ?? {}) as { task?: unknown };
  if (task === 'classify' || (task === undefined && shape)) {
    if (shape)
      return { task: 'classify', ...readClassifierMetadata(metadata), labels: fitLabels(names, shape.classes) };
  }
  const vision = task === 'detect' && readVisionMetadata(metadata);
  if (vision) {
    const classes = classCount(model, vision);
    return { ...vision, labels: classes === undefined ? names : fitLabels(names, classes) };
  }
  throw new FiligreeError(
    'invalid-argument',
    `${model.name}: only classifiers and detectors take labels, and this model is not recognised as either. If it is a detector, name ` +
      'its head (--head)',
  );
}
