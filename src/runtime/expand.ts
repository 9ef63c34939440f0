// Puts a checked program into linear memory:
//
//   programBase | records | constants, each 64-byte aligned with slack | arena (first a staging area for compact weights)
import { FiligreeError } from '../errors.ts';
import { bufferSlack } from '../program/layout.ts';
import { constantBytes } from '../program/constants.ts';
import type { Constant, Program, WeightData } from '../program/program.ts';
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
  let staging = 0;
  for (const buffer of program.buffers) {
    if (buffer.kind === 'constant') staging = Math.max(staging, stagingBytes(buffer.constant));
  }
  return { records, buffers, arena, staging, bytes: arena + Math.max(program.arenaBytes, staging) + slack };
}

/** Bytes that a constant's compact parts take while it is expanded; halves are staged beside their floats. */
export function stagingBytes(constant: Constant): number {
  const floats = (data: WeightData) => up64(4 * data.length) + up64(data.byteLength);
  switch (constant.form) {
    case 'f32':
      return up64(constant.data.byteLength);
    case 'gemm':
      return floats(constant.values) + 2 * up64(4 * constant.rows);
    case 'spmm':
      return (
        floats(constant.values) +
        2 * up64(4 * constant.rows) +
        up64(constant.counts.byteLength) +
        up64(constant.gaps.length)
      );
    case 'i8':
      return [constant.values, constant.scales, constant.bias, constant.counts, constant.gaps].reduce(
        (sum, part) => sum + up64(part.byteLength),
        0,
      );
    default:
      return 0;
  }
}

/**
 * Expands a constant to `to`, its compact parts staged from `staging` on. `taps` is the address of the expanded tap table
 * that sparse weights name.
 * @returns what is wrong with sparse indices, if anything is.
 */
export function expandConstant(
  c: Constant,
  to: number,
  taps: number,
  staging: number,
  { memory, exports }: Pick<Instance, 'memory' | 'exports'>,
): string | undefined {
  const bytes = new Uint8Array(memory.buffer);
  let staged = staging;
  const stage = (data: ArrayBufferView): number => {
    const at = staged;
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    staged += up64(data.byteLength);
    return at;
  };
  /** Floats at an address of their own, widened from halves if need be. */
  const floats = (data: WeightData): number => {
    if (data instanceof Float32Array) return stage(data);
    const from = stage(data);
    const at = staged;
    exports.expand_f16(from, at, data.length);
    staged += up64(4 * data.length);
    return at;
  };
  const bias = (data: WeightData | null, rows: number): number => {
    if (data) return floats(data);
    const at = staged;
    bytes.fill(0, at, at + 4 * rows);
    staged += up64(4 * rows);
    return at;
  };
  switch (c.form) {
    case 'i32':
      bytes.set(new Uint8Array(c.data.buffer, c.data.byteOffset, c.data.byteLength), to);
      break;
    case 'f32':
      if (c.data instanceof Float32Array)
        bytes.set(new Uint8Array(c.data.buffer, c.data.byteOffset, c.data.byteLength), to);
      else exports.expand_f16(stage(c.data), to, c.data.length);
      break;
    case 'taps': {
      const { channels, kernel, stride, dilation, channelBytes, phaseBytes, rowBytes } = c.taps;
      exports.expand_taps(to, channels, ...kernel, ...stride, ...dilation, channelBytes, phaseBytes, rowBytes);
      break;
    }
    case 'gemm':
      exports.expand_gemm(floats(c.values), bias(c.bias, c.rows), to, c.rows, c.columns);
      break;
    case 'spmm':
    case 'i8': {
      const counts = stage(c.counts);
      const gaps = stage(c.gaps);
      const end = gaps + c.gaps.length;
      const shape = [taps, to, c.rows, c.columns, c.group];
      const bad =
        c.form === 'spmm'
          ? exports.expand_spmm(counts, gaps, end, floats(c.values), bias(c.bias, c.rows), ...shape)
          : exports.expand_i8(counts, gaps, end, stage(c.values), stage(c.scales), stage(c.bias), ...shape);
      if (bad) {
        return bad >>> 0 === 0xffffffff ? 'gaps are left over' : `row ${bad - 1}: gaps leave the ${c.columns} columns`;
      }
    }
  }
}

/**
 * Writes constants and records.
 * @throws FiligreeError `invalid-model` when sparse indices leave their matrix.
 */
export function expandProgram(program: Program, layout: MemoryLayout, instance: Instance): void {
  // tap tables first: sparse weights read them
  const constants = program.buffers.map((buffer, i) => ({ buffer, i }));
  for (const isTaps of [true, false]) {
    for (const { buffer, i } of constants) {
      if (buffer.kind !== 'constant' || (buffer.constant.form === 'taps') !== isTaps) continue;
      const { constant } = buffer;
      const taps = constant.form === 'spmm' || constant.form === 'i8' ? layout.buffers[constant.taps] : 0;
      const wrong = expandConstant(constant, layout.buffers[i], taps, layout.arena, instance);
      if (wrong) {
        throw new FiligreeError('invalid-model', `${program.name}: buffers[${i}] (sparse weights): ${wrong}`);
      }
    }
  }
  // nothing staged is left to be read as an activation
  new Uint8Array(instance.memory.buffer).fill(0, layout.arena, layout.arena + layout.staging);
  writeRecords(program, layout, instance.memory);
}

function writeRecords(program: Program, layout: MemoryLayout, memory: WebAssembly.Memory): void {
  program.steps.forEach(({ kernel, arguments: args }, i) => {
    writeRecord(memory, layout.records[i], kernel, (field) => {
      const value = args[field];
      return typeof value === 'number' ? value : layout.buffers[value.buffer] + value.offset;
    });
  });
}
