import type { Mask } from './mask.ts';
import type { Geometry, Rectangle } from './preprocessing.ts';

/**
 * What a detection head proposes before suppression: n boxes in model-input pixels. Heads add only boxes that reach the
 * score threshold.
 */
export interface Candidates {
  readonly length: number;
  /** n × (xmin, ymin, xmax, ymax). */
  readonly boxes: Float32Array;
  /** n scores, 0…1. */
  readonly scores: Float32Array;
  /** n class indices; all 0 when absent. */
  readonly classes?: Int32Array;
  /** n × keypointCount × (x, y). */
  readonly keypoints?: Float32Array;
  /** n × keypointCount scores, 0…1. */
  readonly keypointScores?: Float32Array;
  readonly keypointCount: number;
  /** n angles in radians, clockwise: each box is turned by its own about its centre. */
  readonly angles?: Float32Array;
  /**
   * The mask of candidate i within a rectangle of whole image pixels; good while the outputs are, that is until the next run.
   * Not with weighted suppression.
   */
  readonly mask?: (i: number, within: Rectangle, geometry: Geometry) => Mask;
}

/** What a candidate has besides its box, score and class. A list's candidates all have the same. */
export interface More {
  /** keypointCount × (x, y). */
  readonly keypoints?: readonly number[];
  readonly keypointScores?: readonly number[];
  readonly angle?: number;
}

/** The candidates of the given classes. */
export function ofClasses(candidates: Candidates, wanted: ReadonlySet<number>): Candidates {
  const { length, boxes, scores, classes, keypoints, keypointScores, keypointCount, angles, mask } = candidates;
  const kept: number[] = [];
  for (let i = 0; i < length; i++) if (wanted.has(classes?.[i] ?? 0)) kept.push(i);
  const rows = (values: Float32Array, width: number) =>
    Float32Array.from(
      { length: kept.length * width },
      (_, at) => values[kept[Math.floor(at / width)] * width + (at % width)],
    );
  return {
    length: kept.length,
    boxes: rows(boxes, 4),
    scores: rows(scores, 1),
    ...(classes && { classes: Int32Array.from(kept, (i) => classes[i]) }),
    ...(keypoints && { keypoints: rows(keypoints, 2 * keypointCount) }),
    ...(keypointScores && { keypointScores: rows(keypointScores, keypointCount) }),
    keypointCount,
    ...(angles && { angles: rows(angles, 1) }),
    ...(mask && { mask: (i, ...rest) => mask(kept[i], ...rest) }),
  };
}

/** Collects candidates when their number is not known in advance. */
export class CandidateList {
  private readonly keypointCount: number;
  private readonly boxes: number[] = [];
  private readonly scores: number[] = [];
  private readonly classes: number[] = [];
  private readonly keypoints: number[] = [];
  private readonly keypointScores: number[] = [];
  private readonly angles: number[] = [];

  constructor(keypointCount = 0) {
    this.keypointCount = keypointCount;
  }

  add(
    box: readonly [xmin: number, ymin: number, xmax: number, ymax: number],
    score: number,
    classIndex: number,
    { keypoints = [], keypointScores = [], angle }: More = {},
  ): void {
    this.boxes.push(...box);
    this.scores.push(score);
    this.classes.push(classIndex);
    this.keypoints.push(...keypoints);
    this.keypointScores.push(...keypointScores);
    if (angle !== undefined) this.angles.push(angle);
  }

  /** A box by its centre and size. */
  addCentred(
    x: number,
    y: number,
    width: number,
    height: number,
    score: number,
    classIndex: number,
    more: More = {},
  ): void {
    this.add([x - width / 2, y - height / 2, x + width / 2, y + height / 2], score, classIndex, more);
  }

  finish(mask?: Candidates['mask']): Candidates {
    const { keypointCount, keypointScores, angles } = this;
    return {
      length: this.scores.length,
      boxes: Float32Array.from(this.boxes),
      scores: Float32Array.from(this.scores),
      classes: Int32Array.from(this.classes),
      ...(keypointCount > 0 && { keypoints: Float32Array.from(this.keypoints) }),
      ...(keypointScores.length > 0 && { keypointScores: Float32Array.from(keypointScores) }),
      keypointCount,
      ...(angles.length > 0 && { angles: Float32Array.from(angles) }),
      ...(mask && { mask }),
    };
  }
}
