// TFLite_Detection_PostProcess, the custom operator at the end of TensorFlow's SSDs: decodes boxes and suppresses those
// that overlap. The graph ends before it: its inputs are the graph's outputs, and `metadata.detectionPostProcess` keeps
// its options, from which vision/recognise-post-process.ts makes a head.
import type { ImportedOperator } from '../../imported-operator.ts';
import { readFlexMap } from '../flexbuffer.ts';
import type { Handler, Operation } from '../operation.ts';
import type { TfliteModel } from '../schema.ts';

/** The content of `metadata.detectionPostProcess` of a graph. */
interface DetectionPostProcess {
  /** Names of the outputs that it read: (1, anchors, 4) and (1, anchors, classes), the latter maybe with a background first. */
  boxes: string;
  scores: string;
  /** Options as in the file; booleans are 0 and 1. */
  options: Record<string, number>;
  /** (y centre, x centre, height, width) of each anchor, fractions of the input. */
  anchors: number[];
}

/** Options that must be more than 0, and the maximum of each. */
const limits = {
  num_classes: 65536,
  x_scale: 1e6,
  y_scale: 1e6,
  w_scale: 1e6,
  h_scale: 1e6,
  nms_iou_threshold: 1,
  max_detections: 65536,
};

function options(operation: Operation): Map<string, number> {
  try {
    return readFlexMap(operation.operator.customOptions);
  } catch (error) {
    return operation.fail(`its options are not a FlexBuffer: ${(error as Error).message}`);
  }
}

/** (boxes (1, anchors, 4), scores (1, anchors, classes), anchors (anchors, 4)): four outputs with the detections. */
const postProcess: Handler = (operation) => {
  const { translation, operator } = operation;
  const given = options(operation);
  for (const [name, most] of Object.entries(limits)) {
    const value = given.get(name);
    if (value === undefined || !(value > 0 && value <= most)) {
      return operation.fail(`option ${name} is ${value}; wanted a number over 0 and up to ${most}`);
    }
  }
  const classes = given.get('num_classes')!;
  const [, count, width] = operation.shape(1);
  const background = width - classes;
  const boxes = operation.shape(0);
  if (operation.rank(1) !== 3 || boxes.join() !== [1, count, 4].join() || (background !== 0 && background !== 1)) {
    operation.unsupported(`boxes [${boxes}] and scores [${operation.shape(1)}] of ${classes} classes`);
  }
  if (operation.isConstant(0) || operation.isConstant(1)) operation.unsupported('boxes or scores are constant');
  if (!takesImage(translation.model)) operation.unsupported('the model does not take one RGB image');
  const anchors = operation.source(2, 'the anchors');
  if (anchors.shape.join() !== [count, 4].join()) operation.fail(`anchors [${anchors.shape}] for ${count} boxes`);
  const ends = [operation.value(0), operation.value(1)].map((value, i) => ({ tensor: operation.tensor(i), value }));
  translation.endInDetections(operator, ends, ([boxesName, scoresName]) => {
    const fact: DetectionPostProcess = {
      boxes: boxesName,
      scores: scoresName,
      options: Object.fromEntries(given),
      anchors: [...translation.constants.floats(anchors)],
    };
    translation.graph.metadata.detectionPostProcess = fact;
    translation.graph.notes.push(
      `the graph ends before operator ${operator.index} (${operator.name}), whose decoding a detector does`,
    );
  });
};

function takesImage({ inputs, tensors }: TfliteModel): boolean {
  const shape = inputs.length === 1 ? tensors[inputs[0]].shape : [];
  return shape.length === 4 && shape[3] === 3;
}

export const detection: Record<string, ImportedOperator<Operation>> = {
  'CUSTOM (TFLite_Detection_PostProcess)': {
    becomes: [],
    limits: 'At the end of a model that takes one RGB image; the anchors are constants. A detector does its decoding.',
    translate: postProcess,
  },
};
