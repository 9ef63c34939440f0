// The kernel registry: one row per kernel drives the record layout in AssemblyScript (scripts/generate.mjs), dispatch,
// the checker, tests and benchmarks.
//
// Every kernel takes the address of one record:
//
//   kernel u32 | bytes u32 | field 0 | field 1 | …        four bytes each, in the order of `fields`
//
// Kinds of fields: `read` and `write` are pointers (bytes in linear memory); `u32`, `i32` and `f32` are numbers.
import { copyKernels } from './kernels/copy.ts';
import { depthwiseKernels } from './kernels/depthwise.ts';
import { detectKernels } from './kernels/detect.ts';
import { elementwiseKernels } from './kernels/elementwise.ts';
import { dotKernels } from './kernels/dots.ts';
import { gemmKernels } from './kernels/gemm.ts';
import { gridKernels } from './kernels/grid.ts';
import { imageKernels } from './kernels/image.ts';
import { linearKernels } from './kernels/linear.ts';
import { matmulKernels } from './kernels/matmul.ts';
import { padKernels } from './kernels/pad.ts';
import { poolKernels } from './kernels/pool.ts';
import { quadKernels } from './kernels/quads.ts';
import { reduceKernels } from './kernels/reduce.ts';
import { resizeKernels } from './kernels/resize.ts';
import { selectKernels } from './kernels/select.ts';
import { spmmKernels } from './kernels/spmm.ts';
import { winogradKernels } from './kernels/winograd.ts';
import type { FieldKind } from './kernel.ts';
import type { Pointer } from './program.ts';

export const kernels = {
  ...spmmKernels,
  ...gemmKernels,
  ...linearKernels,
  ...padKernels,
  ...depthwiseKernels,
  ...poolKernels,
  ...elementwiseKernels,
  ...reduceKernels,
  ...resizeKernels,
  ...copyKernels,
  ...imageKernels,
  ...detectKernels,
  ...dotKernels,
  ...matmulKernels,
  ...selectKernels,
  ...gridKernels,
  ...quadKernels,
  ...winogradKernels,
};

export type KernelName = keyof typeof kernels;

/** Names in order of their ids. */
export const kernelNames = Object.keys(kernels) as KernelName[];

const known = new Map<KernelName, readonly (readonly [name: string, kind: FieldKind])[]>();

/** A kernel's fields with their kinds, in order. */
export function fieldsOf(kernel: KernelName): readonly (readonly [name: string, kind: FieldKind])[] {
  let fields = known.get(kernel);
  if (!fields) known.set(kernel, (fields = Object.entries<FieldKind>(kernels[kernel].fields)));
  return fields;
}

/**
 * FNV-1a hash of all kernels with their records, in order of their ids. The wasm exports the hash it was built from.
 */
export function registryHash(): number {
  let hash = 0x811c9dc5;
  for (const name of kernelNames) {
    const text = `${name}(${String(fieldsOf(name))})`;
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return hash >>> 0;
}

type Fields<K extends KernelName> = (typeof kernels)[K]['fields'];

/** The fields of a kernel's record: pointers are addresses. */
export type KernelNumbers<K extends KernelName> = Readonly<Record<keyof Fields<K>, number>>;

/** A kernel's arguments by field name, with unresolved pointers. */
export type KernelArguments<K extends KernelName> = {
  [F in keyof Fields<K>]: Fields<K>[F] extends 'read' | 'write' ? Pointer : number;
};
