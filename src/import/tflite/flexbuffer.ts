// Reads FlexBuffers, the options of custom operators: a map from keys to numbers. Every offset is checked.
//
//   … values … | keys' offset, keys' width, length | value 0 … | type 0 … |   root, its type, its width in bytes
//
// https://flatbuffers.dev/internals: numbers are little-endian, of the map's width; offsets count backwards.

const kinds = {
  int: 1,
  uint: 2,
  float: 3,
  indirectInt: 6,
  indirectUint: 7,
  indirectFloat: 8,
  map: 9,
  bool: 26,
} as const;

/**
 * The numbers of a map at the root, booleans as 0 and 1; other values are left out.
 * @throws Error when the root is not a map, or anything lies outside the bytes
 */
export function readFlexMap(bytes: Uint8Array): Map<string, number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const uint = (at: number, width: number): number => {
    if (width === 1) return view.getUint8(at);
    if (width === 2) return view.getUint16(at, true);
    if (width === 4) return view.getUint32(at, true);
    if (width === 8) return Number(view.getBigUint64(at, true));
    throw new Error(`a number of ${width} bytes`);
  };
  /** The position that the offset at `at` points to. */
  const target = (at: number, width: number): number => {
    const to = at - uint(at, width);
    if (!(to >= 0 && to < at)) throw new Error(`an offset leads from byte ${at} to byte ${to}`);
    return to;
  };
  const number = (at: number, width: number, kind: number): number | undefined => {
    if (kind === kinds.uint || kind === kinds.bool || kind === kinds.indirectUint) return uint(at, width);
    if (kind === kinds.float || kind === kinds.indirectFloat) {
      if (width === 4) return view.getFloat32(at, true);
      return width === 8 ? view.getFloat64(at, true) : undefined;
    }
    if (kind !== kinds.int && kind !== kinds.indirectInt) return undefined;
    const value = uint(at, width);
    return width === 8
      ? Number(view.getBigInt64(at, true))
      : value >= 2 ** (8 * width - 1)
        ? value - 2 ** (8 * width)
        : value;
  };
  const key = (at: number): string => {
    const end = bytes.indexOf(0, at);
    if (end < 0) throw new Error('a key does not end');
    return new TextDecoder().decode(bytes.subarray(at, end));
  };

  if (bytes.length < 3) throw new Error(`${bytes.length} bytes are too few for a map`);
  const rootWidth = bytes[bytes.length - 1];
  const rootType = bytes[bytes.length - 2];
  if (rootType >> 2 !== kinds.map) throw new Error('the root is not a map');
  const map = target(bytes.length - 2 - rootWidth, rootWidth);
  const width = 1 << (rootType & 3);
  const length = uint(map - width, width);
  if (length > bytes.length) throw new Error(`a map of ${length} entries in ${bytes.length} bytes`);
  const keys = target(map - 3 * width, width);
  const keysWidth = uint(map - 2 * width, width);
  const types = map + length * width;
  const numbers = new Map<string, number>();
  for (let i = 0; i < length; i++) {
    const type = uint(types + i, 1);
    const kind = type >> 2;
    const at = map + i * width;
    const indirect = kind >= kinds.indirectInt && kind <= kinds.indirectFloat;
    const value = indirect ? number(target(at, width), 1 << (type & 3), kind) : number(at, width, kind);
    if (value !== undefined) numbers.set(key(target(keys + i * keysWidth, keysWidth)), value);
  }
  return numbers;
}
