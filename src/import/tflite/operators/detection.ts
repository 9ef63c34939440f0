// TFLite_Detection_PostProcess, the custom operator at the end of TensorFlow's SSDs: decodes boxes and suppresses those
// that overlap. It is no node of the graph: the graph ends in what it reads, and `metadata.vision` says how to go on.
import type { SsdHead } from '../../../vision/heads/ssd.ts';
import { floatsToBase64 } from '../../../vision/heads/ssd.ts';
import type { VisionMetadata } from '../../../vision/metadata.ts';
import { ssdPreprocessing } from '../../../vision/presets.ts';
import { fittingLabels } from '../../../vision/labels.ts';
import { defaultLabels } from '../../../vision/recognise.ts';
import { tfliteFacts } from '../../../vision/tflite-facts.ts';
import { readFlexMap } from '../flexbuffer.ts';
import type { Handler, Operation } from '../operation.ts';
import type { TfliteTensor } from '../schema.ts';

/** Exporters write thresholds that let everything through; a detector needs one that means something. */
const leastScoreThreshold = 0.01;
const usualScoreThreshold = 0.5;

function options(operation: Operation): Map<string, number> {
  try {
    return readFlexMap(operation.operator.customOptions);
  } catch (error) {
    return operation.fail(`its options are no FlexBuffer: ${(error as Error).message}`);
  }
}

/** (boxes (1, anchors, 4), scores (1, anchors, classes), anchors (anchors, 4)): four outputs of what was found. */
const postProcess: Handler = (operation) => {
  const { translation, operator } = operation;
  const given = options(operation);
  const number = (name: string, most: number): number => {
    const value = given.get(name);
    if (value === undefined || !(value > 0 && value <= most)) {
      return operation.fail(`option ${name} is ${value}; wanted a number over 0 and up to ${most}`);
    }
    return value;
  };
  const scale = (name: string) => 1 / number(name, 1e6);
  const classes = number('num_classes', 65536);
  const [, count, width] = operation.shape(1);
  const background = width - classes;
  const boxes = operation.shape(0);
  if (operation.rank(1) !== 3 || boxes.join() !== [1, count, 4].join() || (background !== 0 && background !== 1)) {
    operation.unsupported(`boxes [${boxes}] and scores [${operation.shape(1)}] of ${classes} classes`);
  }
  if (operation.isConstant(0) || operation.isConstant(1)) operation.unsupported('boxes or scores are constant');
  const anchors = operation.source(2, 'the anchors');
  if (anchors.shape.join() !== [count, 4].join()) operation.fail(`anchors [${anchors.shape}] for ${count} boxes`);
  const score = given.get('nms_score_threshold') ?? 0;
  const head: SsdHead = {
    type: 'ssd',
    boxes: '',
    scores: '',
    activation: 'none',
    background,
    coding: 'yxhw',
    scales: [scale('x_scale'), scale('y_scale'), scale('w_scale'), scale('h_scale')],
    anchors: floatsToBase64(translation.constants.floats(anchors)),
  };
  const { labels } = tfliteFacts(translation.graph.metadata);
  const vision: VisionMetadata = {
    task: 'detect',
    head,
    preprocessing: imagePreprocessing(operation),
    labels: (labels && fittingLabels(labels, classes)) ?? defaultLabels(classes),
    scoreThreshold: score >= leastScoreThreshold && score <= 1 ? score : usualScoreThreshold,
    iouThreshold: number('nms_iou_threshold', 1),
    classAgnostic: !given.get('use_regular_nms'),
    maxResults: Math.floor(number('max_detections', 65536)),
  };
  const ends = [operation.value(0), operation.value(1)].map((value, i) => ({ tensor: operation.tensor(i), value }));
  translation.endInDetections(operator, ends, ([boxesName, scoresName]) => {
    translation.graph.metadata.vision = { ...vision, head: { ...head, boxes: boxesName, scores: scoresName } };
    translation.graph.notes.push(
      `the graph ends before operator ${operator.index} (${operator.name}), whose decoding a detector does`,
    );
  });
};

/** The whole input as the file says, or from −1 to 1; a quantised input's integers are the image's bytes. */
function imagePreprocessing(operation: Operation): VisionMetadata['preprocessing'] {
  const { model } = operation.translation;
  const input: TfliteTensor | undefined = model.tensors[model.inputs[0]];
  const [, height, width, channels] = input?.shape ?? [];
  if (model.inputs.length !== 1 || input.shape.length !== 4 || channels !== 3) {
    return operation.unsupported('the model does not take one RGB image');
  }
  const { quantization, type } = input;
  if (!quantization || (type !== 'uint8' && type !== 'int8')) {
    const { normalization } = tfliteFacts(operation.translation.graph.metadata);
    return { width, height, ...ssdPreprocessing, ...normalization };
  }
  const scale = quantization.scales[0];
  const offset = -scale * (quantization.zeroPoints[0] + (type === 'int8' ? 128 : 0));
  return { width, height, ...ssdPreprocessing, scale: [scale, scale, scale], offset: [offset, offset, offset] };
}

export const detection: Record<string, Handler> = { 'CUSTOM (TFLite_Detection_PostProcess)': postProcess };
