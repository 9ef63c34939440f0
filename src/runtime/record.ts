// Kernel records in linear memory; program/kernels.ts draws their layout.
import type { WasmMemory } from './host-types.ts';
import type { FieldKind } from '../program/kernel.ts';
import { fieldsOf, kernelNames } from '../program/kernels.ts';
import type { KernelName } from '../program/kernels.ts';

export { up64 } from './up64.ts';

const ids = new Map(kernelNames.map((name, id) => [name, id]));

/** Bytes of a kernel's record. */
export function recordBytes(kernel: KernelName): number {
  return 8 + 4 * fieldsOf(kernel).length;
}

/** Writes a record at an address. `value` gives each field's number; a pointer's is its address. */
export function writeRecord(
  memory: WasmMemory,
  address: number,
  kernel: KernelName,
  value: (field: string, kind: FieldKind) => number,
): void {
  const view = new DataView(memory.buffer, address);
  view.setUint32(0, ids.get(kernel)!, true);
  view.setUint32(4, recordBytes(kernel), true);
  let at = 8;
  for (const [field, kind] of fieldsOf(kernel)) {
    if (kind === 'f32') view.setFloat32(at, value(field, kind), true);
    else view.setInt32(at, value(field, kind), true); // u32 has the same bits
    at += 4;
  }
}
