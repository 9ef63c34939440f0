// Predicts the cost of programs: the time of every step from its record alone. Used to choose encodings, in reports, and
// by searches under a latency budget.
//
// A step's time is a sum of counts times costs. Costs are in multiply-adds of one vector of four floats at the machine's
// peak (8 floating-point operations each), so that a machine twice as fast needs only another `peak`.
//
//   matrix products   tile columns × (groups × blocks × `group` + positions × `position`)     each tile column walks all weights
//                   + vectors × (kept weights × `vector` + rows × blocks × `store`)           vectors of 4 pixels in a plane
//                   + pairs of vectors × columns × `column`                                   dense: tiles are packed first
//                   + bytes of weights × `memory.weight`                             once; each tile column beyond L2
//   Winograd's tiles  points × tiles in vectors × (rows × columns × `vector` + columns × `input` + rows × `output`)
//                   + points × tiles in pairs of vectors × groups of rows × `group`
//   weights in integers  rows × batch × `group` + kept weights × images × `one` (each four together cost `four`)
//   all other steps   `step` + planes × `plane` + vectors × `read` and `write` + vectors written × size of a window × `tap`
//   added to both     vectors written × `activation.NAME`
//
// The constants are measured, for each class of engines: cost-models.ts.
import { blocksStepWork } from './block-cost.ts';
import type { Core, CostModel, OperationCounts } from './cost-model.ts';
import { unaryFunctions } from '../program/activations.ts';
import { matrixValues } from '../program/constants.ts';
import type { Kernel, Table } from '../program/kernel.ts';
import { kernels } from '../program/kernels.ts';
import type { KernelName } from '../program/kernels.ts';
import type { Constant, Pointer, Program, Step } from '../program/program.ts';
import { predict } from './predict.ts';
import { defaultCostModel } from './cost-models.ts';
import { isMatrixKernel } from './matrix-kernels.ts';
import type { MatrixKernelName } from './matrix-kernels.ts';
import { countDense } from './pack.ts';
import type { Kept } from './pack.ts';
import { productWork, winogradWork } from './product-cost.ts';
import type { ProductShape } from './product-cost.ts';

export { defaultCostModel } from './cost-models.ts';
export type { OperationCounts } from './cost-model.ts';
export { fastest, minSparseGain, predict, unitMs } from './predict.ts';

/** The work of a padded copy. Numbers are floats. */
export function padWork({ read, written, planes }: Record<'read' | 'written' | 'planes', number>): OperationCounts {
  return [
    { kernel: 'f32_pad', count: 'step', times: 1 },
    { kernel: 'f32_pad', count: 'plane', times: planes },
    { kernel: 'f32_pad', count: 'read', times: read / 4 },
    { kernel: 'f32_pad', count: 'write', times: written / 4 },
  ];
}

/** The work of a conversion between floats and bytes. */
export function conversionWork(kernel: 'i8_from_f32' | 'i8_to_f32', elements: number): OperationCounts {
  const [floats, bytes] = [elements / 4, elements / 16];
  const isToBytes = kernel === 'i8_from_f32';
  return [
    { kernel, count: 'step', times: 1 },
    { kernel, count: 'read', times: isToBytes ? floats : bytes },
    { kernel, count: 'write', times: isToBytes ? bytes : floats },
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
export function stepWork(step: Step, program: Program, core: Core): OperationCounts {
  const { kernel } = step;
  const args = step.arguments as Record<string, number>;
  const { read, written } = mapBytes(step, program);
  const work =
    kernel === 'i8_linear' || kernel === 'i4_linear'
      ? quantisedStepWork(step, program)
      : kernel.startsWith('i8_dot_')
        ? blocksStepWork(constantAt(program, step.arguments.weights), args as never)
        : kernel === 'f32_winograd_8x4' || kernel === 'f32_winograd_8x6'
          ? winogradWork(kernel, args as never, core)
          : isMatrixKernel(kernel)
            ? matrixWork(kernel, step, program, core)
            : otherWork(step, read, written);
  if (args.activation > 0) {
    work.push({ kernel: 'activation', count: unaryFunctions[args.activation], times: written / 16 });
  }
  return work;
}

function matrixWork(kernel: MatrixKernelName, step: Step, program: Program, core: Core): OperationCounts {
  const [shape, kept, block] = productOf(kernel, step, program);
  return productWork(kernel, shape, kept, core, block);
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

/** A matrix product's shape and weights, read from its record, and the columns of a block. */
function productOf(kernel: MatrixKernelName, step: Step, program: Program): [ProductShape, Kept, block?: number] {
  const args = step.arguments as Record<string, number>;
  const constant = constantAt(program, step.arguments.weights);
  if (constant?.form !== 'gemm' && constant?.form !== 'spmm') throw new Error(`${kernel}: no weights`);
  const { rows, columns } = constant;
  const { batch, height = 1, width = args.pixels ?? 1, rowPixels = 0 } = args;
  const shape = { batch, rows, columns, height, width, rowPixels };
  if (constant.form === 'gemm') {
    return [shape, countDense(rows, columns, constant.panel)];
  }
  const { counts } = constant;
  const positions = counts.reduce((sum, n) => sum + n, 0);
  const { block } = constant;
  return [shape, { groups: counts.length, positions, weights: matrixValues(constant) }, block];
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
