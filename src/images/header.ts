// Reads a picture's format and size from its first bytes, before anything is decoded.

export interface ImageHeader {
  readonly format: 'JPEG' | 'PNG' | 'WebP';
  /** Pixels, before any rotation; undefined when the header does not say. */
  readonly width?: number;
  readonly height?: number;
  /** JPEG: 1 grey, 3 colour, 4 CMYK. */
  readonly components?: number;
}

/** Reads the header of a JPEG, PNG or WebP file; undefined for anything else. */
export function readImageHeader(bytes: Uint8Array): ImageHeader | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (startsWith(bytes, [0xff, 0xd8, 0xff])) return { format: 'JPEG', ...jpegSize(view) };
  if (startsWith(bytes, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])) return { format: 'PNG', ...pngSize(view) };
  if (ascii(bytes, 0, 4) === 'RIFF' && ascii(bytes, 8, 4) === 'WEBP')
    return { format: 'WebP', ...webpSize(view, bytes) };
  return undefined;
}

type Size = { width: number; height: number; components?: number } | undefined;

/** Walks the segments up to the start of a frame (ITU T.81, B.2.2): FFC0…FFCF except C4, C8 and CC. */
function jpegSize(view: DataView): Size {
  let at = 2;
  while (at + 9 <= view.byteLength) {
    if (view.getUint8(at) !== 0xff) return undefined;
    const marker = view.getUint8(at + 1);
    if (marker === 0xff) {
      at++; // fill bytes
    } else if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7)) {
      at += 2; // markers without a length
    } else if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) {
      const [height, width] = [view.getUint16(at + 5), view.getUint16(at + 7)];
      return { width, height, ...(at + 9 < view.byteLength && { components: view.getUint8(at + 9) }) };
    } else {
      at += 2 + view.getUint16(at + 2);
    }
  }
  return undefined;
}

/** Upper bound of a JPEG's scans, each of which a decoder runs over the whole picture: counts start-of-scan markers. */
export function jpegScans(bytes: Uint8Array): number {
  let scans = 0;
  for (let at = bytes.indexOf(0xff); at >= 0; at = bytes.indexOf(0xff, at + 1)) scans += Number(bytes[at + 1] === 0xda);
  return scans;
}

/** IHDR comes first (PNG, section 11.2.1). */
function pngSize(view: DataView): Size {
  if (view.byteLength < 24) return undefined;
  return { width: view.getUint32(16), height: view.getUint32(20) };
}

/** RFC 9649: VP8 (lossy), VP8L (lossless) and VP8X (extended) store the size differently. */
function webpSize(view: DataView, bytes: Uint8Array): Size {
  if (view.byteLength < 30) return undefined;
  switch (ascii(bytes, 12, 4)) {
    case 'VP8 ':
      return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
    case 'VP8L': {
      const bits = view.getUint32(21, true);
      return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
    }
    case 'VP8X': {
      const u24 = (at: number) => view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
      return { width: u24(24) + 1, height: u24(27) + 1 };
    }
    default:
      return undefined;
  }
}

/** Describes bytes that are not a supported image, for an error message. */
export function describeBytes(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'the file is empty';
  const known = otherFormats.find(([, at, magic]) => ascii(bytes, at, magic.length) === magic);
  if (known) return `it is ${known[0]}`;
  const head = bytes.subarray(0, 24);
  const printable = head.every((byte) => (byte >= 0x20 && byte < 0x7f) || byte === 9 || byte === 10 || byte === 13);
  if (!printable) {
    const hex = Array.from(bytes.subarray(0, 8), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
    return `it starts with the bytes ${hex}`;
  }
  const text = ascii(head, 0, head.length).replaceAll(/\s+/g, ' ');
  return `it starts with "${text}${bytes.length > head.length ? '…' : ''}"`;
}

const otherFormats: [name: string, at: number, magic: string][] = [
  ['a GIF image', 0, 'GIF8'],
  ['a BMP image', 0, 'BM'],
  ['a TIFF image', 0, 'II*\0'],
  ['a TIFF image', 0, 'MM\0*'],
  ['an AVIF image', 4, 'ftypavif'],
  ['a HEIC image', 4, 'ftypheic'],
  ['a HEIC image', 4, 'ftypmif1'],
  ['a JPEG XL image', 0, '\xff\x0a'],
  ['a JPEG XL image', 4, 'JXL '],
  ['a PDF document', 0, '%PDF'],
  ['a TFLite model', 4, 'TFL3'],
];

function startsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, i) => bytes[i] === byte);
}

function ascii(bytes: Uint8Array, at: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + length));
}
