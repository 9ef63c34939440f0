// Mutations of PNG files with correct checksums of chunks, so that decoders read the content.
import { crc32 } from 'node:zlib';
import { mutateBytes, otherInteger } from './bytes.ts';
import type { Mutator } from './bytes.ts';

const tokens = ['\xff\xd8', '\xff\xc0', '\xff\xda', '\xff\xe1', 'Exif\0\0', 'IHDR', 'IDAT', 'PLTE', 'tRNS', 'IEND', 'VP8 ', 'VP8L', 'VP8X', 'ALPH']; // prettier-ignore
const plain = mutateBytes(tokens.map((t) => Uint8Array.from(t, (c) => c.charCodeAt(0))));

export const mutateImage: Mutator = (input, random, other) => {
  const isPng = input.length > 33 && input[0] === 0x89 && input[1] === 0x50;
  if (!isPng || random.oneIn(4)) return plain(input, random, other);
  const bytes = random.oneIn(2) ? input.slice() : plain(input, random, other);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 33) return bytes;
  if (random.oneIn(2)) {
    const [at, width] = random.pick([[16, 4], [20, 4], [24, 1], [25, 1], [26, 1], [27, 1], [28, 1]]); // prettier-ignore
    if (width === 4) view.setUint32(at, otherInteger(view.getUint32(at), random));
    else bytes[at] = random.oneIn(2) ? random.below(20) : random.bits();
  }
  for (let at = 8; at + 12 <= bytes.length;) {
    const length = view.getUint32(at);
    if (at + 12 + length > bytes.length) break;
    view.setUint32(at + 8 + length, crc32(bytes.subarray(at + 4, at + 8 + length)));
    at += 12 + length;
  }
  return bytes;
};
