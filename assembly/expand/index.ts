// Expands an artifact's compact form into what kernels read. Lengths are checked before; indices are checked here.
import { dotForm } from '../dots/form';

/**
 * IEEE halves, in 32 bits each → floats, exact. Subnormals by scaling; infinities and NaN keep their meaning.
 */
// @ts-ignore: decorator
@inline
function halvesToFloats(h: v128): v128 {
  const sign = i32x4.shl(v128.and(h, i32x4.splat(0x8000)), 16);
  const rest = v128.and(h, i32x4.splat(0x7fff));
  // as floats, rest << 13 are the values times 2^-112
  const scaled = f32x4.mul(i32x4.shl(rest, 13), i32x4.splat(0x77800000));
  const special = v128.and(i32x4.gt_s(rest, i32x4.splat(0x7bff)), i32x4.splat(0x7f800000));
  return v128.or(v128.or(scaled, special), sign);
}

/** n halves at `from` → n floats at `to`; the halves may be the second half of the floats' space. */
export function expand_f16(from: usize, to: usize, n: u32): void {
  for (const end = to + 16 * (n >> 2); to < end; to += 16) {
    v128.store(to, halvesToFloats(v128.load_ext<u16>(from)));
    from += 8;
  }
  for (const end = to + 4 * (n & 3); to < end; to += 4) {
    store<f32>(to, f32x4.extract_lane(halvesToFloats(i32x4.splat(load<u16>(from))), 0));
    from += 2;
  }
}

/** 4n signed bytes at `from` → as many floats at `to`; the bytes may be the last quarter of the floats' space. */
export function expand_bytes(from: usize, to: usize, n: u32): void {
  for (const end = to + 16 * n; to < end; to += 16) {
    const words = i16x8.extend_low_i8x16_s(v128.load32_zero(from));
    v128.store(to, f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words)));
    from += 4;
  }
}

/**
 * n blocks of 8 bytes at `from` → 16 floats per block at `to`. Byte i of a block holds number i in its low half and
 * number i + 8 in its high half; each is signed and is multiplied by its block's scale, a byte of `scales`. The blocks
 * may be the last eighth of the floats' space.
 */
export function expand_nibbles(from: usize, scales: usize, to: usize, n: u32): void {
  for (const end = to + 64 * n; to < end; to += 64) {
    const scale = i16x8.splat(load<u8>(scales++));
    const bytes = v128.load64_zero(from);
    from += 8;
    const high = i16x8.extend_low_i8x16_s(bytes);
    const low = i16x8.mul(i16x8.shr_s(i16x8.shl(high, 12), 12), scale);
    v128.store(to, f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(low)));
    v128.store(to, f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(low)), 16);
    const rest = i16x8.mul(i16x8.shr_s(high, 4), scale);
    v128.store(to, f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(rest)), 32);
    v128.store(to, f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(rest)), 48);
  }
}

/** Panels of `panel` rows at `at`: multiplies weights by their rows' scales, and fills in the biases. */
export function expand_panels(at: usize, scales: usize, bias: usize, panels: u32, columns: u32, panel: u32): void {
  const line = 4 * panel;
  for (; panels > 0; panels--) {
    for (const end = at + line; at < end; at += 16) {
      const scale = v128.load(scales);
      v128.store(at, v128.load(bias));
      scales += 16;
      bias += 16;
      let weights = at;
      for (let column: u32 = 0; column < columns; column++) {
        weights += line;
        v128.store(weights, f32x4.mul(v128.load(weights), scale));
      }
    }
    at += line * columns;
  }
}

/** Panels of 4 rows as assembly/gemm/index.ts draws them → panels of 6 as assembly/gemm/wide.ts does. */
export function expand_sixes(from: usize, to: usize, rows: u32, columns: u32): void {
  const line: usize = columns + 1;
  for (let row: u32 = 0; row < rows; row += 6) {
    for (let pair = row; pair < row + 6; pair += 2) {
      let p = from + 16 * line * (pair / 4) + 4 * (pair & 3);
      const isThere = pair < ((rows + 3) & ~3);
      for (let q = to + 4 * (pair - row), end = q + 24 * line; q < end; q += 24) {
        store<u64>(q, isThere ? load<u64>(p) : 0);
        p += 16;
      }
    }
    to += 24 * line;
  }
}

/** The tap table: one byte offset per (channel, ky, kx); see TapTable in src/program/program.ts. */
export function expand_taps(
  to: usize,
  channels: u32,
  kernelH: u32,
  kernelW: u32,
  strideH: u32,
  strideW: u32,
  dilationH: u32,
  dilationW: u32,
  channelBytes: u32,
  phaseBytes: u32,
  rowBytes: u32,
): void {
  const phasesW = min(strideW, (kernelW - 1) * dilationW + 1);
  for (let c: u32 = 0; c < channels; c++) {
    for (let ky: u32 = 0; ky < kernelH; ky++) {
      const dy = ky * dilationH;
      const row = c * channelBytes + (dy % strideH) * phasesW * phaseBytes + (dy / strideH) * rowBytes;
      for (let kx: u32 = 0; kx < kernelW; kx++) {
        const dx = kx * dilationW;
        store<u32>(to, row + (dx % strideW) * phaseBytes + (dx / strideW) * 4);
        to += 4;
      }
    }
  }
}

/**
 * Sparse weights of linear layers: counts, gaps and values (src/lower/pack.ts draws them), scales and bias (rows), taps
 * (columns) → entries as assembly/linear/index.ts draws them, each value multiplied by its row's scale. Returns 0; or 1 + the row whose gaps
 * reach past the columns or run out; or 0xffffffff when gaps are left. The caller has checked that counts add up to the
 * number of values.
 */
export function expand_spmm(
  counts: usize,
  gaps: usize,
  gapsEnd: usize,
  values: usize,
  scales: usize,
  bias: usize,
  taps: usize,
  to: usize,
  rows: u32,
  columns: u32,
  group: u32,
): u32 {
  for (let row: u32 = 0; row < rows; ) {
    const g: u32 = rows - row >= group ? group : 1;
    const n = load<u32>(counts);
    const scale = scales + 4 * row;
    counts += 4;
    store<u32>(to, n * (4 + 4 * g));
    to += 4;
    for (let i: u32 = 0; i < g; i++) {
      store<f32>(to, load<f32>(bias + 4 * (row + i)));
      to += 4;
    }
    let column: u32 = 0;
    for (let k: u32 = 0; k < n; k++) {
      for (;;) {
        if (gaps >= gapsEnd) return 1 + row;
        const gap = load<u8>(gaps++);
        column += gap;
        if (gap != 255) break;
      }
      if (column >= columns) return 1 + row;
      store<u32>(to, load<u32>(taps + 4 * column));
      to += 4;
      column += 1;
      for (let i: u32 = 0; i < g; i++) {
        store<f32>(to, load<f32>(values) * load<f32>(scale + 4 * i));
        to += 4;
        values += 4;
      }
    }
    row += g;
  }
  return gaps == gapsEnd ? 0 : 0xffffffff;
}

/**
 * counts, gaps and values (src/lower/blocks.ts draws them), scales and biases (4 · quads), taps (columns) → blocks as
 * assembly/dots/index.ts draws them. Without counts every group of rows has all columns. Returns the same as expand_spmm.
 */
export function expand_blocks(
  counts: usize,
  gaps: usize,
  gapsEnd: usize,
  values: usize,
  scales: usize,
  bias: usize,
  taps: usize,
  to: usize,
  quads: u32,
  columns: u32,
  group: u32,
  bits: u32,
): u32 {
  const form = dotForm(bits);
  const block: usize = 4 * group;
  for (let row: u32 = 0; row < 4 * quads; row += group) {
    if ((row & 3) == 0) {
      store<u32>(to, form);
      v128.store(to, v128.load(scales), 4);
      scales += 16;
      to += 20;
    }
    let n = columns;
    if (counts != 0) {
      n = load<u32>(counts);
      counts += 4;
    }
    store<u32>(to, n * (4 + 4 * group));
    to += 4;
    memory.copy(to, bias, block);
    bias += block;
    to += block;
    let column: u32 = 0;
    for (let k: u32 = 0; k < n; k++) {
      if (counts != 0) {
        for (;;) {
          if (gaps >= gapsEnd) return 1 + row;
          const gap = load<u8>(gaps++);
          column += gap;
          if (gap != 255) break;
        }
        if (column >= columns) return 1 + row;
      }
      store<u32>(to, load<u32>(taps + 4 * column));
      to += 4;
      column += 1;
      for (const end = to + block; to < end; to += 4) {
        store<u32>(to, load<u32>(values));
        values += 4;
      }
    }
  }
  return gaps == gapsEnd ? 0 : 0xffffffff;
}

/**
 * counts, gaps, values and scales (src/lower/quantise.ts draws them), bias (rows) → rows of groups as
 * assembly/linear/quantised.ts draws them. Without counts every row has all groups. Returns the same as expand_spmm.
 */
export function expand_quantised(
  counts: usize,
  gaps: usize,
  gapsEnd: usize,
  values: usize,
  scales: usize,
  bias: usize,
  to: usize,
  rows: u32,
  groups: u32,
  bits: u32,
): u32 {
  for (let row: u32 = 0; row < rows; row++) {
    const n = counts != 0 ? load<u32>(counts + 4 * row) : groups;
    store<u32>(to, n);
    store<f32>(to, bits == 8 ? load<f32>(scales + 4 * row) : 1, 4);
    store<f32>(to, load<f32>(bias + 4 * row), 8);
    store<u32>(to, 0, 12);
    to += 16;
    let group: u32 = 0;
    for (let k: u32 = 0; k < n; k++) {
      if (counts != 0) {
        for (;;) {
          if (gaps >= gapsEnd) return 1 + row;
          const gap = load<u8>(gaps++);
          group += gap;
          if (gap != 255) break;
        }
        if (group >= groups) return 1 + row;
      }
      store<u16>(to, group);
      to += 2;
      group += 1;
      if (bits == 4) {
        store<u32>(to, load<u32>(scales));
        store<u64>(to, load<u64>(values), 4);
        scales += 4;
        values += 8;
        to += 12;
      }
    }
    if (bits == 8) {
      for (; to & 15; to += 2) store<u16>(to, 0);
      memory.copy(to, values, 16 * n);
      values += 16 * n;
      to += 16 * n;
    } else if (to & 3) {
      store<u16>(to, 0);
      to += 2;
    }
  }
  return gaps == gapsEnd ? 0 : 0xffffffff;
}
