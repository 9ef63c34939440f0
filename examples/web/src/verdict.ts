// Which of two networks is faster. Their runs take turns, so that whatever slows the machine slows both. The lower quartile
// of a network's times is hardly moved by what interrupts runs, nor by the first runs, in code yet to be optimised.

/** Fewer pairs of runs are no measurement. */
export const minPairs = 20;

/** Times that differ by less are the same. */
const noise = 0.05;

/** The latest times only, in ms. */
const latest = 100;

export function lowerQuartile(times: readonly number[]): number {
  const sorted = times.slice(-latest).toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 4)];
}

/** How many times as fast the first is as the second; undefined before there are enough pairs. */
export function speedup([first, second]: readonly (readonly number[])[]): number | undefined {
  if (Math.min(first.length, second.length) < minPairs) return undefined;
  return lowerQuartile(second) / lowerQuartile(first);
}

/** @param names what the first and the second do: `Skipping zeros` */
export function verdict(times: readonly (readonly number[])[], [first, second]: readonly string[]): string {
  const ratio = speedup(times);
  if (ratio === undefined)
    return `Measuring: ${Math.min(...times.map(({ length }) => length))} of ${minPairs} pairs of runs`;
  if (Math.abs(Math.log(ratio)) < Math.log(1 + noise)) return `${first} and ${lowerFirst(second)}: the same speed`;
  if (ratio > 1) return `${first} is ${ratio.toFixed(1)} × as fast as ${lowerFirst(second)}`;
  return `${first} is slower here: it takes ${(1 / ratio).toFixed(1)} × as long as ${lowerFirst(second)}`;
}

const lowerFirst = (text: string) => text.charAt(0).toLowerCase() + text.slice(1);
