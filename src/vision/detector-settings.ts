// Settings of a detector, and of one call of it.
import { FiligreeError } from '../errors.ts';
import { readVisionMetadata, type VisionMetadata } from './metadata.ts';
import type { Preprocessing } from './preprocessing.ts';
import type { HeadName } from './head-names.ts';
import type { TileOptions } from './tiles.ts';

export interface DetectorSettings {
  /** Detections below this score (0…1) are left out. Default: the model's metadata. */
  scoreThreshold?: number;
  /** Boxes that overlap by more than this (intersection over union, 0…1) become one. Default: the model's. */
  iouThreshold?: number;
  /** Maximum number of detections; default the model's, or 100. */
  maxResults?: number;
  /** Boxes of different classes that overlap become one too; default the model's, or false. */
  classAgnostic?: boolean;
  /**
   * A box counts once for each class that reaches the threshold, not only for its best; default false. The evaluation
   * of YOLO models counts this way.
   */
  multiLabel?: boolean;
  /** The detection head, where the model's metadata does not name it. */
  head?: HeadName;
  /**
   * Name of each class, in place of the model's. The list has one name per class, or one more: a background's in front.
   */
  labels?: readonly string[];
  /**
   * How images become its input, where that differs from the model's metadata or from its head's usual preprocessing.
   */
  preprocessing?: Partial<Omit<Preprocessing, 'width' | 'height'>>;
}

/** Settings of one call of `detect`, in place of the detector's own. */
export interface DetectOptions {
  /** Detections below this score (0…1) are left out. */
  scoreThreshold?: number;
  /** Finds only these classes, by label or by index: each place in the image whose best class is one of them. */
  classes?: readonly (string | number)[];
  /**
   * Looks at the photo in parts that overlap as well, at their full size, so that small objects in large photos are found;
   * default false. Each part is a run of the model: a photo of 12 megapixels takes about a hundred of 416 × 416.
   */
  tiles?: boolean | TileOptions;
  /** Rejects with its reason, unless the model has run already: a run that has begun goes on. */
  signal?: AbortSignal;
}

/** Settings that choose among candidates. */
export type Limits = Required<
  Pick<DetectorSettings, 'scoreThreshold' | 'iouThreshold' | 'maxResults' | 'classAgnostic' | 'multiLabel'>
>;

const defaultMaxResults = 100;

/** The model's vision metadata with the caller's overrides, checked like the model's own. */
export function withOverrides(
  vision: VisionMetadata,
  labels: DetectorSettings['labels'],
  preprocessing: DetectorSettings['preprocessing'],
): VisionMetadata {
  if (labels === undefined && preprocessing === undefined) return vision;
  const { width, height } = vision.preprocessing;
  const changed = {
    ...vision,
    labels: labels ?? vision.labels,
    preprocessing: { ...vision.preprocessing, ...preprocessing, width, height },
  };
  try {
    return readVisionMetadata({ vision: changed })!;
  } catch (error) {
    const message = (error as Error).message.replace('metadata.vision.', '');
    throw new FiligreeError('invalid-argument', message, { cause: error });
  }
}

export function checkedLimits(settings: DetectorSettings, vision: VisionMetadata): Limits {
  const {
    scoreThreshold = vision.scoreThreshold,
    iouThreshold = vision.iouThreshold,
    maxResults = vision.maxResults ?? defaultMaxResults,
    classAgnostic = vision.classAgnostic ?? false,
    multiLabel = false,
  } = settings;
  checkScoreThreshold(scoreThreshold);
  checkFraction('iouThreshold', iouThreshold);
  if (!Number.isInteger(maxResults) || maxResults < 1) {
    throw new FiligreeError('invalid-argument', `maxResults: wanted a whole number from 1, got ${String(maxResults)}`);
  }
  for (const [name, value] of Object.entries({ classAgnostic, multiLabel })) {
    if (typeof value !== 'boolean') {
      throw new FiligreeError('invalid-argument', `${name}: wanted true or false, got ${String(value)}`);
    }
  }
  return { scoreThreshold, iouThreshold, maxResults, classAgnostic, multiLabel };
}

/** @throws FiligreeError `invalid-argument` */
export const checkScoreThreshold = (value: number): void => checkFraction('scoreThreshold', value);

function checkFraction(name: string, value: number): void {
  if (value >= 0 && value <= 1) return;
  throw new FiligreeError('invalid-argument', `${name}: wanted a number from 0 to 1, got ${String(value)}`);
}

/**
 * The indices of the classes that a call names.
 * @throws FiligreeError `invalid-argument` when there is no such class
 */
export function classIndices(wanted: readonly (string | number)[], labels: readonly string[]): Set<number> {
  return new Set(
    wanted.map((name) => {
      const index = typeof name === 'number' ? name : labels.indexOf(name);
      if (Number.isInteger(index) && index >= 0 && (labels.length === 0 || index < labels.length)) return index;
      const some =
        labels.length > 0 ? `"${labels.slice(0, 8).join('", "')}"${labels.length > 8 ? ', …' : ''}` : 'no names';
      throw new FiligreeError(
        'invalid-argument',
        `classes: the model has no class ${JSON.stringify(name)}; it has ${labels.length} classes: ${some}`,
      );
    }),
  );
}
