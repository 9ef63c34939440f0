import { exp } from '../elementwise/activate';
import { firstLanes, storeLanes } from '../elementwise/lanes';
import { ReduceRecord, SoftmaxRecord } from '../generated/records';

/** One contiguous softmax. Maxima ignore NaN; sums do not. */
function softmaxRow(x: usize, y: usize, count: u32, beta: v128): void {
  const least = f32x4.splat(-Infinity);
  const bytes: u32 = 4 * (count & ~3);
  const left = count & 3;
  const mask = firstLanes(left);
  let m = least;
  for (let i: u32 = 0; i < bytes; i += 16) m = f32x4.pmax(m, f32x4.mul(v128.load(x + i), beta));
  if (left != 0) m = f32x4.pmax(m, v128.bitselect(f32x4.mul(v128.load(x + bytes), beta), least, mask));
  m = f32x4.pmax(m, i64x2.shuffle(m, m, 1, 0));
  m = f32x4.pmax(m, i32x4.shuffle(m, m, 1, 0, 3, 2));

  let sum = f32x4.splat(0);
  for (let i: u32 = 0; i < bytes; i += 16) {
    const e = exp(f32x4.sub(f32x4.mul(v128.load(x + i), beta), m));
    sum = f32x4.add(sum, e);
    v128.store(y + i, e);
  }
  if (left != 0) {
    const e = exp(f32x4.sub(f32x4.mul(v128.load(x + bytes), beta), m));
    sum = f32x4.add(sum, v128.and(e, mask));
    storeLanes(y + bytes, e, left);
  }
  sum = f32x4.add(sum, i64x2.shuffle(sum, sum, 1, 0));
  sum = f32x4.add(sum, i32x4.shuffle(sum, sum, 1, 0, 3, 2));

  const scale = f32x4.div(f32x4.splat(1), sum);
  for (let i: u32 = 0; i < bytes; i += 16) v128.store(y + i, f32x4.mul(v128.load(y + i), scale));
  if (left != 0) storeLanes(y + bytes, f32x4.mul(v128.load(y + bytes), scale), left);
}

/** Up to four adjacent softmaxes, along an axis with strides. */
function softmaxColumns(x: usize, xAxis: u32, y: usize, yAxis: u32, axis: u32, columns: u32, beta: v128): void {
  let m = f32x4.splat(-Infinity);
  for (let i: u32 = 0; i < axis; i++) m = f32x4.pmax(m, f32x4.mul(v128.load(x + i * xAxis), beta));
  let sum = f32x4.splat(0);
  for (let i: u32 = 0; i < axis; i++) {
    const e = exp(f32x4.sub(f32x4.mul(v128.load(x + i * xAxis), beta), m));
    sum = f32x4.add(sum, e);
    if (columns >= 4) v128.store(y + i * yAxis, e);
    else storeLanes(y + i * yAxis, e, columns);
  }
  const scale = f32x4.div(f32x4.splat(1), sum);
  for (let i: u32 = 0; i < axis; i++) {
    const v = f32x4.mul(v128.load(y + i * yAxis), scale);
    if (columns >= 4) v128.store(y + i * yAxis, v);
    else storeLanes(y + i * yAxis, v, columns);
  }
}

export function f32_softmax(r: SoftmaxRecord): void {
  const beta = f32x4.splat(r.beta);
  const contiguous = r.inner == 1 && r.xAxis == 4 && r.yAxis == 4;
  for (let i: u32 = 0; i < r.outer0; i++) {
    for (let j: u32 = 0; j < r.outer1; j++) {
      let x = r.x + i * r.xOuter0 + j * r.xOuter1;
      let y = r.y + i * r.yOuter0 + j * r.yOuter1;
      if (contiguous) {
        softmaxRow(x, y, r.axis, beta);
        continue;
      }
      for (let left = r.inner; left != 0; left -= min(left, 4)) {
        softmaxColumns(x, r.xAxis, y, r.yAxis, r.axis, left, beta);
        x += 16;
        y += 16;
      }
    }
  }
}

// A literal `fn` instantiates the folds below (src/program/kernels/reduce.ts).

// @ts-ignore: decorator
@inline
function fold(a: v128, b: v128, fn: u32): v128 {
  if (fn == 0) return f32x4.add(a, b);
  if (fn == 1) return f32x4.max(a, b);
  return f32x4.min(a, b);
}

// @ts-ignore: decorator
@inline
function neutral(fn: u32): v128 {
  return f32x4.splat(fn == 0 ? 0 : fn == 1 ? -Infinity : Infinity);
}

/** A contiguous run, folded to four lanes. Sums are sums of blocks, so that each has at most a few hundred terms. */
// @ts-ignore: decorator
@inline
function foldRun(x: usize, count: u32, fn: u32): v128 {
  let total = neutral(fn);
  while (count >= 16) {
    const end = x + 4 * min(count & ~15, 4096);
    count -= u32(end - x) / 4;
    let a0 = v128.load(x);
    let a1 = v128.load(x, 16);
    let a2 = v128.load(x, 32);
    let a3 = v128.load(x, 48);
    for (x += 64; x < end; x += 64) {
      a0 = fold(a0, v128.load(x), fn);
      a1 = fold(a1, v128.load(x, 16), fn);
      a2 = fold(a2, v128.load(x, 32), fn);
      a3 = fold(a3, v128.load(x, 48), fn);
    }
    total = fold(total, fold(fold(a0, a1, fn), fold(a2, a3, fn), fn), fn);
  }
  for (; count >= 4; count -= 4) {
    total = fold(total, v128.load(x), fn);
    x += 16;
  }
  if (count != 0) total = fold(total, v128.bitselect(v128.load(x), neutral(fn), firstLanes(count)), fn);
  return total;
}

/** Four adjacent outputs, reduced along a stride in blocks of 256. */
// @ts-ignore: decorator
@inline
function foldColumns(x: usize, count: u32, stride: u32, fn: u32): v128 {
  let total = neutral(fn);
  while (count != 0) {
    let block = min(count, 256);
    count -= block;
    let a = neutral(fn);
    for (; block != 0; block--) {
      a = fold(a, v128.load(x), fn);
      x += stride;
    }
    total = fold(total, a, fn);
  }
  return total;
}

/** All that is reduced to the output at x: in `contiguous` runs, or for four adjacent outputs. */
// @ts-ignore: decorator
@inline
function foldAll(x: usize, r: ReduceRecord, contiguous: bool, fn: u32): v128 {
  let total = neutral(fn);
  for (let i: u32 = 0; i < r.reduced0; i++) {
    for (let j: u32 = 0; j < r.reduced1; j++) {
      const at = x + i * r.xReduced0 + j * r.xReduced1;
      const part = contiguous ? foldRun(at, r.reduced2, fn) : foldColumns(at, r.reduced2, r.xReduced2, fn);
      total = fold(total, part, fn);
    }
  }
  if (contiguous) {
    total = fold(total, i64x2.shuffle(total, total, 1, 0), fn);
    total = fold(total, i32x4.shuffle(total, total, 1, 0, 3, 2), fn);
  }
  return total;
}

function foldSum(x: usize, r: ReduceRecord, contiguous: bool): v128 {
  return foldAll(x, r, contiguous, 0);
}

function foldMax(x: usize, r: ReduceRecord, contiguous: bool): v128 {
  return foldAll(x, r, contiguous, 1);
}

function foldMin(x: usize, r: ReduceRecord, contiguous: bool): v128 {
  return foldAll(x, r, contiguous, 2);
}

export function f32_reduce(r: ReduceRecord): void {
  const contiguous = r.inner == 1 && r.xReduced2 == 4;
  const scale = f32x4.splat(r.scale);
  for (let i: u32 = 0; i < r.kept0; i++) {
    for (let j: u32 = 0; j < r.kept1; j++) {
      let x = r.x + i * r.xKept0 + j * r.xKept1;
      let y = r.y + i * r.yKept0 + j * r.yKept1;
      for (let left = r.inner; left != 0; left -= min(left, 4)) {
        let v: v128;
        if (r.fn == 0) v = foldSum(x, r, contiguous);
        else if (r.fn == 1) v = foldMax(x, r, contiguous);
        else v = foldMin(x, r, contiguous);
        v = f32x4.mul(v, scale);
        if (left >= 4) v128.store(y, v);
        else storeLanes(y, v, left);
        x += 16;
        y += 16;
      }
    }
  }
}
