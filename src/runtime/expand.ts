// Puts a checked program into linear memory:
//
//   programBase | records | constants, each 64-byte aligned with slack | arena (first a staging area for sparse weights)
//
// Numbers go straight to where kernels read them, from memory or from the model's file. Smaller ones go to the end of their
// floats' place and are widened from there. Sparse weights are staged and expanded, as many at a time as the staging area
// holds.
import { FiligreeError } from '../errors.ts';
import type { WasmMemory } from '../host.ts';
import { bufferSlack } from '../program/layout.ts';
import { constantBytes, matrixValues } from '../program/constants.ts';
import type { Constant, MatrixData, Program, Scales, Unread, WeightData } from '../program/program.ts';
import type { Instance } from './instantiate.ts';
import { programBase } from './instantiate.ts';
import { recordBytes, up64, writeRecord } from './record.ts';

/** Addresses of a program in linear memory. */
export interface MemoryLayout {
  /** Address of each step's record. */
  records: number[];
  /** Address of each buffer. */
  buffers: number[];
  /** Where the arena starts; also the staging area while loading, of so many bytes. */
  arena: number;
  staging: number;
  bytes: number;
}

const slack = 4 * bufferSlack;

/** Decides where everything goes. */
export function layOut(program: Program): MemoryLayout {
  let at = programBase;
  const records = program.steps.map((step) => {
    const address = at;
    at += recordBytes(step.kernel);
    return address;
  });
  const buffers = program.buffers.map((buffer) => {
    if (buffer.kind === 'arena') return 0;
    const address = up64(at);
    at = address + constantBytes(buffer.constant) + slack;
    return address;
  });
  const arena = up64(at);
  program.buffers.forEach((buffer, i) => {
    if (buffer.kind === 'arena') buffers[i] = arena + buffer.offset;
  });
  let largest = 0;
  let all = 0;
  for (const buffer of program.buffers) {
    if (buffer.kind === 'arena') continue;
    const bytes = stagingBytes(buffer.constant);
    largest = Math.max(largest, bytes);
    all += bytes;
  }
  const staging = Math.max(largest, Math.min(all, program.arenaBytes));
  return { records, buffers, arena, staging, bytes: arena + Math.max(program.arenaBytes, staging) + slack };
}

/** Bytes that a constant's compact parts take while it is expanded. */
export function stagingBytes(c: Constant): number {
  if (c.form === 'i8')
    return [c.counts, c.gaps, c.values, c.scales, c.bias].reduce((n, d) => n + up64(d.byteLength), 0);
  if (c.form === 'quantised') {
    const { counts, gaps, values, scales, rows } = c;
    const indices = up64(counts?.byteLength ?? 0) + up64(gaps?.byteLength ?? 0);
    return indices + up64(values.byteLength) + up64(4 * scales.length) + up64(4 * rows);
  }
  if (c.form === 'gemm') return c.scales ? 2 * up64(4 * up28(c.rows)) + up64(c.blocks?.byteLength ?? 0) : 0;
  if (c.form !== 'spmm') return 0;
  const lists = up64(c.counts.byteLength) + up64(c.gaps.byteLength) + up64(c.blocks?.byteLength ?? 0);
  return lists + up64(4 * matrixValues(c)) + 2 * up64(4 * c.rows);
}

/** Rows in whole panels, large or small. */
const up28 = (rows: number) => 28 * Math.ceil(rows / 28);

/** Bytes on their way to an address. */
export interface Piece {
  readonly data: ArrayBufferView | Unread;
  readonly at: number;
}

/** Constants that are brought in together: first their pieces, then each is finished. */
export interface Batch {
  readonly pieces: Piece[];
  /** Buffers with what makes them of their pieces; returns what is wrong with sparse indices, if anything is. */
  readonly finish: { buffer: number; run: () => string | undefined }[];
  staged: number;
}

/**
 * Adds a constant to a batch: it will lie at `to`, its compact parts from `staging` on. `taps` is the address of the
 * expanded tap table that sparse weights name.
 */
function addConstant(
  batch: Batch,
  buffer: number,
  c: Constant,
  to: number,
  taps: number,
  staging: number,
  { memory, exports }: Pick<Instance, 'memory' | 'exports'>,
): void {
  const { pieces } = batch;
  const wide: (() => void)[] = [];
  const take = (bytes: number): number => {
    const at = staging + batch.staged;
    batch.staged += up64(bytes);
    return at;
  };
  const stage = (data: ArrayBufferView | Unread): number => {
    const at = take(data.byteLength);
    pieces.push({ data, at });
    return at;
  };
  /** Floats at an address, widened from halves if need be. */
  const floats = (data: { length: number } & (ArrayBufferView | Unread), at: number): number => {
    const from = at + 4 * data.length - data.byteLength;
    pieces.push({ data, at: from });
    if (from !== at) wide.push(() => exports.expand_f16(from, at, data.length));
    return at;
  };
  /** `n` values of a matrix at an address, as floats, not yet multiplied by their rows' scales. */
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
  /** Where a number for each row is staged, as many as `n`. What is not given is `otherwise`. */
  const perRow = (data: WeightData | null | undefined, n: number, otherwise: number): number => {
    const at = take(4 * n);
    if (data) floats(data, at);
    const given = data?.length ?? 0;
    wide.push(() => void new Float32Array(memory.buffer, at, n).fill(otherwise, given));
    return at;
  };
  const finish = (run?: () => string | undefined) => {
    if (run ?? wide.length) {
      batch.finish.push({
        buffer,
        run: () => {
          for (const widen of wide) widen();
          return run?.();
        },
      });
    }
  };
  switch (c.form) {
    case 'i32':
      pieces.push({ data: c.data, at: to });
      break;
    case 'f32':
      floats(c.data, to);
      finish();
      break;
    case 'gemm':
      values(c.values, c, matrixValues(c), to);
      if (c.scales) {
        const n = c.panel * Math.ceil(c.rows / c.panel);
        const scales = perRow(c.scales, n, 0);
        const bias = perRow(c.bias, n, 0);
        wide.push(() => exports.expand_panels(to, scales, bias, n / c.panel, c.columns, c.panel));
      }
      finish();
      break;
    case 'taps': {
      const { channels, kernel, stride, dilation, channelBytes, phaseBytes, rowBytes } = c.taps;
      exports.expand_taps(to, channels, ...kernel, ...stride, ...dilation, channelBytes, phaseBytes, rowBytes);
      break;
    }
    case 'i8': {
      const [counts, gaps, integers, scales, bias] = [c.counts, c.gaps, c.values, c.scales, c.bias].map(stage);
      const end = gaps + c.gaps.length;
      finish(() =>
        wrongIndices(
          c,
          exports.expand_i8(counts, gaps, end, integers, scales, bias, taps, to, c.rows, c.columns, c.group),
        ),
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
      const end = gaps + c.gaps.length;
      finish(() =>
        wrongIndices(
          c,
          exports.expand_spmm(counts, gaps, end, weights, scales, bias, taps, to, c.rows, c.columns, c.group),
        ),
      );
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

/** What the expansion of sparse weights says, in words. */
function wrongIndices({ columns }: { columns: number }, bad: number): string | undefined {
  if (!bad) return undefined;
  return bad >>> 0 === 0xffffffff ? 'gaps are left over' : `row ${bad - 1}: gaps leave the ${columns} columns`;
}

const emptyBatch = (): Batch => ({ pieces: [], finish: [], staged: 0 });

/** What brings a program's constants in, batch by batch. Tap tables are there afterwards: sparse weights read them. */
export function planBatches(program: Program, layout: MemoryLayout, instance: Instance): Batch[] {
  const batches = [emptyBatch()];
  for (const isTaps of [true, false]) {
    program.buffers.forEach((b, i) => {
      if (b.kind !== 'constant' || (b.constant.form === 'taps') !== isTaps) return;
      const { constant } = b;
      if (batches.at(-1)!.staged + stagingBytes(constant) > layout.staging) batches.push(emptyBatch());
      const taps = constant.form === 'spmm' || constant.form === 'i8' ? layout.buffers[constant.taps] : 0;
      addConstant(batches.at(-1)!, i, constant, layout.buffers[i], taps, layout.arena, instance);
    });
  }
  return batches;
}

/** Writes those pieces that are in memory; gives those that are not. */
export function placePieces(pieces: readonly Piece[], memory: WasmMemory): (Piece & { data: Unread })[] {
  const bytes = new Uint8Array(memory.buffer);
  const unread: (Piece & { data: Unread })[] = [];
  for (const { data, at } of pieces) {
    if (ArrayBuffer.isView(data)) bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    else unread.push({ data, at });
  }
  return unread;
}

/** @throws FiligreeError `invalid-model` when sparse indices leave their matrix. */
export function finishBatch(batch: Batch, name: string): void {
  for (const { buffer, run } of batch.finish) {
    const wrong = run();
    if (wrong) throw new FiligreeError('invalid-model', `${name}: buffers[${buffer}] (sparse weights): ${wrong}`);
  }
}

/** Nothing staged is left to be read as an activation. */
export function clearStaging({ arena, staging }: MemoryLayout, memory: WasmMemory): void {
  new Uint8Array(memory.buffer).fill(0, arena, arena + staging);
}

/**
 * Expands a constant that is in memory to `to`, staged from `staging` on; see `planBatches`.
 * @returns what is wrong with sparse indices, if anything is.
 */
export function expandConstant(
  constant: Constant,
  to: number,
  taps: number,
  staging: number,
  instance: Pick<Instance, 'memory' | 'exports'>,
): string | undefined {
  const batch = emptyBatch();
  addConstant(batch, 0, constant, to, taps, staging, instance);
  placePieces(batch.pieces, instance.memory);
  return batch.finish[0]?.run();
}

/**
 * Writes records, and constants that are all in memory.
 * @throws FiligreeError `invalid-model` when sparse indices leave their matrix.
 */
export function expandProgram(program: Program, layout: MemoryLayout, instance: Instance): void {
  for (const batch of planBatches(program, layout, instance)) {
    placePieces(batch.pieces, instance.memory);
    finishBatch(batch, program.name);
  }
  clearStaging(layout, instance.memory);
  writeRecords(program, layout, instance.memory);
}

export function writeRecords(program: Program, layout: MemoryLayout, memory: WasmMemory): void {
  program.steps.forEach(({ kernel, arguments: args }, i) => {
    writeRecord(memory, layout.records[i], kernel, (field) => {
      const value = args[field];
      return typeof value === 'number' ? value : layout.buffers[value.buffer] + value.offset;
    });
  });
}
