// Options that several commands share: preprocessing and labels.
import { InvalidArgumentError } from 'commander';
import { parseLabels } from '../formats/label-file.ts';
import { preprocessingPresets, type ClassifierPreprocessing } from '../vision/classifier-metadata.ts';
import { readInput } from '../files/read.ts';

export const preprocessHelp =
  "how photos become the model's input: mobilenet (b/127.5 − 1 of bytes b), imagenet (mean and deviation of PyTorch " +
  'models), none (0…255), or JSON: {"scale": [r, g, b], "offset": [r, g, b], "order": "BGR", "resize": "letterbox"} ' +
  '(default: as the metadata says)';

/** A preset or JSON. */
export function preprocessing(text: string): ClassifierPreprocessing {
  if (Object.hasOwn(preprocessingPresets, text)) return text as keyof typeof preprocessingPresets;
  if (text.trimStart().startsWith('{')) {
    try {
      return JSON.parse(text) as ClassifierPreprocessing; // its fields are checked later, against the model
    } catch (error) {
      throw new InvalidArgumentError(`It is not valid JSON: ${(error as Error).message}.`);
    }
  }
  throw new InvalidArgumentError(`It must be ${Object.keys(preprocessingPresets).join(', ')} or a JSON object.`);
}

/** The `--labels` option of commands that take a model. */
export const labelsFlags = '-l, --labels <file>';
export const labelsHelp = "names of the classes, one a line (default: the model's)";

/** @throws FiligreeError naming file and line */
export async function readLabels(path: string): Promise<string[]> {
  return parseLabels(new TextDecoder().decode(await readInput(path)), path);
}
