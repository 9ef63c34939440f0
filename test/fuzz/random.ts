import { mulberry32 } from '../../models/random.ts';

/** Seeded random numbers. */
export class Random {
  /** 32 random bits. */
  readonly bits: () => number;

  constructor(seed: number) {
    this.bits = mulberry32(seed);
  }

  /** A whole number from 0 to below n. */
  below(n: number): number {
    return Math.floor((this.bits() / 2 ** 32) * n);
  }

  /** True once in n times. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)];
  }
}
