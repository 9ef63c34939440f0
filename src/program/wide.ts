// Kernels with tiles of twelve or more sums, for engines that keep as many in registers (src/runtime/engine.ts).
import type { KernelName } from './kernels.ts';
import { tiles } from './tiles.ts';

/** By the kernel in files, the one that takes its place. Both have the same record. */
export const wideKernels: { readonly [K in KernelName]?: KernelName } = {
  f32_gemm_8x4: 'f32_gemm_24x2',
  f32_conv_gemm_8x4: 'f32_conv_gemm_24x2',
  f32_winograd_8x4: 'f32_winograd_8x6',
  f32_spmm_28x1: 'f32_spmm_52x1',
  f32_conv_spmm_28x1: 'f32_conv_spmm_52x1',
};

/** Columns of a block that takes as many bytes in the L1 cache as one of `block` columns in files. */
export const wideBlock = (block: number): number =>
  Math.ceil((block * tiles.spmm['28x1'].vectors) / tiles.spmm['52x1'].vectors);
