// Kernels on planes: one call from arrays to arrays, and comparison of planes that lie apart.
import { kernels, type KernelName } from '../../src/program/kernels.ts';
import type { Kernel } from '../../src/program/kernel.ts';
import { loadKernels, type Build, type Region } from './wasm.ts';

/** A value per record field: numbers, or data for `read` pointers; `write` pointers are left out. */
export type Inputs = Record<string, number | Float32Array | Int32Array | Uint8Array>;

/** Calls a kernel with outputs of just the bytes it may touch, full of NaN; returns them by field. */
export type Call = (name: KernelName, inputs: Inputs) => Record<string, Float32Array>;

export async function loadCall(build: Build): Promise<Call> {
  const wasm = await loadKernels(build);
  return (name, inputs) => {
    wasm.reset();
    const row = kernels[name] as unknown as Kernel;
    const regions = new Map<string, Region>();
    const args: Record<string, number> = {};
    for (const field of Object.keys(row.fields)) {
      const value = inputs[field];
      if (typeof value === 'number') args[field] = value;
      if (value === undefined || typeof value === 'number') continue;
      let region: Region;
      if (value instanceof Float32Array) region = wasm.floats(value);
      else if (value instanceof Int32Array) region = wasm.integers(value);
      else {
        region = wasm.floats(Math.ceil(value.length / 4));
        new Uint8Array(region.f32.buffer, region.address, value.length).set(value);
      }
      regions.set(field, region);
      args[field] = region.address;
    }
    const table = (field: string) => regions.get(field)!.table!;
    const extents = row.extents(args as never, table) as Record<string, number>;
    const outputs: Record<string, Float32Array> = {};
    for (const [field, kind] of Object.entries(row.fields)) {
      if (kind !== 'write') continue;
      const region = wasm.floats(Math.ceil(extents[field] / 4));
      outputs[field] = region.f32;
      args[field] = region.address;
    }
    wasm.call(name, args);
    return outputs;
  };
}

/** Planes (row-major, `pixels` each) laid `stride` floats apart, NaN between them. */
export function spread(data: Float32Array, pixels: number, stride: number): Float32Array {
  const planes = data.length / pixels;
  const spaced = new Float32Array((planes - 1) * stride + pixels).fill(NaN);
  for (let p = 0; p < planes; p++) spaced.set(data.subarray(p * pixels, (p + 1) * pixels), p * stride);
  return spaced;
}

/** The inverse of `spread`: `planes` planes that lie `stride` floats apart, without the gaps. */
export function gather(data: Float32Array, planes: number, pixels: number, stride: number): Float32Array {
  const packed = new Float32Array(planes * pixels);
  for (let p = 0; p < planes; p++) packed.set(data.subarray(p * stride, p * stride + pixels), p * pixels);
  return packed;
}

/** Sizes around the tiles of 4 pixels and their multiples. */
export const sizes = [1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 16, 17, 31];
