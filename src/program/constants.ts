import type { Constant } from './program.ts';
import { streamBytes } from './spmm-stream.ts';

/** Bytes of an expanded constant in linear memory, without slack. */
export function constantBytes(constant: Constant): number {
  switch (constant.form) {
    case 'f32':
    case 'i32':
      return 4 * constant.data.length;
    case 'taps': {
      const { channels, kernel } = constant.taps;
      return 4 * channels * kernel[0] * kernel[1];
    }
    case 'gemm': {
      const { rows, columns, panel, winograd, wide } = constant;
      if (winograd) return winogradBytes(rows, columns / 9, wide ? 6 : panel, winograd);
      return wide ? 24 * (columns + 1) * Math.ceil(rows / 6) : 4 * matrixValues(constant);
    }
    case 'spmm': {
      const { rows, group, counts, block } = constant;
      if (block > 0) return streamBytes(constant);
      const full = Math.floor(rows / group);
      let bytes = 0;
      for (let i = 0; i < counts.length; i++) bytes += (1 + counts[i]) * (4 + 4 * (i < full ? group : 1));
      return bytes;
    }
    case 'blocks':
      return blocksBytes(constant, constant.rows);
    case 'quantised': {
      const { rows, columns, bits, counts } = constant;
      if (!counts) return rows * quantisedRowBytes(bits, Math.ceil(columns / 16));
      return counts.reduce((bytes, n) => bytes + quantisedRowBytes(bits, n), 0);
    }
  }
}

/** Bytes of transformed weights; assembly/winograd/index.ts draws them. `tile`: outputs of a tile along each axis. */
export function winogradBytes(rows: number, columns: number, panel: number, tile: number): number {
  const groups = Math.ceil(rows / panel);
  return 4 * panel * groups * (1 + (tile + 2) ** 2 * (columns + 1));
}

/** Number of values saved for a matrix, including biases in panels. */
export function matrixValues(c: Extract<Constant, { form: 'gemm' | 'spmm' }>): number {
  if (c.form === 'gemm') return c.panel * (c.columns + 1) * Math.ceil(c.rows / c.panel);
  return keptValues(c.rows, c.group, c.counts);
}

/** Number of values in groups with these counts of positions; rows beyond a multiple of `group` are groups of one. */
export function keptValues(rows: number, group: number, counts: Uint32Array): number {
  const full = Math.floor(rows / group);
  let values = 0;
  for (let i = 0; i < counts.length; i++) values += counts[i] * (i < full ? group : 1);
  return values;
}

/** Bytes of a row of `quantised` weights with this number of groups. */
export function quantisedRowBytes(bits: number, groups: number): number {
  return 16 + (bits === 8 ? 16 * Math.ceil(groups / 8) + 16 * groups : 4 * Math.ceil((14 * groups) / 4));
}

type BlockShape = Pick<Extract<Constant, { form: 'blocks' }>, 'rows' | 'columns' | 'group' | 'counts'>;

/** Number of blocks, of 4 · group values each, in the weights of a `blocks` constant. */
export function blockCount({ rows, columns, group, counts }: BlockShape): number {
  return counts ? counts.reduce((sum, n) => sum + n, 0) : (columns * up4(rows)) / group;
}

/** Bytes of the first rows, a multiple of 4 or all of them, of an expanded `blocks` constant. */
export function blocksBytes({ columns, group, counts }: BlockShape, rows: number): number {
  const groups = up4(rows) / group;
  let blocks = groups * columns;
  if (counts) {
    blocks = 0;
    for (let i = 0; i < groups; i++) blocks += counts[i];
  }
  return 5 * up4(rows) + (groups + blocks) * (4 + 4 * group);
}

const up4 = (rows: number) => 4 * Math.ceil(rows / 4);
