// Puts a checked program into linear memory:
//
//   programBase | records | constants, each 64-byte aligned with slack | arena (first a staging area for sparse weights)
//
// expand-constant.ts expands one constant.
import { FiligreeError } from '../errors.ts';
import type { WasmMemory } from './host-types.ts';
import { bufferSlack } from '../program/layout.ts';
import { constantBytes } from '../program/constants.ts';
import type { Program } from '../program/program.ts';
import { addConstant, type Batch, emptyBatch, placePieces, stagingBytes } from './expand-constant.ts';
import type { Instance } from './instantiate.ts';
import { programBase } from './instantiate.ts';
import { recordBytes, up64, writeRecord } from './record.ts';

/** Addresses of a program in linear memory. */
export interface MemoryLayout {
  /** Address of each step's record. */
  records: number[];
  /** Address of each buffer. */
  buffers: number[];
  /** Where the arena starts; while loading it is also the staging area, of `staging` bytes. */
  arena: number;
  staging: number;
  bytes: number;
}

const slack = 4 * bufferSlack;

/** Assigns an address to everything. */
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

/**
 * Plans how a program's constants are loaded, batch by batch. Writes tap tables at once: sparse weights read them.
 * @param threads that will share the work
 */
export function planBatches(program: Program, layout: MemoryLayout, instance: Instance, threads = 1): Batch[] {
  const batches = [emptyBatch()];
  for (const isTaps of [true, false]) {
    program.buffers.forEach((b, i) => {
      if (b.kind !== 'constant' || (b.constant.form === 'taps') !== isTaps) return;
      const { constant } = b;
      if (batches.at(-1)!.staged + stagingBytes(constant) > layout.staging) batches.push(emptyBatch());
      const { taps: own } = constant as { taps?: unknown };
      const taps = typeof own === 'number' ? layout.buffers[own] : 0;
      addConstant(batches.at(-1)!, i, constant, layout.buffers[i], taps, layout.arena, instance, threads);
    });
  }
  return batches;
}

/** @throws FiligreeError `invalid-model` when sparse indices leave their matrix. */
export function finishBatch(batch: Batch, name: string): void {
  for (const { buffer, run } of batch.finish) {
    const wrong = run();
    if (wrong) throw new FiligreeError('invalid-model', `${name}: buffers[${buffer}] (sparse weights): ${wrong}`);
  }
}

/** Clears the staging area, so that nothing staged is read as an activation. */
export function clearStaging({ arena, staging }: MemoryLayout, memory: WasmMemory): void {
  new Uint8Array(memory.buffer).fill(0, arena, arena + staging);
}

/**
 * Writes records and constants; all constants must be in memory.
 * @param threads that will share the work
 * @throws FiligreeError `invalid-model` when sparse indices leave their matrix.
 */
export function expandProgram(program: Program, layout: MemoryLayout, instance: Instance, threads = 1): void {
  for (const batch of planBatches(program, layout, instance, threads)) {
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
