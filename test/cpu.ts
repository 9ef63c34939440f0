// CPU time, for tests that limit a cost. Other programs on the machine do not affect it.
import process from 'node:process';
import { expect } from 'vitest';

/** CPU time that this process has used, in ms, its threads together. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** CPU time of `sweeps` on the machine that limits are for. */
const sweepsMs = 30;

function sweeps(): number {
  const words = new Uint32Array(1 << 20);
  let state = 1;
  for (let sweep = 0; sweep < 20; sweep++) {
    for (let i = 0; i < words.length; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      words[i] ^= state;
    }
  }
  return words[5];
}

/** How many times as much CPU time as there the same work costs here and now; 1 at least. */
function slowness(): number {
  const start = cpuMs();
  for (let i = 0; i < 3; i++) sweeps();
  return Math.max(1, (cpuMs() - start) / (3 * sweepsMs));
}

/**
 * Expects that little CPU time has gone by since `start`.
 * @param start of cpuMs()
 * @param most ms, on a machine that writes 20 million words, each by a multiplication, in 30 ms; slower ones get more
 */
export function expectCpuBelow(start: number, most: number, what?: string): void {
  const spent = cpuMs() - start;
  if (spent >= most) expect(spent / slowness(), what).toBeLessThan(most);
}
