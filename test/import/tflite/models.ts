// Where the real models are.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.join(import.meta.dirname, '../../..');
const mediapipe = path.join(root, 'node_modules/@mediapipe');

export const sparseFace = path.join(mediapipe, 'face_detection/face_detection_full_range_sparse.tflite');
export const denseFace = path.join(mediapipe, 'face_detection/face_detection_full_range.tflite');
export const shortFace = path.join(mediapipe, 'face_detection/face_detection_short_range.tflite');
export const shoes = path.join(mediapipe, 'objectron/object_detection_3d_sneakers.tflite');

/** Objectron's SSD MobileNetV2 lies inside a package of several files. */
export function objectDetector(): Uint8Array {
  const pack = readFileSync(path.join(mediapipe, 'objectron/objectron_solution_packed_assets.data'));
  return new Uint8Array(pack).slice(184, 9987912);
}

const mobilenets = path.join(root, '../shared/data/models');

/** MobileNets beside the repository; undefined where they are not. */
export function mobilenet(file: string): string | undefined {
  const found = path.join(mobilenets, file);
  return existsSync(found) ? found : undefined;
}
