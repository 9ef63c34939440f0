/** Seeded integers, and random choices by them. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0…n − 1 */
  below(n: number): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    const mixed = Math.imul(this.#state ^ (this.#state >>> 15), 0x2c1b3c6d);
    return Math.floor((((mixed ^ (mixed >>> 12)) >>> 0) / 2 ** 32) * n);
  }

  from(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  /** True once in n times. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }

  one<const T>(list: readonly T[]): T {
    return list[this.below(list.length)];
  }

  pair(least: number, most: number): [number, number] {
    return [this.from(least, most), this.from(least, most)];
  }

  /** The list in another order. */
  shuffled<T>(list: readonly T[]): T[] {
    const rest = [...list];
    return list.map(() => rest.splice(this.below(rest.length), 1)[0]);
  }
}
