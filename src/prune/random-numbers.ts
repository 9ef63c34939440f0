// Seeded random numbers: the same for the same seed on every host.

/** A generator of random numbers (xoshiro128**, Blackman and Vigna 2018; its state from splitmix32). */
export class RandomNumbers {
  readonly #state = new Uint32Array(4);

  /** @param seed any number; all of its 53 bits count. For another stream of the same seed, add a name: `seedOf(seed, name)`. */
  constructor(seed: number) {
    let mixed = (seed | 0) ^ Math.imul(Math.floor(seed / 2 ** 32) | 0, 0x85ebca6b);
    for (let i = 0; i < 4; i++) {
      mixed = (mixed + 0x9e3779b9) | 0;
      let word = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
      word = Math.imul(word ^ (word >>> 15), 0x735a2d97);
      this.#state[i] = word ^ (word >>> 15);
    }
  }

  /** An integer from 0 to 2³² − 1. */
  bits(): number {
    const s = this.#state;
    const turned = Math.imul(s[1], 5);
    const result = Math.imul((turned << 7) | (turned >>> 25), 9) >>> 0;
    const shifted = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = (s[3] << 11) | (s[3] >>> 21);
    return result;
  }

  /** In [0, 1), all multiples of 2⁻⁵³. */
  uniform(): number {
    return ((this.bits() >>> 5) * 2 ** 26 + (this.bits() >>> 6)) / 2 ** 53;
  }

  /** An integer from 0 to count − 1; count from 1 to 2³². */
  below(count: number): number {
    return Math.floor(this.uniform() * count);
  }

  /** From the standard normal distribution. */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform()); // Box–Muller; the sine is not used
  }

  /** Puts elements in a random order, in place. */
  shuffle<T extends { length: number; [index: number]: unknown }>(list: T): T {
    for (let i = list.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [list[i], list[j]] = [list[j], list[i]];
    }
    return list;
  }
}

/** A seed for one of several streams. Streams of different names are independent. */
export function seedOf(seed: number, name: string): number {
  let state = 0x811c9dc5 ^ (seed | 0); // FNV-1a
  for (let i = 0; i < name.length; i++) state = Math.imul(state ^ name.charCodeAt(i), 0x01000193);
  return state >>> 0;
}
