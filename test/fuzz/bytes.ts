// Mutations of bytes that know nothing of a format.
import type { Random } from './random.ts';

/** Makes another input of one; `other` gives any input of the corpus, to take parts from. */
export type Mutator = (input: Uint8Array, random: Random, other: () => Uint8Array) => Uint8Array;

export const maxBytes = 2 ** 18;

/** Integers at which something changes sign, width or meaning. */
export const boundaries = [
  0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 32, 63, 64, 100, 127, 128, 255, 256, 1000, 4096, 32767, 32768, 65535, 65536,
  2 ** 20, 2 ** 24, 2 ** 28, 2 ** 30, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 4, 2 ** 32 - 1, 2 ** 32, 2 ** 40, 2 ** 53,
]; // prettier-ignore

/** A number to write in place of `old`: near it, a boundary, or its negative. */
export function otherInteger(old: number, random: Random): number {
  switch (random.below(8)) {
    case 0:
      return old + 1;
    case 1:
      return old - 1;
    case 2:
      return old * 2;
    case 3:
      return -random.pick(boundaries);
    case 4:
      return random.below(16);
    default:
      return random.pick(boundaries);
  }
}

export function writeInteger(bytes: Uint8Array, at: number, width: number, value: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (width === 8) view.setBigUint64(at, BigInt.asUintN(64, BigInt(Math.trunc(value))), true);
  else if (width === 4) view.setUint32(at, value, true);
  else if (width === 2) view.setUint16(at, value, true);
  else view.setUint8(at, value);
}

export function readInteger(bytes: Uint8Array, at: number, width: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (width === 8) return Number(view.getBigUint64(at, true));
  if (width === 4) return view.getUint32(at, true);
  return width === 2 ? view.getUint16(at, true) : view.getUint8(at);
}

/** `bytes` with those from `from` to `to` replaced. */
export function spliced(bytes: Uint8Array, from: number, to: number, put: Uint8Array): Uint8Array {
  const result = new Uint8Array(from + put.length + bytes.length - to);
  result.set(bytes.subarray(0, from));
  result.set(put, from);
  result.set(bytes.subarray(to), from + put.length);
  return result;
}

/** One small change anywhere; `tokens` are the names of the format. */
export function mutateBytes(tokens: readonly (string | Uint8Array)[] = []): Mutator {
  const words = tokens.map((token) => (typeof token === 'string' ? new TextEncoder().encode(token) : token));
  return (input, random, other) => {
    const at = random.below(input.length + 1);
    const length = random.oneIn(4)
      ? random.below(input.length - at + 1)
      : random.below(Math.min(17, input.length - at + 1));
    switch (random.below(words.length ? 10 : 9)) {
      case 0: {
        const bytes = input.slice();
        if (bytes.length) bytes[random.below(bytes.length)] ^= 1 << random.below(8);
        return bytes;
      }
      case 1: {
        const bytes = input.slice();
        if (bytes.length) bytes[random.below(bytes.length)] = random.bits();
        return bytes;
      }
      case 2:
      case 3:
      case 4: {
        const bytes = input.slice();
        const width = random.pick([1, 2, 4, 4, 8]);
        if (bytes.length < width) return bytes;
        let place = random.below(bytes.length - width + 1);
        if (!random.oneIn(3)) place -= place % width;
        writeInteger(bytes, place, width, otherInteger(readInteger(bytes, place, width), random));
        if (random.oneIn(4)) bytes.subarray(place, place + width).reverse();
        return bytes;
      }
      case 5:
        return spliced(input, at, at + length, new Uint8Array(0));
      case 6:
        return spliced(input, at, at, input.subarray(at, at + length));
      case 7: {
        const from = other();
        const start = random.below(from.length + 1);
        const part = from.subarray(start, start + random.below(Math.min(257, from.length - start + 1)));
        return spliced(input, at, random.oneIn(2) ? at : Math.min(input.length, at + part.length), part);
      }
      case 8:
        return random.oneIn(8)
          ? input.slice(0, at)
          : spliced(input, at, at, new Uint8Array(length).fill(random.bits()));
      default: {
        const word = random.pick(words);
        return spliced(input, at, random.oneIn(2) ? at : Math.min(input.length, at + word.length), word);
      }
    }
  };
}
