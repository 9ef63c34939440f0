// What a TFLite file says about itself, as the importer leaves it in `metadata.tflite`. An artifact's metadata is
// untrusted: fields of another form count as absent.
import { isObject } from '../formats/json-object.ts';
import { keypointFacts, type OnnxFacts } from './onnx-facts.ts';
import { normalization, type Preprocessing } from './preprocessing.ts';

export interface TfliteFacts extends Pick<OnnxFacts, 'keypointShape'> {
  /** The file is one of TFLite. */
  readonly isTflite: boolean;
  readonly task?: string;
  readonly labels?: readonly string[];
  /** How an image's bytes are normalised, where the input is float32. */
  readonly normalization?: Pick<Preprocessing, 'scale' | 'offset'>;
  readonly description: string;
}

export function tfliteFacts(metadata: Readonly<Record<string, unknown>>): TfliteFacts {
  const tflite = isObject(metadata.tflite) ? metadata.tflite : {};
  const { task, labels, name, description } = tflite;
  const given = isObject(tflite.normalization) ? tflite.normalization : {};
  const [mean, std] = [perChannel(given.mean), perChannel(given.std)];
  return {
    isTflite: isObject(metadata.tflite),
    ...(typeof task === 'string' && { task }),
    ...(Array.isArray(labels) && labels.every((label) => typeof label === 'string') && { labels }),
    ...keypointFacts(tflite.keypointShape),
    ...(mean && std && !std.includes(0) && { normalization: normalization(mean, std) }),
    description: [name, description].filter((value) => typeof value === 'string').join(' '),
  };
}

function perChannel(values: unknown): [number, number, number] | undefined {
  if (!Array.isArray(values) || !values.every(Number.isFinite)) return undefined;
  if (values.length === 1) return [values[0], values[0], values[0]];
  return values.length === 3 ? [values[0], values[1], values[2]] : undefined;
}
