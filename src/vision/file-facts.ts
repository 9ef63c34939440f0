// What the file that a model was compiled from says of itself.
import { onnxFacts, type OnnxFacts } from './onnx-facts.ts';
import { tfliteFacts, type TfliteFacts } from './tflite-facts.ts';

export type FileFacts = OnnxFacts & TfliteFacts;

/** Facts from a model's metadata, whichever kind of file it was. */
export function fileFacts(metadata: Readonly<Record<string, unknown>>): FileFacts {
  const [onnx, tflite] = [onnxFacts(metadata), tfliteFacts(metadata)];
  return { ...onnx, ...tflite, description: `${onnx.description} ${tflite.description}` };
}
