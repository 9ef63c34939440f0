// Seeded random numbers, for weights, benchmarks and tests.

/** FNV-1a: a 32-bit number from a text. */
function hash(text: string): number {
  let state = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193);
  return state >>> 0;
}

/** A generator of 32 random bits, as a number from 0 (mulberry32). */
export function mulberry32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

/**
 * `count` draws from the standard normal distribution, the same for the same seed and name, so that a layer's numbers do not
 * depend on the layers before it.
 */
export function normals(seed: number, name: string, count: number): Float32Array {
  const bits = mulberry32(hash(`${seed} ${name}`));
  /** In (0, 1). */
  const uniform = (): number => (bits() + 0.5) / 2 ** 32;
  const numbers = new Float32Array(count);
  for (let i = 0; i < count; i += 2) {
    // Box–Muller: two at a time
    const radius = Math.sqrt(-2 * Math.log(uniform()));
    const angle = 2 * Math.PI * uniform();
    numbers[i] = radius * Math.cos(angle);
    if (i + 1 < count) numbers[i + 1] = radius * Math.sin(angle);
  }
  return numbers;
}
