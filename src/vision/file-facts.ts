// What a compiled model's source file says about itself.
import { onnxFacts, type OnnxFacts } from './onnx-facts.ts';
import { tfliteFacts, type TfliteFacts } from './tflite-facts.ts';

export type FileFacts = OnnxFacts & TfliteFacts;

/** Facts from a model's metadata, for either kind of file. */
export function fileFacts(metadata: Readonly<Record<string, unknown>>): FileFacts {
  const [onnx, tflite] = [onnxFacts(metadata), tfliteFacts(metadata)];
  return { ...onnx, ...tflite, description: `${onnx.description} ${tflite.description}` };
}
