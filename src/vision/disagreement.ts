// How far what one detector finds in a picture is from what another one finds: without labels, and as average precision
// sees it, one object counting as much as another however many outputs tell of it.
import type { Candidates } from './candidates.ts';
import { intersectionOverUnion, suppress } from './nms.ts';

/** Boxes of a class that overlap by more than this are one object. */
const sameObject = 0.65;

/** Objects of a picture that are looked at, best first. */
const maxObjects = 100;

/** What is left of candidates once each object counts once. */
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
 * 0 for the same objects, 1 where they have nothing in common: what objects of each lack in the other's, as a share of all
 * their scores. An object of score s lacks s − min(s, s′) × IoU of the object of its class in the other that leaves the least.
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
