// The cells of anchor-free detectors: one anchor per cell; levels in order of growing stride, rows from the top.
import type { Input } from './fields.ts';

export interface Level {
  /** Input pixels from one cell to the next. */
  readonly stride: number;
  readonly columns: number;
  readonly rows: number;
  /** Number of its first cell. */
  readonly first: number;
}

export function gridLevels(input: Input, strides: readonly number[]): Level[] {
  let first = 0;
  return strides.map((stride) => {
    const level = { stride, columns: Math.ceil(input.width / stride), rows: Math.ceil(input.height / stride), first };
    first += level.columns * level.rows;
    return level;
  });
}

export function cellCount(levels: readonly Level[]): number {
  return levels.reduce((sum, { columns, rows }) => sum + columns * rows, 0);
}

/** The level that holds a cell, and the cell's column and row in it. */
export function cellAt(levels: readonly Level[], cell: number): { level: Level; x: number; y: number } {
  let at = levels.length - 1;
  while (levels[at].first > cell) at--;
  const level = levels[at];
  const inLevel = cell - level.first;
  return { level, x: inLevel % level.columns, y: Math.floor(inLevel / level.columns) };
}
