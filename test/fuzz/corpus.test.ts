// Every input of the corpus ends in a result or a FiligreeError, soon; among them are those that once did not.
import { describe, expect, it } from 'vitest';
import { FiligreeError } from '../../src/errors.ts';
import { cpuMs, expectCpuBelow } from '../cpu.ts';
import { Random } from './random.ts';
import { corpusOf } from './seeds.ts';
import { targets } from './targets.ts';
import type { Target, TargetName } from './targets.ts';

/** Mutations of each input that are tried here, besides itself. */
const tries = 2;

describe('the corpus of fuzzing', () => {
  it.each(Object.entries(targets) as [TargetName, Target][])('%s', async (name, target) => {
    const corpus = corpusOf(name);
    expect(corpus.length).toBeGreaterThan(3);
    const random = new Random(name.length);
    let [results, refused] = [0, 0];
    for (const { file, input } of corpus) {
      const inputs = [input];
      for (let i = 0; i < tries; i++) inputs.push(target.mutate(input, random, () => random.pick(corpus).input));
      for (const [i, tried] of inputs.entries()) {
        const start = cpuMs();
        try {
          await target.run(tried);
          results++;
        } catch (error) {
          if (!(error instanceof FiligreeError)) throw new Error(`${file}, mutation ${i}: ${error}`, { cause: error });
          refused++;
        }
        // 2 s where nothing else runs
        expectCpuBelow(start, 4000, file);
      }
    }
    expect(results).toBeGreaterThan(0);
    // an incomplete image header is not an error, and neither is an unusable checkpoint
    if (name !== 'image-header' && name !== 'checkpoint') expect(refused).toBeGreaterThan(0);
  });
});
