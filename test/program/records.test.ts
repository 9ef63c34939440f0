// A crafted artifact can at worst compute nonsense inside its own buffers: every field of every record of programs that
// hold every kernel is changed, and what the checker accepts runs between guard bands, in both builds, on one thread and
// as several threads share it. FILIGREE_HOSTILE=1 tries all values in all ways, and more random ones.
import { describe, expect, it } from 'vitest';
import { readArtifact } from '../../src/artifact/read.ts';
import { writeArtifact } from '../../src/artifact/write.ts';
import { FiligreeError } from '../../src/errors.ts';
import { checkProgram } from '../../src/program/check.ts';
import type { FieldKind } from '../../src/program/kernel.ts';
import { fieldsOf } from '../../src/program/kernels.ts';
import type { Pointer, Program } from '../../src/program/program.ts';
import { instantiate } from '../../src/runtime/instantiate.ts';
import { Random } from '../fuzz/random.ts';
import { builds } from '../kernels/wasm.ts';
import { everyProgram } from './every-kernel.ts';
import { layOutApart, memoryBytes, runGuarded } from './guarded.ts';

const everything = !!process.env.FILIGREE_HOSTILE;
/** What a changed program may multiply and add, to be run here. */
const maxWork = 2 ** 22;

/** Values that a field may be given instead of its own. */
function* valuesFor(kind: FieldKind, old: number | Pointer, program: Program, random: Random) {
  if (typeof old === 'object') {
    for (const buffer of program.buffers.keys()) {
      yield { ...old, buffer };
      yield { buffer, offset: 0 };
    }
    for (const by of [1, 4, 16, 64, 100, 256, 4 * random.below(64)]) {
      yield { ...old, offset: old.offset + by };
      if (old.offset >= by) yield { ...old, offset: old.offset - by };
    }
    yield { ...old, offset: 2 ** 31 };
    return;
  }
  if (kind === 'f32') {
    yield* [0, -0, 1, -1, 1e30, -1e30, Infinity, -Infinity, 2 ** -140, 127, 128, random.bits()];
    return;
  }
  const wrap = (n: number) => (kind === 'u32' ? n >>> 0 : n | 0);
  const near = [old + 1, old - 1, 2 * old, old >> 1, old + 4, old - 4, old + 16, 3 * old, -old];
  const few = [0, 1, 2, 3, 4, 5, 7, 8, 12, 16, 20, 28, 32, 64, 100];
  const much = [2 ** 8, 2 ** 12, 2 ** 16, 2 ** 20, 2 ** 24, 2 ** 28, 2 ** 30, 2 ** 31, 2 ** 32 - 4, 2 ** 32 - 1];
  const any = Array.from({ length: everything ? 40 : 4 }, () => random.bits() >>> random.below(32));
  for (const value of new Set([...near, ...few, ...much, ...any].map(wrap))) if (value !== old) yield value;
}

describe('a record with one changed field', async () => {
  const instances = await Promise.all(builds.map((build) => instantiate(memoryBytes, build)));
  const candidates = instances.flatMap((instance) => [1, 2, 3, 5].map((threads) => ({ instance, threads })));

  it.each(everyProgram())(
    'is refused or touches its own buffers alone: %s',
    async (name, made) => {
      const bytes = writeArtifact(made);
      const program = readArtifact(bytes, 'test');
      const random = new Random(name.length);
      const counts = { fields: 0, refused: 0, ran: 0, long: 0 };
      // some engines compile relaxed 8-bit products wrongly, and models run in the other build there
      const isInt8 = program.buffers.some((b) => b.kind === 'constant' && ['i8', 'blocks'].includes(b.constant.form));
      const own = candidates.filter(({ instance: { exports } }) => !isInt8 || exports.i8_dot(-3, 5, 1000) === 940);
      const tryOut = async (what: () => string): Promise<void> => {
        try {
          const work = checkProgram(program).reduce((a, b) => a + b, 0);
          const layout = layOutApart(program);
          if (!layout || work > maxWork) {
            counts.long++;
            return;
          }
          for (const { instance, threads } of everything ? own : [random.pick(own)]) {
            await runGuarded(program, layout, instance, threads);
          }
          counts.ran++;
        } catch (error) {
          if (!(error instanceof FiligreeError)) throw new Error(`${what()}: ${String(error)}`, { cause: error });
          expect(error.code, what()).toBe('invalid-model');
          counts.refused++;
        }
      };
      for (const { instance, threads } of own) await runGuarded(program, layOutApart(program)!, instance, threads);
      for (const [index, { kernel, arguments: args }] of program.steps.entries()) {
        for (const [field, kind] of fieldsOf(kernel)) {
          counts.fields++;
          const old = args[field];
          for (const value of valuesFor(kind, old, program, random)) {
            if (!everything && !random.oneIn(4)) continue;
            args[field] = value;
            await tryOut(() => `${name}: step ${index} (${kernel}) ${field} = ${JSON.stringify(value)}`);
          }
          args[field] = old;
        }
      }
      expect(counts.refused).toBeGreaterThan(counts.fields / 2);
      expect(counts.ran).toBeGreaterThan(counts.fields / 4);
      if (process.env.FILIGREE_TALLY) console.log(JSON.stringify({ name, ...counts }));
    },
    600_000,
  );
});
