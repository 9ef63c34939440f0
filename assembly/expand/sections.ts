// Expands sparse weights for kernels over planes: rows sorted by length, in blocks of columns. assembly/spmm/index.ts draws
// the stream.

/** What is left of a group of rows while its blocks are written. */
@unmanaged
class Row {
  gaps: usize;
  values: usize;
  /** The column after the last one written. */
  column: u32;
  left: u32;
  /** Positions in the current block. */
  count: u32;
}

/** Bytes of a Row, and of its place in the sorted order. */
const rowBytes: usize = 20;

// @ts-ignore: decorator
@inline
function rowAt(rows: usize, i: u32): Row {
  return changetype<Row>(rows + rowBytes * i);
}

/**
 * counts, gaps and values (src/lower/pack.ts draws them), scales and bias (rows), taps (columns) → sections at `to`, each
 * value multiplied by its row's scale. `ends`: the rows at which segments end, the last of them `rows`. `work`: memory for
 * 24 bytes per group of rows and 4 bytes for each number of positions, 0 to `block` + 1. Returns 0; or 1 + the row whose
 * gaps reach past the columns or run out; or 0xffffffff when gaps are left. The caller has checked that counts add up to the
 * number of values.
 */
export function expand_sections(
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
  block: u32,
  ends: usize,
  work: usize,
): u32 {
  let groups: u32 = 0;
  for (let row: u32 = 0; row < rows; groups++) {
    const size: u32 = rows - row >= group ? group : 1;
    const own = rowAt(work, groups);
    own.gaps = gaps;
    own.values = values;
    own.column = 0;
    own.left = load<u32>(counts + 4 * groups);
    let column: u32 = 0;
    for (let k = own.left; k != 0; k--) {
      for (;;) {
        if (gaps >= gapsEnd) return 1 + row;
        const gap = load<u8>(gaps++);
        column += gap;
        if (gap != 255) break;
      }
      if (column >= columns) return 1 + row;
      column += 1;
    }
    values += 4 * size * own.left;
    row += size;
  }
  if (gaps != gapsEnd) return 0xffffffff;
  const order = work + rowBytes * groups;
  const full = rows - (rows % group);
  for (let row: u32 = 0; row < rows; ) {
    const end = load<u32>(ends);
    ends += 4;
    if (row < full) {
      const stop = min(end, full);
      const n = (stop - row) / group;
      to = writeBlocks(work, order, n, group, scales + 4 * row, bias + 4 * row, taps, to, columns, block);
      work += rowBytes * n;
      row = stop;
    }
    if (row < end) {
      to = writeBlocks(work, order, end - row, 1, scales + 4 * row, bias + 4 * row, taps, to, columns, block);
      work += rowBytes * (end - row);
      row = end;
    }
  }
  return 0;
}

/** Positions of a row before a column. */
function positionsBefore(row: Row, end: u32): u32 {
  let at = row.gaps;
  let column = row.column;
  let n: u32 = 0;
  for (; n < row.left; n++) {
    for (;;) {
      const gap = load<u8>(at++);
      column += gap;
      if (gap != 255) break;
    }
    if (column >= end) break;
    column += 1;
  }
  return n;
}

/** All blocks of `n` groups of `size` rows. Returns the address after them. */
function writeBlocks(
  rows: usize,
  order: usize,
  n: u32,
  size: u32,
  scales: usize,
  bias: usize,
  taps: usize,
  to: usize,
  columns: u32,
  block: u32,
): usize {
  const starts = order + 4 * n;
  for (let first: u32 = 0; first < columns; first += block) {
    const isLast = columns - first <= block;
    store<u32>(to, n);
    store<u32>(to, (first != 0 ? 1 : 0) | (isLast ? 2 : 0) | (size << 2), 4);
    to += 8;
    // a counting sort by positions in the block
    const most = min(block, columns);
    memory.fill(starts, 0, 4 * (most + 2));
    for (let i: u32 = 0; i < n; i++) {
      const row = rowAt(rows, i);
      row.count = isLast ? row.left : positionsBefore(row, first + block);
      const next = starts + 4 * (row.count + 1);
      store<u32>(next, load<u32>(next) + 1);
    }
    for (let i: u32 = 0; i < most; i++) {
      const next = starts + 4 * (i + 1);
      store<u32>(next, load<u32>(next) + load<u32>(starts + 4 * i));
    }
    for (let i: u32 = 0; i < n; i++) {
      const place = starts + 4 * rowAt(rows, i).count;
      const at = load<u32>(place);
      store<u32>(order + 4 * at, i);
      store<u32>(place, at + 1);
    }
    for (let k: u32 = 0; k < n; k++) {
      const i = load<u32>(order + 4 * k);
      to = writeRow(rowAt(rows, i), i, size, scales + 4 * size * i, first == 0 ? bias + 4 * size * i : 0, taps, to);
    }
  }
  return to;
}

/** A group's positions in the current block. bias: 0 for blocks after the first. */
function writeRow(row: Row, index: u32, size: u32, scales: usize, bias: usize, taps: usize, to: usize): usize {
  store<u32>(to, row.count * (4 + 4 * size) + 65536 * index * size);
  to += 4;
  for (let i: u32 = 0; i < size; i++) {
    store<f32>(to, bias != 0 ? load<f32>(bias + 4 * i) : 0);
    to += 4;
  }
  let gaps = row.gaps;
  let values = row.values;
  let column = row.column;
  for (let k = row.count; k != 0; k--) {
    for (;;) {
      const gap = load<u8>(gaps++);
      column += gap;
      if (gap != 255) break;
    }
    store<u32>(to, load<u32>(taps + 4 * column));
    to += 4;
    column += 1;
    for (let i: u32 = 0; i < size; i++) {
      store<f32>(to, load<f32>(values) * load<f32>(scales + 4 * i));
      to += 4;
      values += 4;
    }
  }
  row.gaps = gaps;
  row.values = values;
  row.column = column;
  row.left -= row.count;
  return to;
}
