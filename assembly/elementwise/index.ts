import { BinaryRecord, UnaryRecord } from '../generated/records';
import { activateRow, exp, log } from './activate';
import { storeLanes } from './lanes';

/** min(max(v, lo), hi); NaN stays NaN. */
// @ts-ignore: decorator
@inline
function clamp(v: v128, lo: v128, hi: v128): v128 {
  return f32x4.pmin(f32x4.pmax(v, lo), hi);
}

export function f32_unary(r: UnaryRecord): void {
  let x = r.x;
  let y = r.y;
  for (let i = r.rows; i != 0; i--) {
    activateRow(x, y, r.columns, r.min, r.max, r.activation, r.alpha, r.beta);
    x += r.xRow;
    y += r.yRow;
  }
}

/** |a|ᵇ by logarithms, then corrected for signs and for b = 0 as IEEE 754 and Math.pow define. */
function pow(a: v128, b: v128): v128 {
  const power = exp(f32x4.mul(b, log(f32x4.abs(a))));
  const half = f32x4.mul(b, f32x4.splat(0.5));
  const integer = f32x4.eq(f32x4.trunc(b), b);
  const odd = v128.and(integer, f32x4.ne(f32x4.trunc(half), half));
  // The sign of a, including −0 and −∞, where b is odd.
  const signed = v128.or(power, v128.and(v128.and(a, odd), i32x4.splat(0x80000000)));
  const undefined = v128.andnot(
    v128.and(f32x4.lt(a, f32x4.splat(0)), f32x4.gt(a, f32x4.splat(-Infinity))),
    integer,
  );
  const y = v128.bitselect(f32x4.splat(NaN), signed, undefined);
  return v128.bitselect(f32x4.splat(1), y, f32x4.eq(b, f32x4.splat(0)));
}

const prelu: u32 = 7;

/** f(a, b) by its code (src/program/kernels/elementwise.ts). */
// @ts-ignore: decorator
@inline
function combine(a: v128, b: v128, fn: u32): v128 {
  switch (fn) {
    case 0:
      return f32x4.add(a, b);
    case 1:
      return f32x4.sub(a, b);
    case 2:
      return f32x4.mul(a, b);
    case 3:
      return f32x4.div(a, b);
    case 4:
      return f32x4.min(a, b);
    case 5:
      return f32x4.max(a, b);
    case 6:
      return pow(a, b);
    case prelu:
      return v128.bitselect(f32x4.mul(a, b), a, f32x4.lt(a, f32x4.splat(0)));
    case 8: // less
      return v128.and(f32x4.lt(a, b), f32x4.splat(1));
    case 9: // lessOrEqual
      return v128.and(f32x4.le(a, b), f32x4.splat(1));
    case 10: // equal
      return v128.and(f32x4.eq(a, b), f32x4.splat(1));
    default: // select
      return v128.bitselect(f32x4.splat(-0.0), b, f32x4.eq(a, f32x4.splat(0)));
  }
}

/** y (count) = clamp(f(a, b)), 16 floats at a time; `fn` is a literal. Leaves the last count % 16 floats. */
// @ts-ignore: decorator
@inline
function bothRows(a: usize, b: usize, y: usize, count: u32, lo: v128, hi: v128, fn: u32): void {
  for (; count >= 16; count -= 16) {
    v128.store(y, clamp(combine(v128.load(a), v128.load(b), fn), lo, hi));
    v128.store(y, clamp(combine(v128.load(a, 16), v128.load(b, 16), fn), lo, hi), 16);
    v128.store(y, clamp(combine(v128.load(a, 32), v128.load(b, 32), fn), lo, hi), 32);
    v128.store(y, clamp(combine(v128.load(a, 48), v128.load(b, 48), fn), lo, hi), 48);
    a += 64;
    b += 64;
    y += 64;
  }
}

/** Like bothRows, with one b for the whole row. */
// @ts-ignore: decorator
@inline
function rowAndScalar(a: usize, b: v128, y: usize, count: u32, lo: v128, hi: v128, fn: u32): void {
  for (; count >= 16; count -= 16) {
    v128.store(y, clamp(combine(v128.load(a), b, fn), lo, hi));
    v128.store(y, clamp(combine(v128.load(a, 16), b, fn), lo, hi), 16);
    v128.store(y, clamp(combine(v128.load(a, 32), b, fn), lo, hi), 32);
    v128.store(y, clamp(combine(v128.load(a, 48), b, fn), lo, hi), 48);
    a += 64;
    y += 64;
  }
}

/** y (count) = clamp(f(a, b)); a and b advance by 4 bytes or 0. */
function binaryRow(
  a: usize,
  aStep: u32,
  b: usize,
  bStep: u32,
  y: usize,
  count: u32,
  fn: u32,
  lo: v128,
  hi: v128,
): void {
  const fast = count >= 16 && aStep == 4 && (fn < 4 || (fn == prelu && bStep == 0));
  if (fast && bStep == 4) {
    switch (fn) {
      case 0: {
        bothRows(a, b, y, count, lo, hi, 0);
        break;
      }
      case 1: {
        bothRows(a, b, y, count, lo, hi, 1);
        break;
      }
      case 2: {
        bothRows(a, b, y, count, lo, hi, 2);
        break;
      }
      default: {
        bothRows(a, b, y, count, lo, hi, 3);
        break;
      }
    }
  } else if (fast) {
    const scalar = v128.load32_splat(b);
    switch (fn) {
      case 0: {
        rowAndScalar(a, scalar, y, count, lo, hi, 0);
        break;
      }
      case 1: {
        rowAndScalar(a, scalar, y, count, lo, hi, 1);
        break;
      }
      case 2: {
        rowAndScalar(a, scalar, y, count, lo, hi, 2);
        break;
      }
      case 3: {
        rowAndScalar(a, scalar, y, count, lo, hi, 3);
        break;
      }
      default: {
        rowAndScalar(a, scalar, y, count, lo, hi, prelu);
        break;
      }
    }
  }
  if (fast) {
    const done: usize = 4 * (count & ~15);
    a += done;
    y += done;
    if (bStep == 4) b += done;
    count &= 15;
  }
  while (count != 0) {
    const v = aStep == 4 ? v128.load(a) : v128.load32_splat(a);
    const w = bStep == 4 ? v128.load(b) : v128.load32_splat(b);
    const z = clamp(combine(v, w, fn), lo, hi);
    if (count < 4) {
      storeLanes(y, z, count);
      return;
    }
    v128.store(y, z);
    a += 4 * aStep;
    b += 4 * bStep;
    y += 16;
    count -= 4;
  }
}

/** Floats that are combined, then activated while they are in the L1 cache. */
const block: u32 = 2048;

export function f32_binary(r: BinaryRecord): void {
  const lo = f32x4.splat(r.min);
  const hi = f32x4.splat(r.max);
  for (let i0: u32 = 0; i0 < r.dim0; i0++) {
    for (let i1: u32 = 0; i1 < r.dim1; i1++) {
      let a = r.a + i0 * r.a0 + i1 * r.a1;
      let b = r.b + i0 * r.b0 + i1 * r.b1;
      let y = r.y + i0 * r.y0 + i1 * r.y1;
      for (let i2 = r.dim2; i2 != 0; i2--) {
        for (let i: u32 = 0; i < r.dim3; i += block) {
          const count = min(r.dim3 - i, block);
          binaryRow(a + i * r.a3, r.a3, b + i * r.b3, r.b3, y + 4 * i, count, r.fn, lo, hi);
          if (r.activation != 0) {
            activateRow(y + 4 * i, y + 4 * i, count, r.min, r.max, r.activation, r.alpha, r.beta);
          }
        }
        a += r.a2;
        b += r.b2;
        y += r.y2;
      }
    }
  }
}
