// Changes every field of every record of a program, and runs what the checker accepts between guard bands. For any host: nothing of Node.
import { readArtifact } from '../../src/artifact/read.ts';
import { FiligreeError } from '../../src/errors.ts';
import { checkProgram } from '../../src/program/check.ts';
import type { FieldKind } from '../../src/program/kernel.ts';
import { fieldsOf } from '../../src/program/kernels.ts';
import type { Pointer, Program } from '../../src/program/program.ts';
import { wideKernels } from '../../src/program/wide.ts';
import { withWideTiles } from '../../src/runtime/adapt.ts';
import type { Instance } from '../../src/runtime/instantiate.ts';
import { Random } from '../fuzz/random.ts';
import { layOutApart, runGuarded } from './guarded.ts';

export interface MutationCounts {
  fields: number;
  refused: number;
  ran: number;
  /** Not run because of their size. */
  long: number;
}

export interface MutationOptions {
  /** One value in so many is tried; all if 1. */
  oneIn: number;
  /** Random values of a number, besides those at its edges. */
  numbers: number;
  /** Whether each runs in every instance on 1, 2, 3 and 5 threads, and not in one of these ways. */
  everyWay: boolean;
}

/** What a changed program may multiply and add, to be run here. */
const maxWork = 2 ** 22;

/** Values that a field may be given instead of its own. */
function* valuesFor(kind: FieldKind, old: number | Pointer, program: Program, random: Random, numbers: number) {
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
  const any = Array.from({ length: numbers }, () => random.bits() >>> random.below(32));
  for (const value of new Set([...near, ...few, ...much, ...any].map(wrap))) if (value !== old) yield value;
}

/**
 * The file's program, and where engines put wide tiles into it, that one too.
 * @param bytes an artifact
 * @param instances of each build, with `memoryBytes`
 * @throws Error naming step, field and value where a change ends in anything but a FiligreeError, or is seen outside of the buffers
 */
export async function mutateRecords(
  name: string,
  bytes: Uint8Array,
  instances: readonly Instance[],
  options: MutationOptions,
): Promise<MutationCounts> {
  const counts: MutationCounts = { fields: 0, refused: 0, ran: 0, long: 0 };
  const wide = withWideTiles(readArtifact(bytes, 'test'));
  await mutateProgram(name, readArtifact(bytes, 'test'), instances, options, counts);
  if (wide.steps.some(({ kernel }) => Object.values(wideKernels).includes(kernel)))
    await mutateProgram(`${name}, wide tiles`, wide, instances, options, counts);
  return counts;
}

async function mutateProgram(
  name: string,
  program: Program,
  instances: readonly Instance[],
  { oneIn, numbers, everyWay }: MutationOptions,
  counts: MutationCounts,
): Promise<void> {
  const random = new Random(name.length);
  // some engines compile relaxed 8-bit products wrongly, and models run in the other build there
  const isInt8 = program.buffers.some((b) => b.kind === 'constant' && b.constant.form === 'blocks');
  const own = instances
    .filter(({ exports }) => !isInt8 || exports.i8_dot(-3, 5, 1000) === 940)
    .flatMap((instance) => [1, 2, 3, 5].map((threads) => ({ instance, threads })));
  const tryOut = async (what: () => string): Promise<void> => {
    try {
      const work = checkProgram(program).reduce((a, b) => a + b, 0);
      const layout = layOutApart(program);
      if (!layout || work > maxWork) {
        counts.long++;
        return;
      }
      for (const { instance, threads } of everyWay ? own : [random.pick(own)]) {
        await runGuarded(program, layout, instance, threads);
      }
      counts.ran++;
    } catch (error) {
      if (!(error instanceof FiligreeError) || error.code !== 'invalid-model')
        throw new Error(`${what()}: ${String(error)}`, { cause: error });
      counts.refused++;
    }
  };
  for (const { instance, threads } of own) await runGuarded(program, layOutApart(program)!, instance, threads);
  for (const [index, { kernel, arguments: args }] of program.steps.entries()) {
    for (const [field, kind] of fieldsOf(kernel)) {
      counts.fields++;
      const old = args[field];
      for (const value of valuesFor(kind, old, program, random, numbers)) {
        if (!random.oneIn(oneIn)) continue;
        args[field] = value;
        await tryOut(() => `${name}: step ${index} (${kernel}) ${field} = ${JSON.stringify(value)}`);
      }
      args[field] = old;
    }
  }
}
