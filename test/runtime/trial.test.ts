import { describe, expect, it } from 'vitest';
import { Trial } from '../../src/runtime/threads/trial.ts';

/** Which of so many runs were on one thread, where runs take these times. */
function decide(runs: number, { all, one }: { all: number; one: number }): boolean[] {
  const trial = new Trial();
  return Array.from({ length: runs }, () => {
    const { onOne } = trial;
    trial.add(onOne ? one : all);
    return onOne;
  });
}

describe('the trial of threads', () => {
  it('takes turns in the first runs, and stays with all threads where they are faster', () => {
    const runs = decide(40, { all: 2, one: 3 });
    expect(runs.flatMap((onOne, i) => (onOne ? [i] : []))).toEqual([6, 8, 10, 12, 14]);
  });

  it('stays with one thread where that is faster, and asks again after a thousand runs', () => {
    const runs = decide(1040, { all: 3, one: 2 });
    expect(runs.slice(15, 1001).every(Boolean)).toBe(true);
    expect(runs.slice(1001, 1007).some(Boolean)).toBe(false);
    expect(runs.slice(1016).every(Boolean)).toBe(true);
  });

  it('does not try long programs on one thread', () => {
    expect(decide(40, { all: 25, one: 1 }).some(Boolean)).toBe(false);
  });

  it('is not misled by one slow run', () => {
    const trial = new Trial();
    const later = Array.from({ length: 30 }, (_, i) => {
      const { onOne } = trial;
      trial.add(i === 7 ? 1000 : onOne ? 3 : 2);
      return onOne;
    }).slice(15);
    expect(later.some(Boolean)).toBe(false);
  });
});
