// What an ONNX file says about itself, as the importer leaves it in `metadata.onnx`: strings by key.
import { isObject } from '../formats/json-object.ts';
import { pythonNames } from '../formats/python-names.ts';

export interface OnnxFacts {
  /** Ultralytics' `task`: `detect`, `segment`, … */
  readonly task?: string;
  /** Ultralytics' `names`, by class. */
  readonly labels?: readonly string[];
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
    description: texts.filter((value) => typeof value === 'string').join(' '),
  };
}
