// What threads do, done by one: lists of shares run in turns, record by record, in an order that dice choose.
import { readArtifact } from '../src/artifact/read.ts';
import { withWideTiles } from '../src/runtime/adapt.ts';
import { expandProgram, layOut } from '../src/runtime/expand.ts';
import { instantiate } from '../src/runtime/instantiate.ts';
import { Model } from '../src/runtime/model.ts';
import { planThreads } from '../src/runtime/threads/plan.ts';
import type { Build } from './kernels/wasm.ts';

/** A quiet NaN that no computation makes. */
const poison = 0x7fcdef01;

/**
 * A model that runs as if on this many threads; every step that can be split is split.
 * @param poison fills the memory of activations with NaN first
 */
export async function loadInShares(
  artifact: Uint8Array,
  build: Build,
  threads: number,
  below: (n: number) => number,
  options: { poison?: boolean; wideTiles?: boolean } = {},
) {
  const read = readArtifact(artifact, 'model');
  const program = options.wideTiles ? withWideTiles(read) : read;
  const layout = layOut(program);
  const plan = planThreads(program, layout, threads, 0);
  const instance = await instantiate(plan.bytes, build);
  expandProgram(program, layout, instance, threads);
  if (options.poison) new Uint32Array(instance.memory.buffer).fill(poison, layout.arena >> 2, layout.bytes >> 2);
  plan.write(instance.memory);
  const run = () => {
    const words = new Uint32Array(instance.memory.buffer);
    const at = plan.lists.map(({ from }) => from);
    const isBarrier = (thread: number) => words[at[thread] >> 2] === 0xffffffff;
    for (;;) {
      const busy = at.map((_, i) => i).filter((i) => at[i] < plan.lists[i].to && !isBarrier(i));
      if (busy.length > 0) {
        const thread = busy[below(busy.length)];
        instance.exports.run(at[thread], 1);
        at[thread] += words[(at[thread] >> 2) + 1];
      } else if (at[0] < plan.lists[0].to) at.forEach((_, i) => (at[i] += 8));
      else return;
    }
  };
  const team = { threads, isAsynchronous: false, run, dispose() {} };
  /** Bits of everything that runs only read. */
  const constants = () => new Uint32Array(instance.memory.buffer, 0, layout.arena >> 2).slice();
  return { model: new Model(program, { ...layout, bytes: plan.bytes }, instance, team), plan, constants };
}

/** Bits of outputs, to be compared one by one. */
export function bitsOf(
  outputs: Record<string, { data: ArrayLike<number> | ArrayLike<bigint> }>,
): Record<string, number[]> {
  const bits = ({ data }: { data: ArrayLike<number> | ArrayLike<bigint> }) => {
    const { buffer, byteOffset, length } = data as Float32Array;
    return [...new Uint32Array(buffer, byteOffset, length)];
  };
  return Object.fromEntries(Object.entries(outputs).map(([name, output]) => [name, bits(output)]));
}
