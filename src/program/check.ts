// Checks once, before a program runs, that no record can read or write outside its buffers.
import { FiligreeError } from '../errors.ts';
import { bufferSlack } from './layout.ts';
import type { Kernel, Table } from './kernel.ts';
import { fieldsOf, kernels } from './kernels.ts';
import type { Constant, Pointer, Program, TapTable } from './program.ts';
import { constantBytes } from './constants.ts';

/** Limit of all expanded constants together: 1 GiB. */
const maximumBytes = 2 ** 30;

/** Limit of all expanded tap tables together: 64 MiB. A few bytes of a file can ask for much larger ones. */
const maximumTapBytes = 2 ** 26;

/**
 * Checks every step of a program against its buffers.
 * @returns Upper bound, up to a small factor, of what each step multiplies and adds, or moves where it does neither.
 * @throws FiligreeError `invalid-model` naming the step, its kernel and the field that reaches too far.
 */
export function checkProgram(program: Program): number[] {
  const { buffers } = program;
  const largest = new Map<number, number>();
  const largestOf = (buffer: number, constant: Constant): number => {
    let known = largest.get(buffer);
    if (known === undefined) {
      known = largestEntry(program, constant);
      largest.set(buffer, known);
    }
    return known;
  };
  let constants = 0;
  let taps = 0;
  const sizes = buffers.map((b, i) => {
    if (b.kind === 'arena') return b.bytes;
    const bytes = constantBytes(b.constant);
    constants += bytes;
    if (b.constant.form === 'taps') taps += bytes;
    if (taps > maximumTapBytes) {
      const found = `tap tables up to buffers[${i}] would take ${taps} bytes`;
      throw new FiligreeError('invalid-model', `${program.name}: ${found}, more than ${maximumTapBytes}`);
    }
    // vectors of numbers may be read past their end, into the slack behind them; indices and weights are read exactly
    if (constants < maximumBytes) return b.constant.form === 'f32' ? bytes + 4 * bufferSlack : bytes;
    throw new FiligreeError(
      'invalid-model',
      `${program.name}: constants up to buffers[${i}] (${b.constant.form}) would take ${constants} bytes`,
    );
  });
  buffers.forEach((b, i) => {
    if (b.kind === 'constant' && isTapped(b.constant)) checkTaps(program, b.constant, i);
  });

  return program.steps.map((step, index) => {
    const kernel = kernels[step.kernel] as unknown as Kernel;
    const fail = (what: string, cause?: unknown): never => {
      const layer = program.layers[step.layer].name;
      throw new FiligreeError(
        'invalid-model',
        `${program.name}: step ${index} (${step.kernel}, layer "${layer}"): ${what}`,
        {
          cause,
        },
      );
    };
    if (kernel.standalone) fail('the kernel is not for programs');
    const table = (field: string): Table => {
      const { buffer, offset } = step.arguments[field] as Pointer;
      const target = buffers[buffer];
      if (target.kind !== 'constant' || offset !== 0) return fail(`${field} must be the start of a constant`);
      return { constant: target.constant, largest: largestOf(buffer, target.constant) };
    };
    let extents: Record<string, number>;
    let work: number;
    try {
      extents = kernel.extents(step.arguments as Record<string, number>, table);
      work = kernel.work(step.arguments as Record<string, number>, table);
    } catch (error) {
      if (error instanceof FiligreeError) throw error;
      return fail((error as Error).message, error);
    }
    for (const [field, kind] of fieldsOf(step.kernel)) {
      if (kind !== 'read' && kind !== 'write') continue;
      const { buffer, offset } = step.arguments[field] as Pointer;
      if (kind === 'write' && buffers[buffer].kind !== 'arena') fail(`${field} would write to a constant`);
      if (offset % 4) fail(`${field} starts at byte ${offset}, not a multiple of 4`);
      const end = offset + extents[field];
      if (!(extents[field] >= 0 && end <= sizes[buffer])) {
        fail(`${field} would reach byte ${end} of a buffer of ${sizes[buffer]}`);
      }
    }
    return work;
  });
}

const tapsOf = (program: Program, buffer: number): TapTable | undefined => {
  const taps = program.buffers[buffer];
  return taps?.kind === 'constant' && taps.constant.form === 'taps' ? taps.constant.taps : undefined;
};

/** Weights that hold the byte offsets of a tap table. */
type Tapped = Extract<Constant, { form: 'spmm' | 'blocks' }>;

const isTapped = (constant: Constant): constant is Tapped => constant.form === 'spmm' || constant.form === 'blocks';

/** Sparse weights take their byte offsets from a tap table, which must have an entry for each of their columns. */
function checkTaps(program: Program, { taps, columns }: Tapped, index: number): void {
  const table = tapsOf(program, taps);
  const entries = table && table.channels * table.kernel[0] * table.kernel[1];
  if (entries === columns) return;
  const found = table ? `a tap table of ${entries} entries` : 'no tap table';
  throw new FiligreeError('invalid-model', `${program.name}: buffers[${index}].taps: ${found} for ${columns} columns`);
}

/**
 * The largest byte offset of a tap table. Infinite where positions within the kernel do not fit the 32 bits in which
 * they are computed.
 */
export function largestTap({
  channels,
  kernel,
  stride,
  dilation,
  channelBytes,
  phaseBytes,
  rowBytes,
}: TapTable): number {
  const [reachH, reachW] = [0, 1].map((i) => (kernel[i] - 1) * dilation[i]);
  if (Math.max(reachH, reachW) >= 2 ** 31) return Infinity;
  const [phasesH, phasesW] = [Math.min(stride[0], reachH + 1), Math.min(stride[1], reachW + 1)];
  const rows = Math.floor(reachH / stride[0]) * rowBytes + Math.floor(reachW / stride[1]) * 4;
  return (channels - 1) * channelBytes + (phasesH * phasesW - 1) * phaseBytes + rows;
}

/** The largest index or offset that a kernel can find in a constant. */
export function largestEntry(program: Program, constant: Constant): number {
  switch (constant.form) {
    case 'taps':
      return largestTap(constant.taps);
    case 'spmm':
    case 'blocks':
      return largestTap(tapsOf(program, constant.taps)!);
    case 'i32': {
      let most = 0;
      for (const value of constant.data) most = Math.max(most, value >>> 0);
      return most;
    }
    // Not indices: as indices they could reach anywhere.
    default:
      return Infinity;
  }
}
