// Runs programs whose buffers lie between guard bands, on one thread or as several would, and looks at what they touched.
import { FiligreeError } from '../../src/errors.ts';
import { bufferSlack } from '../../src/program/layout.ts';
import { constantBytes } from '../../src/program/constants.ts';
import type { Program } from '../../src/program/program.ts';
import type { MemoryLayout } from '../../src/runtime/expand.ts';
import { expandProgram, layOut } from '../../src/runtime/expand.ts';
import type { Instance } from '../../src/runtime/instantiate.ts';
import { programBase } from '../../src/runtime/instantiate.ts';
import { Model } from '../../src/runtime/model.ts';
import { planThreads } from '../../src/runtime/threads/plan.ts';
import { Tensor, elementCount } from '../../src/tensor.ts';

/** Memory that a program and its guards may take. */
export const memoryBytes = 2 ** 20;
const guardBytes = 1024;

/** Behind the records, with a guard band. */
const recordsEnd = (records: number[]) => Math.ceil(((records.at(-1) ?? programBase) + 256 + guardBytes) / 64) * 64;

/** A layout as layOut makes it, with every buffer for itself between guard bands; undefined when it takes too much memory. */
export function layOutApart(program: Program): MemoryLayout | undefined {
  const { records, staging } = layOut(program);
  let at = recordsEnd(records);
  const place = (bytes: number) => {
    const address = at;
    at = Math.ceil((at + bytes + guardBytes) / 64) * 64;
    return address;
  };
  const buffers = program.buffers.map((b) =>
    place(b.kind === 'arena' ? b.bytes : constantBytes(b.constant) + 4 * bufferSlack),
  );
  const arena = place(staging);
  const bytes = at + 4 * bufferSlack;
  return bytes <= memoryBytes ? { records, buffers, arena, staging, bytes } : undefined;
}

/**
 * Runs a program once over guards of each pattern.
 * @throws when a guard, a record or a constant is not what it was, or when what is computed depends on the guards.
 */
export async function runGuarded(
  program: Program,
  layout: MemoryLayout,
  instance: Instance,
  threads = 1,
): Promise<void> {
  const plan = threads > 1 ? planThreads(program, layout, threads, 0) : undefined;
  const end = plan ? plan.bytes + guardBytes : layout.bytes;
  if (end > memoryBytes) return;
  const words = new Uint32Array(instance.memory.buffer, 0, end >> 2);
  const floats = (address: number, bytes: number) => words.subarray(address >> 2, (address + bytes) >> 2);
  const results: Uint32Array[][] = [];
  for (const pattern of [0x7fcdef01, 0x4e6e6b28]) {
    words.fill(0, programBase >> 2);
    expandProgram(program, layout, instance, threads);
    const arenas = program.buffers.map((b, i) => floats(layout.buffers[i], b.kind === 'arena' ? b.bytes & ~3 : 0));
    const kept = program.buffers.map((b, i) =>
      floats(layout.buffers[i], b.kind === 'constant' ? constantBytes(b.constant) + 4 * bufferSlack : 0),
    );
    const constants = kept.map((words) => words.slice());
    words.fill(pattern, (recordsEnd(layout.records) - guardBytes) >> 2);
    kept.forEach((constant, i) => constant.set(constants[i]));
    for (const arena of arenas) arena.fill(0x3f000000); // 0.5
    const own = plan && Math.ceil(plan.lists.at(-1)!.to / 64) * 16; // scratch of the threads behind the first
    words.subarray(own ?? 0, plan ? (plan.bytes - 64) >> 2 : 0).fill(0x3f000000);
    plan?.write(instance.memory);
    const before = words.slice();
    const runner = plan && inTurns(plan.lists, instance);
    const model = new Model(program, { ...layout, bytes: end }, instance, runner);
    const inputs = model.inputs.map(({ name, shape }) => [
      name,
      new Tensor('float32', shape, new Float32Array(elementCount(shape)).fill(0.25)),
    ]);
    try {
      await model.run(Object.fromEntries(inputs));
    } catch (error) {
      if (!(error instanceof FiligreeError)) throw error;
    }
    if (!words.length) throw new Error('the memory has grown: nothing can be said of it');
    results.push(arenas.map((words) => words.slice()));
    arenas.forEach((words, i) => before.set(words, layout.buffers[i] >> 2));
    if (own) before.set(words.subarray(own, (plan!.bytes - 64) >> 2), own);
    const at = words.findIndex((word, i) => word !== before[i]);
    if (at >= 0) throw new Error(`wrote to ${4 * at}, outside of the buffers at ${layout.buffers}`);
  }
  for (const [i, arena] of results[0].entries()) {
    if (arena.some((word, k) => word !== results[1][i][k])) throw new Error(`what buffer ${i} holds came from outside`);
  }
}

/** Does what threads do, from barrier to barrier, one after the other and the last one first. */
function inTurns(lists: readonly { from: number; to: number }[], { memory, exports }: Instance) {
  const run = () => {
    const at = lists.map(({ from }) => from);
    while (at.some((record, i) => record < lists[i].to)) {
      for (let i = lists.length - 1; i >= 0; i--) {
        for (;;) {
          const [kernel, bytes] = new Uint32Array(memory.buffer, at[i], 2);
          if (kernel !== 0xffffffff) exports.run(at[i], 1);
          at[i] += bytes;
          if (kernel === 0xffffffff) break;
        }
      }
    }
  };
  return { threads: lists.length, isAsynchronous: false, run, dispose() {} };
}
