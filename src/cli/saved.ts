// Sizes of constants in a file, by part and by saved type.
import type { Constant } from '../program/program.ts';

/** Bytes as saved: weights and other numbers, their factors, their positions, biases, and tables. */
export interface SavedParts {
  values: number;
  scales: number;
  gaps: number;
  counts: number;
  bias: number;
  other: number;
}

/** Saved types of numbers. Biases of dense floats and of depthwise convolutions count as weights. */
export type SavedType = 'f32' | 'f16' | 'int8' | 'int4';

export const noParts: SavedParts = { values: 0, scales: 0, gaps: 0, counts: 0, bias: 0, other: 0 };

const bytesOf = (data: { byteLength: number } | null | undefined) => data?.byteLength ?? 0;

/** A constant's parts and its saved type; tables have no `type`. */
export function savedParts(c: Constant): { parts: SavedParts; type?: SavedType } {
  switch (c.form) {
    case 'taps':
      return { parts: noParts };
    case 'f32':
      return {
        parts: { ...noParts, values: c.data.byteLength },
        type: c.data.BYTES_PER_ELEMENT === 2 ? 'f16' : 'f32',
      };
    case 'i32':
      return { parts: { ...noParts, other: c.data.byteLength } };
    case 'gemm':
    case 'spmm':
    case 'blocks':
    case 'quantised': {
      const sparse = c.form === 'gemm' ? {} : c;
      const { gaps, counts } = sparse as { gaps?: Uint8Array; counts?: Uint32Array };
      const blocks = 'blocks' in c ? bytesOf(c.blocks) : 0;
      const parts = {
        values: c.values.byteLength,
        scales: bytesOf(c.scales) + blocks,
        gaps: bytesOf(gaps),
        counts: bytesOf(counts),
        bias: bytesOf(c.bias),
        other: 0,
      };
      return { parts, type: typeOf(c) };
    }
  }
}

function typeOf(c: Extract<Constant, { form: 'gemm' | 'spmm' | 'blocks' | 'quantised' }>): SavedType {
  if (c.form === 'blocks') return 'int8';
  if (c.form === 'quantised') return c.bits === 8 ? 'int8' : 'int4';
  if (c.scales) return c.blocks ? 'int4' : 'int8';
  return c.values.BYTES_PER_ELEMENT === 2 ? 'f16' : 'f32';
}

export const sumOfParts = (parts: SavedParts): number =>
  Object.values(parts).reduce((a: number, b: number) => a + b, 0);

export function addParts(a: SavedParts, b: SavedParts): SavedParts {
  const sum = { ...a };
  for (const part of Object.keys(sum) as (keyof SavedParts)[]) sum[part] += b[part];
  return sum;
}
