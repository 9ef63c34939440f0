import { describe, expect, it } from 'vitest';
import { kernels } from '../../src/program/kernels.ts';
import { pixelsOf, tiles } from '../../src/program/tiles.ts';
import type { Tile } from '../../src/program/tiles.ts';
import { matrixKernels } from '../../src/lower/matrix-kernels.ts';
import { gemmKernels } from '../../src/program/kernels/gemm.ts';
import { linearKernels } from '../../src/program/kernels/linear.ts';
import { spmmKernels } from '../../src/program/kernels/spmm.ts';
import { wideKernels } from '../../src/program/wide.ts';

const named = (tile: Tile) => `${pixelsOf(tile)}x${tile.rows}`;

describe('the table of tiles', () => {
  it.each(['spmm', 'gemm', 'dots'] as const)('names %s tiles by pixels × rows', (family) => {
    for (const [name, tile] of Object.entries<Tile>(tiles[family])) expect(name).toBe(named(tile));
  });

  it('gives kernels over planes the tile that their name says', () => {
    for (const [name, { kind, tile }] of Object.entries(matrixKernels)) {
      if (kind !== 'vector') expect(name.split('_').at(-1), name).toBe(named(tile));
    }
  });

  it('has single rows in every sparse family, for rows that fill no group', () => {
    for (const family of ['spmm', 'linear', 'dots'] as const) {
      expect(Object.values<Tile>(tiles[family]).map(({ rows }) => rows)).toContain(1);
    }
  });
});

const isWide = (name: string) => Object.values(wideKernels).some((wide) => wide === name);

it('every matrix kernel of the registry has a tile', () => {
  const families = { ...gemmKernels, ...spmmKernels, ...linearKernels };
  const quantised = ['i16_linear_input', 'i8_linear', 'i4_linear'];
  expect(Object.keys(matrixKernels).sort()).toEqual(
    Object.keys(families)
      .filter((name) => !quantised.includes(name) && !isWide(name))
      .sort(),
  );
  for (const name of Object.keys(matrixKernels)) expect(kernels).toHaveProperty(name);
});
