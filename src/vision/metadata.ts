// `metadata.vision` of an artifact: what its model sees, and how its inputs and outputs are to be read.
import { field, integer, invalid, list, number, oneOf, text, type Field } from './fields.ts';
import { headTypes, type Head } from './heads.ts';
import { resizeModes, type Preprocessing } from './preprocessing.ts';

export interface VisionMetadata {
  readonly task: 'detect';
  readonly head: Head;
  readonly preprocessing: Preprocessing;
  /** Name of each class. */
  readonly labels: readonly string[];
  /** What a detector uses when its caller says nothing. */
  readonly scoreThreshold: number;
  readonly iouThreshold: number;
}

/**
 * Checks `metadata.vision`. Returns undefined when there is none.
 * @throws FiligreeError `invalid-model` naming the first field that is wrong
 */
export function readVisionMetadata(metadata: Record<string, unknown>): VisionMetadata | undefined {
  if (metadata.vision === undefined) return undefined;
  const vision: Field = { value: metadata.vision, path: 'metadata.vision' };
  oneOf(field(vision, 'task'), ['detect']);
  const head = field(vision, 'head');
  const type = oneOf(field(head, 'type'), Object.keys(headTypes) as Head['type'][]);
  return {
    task: 'detect',
    head: headTypes[type].read(head),
    preprocessing: readPreprocessing(field(vision, 'preprocessing')),
    labels: list(field(vision, 'labels'), text),
    scoreThreshold: number(field(vision, 'scoreThreshold'), 0, 1),
    iouThreshold: number(field(vision, 'iouThreshold'), 0, 1),
  };
}

/** @throws FiligreeError `invalid-model` naming the first field that is wrong */
export function readPreprocessing(value: Field): Preprocessing {
  const perChannel = (name: string): [number, number, number] => {
    const values = list(field(value, name), (item) => number(item), 3);
    if (values.length !== 3) throw invalid(`${value.path}.${name}`, 'three numbers', values);
    return [values[0], values[1], values[2]];
  };
  return {
    width: integer(field(value, 'width'), 1, 65536),
    height: integer(field(value, 'height'), 1, 65536),
    resize: oneOf(field(value, 'resize'), resizeModes),
    padValue: number(field(value, 'padValue'), 0, 255),
    scale: perChannel('scale'),
    offset: perChannel('offset'),
    order: oneOf(field(value, 'order'), ['RGB', 'BGR']),
    ...(field(value, 'antialias').value === false ? { antialias: false } : {}),
  };
}
