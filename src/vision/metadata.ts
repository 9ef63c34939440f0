// `metadata.vision` of an artifact: how to prepare its model's input and read its outputs.
import { field, flag, integer, invalid, list, number, oneOf, text, type Field } from './fields.ts';
import { headTypeNames, type Head } from './heads/head.ts';
import { resizeModes, type Preprocessing } from './preprocessing.ts';

export interface VisionMetadata {
  readonly task: 'detect';
  readonly head: Head;
  readonly preprocessing: Preprocessing;
  /** Name of each class; classes without a name are called by their number. */
  readonly labels: readonly string[];
  /** A detector's defaults. */
  readonly scoreThreshold: number;
  readonly iouThreshold: number;
  /** Whether boxes of different classes suppress each other; false if not given. */
  readonly classAgnostic?: boolean;
  /** Maximum number of detections; 100 if not given. */
  readonly maxResults?: number;
}

/**
 * Checks `metadata.vision`. Returns undefined when there is none.
 * @throws FiligreeError `invalid-model` naming the first field that is wrong
 */
export function readVisionMetadata(metadata: Record<string, unknown>): VisionMetadata | undefined {
  if (metadata.vision === undefined) return undefined;
  const vision: Field = { value: metadata.vision, path: 'metadata.vision' };
  oneOf(field(vision, 'task'), ['detect']);
  const labels = field(vision, 'labels');
  const classAgnostic = field(vision, 'classAgnostic');
  const maxResults = field(vision, 'maxResults');
  return {
    task: 'detect',
    head: readHead(field(vision, 'head')),
    preprocessing: readPreprocessing(field(vision, 'preprocessing')),
    labels: Array.isArray(labels.value) && labels.value.length === 0 ? [] : list(labels, text),
    scoreThreshold: number(field(vision, 'scoreThreshold'), 0, 1),
    iouThreshold: number(field(vision, 'iouThreshold'), 0, 1),
    ...(classAgnostic.value !== undefined && { classAgnostic: flag(classAgnostic) }),
    ...(maxResults.value !== undefined && { maxResults: integer(maxResults, 1, 65536) }),
  };
}

function readHead(value: Field): Head {
  oneOf(field(value, 'type'), headTypeNames);
  return value.value as Head; // its own fields are checked where its code is: by decoderOf
}

/** @throws FiligreeError `invalid-model` naming the first field that is wrong */
export function readPreprocessing(value: Field): Preprocessing {
  const perChannel = (name: string): [number, number, number] => {
    const values = list(field(value, name), (item) => number(item), 3);
    if (values.length !== 3) throw invalid(`${value.path}.${name}`, 'three numbers', values);
    return [values[0], values[1], values[2]];
  };
  const antialias = field(value, 'antialias');
  return {
    width: integer(field(value, 'width'), 1, 65536),
    height: integer(field(value, 'height'), 1, 65536),
    resize: oneOf(field(value, 'resize'), resizeModes),
    padValue: number(field(value, 'padValue'), 0, 255),
    scale: perChannel('scale'),
    offset: perChannel('offset'),
    order: oneOf(field(value, 'order'), ['RGB', 'BGR']),
    ...(antialias.value !== undefined && { antialias: flag(antialias) }),
  };
}
