// What an ONNX file says about itself, as the importer leaves it in `metadata.onnx`: strings by key.
import { isObject } from '../formats/json-object.ts';
import { pythonNames } from '../formats/python-names.ts';

export interface OnnxFacts {
  /** Ultralytics' `task`: `detect`, `segment`, … */
  readonly task?: string;
  /** Ultralytics' `names`, by class. */
  readonly labels?: readonly string[];
  /** Ultralytics' `kpt_shape`: keypoints of an object, and numbers of a keypoint. */
  readonly keypointShape?: readonly [count: number, values: number];
  /** All strings that may name the network's family. */
  readonly description: string;
}

export function onnxFacts(metadata: Readonly<Record<string, unknown>>): OnnxFacts {
  const onnx = isObject(metadata.onnx) ? metadata.onnx : {};
  const labels = typeof onnx.names === 'string' ? pythonNames(onnx.names) : undefined;
  const texts = [
    metadata.description,
    metadata.producer,
    ...Object.entries(onnx).map(([key, value]) => key !== 'names' && value),
  ];
  return {
    ...(typeof onnx.task === 'string' && { task: onnx.task }),
    ...(labels && { labels }),
    ...keypointFacts(onnx.kpt_shape),
    description: texts.filter((value) => typeof value === 'string').join(' '),
  };
}

/** Ultralytics' text of two numbers, `[17, 3]`, as a fact. */
export function keypointFacts(text: unknown): Pick<OnnxFacts, 'keypointShape'> {
  const [, count, values] =
    (typeof text === 'string' && /^\s*[[(]\s*(\d{1,4})\s*,\s*([23])\s*[\])]\s*$/.exec(text)) || [];
  return count && values && Number(count) > 0 ? { keypointShape: [Number(count), Number(values)] } : {};
}
