// Integer arithmetic of values in quads, as src/program/quads.ts states it.

/** The nearest integer, ties to even. */
export function toEven(v: number): number {
  const floor = Math.floor(v);
  const rest = v - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
}

export interface Requantised {
  zero: number;
  low: number;
  high: number;
}

/** A whole sum → a byte. */
export function requantised(sum: number, scale: number, { zero, low, high }: Requantised): number {
  const v = toEven(Math.fround(Math.fround(sum) * Math.fround(scale))) + zero;
  return Math.min(Math.max(v, low), high);
}

/** (channels, pixels) → planes of words, `plane` bytes apart; bytes beyond the last channel are `other`. */
export function toQuads(values: ArrayLike<number>, channels: number, pixels: number, plane: number, other = 0xa5) {
  const quads = Math.ceil(channels / 4);
  const bytes = new Uint8Array(quads * plane).fill(0x5a);
  for (let c = 0; c < 4 * quads; c++) {
    for (let i = 0; i < pixels; i++) {
      bytes[(c >> 2) * plane + 4 * i + (c & 3)] = c < channels ? values[c * pixels + i] : other;
    }
  }
  return bytes;
}
