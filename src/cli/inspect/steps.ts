// A program's records as the runtime writes them for one thread: addresses, and fields by name.
import { unaryFunctions } from '../../program/activations.ts';
import { fieldsOf } from '../../program/kernels.ts';
import type { Constant, Pointer, Program } from '../../program/program.ts';
import { layOut } from '../../runtime/expand.ts';

/** A pointer field: its address, and its place in the program's buffers, `offset` bytes from the start of one. */
export interface PointerField {
  address: number;
  buffer: number;
  offset: number;
  /** `arena`, or a constant's form and size. */
  in: string;
}

export interface StepRecord {
  step: number;
  /** Address of the record in linear memory. */
  address: number;
  kernel: string;
  layer: string;
  op: string;
  pointers: Record<string, PointerField>;
  /** The other fields. A function is given by name, and infinities are strings: JSON has no infinity. */
  numbers: Record<string, number | string>;
}

/** All records of a program, in the order in which they run. */
export function stepRecords(program: Program): StepRecord[] {
  const { records, buffers } = layOut(program);
  return program.steps.map(({ kernel, layer, arguments: args }, step) => {
    const pointers: StepRecord['pointers'] = {};
    const numbers: StepRecord['numbers'] = {};
    for (const [field] of fieldsOf(kernel)) {
      const value = args[field];
      if (typeof value === 'number') numbers[field] = shown(field, value);
      else pointers[field] = { address: buffers[value.buffer] + value.offset, ...value, in: homeOf(program, value) };
    }
    const { name, op } = program.layers[layer];
    return { step, address: records[step], kernel, layer: name, op, pointers, numbers };
  });
}

function shown(field: string, value: number): number | string {
  if (field === 'activation') return unaryFunctions[value];
  return Number.isFinite(value) ? value : String(value);
}

function homeOf({ buffers }: Program, { buffer }: Pointer): string {
  const home = buffers[buffer];
  return home.kind === 'arena' ? 'arena' : describe(home.constant);
}

function describe(constant: Constant): string {
  if ('rows' in constant) return `${constant.form} ${constant.rows}×${constant.columns}`;
  if (constant.form === 'taps') return `taps ${constant.taps.channels}×${constant.taps.kernel.join('×')}`;
  return `${constant.form} ${constant.data.length}`;
}

/**
 * Start addresses of the parts of linear memory, then one block per record: kernel and layer, one pointer per line, the
 * numbers.
 */
export function formatSteps(program: Program, records: readonly StepRecord[]): string {
  const { buffers, arena, bytes } = layOut(program);
  const constants = buffers.find((_, i) => program.buffers[i].kind === 'constant');
  const parts = [
    ['records', records[0]?.address],
    ['constants', constants],
    ['arena', arena],
    ['end', bytes],
  ] as const;
  const map = parts.map(([name, at]) => (at === undefined ? '' : `${hex(at)}  ${name}\n`)).join('');
  const blocks = records
    .map(({ step, address, kernel, layer, op, pointers, numbers }) => {
      const width = Math.max(...Object.keys(pointers).map((field) => field.length));
      const lines = Object.entries(pointers).map(
        ([field, { address: at, buffer, offset, in: home }]) =>
          `  ${field.padEnd(width)}  ${hex(at)}  buffer ${buffer}${offset ? ` + ${offset}` : ''}, ${home}\n`,
      );
      const rest = Object.entries(numbers).map(([field, value]) => `${field} ${value}`);
      return `step ${step}  ${hex(address)}  ${kernel}  ${layer} (${op})\n${lines.join('')}  ${rest.join('  ')}\n`;
    })
    .join('\n');
  return `${map}\n${blocks}`;
}

const hex = (address: number) => `0x${address.toString(16).padStart(8, '0')}`;
