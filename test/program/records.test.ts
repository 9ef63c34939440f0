// A crafted artifact can at worst compute nonsense inside its own buffers: every field of every record of programs that
// hold every kernel is changed, and what the checker accepts runs between guard bands, in both builds, on one thread and
// as several threads share it. FILIGREE_HOSTILE=1 tries all values in all ways, and more random ones. test/hosts/records.test.ts
// does the same in browsers and on Arm.
import { describe, expect, it } from 'vitest';
import { writeArtifact } from '../../src/artifact/write.ts';
import { instantiate } from '../../src/runtime/instantiate.ts';
import { builds } from '../kernels/wasm.ts';
import { everyProgram } from './every-kernel.ts';
import { memoryBytes } from './guarded.ts';
import { mutateRecords } from './mutate.ts';

const everything = !!process.env.FILIGREE_HOSTILE;

describe('a record with one changed field', async () => {
  const instances = await Promise.all(builds.map((build) => instantiate(memoryBytes, build)));

  it.each(everyProgram())(
    'is refused or touches its own buffers alone: %s',
    async (name, made) => {
      const options = { oneIn: everything ? 1 : 4, numbers: everything ? 40 : 4, everyWay: everything };
      const counts = await mutateRecords(name, writeArtifact(made), instances, options);
      expect(counts.refused).toBeGreaterThan(counts.fields / 2);
      expect(counts.ran).toBeGreaterThan(counts.fields / 4);
      if (process.env.FILIGREE_TALLY) console.log(JSON.stringify({ name, ...counts }));
    },
    600_000,
  );
});
