// Expands constants into memory. f32 and i32 numbers go straight to where kernels read them, from memory or from the
// model's file. Narrower numbers go to the end of the space for their floats and are widened from there. Sparse weights
// are staged and expanded.
import type { WasmMemory } from './host-types.ts';
import { matrixValues } from '../program/constants.ts';
import type { Constant, MatrixData, Scales, Unread, WeightData } from '../program/program.ts';
import { blockWidth, segmentsOf } from '../program/spmm-stream.ts';
import type { SparseWeights } from '../program/spmm-stream.ts';
import type { Instance } from './instantiate.ts';
import { up64 } from './record.ts';

/** Bytes of staging memory that expanding a constant takes. */
export function stagingBytes(c: Constant): number {
  if (c.form === 'blocks')
    return [c.counts, c.gaps, c.values, c.scales, c.bias].reduce((n, d) => n + up64(d?.byteLength ?? 0), 0);
  if (c.form === 'quantised') {
    const { counts, gaps, values, scales, rows } = c;
    const indices = up64(counts?.byteLength ?? 0) + up64(gaps?.byteLength ?? 0);
    return indices + up64(values.byteLength) + up64(4 * scales.length) + up64(4 * rows);
  }
  if (c.form === 'gemm') {
    const scales = c.scales ? 2 * up64(4 * up28(c.rows)) + up64(c.blocks?.byteLength ?? 0) : 0;
    return scales + (isRelaid(c) ? up64(4 * matrixValues(c)) : 0);
  }
  if (c.form !== 'spmm') return 0;
  const sorting = c.block ? up64(64) + up64(sortingBytes(c)) : 0;
  const lists = up64(c.counts.byteLength) + up64(c.gaps.byteLength) + up64(c.blocks?.byteLength ?? 0) + sorting;
  return lists + up64(4 * matrixValues(c)) + 2 * up64(4 * c.rows);
}

/** Whether weights change their layout when they are expanded. */
const isRelaid = ({ winograd, wide }: Extract<Constant, { form: 'gemm' }>) => winograd !== undefined || wide === true;

/** Memory in which expand_sections sorts rows, and the ends of their segments. */
const sortingBytes = ({ counts, block }: SparseWeights) => 24 * counts.length + 4 * (block + 2);

/** Rows rounded up to whole panels of 28, which 4 divides. */
const up28 = (rows: number) => 28 * Math.ceil(rows / 28);

/** Bytes to copy, and their address in linear memory. */
export interface Transfer {
  readonly data: ArrayBufferView | Unread;
  readonly at: number;
}

/** Constants that are loaded together: first their bytes are copied, then each constant is finished. */
export interface Batch {
  readonly pieces: Transfer[];
  /** One entry per buffer: makes it from its copied bytes; returns what is wrong with sparse indices, if anything. */
  readonly finish: { buffer: number; run: () => string | undefined }[];
  staged: number;
}

type Floats = { length: number } & (ArrayBufferView | Unread);

/**
 * Functions that place the parts of one constant. They are in an array because property names would add bytes to what
 * every page loads. Addresses are in linear memory.
 */
function partsOf(
  batch: Batch,
  buffer: number,
  staging: number,
  { memory, exports }: Pick<Instance, 'memory' | 'exports'>,
) {
  const { pieces } = batch;
  const wide: (() => void)[] = [];
  /** Reserves bytes in the staging area. */
  const take = (bytes: number): number => {
    const at = staging + batch.staged;
    batch.staged += up64(bytes);
    return at;
  };
  /** Stages numbers unchanged. */
  const stage = (data: ArrayBufferView | Unread): number => {
    const at = take(data.byteLength);
    pieces.push({ data, at });
    return at;
  };
  /** Places floats at an address, widened from halves if necessary. */
  const floats = (data: Floats, at: number): number => {
    const from = at + 4 * data.length - data.byteLength;
    pieces.push({ data, at: from });
    if (from !== at) wide.push(() => exports.expand_f16(from, at, data.length));
    return at;
  };
  /** Places `n` values of a matrix at an address as floats, not yet multiplied by their rows' scales. */
  const values = (data: MatrixData, { scales, blocks }: Scales, n: number, at: number): number => {
    if (!scales) return floats(data, at);
    if (blocks) {
      const from = at + 56 * blocks.length;
      const factors = stage(blocks);
      pieces.push({ data, at: from });
      wide.push(() => exports.expand_nibbles(from, factors, at, blocks.length));
    } else {
      const from = at + 3 * 4 * Math.ceil(n / 4);
      pieces.push({ data, at: from });
      wide.push(() => exports.expand_bytes(from, at, Math.ceil(n / 4)));
    }
    return at;
  };
  /** Stages one number per row, `n` in all; rows without a number get `otherwise`. */
  const perRow = (data: WeightData | null | undefined, n: number, otherwise: number): number => {
    const at = take(4 * n);
    if (data) floats(data, at);
    const given = data?.length ?? 0;
    wide.push(() => void new Float32Array(memory.buffer, at, n).fill(otherwise, given));
    return at;
  };
  /**
   * Registers what makes the constant once its parts are copied. `run` returns what is wrong with sparse indices, if
   * anything.
   */
  const finish = (run?: () => string | undefined | void): void => {
    if (run ?? wide.length) {
      batch.finish.push({
        buffer,
        run: () => {
          for (const widen of wide) widen();
          return run?.() ?? undefined;
        },
      });
    }
  };
  return [take, stage, floats, values, perRow, finish] as const;
}

/**
 * Adds a constant to a batch. It will lie at `to`; its compact parts are staged from `staging` on. `taps` is the
 * address of the expanded tap table of sparse weights; their rows are sorted within segments for so many threads.
 */
export function addConstant(
  batch: Batch,
  buffer: number,
  c: Constant,
  to: number,
  taps: number,
  staging: number,
  instance: Pick<Instance, 'memory' | 'exports'>,
  threads = 1,
): void {
  const { exports } = instance;
  const [take, stage, floats, values, perRow, finish] = partsOf(batch, buffer, staging, instance);
  switch (c.form) {
    case 'i32':
      batch.pieces.push({ data: c.data, at: to });
      break;
    case 'f32':
      floats(c.data, to);
      finish();
      break;
    case 'gemm': {
      const n = c.panel * Math.ceil(c.rows / c.panel);
      const at = isRelaid(c) ? take(4 * matrixValues(c)) : to;
      values(c.values, c, matrixValues(c), at);
      const scales = c.scales ? perRow(c.scales, n, 0) : 0;
      const bias = c.scales ? perRow(c.bias, n, 0) : 0;
      const scale = () => void exports.expand_panels(at, scales, bias, n / c.panel, c.columns, c.panel);
      const layOut = () =>
        c.winograd
          ? exports.expand_winograd(at, to, c.rows, c.columns / 9, c.wide ? 6 : 4, c.winograd)
          : exports.expand_sixes(at, to, c.rows, c.columns);
      const steps = [...(c.scales ? [scale] : []), ...(isRelaid(c) ? [layOut] : [])];
      finish(steps.length > 0 ? () => steps.forEach((step) => step()) : undefined);
      break;
    }
    case 'taps': {
      const { channels, kernel, stride, dilation, channelBytes, phaseBytes, rowBytes } = c.taps;
      exports.expand_taps(to, channels, ...kernel, ...stride, ...dilation, channelBytes, phaseBytes, rowBytes);
      break;
    }
    case 'blocks': {
      const [counts, gaps, integers, scales, bias] = [c.counts, c.gaps, c.values, c.scales, c.bias].map((data) =>
        data ? stage(data) : 0,
      );
      const end = gaps + (c.gaps?.length ?? 0);
      const shape = [Math.ceil(c.rows / 4), c.columns, c.group, c.bits];
      finish(() =>
        wrongIndices(c, exports.expand_blocks(counts, gaps, end, integers, scales, bias, taps, to, ...shape)),
      );
      break;
    }
    case 'spmm': {
      const counts = stage(c.counts);
      const gaps = stage(c.gaps);
      const n = matrixValues(c);
      const weights = values(c.values, c, n, take(4 * n));
      const scales = perRow(c.scales, c.rows, 1);
      const bias = perRow(c.bias, c.rows, 0);
      const args = [counts, gaps, gaps + c.gaps.length, weights, scales, bias, taps, to, c.rows, c.columns, c.group];
      if (c.block) {
        const ends = stage(Uint32Array.from(segmentsOf(c, threads)));
        const work = take(sortingBytes(c));
        finish(() => wrongIndices(c, exports.expand_sections(...args, blockWidth(c), ends, work)));
      } else finish(() => wrongIndices(c, exports.expand_spmm(...args)));
      break;
    }
    case 'quantised': {
      const counts = c.counts ? stage(c.counts) : 0;
      const gaps = c.gaps ? stage(c.gaps) : 0;
      const end = gaps + (c.gaps?.length ?? 0);
      const integers = stage(c.values);
      const scales = floats(c.scales, take(4 * c.scales.length));
      const bias = perRow(c.bias, c.rows, 0);
      const groups = Math.ceil(c.columns / 16);
      finish(() =>
        wrongIndices(
          c,
          exports.expand_quantised(counts, gaps, end, integers, scales, bias, to, c.rows, groups, c.bits),
        ),
      );
    }
  }
}

/** Explains an error code of the expansion of sparse weights. */
function wrongIndices({ columns }: { columns: number }, bad: number): string | undefined {
  if (!bad) return undefined;
  return bad >>> 0 === 0xffffffff ? 'unused gaps are left' : `row ${bad - 1}: gaps reach past its ${columns} columns`;
}

export const emptyBatch = (): Batch => ({ pieces: [], finish: [], staged: 0 });

/** Writes the pieces that are in memory; returns the rest. */
export function placePieces(pieces: readonly Transfer[], memory: WasmMemory): (Transfer & { data: Unread })[] {
  const bytes = new Uint8Array(memory.buffer);
  const unread: (Transfer & { data: Unread })[] = [];
  for (const { data, at } of pieces) {
    if (ArrayBuffer.isView(data)) bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    else unread.push({ data, at });
  }
  return unread;
}

/**
 * Expands a constant that is in memory to `to`, with staging memory from `staging` on; see `planBatches`.
 * @returns what is wrong with sparse indices, if anything.
 */
export function expandConstant(
  constant: Constant,
  to: number,
  taps: number,
  staging: number,
  instance: Pick<Instance, 'memory' | 'exports'>,
  threads = 1,
): string | undefined {
  const batch = emptyBatch();
  addConstant(batch, 0, constant, to, taps, staging, instance, threads);
  placePieces(batch.pieces, instance.memory);
  return batch.finish[0]?.run();
}
