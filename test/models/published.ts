// Published models that npm packages bring, as files that Filigree and its peers both read.
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const modules = fileURLToPath(new URL('../../node_modules/', import.meta.url));

export const faceModels = {
  sparse: path.join(modules, '@mediapipe/face_detection/face_detection_full_range_sparse.tflite'),
  dense: path.join(modules, '@mediapipe/face_detection/face_detection_full_range.tflite'),
  short: path.join(modules, '@mediapipe/face_detection/face_detection_short_range.tflite'),
};

/** The SSD MobileNetV2 (Open Images, 300², 24 classes) inside objectron's asset file, in a temporary file of its own. */
export function objectronSsd(): string {
  const assets = readFileSync(path.join(modules, '@mediapipe/objectron/objectron_solution_packed_assets.data'));
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'filigree-ssd-')), 'objectron_ssd.tflite');
  writeFileSync(file, assets.subarray(184, 9987912));
  return file;
}
