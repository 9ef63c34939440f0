// Splits one step of a program into shares of about equal work, each a record.
import { blockCount, blocksBytes, constantBytes, matrixValues, quantisedRowBytes } from '../../program/constants.ts';
import type { SplitAxis, Kernel, Table } from '../../program/kernel.ts';
import type { Constant } from '../../program/program.ts';
import { bytesBefore, cutEvenly, segmentsOf } from '../../program/spmm-stream.ts';

/**
 * A part of a step: its numbers, the bytes by which its pointers move, and its pointers to scratch memory that is its
 * own.
 */
export interface Share {
  numbers: Record<string, number>;
  moves: Record<string, number>;
  own: readonly string[];
  /** Bytes that it may touch from each pointer on. */
  touched: Record<string, number>;
  /** Estimated nanoseconds; very rough. */
  work: number;
}

/** A step to split: its numbers, and the constants that its pointers name. */
export interface SplittableStep {
  kernel: Kernel;
  numbers: Record<string, number>;
  tables: Record<string, Table>;
  /** Threads for which sparse weights were expanded: their rows can be divided between segments only. */
  threads: number;
}

/** A share with less work than this, in nanoseconds, does not pay for the barrier after it. */
const worthwhile = 2000;

/** Cost of a byte that another thread must read too, in nanoseconds. */
const readAgain = 0.03;

/**
 * At most `parts` shares. One share where the kernel cannot be split or the work is less than `least` nanoseconds per
 * share.
 */
export function splitStep(step: SplittableStep, parts: number, least = worthwhile): Share[] {
  const { kernel, numbers, tables } = step;
  const touched = extentsOf(step, numbers);
  const work = workOf(step, touched);
  let best: Share[] = [{ numbers, moves: {}, own: [], touched, work }];
  let time = work;
  const most = Math.min(parts, least ? Math.floor(work / least) : parts);
  if (most < 2) return best;
  for (const axis of kernel.axes?.(numbers) ?? []) {
    let shares: Share[];
    try {
      shares = cut(step, axis, most).map(({ from, to, weight }) => share(step, axis, from, to, work * weight));
    } catch {
      continue; // extents accept this strange record as a whole, but not its parts
    }
    const again = Object.entries(axis.moves).reduce((bytes, [field, by]) => {
      const { [field]: table } = tables;
      return bytes + (by === 0 ? (table ? constantBytes(table.constant) : touched[field]) : 0);
    }, 0);
    const now = Math.max(...shares.map((s) => s.work)) + again * readAgain * (1 - 1 / most);
    if (now >= time) continue;
    best = shares;
    time = now;
  }
  return best;
}

/** A share's weights are part of a constant: the record states its rows. */
function extentsOf({ kernel, tables }: SplittableStep, numbers: Record<string, number>): Record<string, number> {
  return kernel.extents(numbers, (field) => {
    const { constant, largest } = tables[field];
    return { constant: 'rows' in constant ? { ...constant, rows: numbers.rows } : constant, largest };
  });
}

/** Nanoseconds at a typical kernel speed: only comparisons with other shares and with a barrier matter. */
function workOf({ numbers, tables }: SplittableStep, touched: Record<string, number>): number {
  const { batch = 1, height = 1, width = 1 } = numbers;
  let macs = 0;
  for (const { constant } of Object.values(tables)) {
    if (constant.form === 'gemm') macs += constant.rows * constant.columns;
    else if (constant.form === 'spmm') macs += matrixValues(constant);
    // four inputs of a byte take the time of one float
    else if (constant.form === 'blocks') macs += constant.group * blockCount(constant);
    else if (constant.form === 'quantised') macs += constant.values.length * (8 / constant.bits);
  }
  if (macs) return (macs * batch * height * width) / 25;
  return Object.values(touched).reduce((a, b) => a + b) / 20;
}

/** Cuts an axis into runs of units, with their shares of the work. */
function cut(step: SplittableStep, axis: SplitAxis, parts: number): { from: number; to: number; weight: number }[] {
  const { field, units = step.numbers[field], multiple = 1, moves } = axis;
  const groups = Object.keys(moves).find((pointer) => moves[pointer] === 'groups');
  const weights = groups ? step.tables[groups].constant : undefined;
  // where a part may end, and the total work before
  const ends =
    weights?.form === 'spmm' && weights.block
      ? [0, ...segmentsOf(weights, step.threads)]
      : Array.from({ length: Math.ceil(units / multiple) + 1 }, (_, i) => Math.min(units, i * multiple));
  const sums = ends.map((end) => (isStream(weights) ? workBefore(weights, end) : end));
  const total = sums.at(-1)!;
  let from = 0;
  return cutEvenly(sums, parts).map((to) => {
    const run = { from: ends[from], to: ends[to], weight: (sums[to] - sums[from]) / total };
    from = to;
    return run;
  });
}

/** Weights whose rows vary in size with the number of their groups. */
type Stream = Extract<Constant, { form: 'spmm' | 'blocks' | 'quantised' }>;

const isStream = (constant?: Constant): constant is Stream =>
  constant?.form === 'spmm' || constant?.form === 'blocks' || constant?.form === 'quantised';

/** What the first rows cost: their bytes, and as much as two positions for each group. */
const workBefore = (constant: Stream, done: number): number => entriesOf(constant, done, 2);

/** Bytes of the first rows in a sparse constant's stream. */
const streamOf = (constant: Stream, done: number, threads: number): number =>
  constant.form === 'spmm' && constant.block
    ? bytesBefore(constant, segmentsOf(constant, threads), done)
    : entriesOf(constant, done, 1);

/** Bytes of the first rows' entries; `overhead` is the cost of a group, in positions. */
function entriesOf(constant: Stream, done: number, overhead: number): number {
  if (constant.form === 'blocks') return blocksBytes(constant, done);
  if (constant.form === 'quantised') {
    const { columns, bits, counts } = constant;
    if (!counts) return done * quantisedRowBytes(bits, Math.ceil(columns / 16));
    let bytes = 0;
    for (let row = 0; row < done; row++) bytes += quantisedRowBytes(bits, counts[row]);
    return bytes;
  }
  const { rows, group, counts } = constant;
  const full = Math.floor(rows / group);
  const groups = done === rows ? counts.length : done / group;
  let bytes = 0;
  for (let i = 0; i < groups; i++) bytes += (overhead + counts[i]) * (4 + 4 * (i < full ? group : 1));
  return bytes;
}

function share(
  step: SplittableStep,
  { field, start, set, moves }: SplitAxis,
  from: number,
  to: number,
  work: number,
): Share {
  const own: string[] = [];
  const bytes: Record<string, number> = {};
  for (const [pointer, by] of Object.entries(moves)) {
    if (by === 'own') own.push(pointer);
    else if (by !== 'groups') bytes[pointer] = from * by;
    else bytes[pointer] = streamOf(step.tables[pointer].constant as Stream, from, step.threads);
  }
  const numbers = {
    ...step.numbers,
    ...(set as Record<string, number>),
    [field]: to - from,
    ...(start && { [start]: from }),
  };
  return { numbers, moves: bytes, own, touched: extentsOf(step, numbers), work };
}
