// The head of a TensorFlow SSD whose TFLite file ends in TFLite_Detection_PostProcess. The importer leaves that
// operator's options in `metadata.detectionPostProcess`. Used when a model is compiled.
import { field, list, number, outputNamed, text, type Field } from './fields.ts';
import { floatsToBase64 } from './heads/ssd.ts';
import { fittingLabels } from './labels.ts';
import type { VisionMetadata } from './metadata.ts';
import type { ModelDescription } from './presets/preset.ts';
import { ssdPreprocessing } from './presets/ssd.ts';
import { quantizedBytes } from './quantized-bytes.ts';
import { defaultLabels, imageInput } from './recognise.ts';
import { tfliteFacts } from './tflite-facts.ts';

/** Exporters write thresholds that let everything through; a detector needs a useful one. */
const minScoreThreshold = 0.01;
const usualScoreThreshold = 0.5;

/**
 * Undefined for models without that operator. The image is stretched over the input. A quantised input takes its bytes
 * as integers; a float32 input takes them normalised as the file says, or to −1…1.
 * @throws FiligreeError `invalid-model` naming the first fact that is wrong
 */
export function recognisePostProcess({ inputs, outputs, metadata = {} }: ModelDescription): VisionMetadata | undefined {
  const input = imageInput(inputs);
  if (metadata.detectionPostProcess === undefined || !input) return undefined;
  const fact: Field = { value: metadata.detectionPostProcess, path: 'metadata.detectionPostProcess' };
  const option = (name: string) => number(field(field(fact, 'options'), name));
  const optional = (name: string) => {
    const { value } = field(field(fact, 'options'), name);
    return value === undefined ? 0 : option(name);
  };
  const scores = outputNamed(outputs, text(field(fact, 'scores')));
  const classes = option('num_classes');
  const scoreThreshold = optional('nms_score_threshold');
  const { width, height } = input;
  const { labels, normalization } = tfliteFacts(metadata);
  return {
    task: 'detect',
    head: {
      type: 'ssd',
      boxes: text(field(fact, 'boxes')),
      scores: scores.name,
      activation: 'none',
      background: scores.shape[2] - classes,
      coding: 'yxhw',
      scales: [1 / option('x_scale'), 1 / option('y_scale'), 1 / option('w_scale'), 1 / option('h_scale')],
      anchors: floatsToBase64(Float32Array.from(list(field(fact, 'anchors'), (item) => number(item), 2 ** 24))),
    },
    preprocessing: { width, height, ...ssdPreprocessing, ...(quantizedBytes(inputs[0]) ?? normalization) },
    labels: (labels && fittingLabels(labels, classes)) ?? defaultLabels(classes),
    scoreThreshold: scoreThreshold >= minScoreThreshold && scoreThreshold <= 1 ? scoreThreshold : usualScoreThreshold,
    iouThreshold: option('nms_iou_threshold'),
    classAgnostic: !optional('use_regular_nms'),
    maxResults: Math.floor(option('max_detections')),
  };
}
