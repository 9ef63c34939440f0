// How far one detector's findings in a picture are from another's, without labels. It counts as average precision does:
// each object counts once, however many outputs report it.
import type { Candidates } from './candidates.ts';
import { intersectionOverUnion, suppress } from './nms.ts';

/** Boxes of one class that overlap by more than this are one object. */
const sameObject = 0.65;

/** Objects compared per picture, best first. */
const maxObjects = 100;

/** The candidates reduced to one per object. */
export function objectsOf(candidates: Candidates): Candidates {
  const kept = suppress(candidates, { iouThreshold: sameObject, maxResults: maxObjects });
  const { boxes, scores, classes } = candidates;
  return {
    length: kept.length,
    boxes: Float32Array.from({ length: 4 * kept.length }, (_, i) => boxes[4 * kept[i >> 2] + (i & 3)]),
    scores: Float32Array.from(kept, (i) => scores[i]),
    classes: Int32Array.from(kept, (i) => classes?.[i] ?? 0),
    keypointCount: 0,
  };
}

/**
 * 0 for the same objects, 1 where they have nothing in common: the score that each side's objects lack in the other, as
 * a share of all scores. An object of score s lacks s − min(s, s′) × IoU, for the object of its class on the other side
 * that makes this smallest.
 */
export function disagreement(a: Candidates, b: Candidates): number {
  const all = sum(a.scores) + sum(b.scores);
  return all > 0 ? (lacking(a, b) + lacking(b, a)) / all : 0;
}

function lacking(a: Candidates, b: Candidates): number {
  const boxes = new Float32Array(8);
  let lack = 0;
  for (let i = 0; i < a.length; i++) {
    let found = 0;
    boxes.set(a.boxes.subarray(4 * i, 4 * i + 4));
    for (let j = 0; j < b.length; j++) {
      if (a.classes?.[i] !== b.classes?.[j]) continue;
      boxes.set(b.boxes.subarray(4 * j, 4 * j + 4), 4);
      found = Math.max(found, Math.min(a.scores[i], b.scores[j]) * intersectionOverUnion(boxes, 0, 1));
    }
    lack += a.scores[i] - found;
  }
  return lack;
}

const sum = (scores: Float32Array) => scores.reduce((total, score) => total + score, 0);
