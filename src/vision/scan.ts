// Finds, among thousands of anchors, the few with scores worth decoding.

/** How an output's numbers become scores. Softmax runs over all classes, including the background. */
export const scoreActivations = ['none', 'sigmoid', 'softmax'] as const;
export type ScoreActivation = (typeof scoreActivations)[number];

/** Where the scores of a set of anchors lie: elements of one output, row-major in its author's shape. */
export interface ScoreScan {
  /** Name of the output. */
  readonly output: string;
  readonly anchors: number;
  readonly classes: number;
  /** Number of background classes in front: never found, and not counted in class indices. */
  readonly background: number;
  /** Element of class 0 of anchor 0, and elements to the next anchor and the next class. */
  readonly at: number;
  readonly anchorStep: number;
  readonly classStep: number;
  /** Element of anchor 0's objectness, which multiplies its scores; one every `anchorStep`. Not with softmax. */
  readonly objectness?: number;
  readonly activation: ScoreActivation;
}

/** Anchors with their scores after activation, ordered by anchor, then by class. */
export interface ScoredAnchors {
  readonly length: number;
  readonly anchors: Int32Array;
  readonly classes: Int32Array;
  readonly scores: Float32Array;
}

/**
 * The class of highest score of each anchor, the first of equals, where that score reaches the threshold. NaN scores
 * are skipped: the anchor's other classes count. An anchor of NaN objectness is not found.
 */
export function scanBest(values: Float32Array, scan: ScoreScan, threshold: number): ScoredAnchors {
  const { anchors, classes, background, at, anchorStep, classStep } = scan;
  const best = new Float32Array(anchors).fill(-Infinity);
  const bestClass = new Int32Array(anchors);
  if (anchorStep < classStep) {
    for (let block = 0; block < anchors; block += blockAnchors) {
      const end = Math.min(anchors, block + blockAnchors);
      for (let c = background; c < classes; c++) {
        for (let i = block, p = at + c * classStep + block * anchorStep; i < end; i++, p += anchorStep) {
          if (values[p] > best[i]) {
            best[i] = values[p];
            bestClass[i] = c - background;
          }
        }
      }
    }
  } else {
    for (let i = 0; i < anchors; i++) {
      let most = -Infinity;
      let index = 0;
      for (let c = background, p = at + i * anchorStep + background * classStep; c < classes; c++, p += classStep) {
        if (values[p] > most) {
          most = values[p];
          index = c - background;
        }
      }
      best[i] = most;
      bestClass[i] = index;
    }
  }
  const score = scorer(values, scan);
  const least = Math.fround(threshold);
  let length = 0;
  const found = new Int32Array(anchors);
  for (let i = 0; i < anchors; i++) {
    if (best[i] === -Infinity) continue;
    best[length] = score(best[i], i);
    bestClass[length] = bestClass[i];
    if (best[length] >= least) found[length++] = i;
  }
  return {
    length,
    anchors: found.subarray(0, length),
    classes: bestClass.subarray(0, length),
    scores: best.subarray(0, length),
  };
}

/** Every class of every anchor whose score reaches the threshold: "multi-label" in the evaluation of YOLO models. */
export function scanAll(values: Float32Array, scan: ScoreScan, threshold: number): ScoredAnchors {
  const { anchors, classes, background, at, anchorStep, classStep } = scan;
  const score = scorer(values, scan);
  const least = Math.fround(threshold);
  const found: number[] = [];
  const foundClasses: number[] = [];
  const scores: number[] = [];
  for (let i = 0; i < anchors; i++) {
    for (let c = background; c < classes; c++) {
      const value = values[at + i * anchorStep + c * classStep];
      const s = score(value, i);
      if (!(s >= least) || value === -Infinity) continue;
      found.push(i);
      foundClasses.push(c - background);
      scores.push(s);
    }
  }
  return {
    length: found.length,
    anchors: Int32Array.from(found),
    classes: Int32Array.from(foundClasses),
    scores: Float32Array.from(scores),
  };
}

/** Number of anchors whose best scores stay in the cache while all classes pass. */
const blockAnchors = 1024;

/** Makes the function from a class's number and its anchor to its score; in float32, as the kernels compute. */
function scorer(values: Float32Array, scan: ScoreScan): (value: number, anchor: number) => number {
  const { at, anchorStep, classStep, classes, objectness, activation } = scan;
  if (activation === 'softmax') {
    return (value, anchor) => {
      let sum = 0;
      for (let c = 0; c < classes; c++) sum += Math.exp(values[at + anchor * anchorStep + c * classStep] - value);
      return Math.fround(1 / sum);
    };
  }
  const activate = activation === 'sigmoid' ? sigmoid : (value: number) => value;
  if (objectness === undefined) return (value) => Math.fround(activate(value));
  return (value, anchor) => Math.fround(activate(value) * activate(values[objectness + anchor * anchorStep]));
}

export function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
