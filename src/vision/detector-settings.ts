// Settings of a detector, and of one call of it.
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
