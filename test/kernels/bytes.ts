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

/** The words that assembly/dots/index.ts draws. Weights are (rows, inputs, area); `isDense` keeps blocks of zeros. */
export function blockStream(
  { rows, inputs, area }: { rows: number; inputs: number; area: number },
  weights: ArrayLike<number>,
  scales: ArrayLike<number>,
  bias: ArrayLike<number>,
  group: number,
  form: number,
  taps: ArrayLike<number>,
  isDense = false,
) {
  const words: number[] = [];
  const float = (v: number) => words.push(new Int32Array(Float32Array.of(v).buffer)[0]);
  const weight = (r: number, i: number, t: number) =>
    r < rows && i < inputs ? weights[(r * inputs + i) * area + t] : 0;
  for (let quad = 0; quad < rows; quad += 4) {
    words.push(form);
    for (let r = quad; r < quad + 4; r++) float(scales[r] ?? 0);
    for (let row = quad; row < quad + 4; row += group) {
      const lanes = Array.from({ length: group }, (_, i) => row + i);
      const entries: number[] = [];
      for (let i = 0; i < inputs; i += 4) {
        for (let t = 0; t < area; t++) {
          const block = lanes.map((r) => [0, 1, 2, 3].map((k) => weight(r, i + k, t)));
          if (!isDense && block.flat().every((w) => w === 0)) continue;
          entries.push(taps[(i / 4) * area + t]);
          for (const four of block) entries.push(new Int32Array(Int8Array.from(four).buffer)[0]);
        }
      }
      words.push(4 * entries.length, ...lanes.map((r) => bias[r] ?? 0), ...entries);
    }
  }
  return words;
}
