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
  readonly keypointCount: number;
}

/** The candidates of the given classes. */
export function ofClasses(candidates: Candidates, wanted: ReadonlySet<number>): Candidates {
  const { length, boxes, scores, classes, keypoints, keypointCount } = candidates;
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
    keypointCount,
  };
}

/** Collects candidates when their number is not known in advance. */
export class CandidateList {
  private readonly keypointCount: number;
  private readonly boxes: number[] = [];
  private readonly scores: number[] = [];
  private readonly classes: number[] = [];
  private readonly keypoints: number[] = [];

  constructor(keypointCount = 0) {
    this.keypointCount = keypointCount;
  }

  /** `keypoints`: keypointCount × (x, y). */
  add(
    box: readonly [xmin: number, ymin: number, xmax: number, ymax: number],
    score: number,
    classIndex: number,
    keypoints: readonly number[] = [],
  ): void {
    this.boxes.push(...box);
    this.scores.push(score);
    this.classes.push(classIndex);
    this.keypoints.push(...keypoints);
  }

  /** A box by its centre and size, without keypoints. */
  addCentred(x: number, y: number, width: number, height: number, score: number, classIndex: number): void {
    this.add([x - width / 2, y - height / 2, x + width / 2, y + height / 2], score, classIndex);
  }

  finish(): Candidates {
    return {
      length: this.scores.length,
      boxes: Float32Array.from(this.boxes),
      scores: Float32Array.from(this.scores),
      classes: Int32Array.from(this.classes),
      ...(this.keypointCount > 0 && { keypoints: Float32Array.from(this.keypoints) }),
      keypointCount: this.keypointCount,
    };
  }
}
