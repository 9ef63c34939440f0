// What is known of a classifier when it is compiled.
import { classifierShape, same, type ClassifierMetadata } from './classifier-metadata.ts';
import type { TensorDescription } from './fields.ts';
import { fileFacts } from './file-facts.ts';
import { fittingLabels } from './labels.ts';

interface QuantizedDescription extends TensorDescription {
  readonly quantization?: { readonly scale: number; readonly zeroPoint: number };
}

/**
 * What is known of a classifier when it is compiled: its artifact carries it as `metadata.vision`. A quantised input says
 * itself what a photo's bytes become: uint8 inputs take them as they are, int8 inputs less 128 (TFLite's convention), and
 * the quantisation gives the real value. For float32 inputs a TFLite file may say how they are normalised. Undefined
 * for models of which neither that nor names of classes are known.
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

function quantizedBytes({ dtype, quantization }: QuantizedDescription) {
  if (!quantization || (dtype !== 'uint8' && dtype !== 'int8')) return undefined;
  const { scale, zeroPoint } = quantization;
  return same(scale, -scale * (zeroPoint + (dtype === 'int8' ? 128 : 0)));
}
