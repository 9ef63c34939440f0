import type { Mask } from './mask.ts';
import type { Geometry, Rectangle } from './preprocessing.ts';

/**
 * What a detection head proposes before suppression: n boxes in model-input pixels. Heads put in only those that reach
 * the score threshold.
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

/** Collects candidates whose number is not known beforehand. */
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
