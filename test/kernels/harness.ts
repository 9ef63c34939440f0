// Calls one kernel of the built wasm directly: lays its buffers out between guard bands, writes the record, and checks
// afterwards that nothing was touched beyond what the registry row's extents say.
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { expect } from 'vitest';
import { bufferSlack } from '../../src/graph/layout.ts';
import { kernelNames, kernels, type KernelName } from '../../src/program/kernels.ts';
import type { Kernel, Table } from '../../src/program/kernel.ts';
import type { Constant } from '../../src/program/program.ts';

setFlagsFromString('--experimental-wasm-relaxed-simd');

/** A value per record field: numbers as they are, data for `read` pointers, 'output' for `write` pointers. */
export type Arguments = Record<string, number | Float32Array | Int32Array | Uint8Array | 'output'>;

/** Calls a kernel; returns the bytes behind every `write` pointer, as floats. */
export type Call = (name: KernelName, args: Arguments) => Record<string, Float32Array>;

/** A quiet NaN that no arithmetic makes, so that an unwritten element is told from a computed NaN. */
export const poison = 0x7fc0dead;
const base = 1 << 16;
const guard = 4 * bufferSlack;

const tableOf = (data: unknown, field: string): Table => {
  if (data instanceof Int32Array) {
    return {
      constant: { form: 'i32', data },
      get largest() {
        return new Uint32Array(data).reduce((a, b) => Math.max(a, b), 0);
      },
    };
  }
  if (data instanceof Float32Array) return { constant: { form: 'f32', data } as Constant, largest: NaN };
  throw new Error(`${field} is no table`);
};

/** What the registry row says a call may touch, by field. */
export function extentsOf(name: KernelName, args: Arguments): Record<string, number> {
  const row = kernels[name] as unknown as Kernel;
  return row.extents(args as never, (field) => tableOf(args[field], field)) as Record<string, number>;
}

export function loadKernels(build: 'simd' | 'relaxed'): Call {
  const bytes = readFileSync(new URL(`../../src/wasm/filigree-${build}.wasm`, import.meta.url));
  const memory = new WebAssembly.Memory({ initial: 64 });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });

  return (name, args) => {
    const row = kernels[name] as unknown as Kernel;
    const extents = extentsOf(name, args);
    const fields = Object.entries(row.fields);
    let end = base;
    const places = new Map<string, { at: number; bytes: number }>();
    for (const [field, kind] of fields) {
      if (kind !== 'read' && kind !== 'write') continue;
      const data = args[field];
      const size = data === 'output' ? extents[field] : (data as Float32Array).byteLength;
      if (kind === 'read') expect(extents[field], `${name}: extent of ${field}`).toBeLessThanOrEqual(size + guard);
      end = Math.ceil((end + guard) / 16) * 16;
      places.set(field, { at: end, bytes: size });
      end += size;
    }
    const record = Math.ceil((end + guard) / 16) * 16;
    const total = record + 4 * (fields.length + 2);
    if (memory.buffer.byteLength < total) memory.grow(Math.ceil((total - memory.buffer.byteLength) / 65536));
    const view = new DataView(memory.buffer);
    for (let p = base; p < record; p += 4) view.setUint32(p, poison, true);
    for (const [field, place] of places) {
      const data = args[field];
      if (data === 'output') continue;
      const { buffer, byteOffset } = data as Float32Array;
      new Uint8Array(memory.buffer, place.at, place.bytes).set(new Uint8Array(buffer, byteOffset, place.bytes));
    }
    view.setUint32(record, kernelNames.indexOf(name), true);
    view.setUint32(record + 4, 4 * (fields.length + 2), true);
    fields.forEach(([field, kind], i) => {
      const at = record + 8 + 4 * i;
      const value = places.get(field)?.at ?? (args[field] as number);
      if (typeof value !== 'number') throw new Error(`${name}: ${field} is missing`);
      if (kind === 'f32') view.setFloat32(at, value, true);
      else view.setInt32(at, value, true);
    });

    const before = new Uint8Array(memory.buffer.slice(base, record));
    (exports[name] as (record: number) => void)(record);
    const after = new Uint8Array(memory.buffer, base, record - base);
    const outputs: Record<string, Float32Array> = {};
    for (const [field, place] of places) {
      if (args[field] !== 'output') continue;
      const { at } = place;
      outputs[field] = new Float32Array(memory.buffer.slice(at, at + Math.ceil(place.bytes / 4) * 4));
      before.set(after.subarray(at - base, at - base + place.bytes), at - base);
    }
    expect(Buffer.compare(before, after), `${name} wrote outside its outputs`).toBe(0);
    return outputs;
  };
}

/** Floats in [−1, 1) that are never 0, the same for the same seed. */
export function randomFloats(count: number, seed: number): Float32Array {
  const data = new Float32Array(count);
  let state = (seed * 2654435761 + 12345) >>> 0;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data[i] = ((state >>> 8) + 0.5) / (1 << 23) - 1;
  }
  return data;
}

/** Planes (row-major, `pixels` each) laid `stride` floats apart, NaN between them. */
export function spread(data: Float32Array, pixels: number, stride: number): Float32Array {
  const planes = data.length / pixels;
  const spaced = new Float32Array((planes - 1) * stride + pixels).fill(NaN);
  for (let p = 0; p < planes; p++) spaced.set(data.subarray(p * pixels, (p + 1) * pixels), p * stride);
  return spaced;
}

/** The largest difference of planes laid `stride` floats apart from `expected`, over the largest magnitude; NaN unless equal NaNs. */
export function deviation(actual: Float32Array, expected: ArrayLike<number>, pixels: number, stride: number): number {
  let largest = 0;
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    const a = actual[Math.floor(i / pixels) * stride + (i % pixels)];
    const e = expected[i];
    if (Number.isFinite(e)) largest = Math.max(largest, Math.abs(e));
    if (Object.is(a, e) || a === e || (Number.isNaN(a) && Number.isNaN(e))) continue;
    const difference = Math.abs(a - e);
    if (!(difference <= worst)) worst = difference;
    if (Number.isNaN(difference)) return NaN;
  }
  return worst === 0 ? 0 : worst / largest;
}
