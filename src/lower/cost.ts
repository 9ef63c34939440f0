// Predicts the cost of programs: the time of every step from its record alone. Used to choose encodings, in reports, and
// by searches under a latency budget.
//
// A step's time is a sum of counts times costs. Costs are in multiply-adds of one vector of four floats at the machine's
// peak (8 floating-point operations each), so that a machine twice as fast needs only another `peak`.
//
//   matrix products   tile columns × (groups × blocks × `group` + positions × `position`)     each tile column walks all weights
//                   + vectors × (kept weights × `vector` + rows × blocks × `store`)           vectors of 4 pixels in a plane
//                   + tile columns × columns × `column`                                       dense: tiles are packed first
//                   + bytes of weights × `memory.weight`                             once; each tile column beyond L2
//   Winograd's tiles  points × tiles in vectors × (rows × columns × `vector` + columns × `input` + rows × `output`)
//                   + points × tiles in pairs of vectors × groups of rows × `group`
//   weights in integers  rows × batch × `group` + kept weights × images × `one` (each four together cost `four`)
//   all other steps   `step` + planes × `plane` + vectors × `read` and `write` + vectors written × size of a window × `tap`
//   added to both     vectors written × `activation.NAME`
//
// The constants are measured: `filigree tune --cost-model src/lower/cost-model.json` rewrites them.
import { blocksStepWork } from './block-cost.ts';
import type { Caches, CostModel, OperationCounts } from './cost-model.ts';
import { unaryFunctions } from '../program/activations.ts';
import { matrixValues, winogradBytes } from '../program/constants.ts';
import type { Kernel, Table } from '../program/kernel.ts';
import { kernels } from '../program/kernels.ts';
import type { WinogradShape } from '../program/kernels/winograd.ts';
import type { KernelName } from '../program/kernels.ts';
import type { Constant, Pointer, Program, Step } from '../program/program.ts';
import measured from './cost-model.json' with { type: 'json' };
import { predict } from './predict.ts';
import { isMatrixKernel, matrixKernels } from './matrix-kernels.ts';
import type { MatrixKernelName } from './matrix-kernels.ts';
import { countDense } from './pack.ts';
import type { Kept } from './pack.ts';

export type { OperationCounts } from './cost-model.ts';
export { fastest, predict, unitMs } from './predict.ts';

export const defaultCostModel: CostModel = measured;

/** The planes that weights multiply, with the fields of kernel records. */
export interface ProductShape {
  batch: number;
  rows: number;
  columns: number;
  /** Height of an output plane. */
  height: number;
  width: number;
  /** Pixels in a row of a padded copy; 0 when planes are read pixel by pixel. */
  rowPixels: number;
}

/**
 * The work of y (rows, pixels) = W (rows, columns) · x by a kernel that keeps `kept` of W.
 * @param blocks into which sparse kernels divide the columns; each adds to the one before
 */
export function productWork(
  kernel: MatrixKernelName,
  shape: ProductShape,
  kept: Kept,
  { cacheBytes }: Pick<Caches, 'cacheBytes'>,
  blocks = 1,
): OperationCounts {
  const { kind, group, tile } = matrixKernels[kernel];
  const { batch, rows, columns, height, width, rowPixels } = shape;
  const pixels = kind === 'shifted' ? (height - 1) * rowPixels + width : height * width;
  const vectors = Math.ceil(pixels / 4);
  const tiles = batch * Math.ceil(vectors / tile.vectors);
  // in memory: biases and weights, and a byte offset for each position (dense: for each column)
  const offsets = group === 'dense' ? columns : kept.positions + kept.groups;
  const bytes = 4 * (kept.weights + rows + offsets);
  return [
    { kernel, count: 'group', times: tiles * kept.groups * blocks },
    { kernel, count: 'position', times: tiles * kept.positions },
    { kernel, count: 'vector', times: batch * vectors * kept.weights },
    { kernel, count: 'store', times: batch * vectors * rows * blocks },
    { kernel, count: 'column', times: group === 'dense' && kind !== 'vector' ? tiles * columns : 0 },
    { kernel: 'memory', count: 'weight', times: bytes * (bytes > cacheBytes ? tiles : 1) },
  ];
}

/** The work of a convolution by Winograd's tiles, `band` rows of tiles at a time. */
export function winogradWork(
  kernel: KernelName,
  {
    rows,
    columns,
    tile,
    batch,
    height,
    width,
    band,
  }: Omit<WinogradShape, 'xWidth'> & Record<'batch' | 'height' | 'band', number>,
  { cacheBytes }: Caches,
): OperationCounts {
  const points = (tile + 2) ** 2;
  const across = Math.ceil(width / tile);
  const down = Math.ceil(height / tile);
  const bands = Math.ceil(down / band);
  const last = down - (bands - 1) * band;
  const vectors = batch * ((bands - 1) * Math.ceil((band * across) / 4) + Math.ceil((last * across) / 4));
  const bytes = winogradBytes(rows, columns, 4, tile);
  return [
    { kernel, count: 'group', times: (points * vectors * Math.ceil(rows / 4)) / 2 },
    { kernel, count: 'vector', times: points * vectors * 4 * Math.ceil(rows / 4) * columns },
    { kernel, count: 'input', times: points * vectors * columns },
    { kernel, count: 'output', times: points * vectors * rows },
    { kernel: 'memory', count: 'weight', times: bytes * (bytes > cacheBytes ? batch * bands : 1) },
  ];
}

/** The work of a padded copy. Numbers are floats. */
export function padWork({ read, written, planes }: Record<'read' | 'written' | 'planes', number>): OperationCounts {
  return [
    { kernel: 'f32_pad', count: 'step', times: 1 },
    { kernel: 'f32_pad', count: 'plane', times: planes },
    { kernel: 'f32_pad', count: 'read', times: read / 4 },
    { kernel: 'f32_pad', count: 'write', times: written / 4 },
  ];
}

/** The work of a linear layer in integers that keeps `groups` groups of 16 weights. */
export function quantisedWork(bits: 4 | 8, batch: number, rows: number, groups: number): OperationCounts {
  const kernel = `i${bits}_linear`;
  const weights = 16 * groups;
  const single = batch % 4;
  // nearly their size in memory
  const bytes = 16 * rows + groups * (bits === 8 ? 18 : 14);
  return [
    { kernel, count: 'group', times: batch * rows },
    { kernel, count: 'one', times: single * weights },
    { kernel, count: 'four', times: (batch - single) * weights },
    { kernel: 'memory', count: 'weight', times: bytes },
  ];
}

/** Milliseconds of a program's layers, in order. */
export function predictLayers(program: Program, model: CostModel = defaultCostModel): number[] {
  const ms = program.layers.map(() => 0);
  for (const step of program.steps) ms[step.layer] += predict(stepWork(step, program, model), model);
  return ms;
}

/** The work of one step of a program. */
export function stepWork(step: Step, program: Program, caches: Caches): OperationCounts {
  const { kernel } = step;
  const args = step.arguments as Record<string, number>;
  const { read, written } = mapBytes(step, program);
  const work =
    kernel === 'i8_linear' || kernel === 'i4_linear'
      ? quantisedStepWork(step, program)
      : kernel.startsWith('i8_dot_')
        ? blocksStepWork(constantAt(program, step.arguments.weights), args as never)
        : kernel === 'f32_winograd_8x4' || kernel === 'f32_winograd_8x6'
          ? winogradWork(kernel, args as never, caches)
          : isMatrixKernel(kernel)
            ? matrixWork(kernel, step, program, caches)
            : otherWork(step, read, written);
  if (args.activation > 0) {
    work.push({ kernel: 'activation', count: unaryFunctions[args.activation], times: written / 16 });
  }
  return work;
}

function matrixWork(kernel: MatrixKernelName, step: Step, program: Program, caches: Caches): OperationCounts {
  const [shape, kept, blocks] = productOf(kernel, step, program);
  return productWork(kernel, shape, kept, caches, blocks);
}

function quantisedStepWork(step: Step, program: Program): OperationCounts {
  const constant = constantAt(program, step.arguments.weights);
  if (constant?.form !== 'quantised') throw new Error(`${step.kernel}: no weights`);
  const { bits, rows, values } = constant;
  return quantisedWork(bits, step.arguments.batch as number, rows, values.length / (2 * bits));
}

const constantAt = (program: Program, value: number | Pointer): Constant | undefined => {
  const buffer = typeof value === 'number' ? undefined : program.buffers[value.buffer];
  return buffer?.kind === 'constant' ? buffer.constant : undefined;
};

/** A matrix product's shape and weights, read from its record, and its blocks of columns. */
function productOf(kernel: MatrixKernelName, step: Step, program: Program): [ProductShape, Kept, blocks: number] {
  const args = step.arguments as Record<string, number>;
  const constant = constantAt(program, step.arguments.weights);
  if (constant?.form !== 'gemm' && constant?.form !== 'spmm' && constant?.form !== 'i8') {
    throw new Error(`${kernel}: no weights`);
  }
  const { rows, columns } = constant;
  const { batch, height = 1, width = args.pixels ?? 1, rowPixels = 0 } = args;
  const shape = { batch, rows, columns, height, width, rowPixels };
  if (constant.form === 'gemm') {
    return [shape, countDense(rows, columns, constant.panel), 1];
  }
  const { counts } = constant;
  const positions = counts.reduce((sum, n) => sum + n, 0);
  const blocks = constant.form === 'spmm' && constant.block ? Math.ceil(columns / constant.block) : 1;
  return [shape, { groups: counts.length, positions, weights: matrixValues(constant) }, blocks];
}

/** Bytes of activations from the first to the last that a step reads, and that it writes. */
function mapBytes({ kernel, arguments: args }: Step, program: Program): { read: number; written: number } {
  const table = (field: string): Table => {
    const constant = constantAt(program, args[field]);
    if (!constant) throw new Error(`${kernel}: ${field} is no constant`);
    return { constant, largest: 0 };
  };
  const row = kernels[kernel] as unknown as Kernel;
  const extents: Record<string, number> = row.extents(args as Record<string, number>, table);
  const bytes = { read: 0, written: 0 };
  for (const [field, kind] of Object.entries(row.fields)) {
    if (field === 'scratch') continue;
    if (kind === 'write') bytes.written += extents[field];
    else if (kind === 'read' && !constantAt(program, args[field])) bytes.read += extents[field];
  }
  return bytes;
}

function otherWork(step: Step, read: number, written: number): OperationCounts {
  const { batch = 1, planes = 1, channels = planes, area, kernelH, kernelW } = step.arguments as Record<string, number>;
  const kernel = costName(step);
  return [
    { kernel, count: 'step', times: 1 },
    { kernel, count: 'plane', times: batch * channels },
    { kernel, count: 'read', times: read / 16 },
    { kernel, count: 'write', times: written / 16 },
    { kernel, count: 'tap', times: (written / 16) * (area ?? (kernelH ?? 0) * (kernelW ?? 0)) },
  ];
}

/** The kernel's name in the cost model, where copies of single floats differ from copies of whole runs. */
function costName({ kernel, arguments: args }: Step): KernelName | 'f32_copy_strided' {
  return kernel === 'f32_copy' && (args.x5 !== 4 || args.y5 !== 4) ? 'f32_copy_strided' : kernel;
}
