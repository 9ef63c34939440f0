/** The next multiple of 64, a cache line. */
export const up64 = (n: number) => Math.ceil(n / 64) * 64;
