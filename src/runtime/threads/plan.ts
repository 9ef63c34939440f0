// Divides a program in linear memory among threads; assembly/threads.ts draws the lists.
//
//   layout.bytes | sync | lists, one per thread | scratch of each thread but the first |
import { largestEntry } from '../../program/check.ts';
import type { FieldKind, Kernel } from '../../program/kernel.ts';
import type { KernelName } from '../../program/kernels.ts';
import { kernels } from '../../program/kernels.ts';
import type { Pointer, Program, Step } from '../../program/program.ts';
import type { MemoryLayout } from '../expand.ts';
import { recordBytes, up64, writeRecord } from '../record.ts';
import type { Share, SplittableStep } from './split.ts';
import { splitStep } from './split.ts';

/** Bytes of the words that threads share. */
const syncBytes = 256;

const barrierBytes = 8;

type Entry = { kernel: KernelName; value: (field: string) => number } | 'barrier';

/** The address range of each thread's list. */
export interface ThreadPlan {
  readonly sync: number;
  readonly lists: readonly { readonly from: number; readonly to: number }[];
  /** End of all lists and scratch in linear memory. */
  readonly bytes: number;
  /** The largest share of each step's work that one thread does: 1 where the step is not split. */
  readonly largest: readonly number[];
  /** Barriers per run. */
  readonly barriers: number;
  /** Writes the lists; `memory` is at least `bytes` long. */
  write(memory: WebAssembly.Memory): void;
}

/** A range of addresses that is read or written. */
interface Touch {
  writes: boolean;
  own: boolean;
  from: number;
  to: number;
}

/** A range touched since the last barrier, and by which thread. */
type Touched = Omit<Touch, 'own'> & { thread: number };

/** @param least minimum nanoseconds of work per share; for tests */
export function planThreads(program: Program, layout: MemoryLayout, threads: number, least?: number): ThreadPlan {
  const lists: Entry[][] = Array.from({ length: threads }, () => []);
  const load = lists.map(() => 0);
  let touched: Touched[] = [];
  let barriers = 0;
  let scratch = 0;
  const largest: number[] = [];
  const meet = () => {
    barriers++;
    for (const list of lists) list.push('barrier');
    load.fill(0);
    touched = [];
  };
  const steps = program.steps.map((step) => ({ step, work: workOf(program, step, threads) }));
  const placed: {
    entry: { kernel: KernelName; value?: (field: string) => number };
    own: Share;
    step: Step;
    thread: number;
  }[] = [];
  for (const { step, work } of steps) {
    const shares = splitStep(work, threads, least);
    const works = shares.map((share) => share.work);
    largest.push(Math.max(...works) / works.reduce((a, b) => a + b));
    const touches = shares.map((share) => touchesOf(program, layout, step, share));
    // a step in one part goes to the least loaded thread that need not wait for another
    const order = lists.map((_, i) => i).sort((a, b) => load[a] - load[b]);
    const free = (first: number) => touches.every((list, i) => !conflicts(list, (first + i) % threads, touched));
    let first = shares.length > 1 ? 0 : order.find(free);
    if (first === undefined || !free(first)) {
      meet();
      first = 0;
    }
    shares.forEach((share, i) => {
      const thread = first + i;
      const entry = { kernel: step.kernel, value: undefined as unknown as (field: string) => number };
      lists[thread].push(entry);
      placed.push({ entry, own: share, step, thread });
      load[thread] += share.work;
      for (const { own, ...touch } of touches[i]) if (!own || thread === 0) touched.push({ ...touch, thread });
      for (const field of share.own) scratch = Math.max(scratch, up64(share.touched[field]));
    });
  }
  meet(); // the run ends when all threads are done

  let at = up64(layout.bytes);
  const sync = at;
  at += syncBytes;
  const places = lists.map((list) => {
    const from = at;
    for (const entry of list) at += entry === 'barrier' ? barrierBytes : recordBytes(entry.kernel);
    const place = { from, to: at };
    at = up64(at);
    return place;
  });
  const own = at;
  at += scratch * (threads - 1);
  for (const { entry, own: share, step, thread } of placed) {
    entry.value = (field) => {
      const argument = step.arguments[field];
      if (typeof argument === 'number') return share.numbers[field];
      if (thread > 0 && share.own.includes(field)) return own + scratch * (thread - 1);
      return layout.buffers[argument.buffer] + argument.offset + (share.moves[field] ?? 0);
    };
  }
  return {
    sync,
    lists: places,
    bytes: at + 64,
    largest,
    barriers,
    write: (memory) => lists.forEach((list, i) => writeList(memory, places[i].from, list)),
  };
}

function writeList(memory: WebAssembly.Memory, from: number, list: readonly Entry[]): void {
  let at = from;
  for (const entry of list) {
    if (entry === 'barrier') {
      new Uint32Array(memory.buffer, at, 2).set([0xffffffff, barrierBytes]);
      at += barrierBytes;
    } else {
      writeRecord(memory, at, entry.kernel, entry.value!);
      at += recordBytes(entry.kernel);
    }
  }
}

/** A step's numbers, and the constants that its pointers name. */
export function workOf(program: Program, { kernel, arguments: args }: Step, threads: number): SplittableStep {
  const numbers: SplittableStep['numbers'] = {};
  const tables: SplittableStep['tables'] = {};
  for (const [field, argument] of Object.entries(args)) {
    if (typeof argument === 'number') numbers[field] = argument;
    else {
      const buffer = program.buffers[argument.buffer];
      if (buffer.kind === 'constant') {
        tables[field] = { constant: buffer.constant, largest: largestEntry(program, buffer.constant) };
      }
    }
  }
  return { kernel: kernels[kernel] as unknown as Kernel, numbers, tables, threads };
}

/** Activations that a share reads and writes. `own` scratch lies elsewhere for all threads but the first. */
function touchesOf(program: Program, layout: MemoryLayout, step: Step, share: Share): Touch[] {
  const touches: Touch[] = [];
  for (const [field, kind] of Object.entries(kernels[step.kernel].fields as Record<string, FieldKind>)) {
    if (kind !== 'read' && kind !== 'write') continue;
    const { buffer, offset } = step.arguments[field] as Pointer;
    if (program.buffers[buffer].kind !== 'arena' || !share.touched[field]) continue;
    const from = layout.buffers[buffer] + offset + (share.moves[field] ?? 0);
    touches.push({ writes: kind === 'write', own: share.own.includes(field), from, to: from + share.touched[field] });
  }
  return touches;
}

/** Whether a thread must wait for others before it touches these ranges. */
function conflicts(touches: readonly Touch[], thread: number, others: readonly Touched[]): boolean {
  return touches.some(
    ({ writes, own, from, to }) =>
      (!own || thread === 0) &&
      others.some((o) => o.thread !== thread && (writes || o.writes) && from < o.to && o.from < to),
  );
}
