// No record can read or write outside its buffers: checked once, before a program runs.
import { FiligreeError } from '../errors.ts';
import { bufferSlack } from '../graph/layout.ts';
import type { Kernel, Table } from './kernel.ts';
import { kernels } from './kernels.ts';
import type { Buffer, Constant, Pointer, Program, TapTable } from './program.ts';
import { constantBytes } from './constants.ts';

/** No constant may be larger: 1 GiB. */
const maximumBytes = 2 ** 30;

/**
 * Checks every step of a program against its buffers.
 * @throws FiligreeError `invalid-model` naming the step, its kernel and the field that reaches too far.
 */
export function checkProgram(program: Program): void {
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
  const sizes = buffers.map((b, i) => {
    if (b.kind === 'arena') return b.bytes;
    const bytes = constantBytes(b.constant);
    if (bytes < maximumBytes) return bytes;
    throw new FiligreeError(
      'invalid-model',
      `${program.name}: buffers[${i}] (${b.constant.form}) would take ${bytes} bytes`,
    );
  });
  buffers.forEach((b, i) => {
    if (b.kind === 'constant' && b.constant.form === 'spmm') checkTaps(program, b.constant, i);
  });

  program.steps.forEach((step, index) => {
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
    const table = (field: string): Table => {
      const { buffer, offset } = step.arguments[field] as Pointer;
      const target = buffers[buffer];
      if (target.kind !== 'constant' || offset !== 0) return fail(`${field} must be the start of a constant`);
      return { constant: target.constant, largest: largestOf(buffer, target.constant) };
    };
    let extents: Record<string, number>;
    try {
      extents = kernel.extents(step.arguments as Record<string, number>, table);
    } catch (error) {
      if (error instanceof FiligreeError) throw error;
      return fail((error as Error).message, error);
    }
    for (const [field, kind] of Object.entries(kernel.fields)) {
      if (kind !== 'read' && kind !== 'write') continue;
      const { buffer, offset } = step.arguments[field] as Pointer;
      if (kind === 'write' && buffers[buffer].kind !== 'arena') fail(`${field} would write to a constant`);
      if (offset % 4) fail(`${field} starts at byte ${offset}, which is no float`);
      const end = offset + extents[field];
      // Vectors may go past the last number; never past the last index.
      const slack = holdsFloats(buffers[buffer]) ? 4 * bufferSlack : 0;
      if (!(extents[field] >= 0 && end <= sizes[buffer] + slack)) {
        fail(`${field} would reach byte ${end} of a buffer of ${sizes[buffer]}`);
      }
    }
  });
}

const holdsFloats = (buffer: Buffer): boolean => buffer.kind === 'constant' && buffer.constant.form === 'f32';

const tapsOf = (program: Program, buffer: number): TapTable | undefined => {
  const taps = program.buffers[buffer];
  return taps?.kind === 'constant' && taps.constant.form === 'taps' ? taps.constant.taps : undefined;
};

/** Sparse weights take their byte offsets from a tap table that must have an entry for each of their columns. */
function checkTaps(program: Program, { taps, columns }: Extract<Constant, { form: 'spmm' }>, index: number): void {
  const table = tapsOf(program, taps);
  const entries = table && table.channels * table.kernel[0] * table.kernel[1];
  if (entries === columns) return;
  const found = table ? `a tap table of ${entries} entries` : 'no tap table';
  throw new FiligreeError('invalid-model', `${program.name}: buffers[${index}].taps: ${found} for ${columns} columns`);
}

/** Byte offset of a table's last tap, in exact arithmetic. */
export function largestTap(t: TapTable): number {
  const axis = (i: 0 | 1, phaseStep: number, step: number) => {
    let most = 0;
    for (let k = 0; k < t.kernel[i]; k++) {
      const d = k * t.dilation[i];
      most = Math.max(most, (d % t.stride[i]) * phaseStep + Math.floor(d / t.stride[i]) * step);
    }
    return most;
  };
  const phasesW = Math.min(t.stride[1], (t.kernel[1] - 1) * t.dilation[1] + 1);
  return (t.channels - 1) * t.channelBytes + axis(0, phasesW * t.phaseBytes, t.rowBytes) + axis(1, t.phaseBytes, 4);
}

/** The largest index or offset that a kernel can find in a constant. */
function largestEntry(program: Program, constant: Constant): number {
  switch (constant.form) {
    case 'taps':
      return largestTap(constant.taps);
    case 'spmm':
      return largestTap(tapsOf(program, constant.taps)!);
    case 'i32': {
      let most = 0;
      for (const value of constant.data) most = Math.max(most, value >>> 0);
      return most;
    }
    // Not indices: whoever uses them so may reach anywhere.
    default:
      return Infinity;
  }
}
