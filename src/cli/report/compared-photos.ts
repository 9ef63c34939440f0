// What a detector finds in photos before and after pruning, for the report.
import { basename } from 'node:path';
import { writeArtifact } from '../../artifact/write.ts';
import { readInput } from '../../files/read.ts';
import { decodeImage } from '../../images/decode.ts';
import type { Program } from '../../program/program.ts';
import { loadModel } from '../../runtime/load.ts';
import { classifierShape } from '../../vision/classifier-metadata.ts';
import type { Detection } from '../../vision/detection.ts';
import { Detector } from '../../vision/detector.ts';
import type { HeadName } from '../../vision/head-names.ts';
import { encodeThumbnail } from './thumbnail.ts';

/** A photo with what is found in it. */
export interface ComparedPhoto {
  name: string;
  /** Pixels of the photo. Boxes are in these. */
  width: number;
  height: number;
  /** A smaller copy: the bytes of a JPEG file. */
  thumbnail: Uint8Array;
  before: Detection[];
  after: Detection[];
}

const maxShown = 6;
const maxTried = 24;

/**
 * Up to six photos in which the dense network or the pruned one finds something, among the first 24. None for a
 * classifier. The photos are those of a calibration, which has already decoded them once.
 */
export async function comparePhotos(
  programs: { dense: Program; pruned: Program },
  files: readonly string[],
  head?: HeadName,
): Promise<ComparedPhoto[]> {
  const models = [await loadModel(writeArtifact(programs.dense)), await loadModel(writeArtifact(programs.pruned))];
  const isClassifier = head === undefined && classifierShape(models[0].inputs, models[0].outputs);
  const detectors: Detector[] = [];
  const shown: ComparedPhoto[] = [];
  try {
    if (isClassifier) return [];
    for (const model of models) detectors.push(await Detector.of(model, { head }));
    for (const file of files.slice(0, maxTried)) {
      if (shown.length === maxShown) break;
      const image = await decodeImage(await readInput(file), { name: file });
      const [before, after] = [await detectors[0].detect(image), await detectors[1].detect(image)];
      if (before.detections.length + after.detections.length === 0) continue;
      const { width, height } = image;
      const thumbnail = await encodeThumbnail(image);
      const found = { before: before.detections, after: after.detections };
      shown.push({ name: basename(file), width, height, thumbnail, ...found });
    }
    return shown;
  } finally {
    for (const model of models) model.dispose();
  }
}
