// Finds a classifier's metadata when it is compiled.
import { classifierShape, type ClassifierMetadata } from './classifier-metadata.ts';
import type { TensorDescription } from './fields.ts';
import { fileFacts } from './file-facts.ts';
import { fittingLabels } from './labels.ts';
import { quantizedBytes, type QuantizedDescription } from './quantized-bytes.ts';

/**
 * A classifier's metadata, found when it is compiled; its artifact carries it as `metadata.vision`. A quantised input's
 * type says how a photo's bytes are converted. For float32 inputs a TFLite file may state their normalisation.
 * Undefined when neither that nor class names are known.
 */
export function recogniseClassifier(
  inputs: readonly QuantizedDescription[],
  outputs: readonly TensorDescription[],
  metadata: Readonly<Record<string, unknown>> = {},
): ClassifierMetadata | undefined {
  const shape = classifierShape(inputs, outputs);
  if (!shape) return undefined;
  const facts = fileFacts(metadata);
  const values = quantizedBytes(inputs[0]) ?? (inputs[0].dtype === 'float32' ? facts.normalization : undefined);
  const { width, height, classes } = shape;
  const labels = facts.labels && fittingLabels(facts.labels, classes);
  if (!values && !labels) return undefined;
  return {
    task: 'classify',
    ...(values && { preprocessing: { width, height, resize: 'stretch', padValue: 0, order: 'RGB', ...values } }),
    ...(labels && { labels }),
  };
}
