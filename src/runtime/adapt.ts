// Fits a program to the engine that runs it. Files name kernels that are fast everywhere.
import { winogradTiles } from '../program/tiles.ts';
import type { Program, Step } from '../program/program.ts';
import { wideBlock, wideKernels } from '../program/wide.ts';

/** The program with wide tiles: its steps use them, and its weights will be laid out for them. */
export function withWideTiles(program: Program): Program {
  const buffers = [...program.buffers];
  const steps = program.steps.map((step): Step => {
    const { [step.kernel]: kernel } = wideKernels;
    if (!kernel) return step;
    const { weights } = step.arguments;
    const buffer = typeof weights === 'object' ? buffers[weights.buffer] : undefined;
    if (typeof weights === 'object' && buffer?.kind === 'constant' && buffer.constant.form === 'gemm') {
      buffers[weights.buffer] = { ...buffer, constant: { ...buffer.constant, wide: true } };
    }
    if (typeof weights === 'object' && buffer?.kind === 'constant' && buffer.constant.form === 'spmm') {
      // as many bytes in the L1 cache: of the file's constant, since steps may share it
      const { constant } = program.buffers[weights.buffer] as typeof buffer & { constant: { block: number } };
      buffers[weights.buffer] = { ...buffer, constant: { ...buffer.constant, block: wideBlock(constant.block) } };
    }
    return { ...step, kernel };
  });
  return { ...program, steps, buffers };
}

/** The program with the smallest of Winograd's tiles, whose weights take less than half the memory. */
export function withSmallTiles(program: Program): Program {
  const [winograd] = winogradTiles;
  const buffers = program.buffers.map((buffer) =>
    buffer.kind === 'constant' && buffer.constant.form === 'gemm' && buffer.constant.winograd
      ? { ...buffer, constant: { ...buffer.constant, winograd } }
      : buffer,
  );
  const steps = program.steps.map((step): Step =>
    step.arguments.tile === undefined ? step : { ...step, arguments: { ...step.arguments, tile: winograd } },
  );
  return { ...program, steps, buffers };
}
