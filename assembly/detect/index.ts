// The best class of every anchor, where its score is worth decoding: f32_best_class in src/program/kernels/detect.ts.
//
// Most anchors show nothing. So first only the largest value is found, for four or sixteen anchors or classes at a
// time; its class is found only where it matters.
import { exp } from '../elementwise/activate';
import { firstLanes } from '../elementwise/lanes';
import { BestClassRecord } from '../generated/records';

const headerBytes: usize = 16;

// NaN stays out of the maxima: pmax returns its first operand when a comparison is false.

/** Largest of `classes` contiguous values; −∞ when all are NaN. */
function largestOfRow(x: usize, classes: u32): f32 {
  const least = f32x4.splat(-Infinity);
  let a = least;
  let b = least;
  for (; classes >= 8; classes -= 8) {
    a = f32x4.pmax(a, v128.load(x));
    b = f32x4.pmax(b, v128.load(x, 16));
    x += 32;
  }
  if (classes >= 4) {
    a = f32x4.pmax(a, v128.load(x));
    x += 16;
    classes -= 4;
  }
  if (classes != 0) b = f32x4.pmax(b, v128.bitselect(v128.load(x), least, firstLanes(classes)));
  a = f32x4.pmax(a, b);
  a = f32x4.pmax(a, i64x2.shuffle(a, a, 1, 0));
  return f32x4.extract_lane(f32x4.pmax(a, i32x4.shuffle(a, a, 1, 0, 3, 2)), 0);
}

/** Largest values of four adjacent anchors. */
function largestOf4(x: usize, classes: u32, classStep: u32): v128 {
  let a = f32x4.splat(-Infinity);
  for (; classes != 0; classes--) {
    a = f32x4.pmax(a, v128.load(x));
    x += classStep;
  }
  return a;
}

function sigmoid(x: f32): f32 {
  return 1 / (1 + f32x4.extract_lane(exp(f32x4.splat(-x)), 0));
}

/** Writes the anchor to y, behind `found` others, if its score reaches the threshold; returns the new count. */
function consider(r: BestClassRecord, anchor: u32, best: f32, found: u32): u32 {
  if (best >= r.floor && best > -Infinity) {
    let score = r.sigmoid ? sigmoid(best) : best;
    if (r.hasObjectness) {
      const objectness = load<f32>(r.objectness + anchor * r.anchorStep);
      score *= r.sigmoid ? sigmoid(objectness) : objectness;
    }
    if (score >= r.threshold && found < r.most) {
      const at = r.x + anchor * r.anchorStep;
      let index: u32 = 0;
      while (index < r.classes - 1 && load<f32>(at + index * r.classStep) != best) index++;
      const entry = r.y + headerBytes + 4 * found;
      store<u32>(entry, anchor);
      store<u32>(entry + 4 * r.most, index);
      store<f32>(entry + 8 * r.most, score);
      return found + 1;
    }
  }
  return found;
}

/** Considers four anchors from `anchor` on, those before `end`. */
function consider4(r: BestClassRecord, anchor: u32, end: u32, best: v128, found: u32): u32 {
  if (!v128.any_true(f32x4.ge(best, f32x4.splat(r.floor)))) return found;
  found = consider(r, anchor, f32x4.extract_lane(best, 0), found);
  if (anchor + 1 < end) found = consider(r, anchor + 1, f32x4.extract_lane(best, 1), found);
  if (anchor + 2 < end) found = consider(r, anchor + 2, f32x4.extract_lane(best, 2), found);
  if (anchor + 3 < end) found = consider(r, anchor + 3, f32x4.extract_lane(best, 3), found);
  return found;
}

export function f32_best_class(r: BestClassRecord): void {
  const anchors = r.anchors;
  const classStep = r.classStep;
  let found: u32 = 0;
  let x = r.x;
  let i: u32 = 0;
  if (r.anchorStep == 4) {
    // A cache line holds sixteen anchors.
    for (; anchors - i >= 16; i += 16) {
      let a = f32x4.splat(-Infinity);
      let b = a;
      let c = a;
      let d = a;
      let p = x;
      for (let classes = r.classes; classes != 0; classes--) {
        a = f32x4.pmax(a, v128.load(p));
        b = f32x4.pmax(b, v128.load(p, 16));
        c = f32x4.pmax(c, v128.load(p, 32));
        d = f32x4.pmax(d, v128.load(p, 48));
        p += classStep;
      }
      found = consider4(r, i, anchors, a, found);
      found = consider4(r, i + 4, anchors, b, found);
      found = consider4(r, i + 8, anchors, c, found);
      found = consider4(r, i + 12, anchors, d, found);
      x += 64;
    }
    for (; i < anchors; i += 4) {
      found = consider4(r, i, anchors, largestOf4(x, r.classes, classStep), found);
      x += 16;
    }
  } else {
    for (; i < anchors; i++) {
      found = consider(r, i, largestOfRow(x, r.classes), found);
      x += r.anchorStep;
    }
  }
  store<u32>(r.y, found);
}
