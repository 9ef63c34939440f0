// Which of two networks is faster. Their runs take turns, so that whatever slows the machine slows both. The lower quartile
// of a network's times is hardly moved by what interrupts runs, nor by the first runs, in code yet to be optimised.

/** Fewer pairs of runs are no measurement. */
export const minPairs = 20;

/** Nor are more needed, however busy the machine is. */
const maxPairs = 200;

/** Times that differ by less are the same. */
const noise = 0.05;

/** The latest times only, in ms. */
const latest = 100;

export function lowerQuartile(times: readonly number[]): number {
  const sorted = times.slice(-latest).toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 4)];
}

/**
 * Whether a network's times are known: every other run says the same as the rest, so chance does not decide, and the latest are not
 * faster than all, as they are while the engine still optimises code.
 */
function isSteady(times: readonly number[]): boolean {
  const all = lowerQuartile(times);
  const [even, odd] = [0, 1].map((part) => lowerQuartile(times.filter((_, i) => i % 2 === part)));
  const recent = lowerQuartile(times.slice(-Math.ceil(minPairs / 2)));
  return Math.abs(even - odd) <= 2 * noise * all && recent >= (1 - 2 * noise) * all;
}

/** Whether there are runs enough to say how fast networks are. */
export function isMeasured(times: readonly (readonly number[])[]): boolean {
  const pairs = Math.min(...times.map(({ length }) => length));
  return pairs >= maxPairs || (pairs >= minPairs && times.every(isSteady));
}

/** How many times as fast the first is as the second; undefined before that is known. */
export function speedup([first, second]: readonly (readonly number[])[]): number | undefined {
  return isMeasured([first, second]) ? lowerQuartile(second) / lowerQuartile(first) : undefined;
}

/** @param names what the first and the second do: `Skipping zeros` */
export function verdict(times: readonly (readonly number[])[], [first, second]: readonly string[]): string {
  const ratio = speedup(times);
  if (ratio === undefined) {
    const pairs = Math.min(...times.map(({ length }) => length));
    return pairs < minPairs
      ? `Measuring: ${pairs} of ${minPairs} pairs of runs`
      : `Measuring: ${pairs} pairs of runs, not steady yet`;
  }
  if (Math.abs(Math.log(ratio)) < Math.log(1 + noise)) return `${first} and ${lowerFirst(second)}: the same speed`;
  if (ratio > 1) return `${first} is ${ratio.toFixed(1)} × as fast as ${lowerFirst(second)}`;
  return `${first} is slower here: it takes ${(1 / ratio).toFixed(1)} × as long as ${lowerFirst(second)}`;
}

const lowerFirst = (text: string) => text.charAt(0).toLowerCase() + text.slice(1);
