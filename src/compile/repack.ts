// A program's matrix products by other kernels: their weights are read back and packed anew.
import { kernels } from '../program/kernels.ts';
import type { Buffer, Constant, Pointer, Program, Step } from '../program/program.ts';
import type { Candidate } from './matrix.ts';
import { packFor, rankKernels } from './matrix.ts';
import type { CostModel, ProductShape } from './cost.ts';
import { isMatrixKernel } from './matrix-kernels.ts';
import type { MatrixKernelName } from './matrix-kernels.ts';
import { unpackWeights, widen } from './pack.ts';

/** One matrix product of a program. */
export interface Product {
  /** Index of its step. */
  step: number;
  layer: number;
  /** The kernel that the program has for it. */
  kernel: MatrixKernelName;
  shape: ProductShape;
  /** What else could do it, dense first. */
  candidates: Candidate[];
}

/** The matrix products of a program, in order. `model` ranks their candidates. */
export function findProducts(program: Program, model: CostModel): Product[] {
  return program.steps.flatMap((step, index): Product[] => {
    const { kernel, layer, arguments: args } = step;
    if (!isMatrixKernel(kernel)) return [];
    const { batch, height, width, rowPixels } = args as Record<string, number>;
    const constant = weightsOf(step, program);
    const { rows, columns } = constant;
    const shape = { batch, rows, columns, height, width, rowPixels };
    const candidates = rankKernels(shape, unpackWeights(constant), model);
    return [{ step: index, layer, kernel, shape, candidates }];
  });
}

/** The same program with other kernels for its matrix products, by step. The given program stays as it is. */
export function repack(program: Program, choices: ReadonlyMap<number, MatrixKernelName>): Program {
  const buffers = [...program.buffers];
  const steps = program.steps.map((step, index) => {
    const kernel = choices.get(index);
    return kernel === undefined || kernel === step.kernel ? step : withKernel(step, kernel, program, buffers);
  });
  return withoutUnused({ ...program, buffers, steps, metadata: { ...program.metadata } });
}

function weightsOf({ kernel, arguments: args }: Step, { buffers }: Pick<Program, 'buffers'>) {
  const buffer = buffers[(args.weights as Pointer).buffer];
  if (buffer.kind === 'constant' && (buffer.constant.form === 'gemm' || buffer.constant.form === 'spmm')) {
    return buffer.constant;
  }
  throw new Error(`${kernel}: no weights`);
}

/** A step with another kernel; its weights become a new buffer. */
function withKernel(step: Step, kernel: MatrixKernelName, program: Program, buffers: Buffer[]): Step {
  const constant = weightsOf(step, program);
  const taps: Pointer =
    constant.form === 'spmm' ? { buffer: constant.taps, offset: 0 } : (step.arguments.taps as Pointer);
  const bias = constant.bias ? widen(constant.bias) : undefined;
  buffers.push({ kind: 'constant', constant: packFor(kernel, constant, unpackWeights(constant), bias, taps.buffer) });
  const weights = { buffer: buffers.length - 1, offset: 0 };
  const known: Step['arguments'] = { ...step.arguments, taps, weights, columns: constant.columns };
  const fields = Object.keys(kernels[kernel].fields).map((field) => [field, known[field]] as const);
  return { ...step, kernel, arguments: Object.fromEntries(fields) };
}

/** Leaves out constants that nothing names. */
function withoutUnused(program: Program): Program {
  const used = new Set<number>();
  const pointers = (step: Step) =>
    Object.values(step.arguments).filter((value): value is Pointer => typeof value === 'object');
  for (const step of program.steps) for (const { buffer } of pointers(step)) used.add(buffer);
  for (const { at } of [...program.inputs, ...program.outputs]) used.add(at.buffer);
  program.buffers.forEach((buffer, i) => {
    if (buffer.kind === 'arena') used.add(i);
    else if (used.has(i) && buffer.constant.form === 'spmm') used.add(buffer.constant.taps);
  });
  const indices = new Map([...used].sort((a, b) => a - b).map((old, index) => [old, index]));
  const moved = ({ buffer, offset }: Pointer): Pointer => ({ buffer: indices.get(buffer)!, offset });
  const constantOf = (constant: Constant): Constant =>
    constant.form === 'spmm' ? { ...constant, taps: indices.get(constant.taps)! } : constant;
  return {
    ...program,
    buffers: [...indices.keys()].map((old) => {
      const buffer = program.buffers[old];
      return buffer.kind === 'arena' ? buffer : { kind: 'constant', constant: constantOf(buffer.constant) };
    }),
    steps: program.steps.map((step) => {
      const entries = Object.entries(step.arguments);
      const args = entries.map(([field, value]) => [field, typeof value === 'object' ? moved(value) : value] as const);
      return { ...step, arguments: Object.fromEntries(args) };
    }),
    inputs: program.inputs.map((endpoint) => ({ ...endpoint, at: moved(endpoint.at) })),
    outputs: program.outputs.map((endpoint) => ({ ...endpoint, at: moved(endpoint.at) })),
  };
}
