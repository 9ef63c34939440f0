// Values in bytes, four channels side by side: planes of words (assembly/quads/index.ts). A byte q stands for
// scale · (q − zero); results are between `low` and `high`.
import { checkApart, constantOf, kernel } from '../kernel.ts';
import { quadsOf } from '../quads.ts';

const quantised = { zero: 'f32', low: 'f32', high: 'f32' } as const;

/** A window that moves over planes of words. */
export const windows = {
  planes: 'u32', // of words: ⌈channels / 4⌉
  xPlane: 'u32', // bytes from one input plane to the next; rows are xWidth words
  xHeight: 'u32',
  xWidth: 'u32',
  yPlane: 'u32',
  height: 'u32', // of an output plane
  width: 'u32',
  kernelH: 'u32',
  kernelW: 'u32',
  strideH: 'u32',
  strideW: 'u32',
  top: 'u32', // padding
  left: 'u32',
} as const;

type Quantised = Readonly<Record<keyof typeof quantised, number>>;

function checkBytes(n: Quantised): void {
  const { zero, low, high } = n;
  if (![zero, low, high].every((byte) => Number.isInteger(byte) && byte >= 0 && byte <= 255) || low > high) {
    throw new Error(`zero ${zero}, low ${low}, high ${high}: wanted bytes`);
  }
}

/** Bytes of `planes` planes of `pixels` words or floats. */
const span = (planes: number, plane: number, pixels: number) => (planes - 1) * plane + 4 * pixels;

const up4 = (count: number) => 4 * Math.ceil(count / 4);

export const quadKernels = {
  /** Planes of floats → quads. */
  i8_from_f32: kernel({
    family: 'quads',
    record: 'FromFloatsRecord',
    fields: {
      x: 'read', // planes of floats
      y: 'write', // planes of words
      channels: 'u32',
      pixels: 'u32',
      xPlane: 'u32', // bytes from one plane to the next
      yPlane: 'u32',
      scale: 'f32', // quantisation steps per unit
      ...quantised,
    },
    extents(n) {
      checkBytes(n);
      if (!n.channels || !n.pixels) throw new Error('an extent is 0');
      const quads = quadsOf(n.channels);
      const y = span(quads, n.yPlane, n.pixels);
      checkApart('y', quads * n.pixels, y);
      return { x: span(n.channels, n.xPlane, up4(n.pixels)), y };
    },
    work: (n) => n.channels * n.pixels,
    axes: import.meta.oneThread ? undefined : () => [{ field: 'pixels', multiple: 16, moves: { x: 4, y: 4 } }],
  }),

  /** Bytes of a caller's tensor → quads. A pixel's channels lie side by side, or a channel's pixels do. */
  i8_from_bytes: kernel({
    family: 'quads',
    record: 'FromBytesRecord',
    standalone: true, // the runtime calls it when a caller's tensor is written
    fields: {
      x: 'read', // bytes
      y: 'write', // planes of words
      channels: 'u32',
      pixels: 'u32',
      xPixel: 'u32', // bytes from one pixel to the next, and from one channel: one of the two is 1
      xChannel: 'u32',
      yPlane: 'u32', // bytes from one plane to the next
      shift: 'u32', // added to each byte: 128 for int8, 0 for uint8
    },
    extents(n) {
      if (!n.channels || !n.pixels) throw new Error('an extent is 0');
      if (n.xPixel !== 1 && n.xChannel !== 1) throw new Error(`steps ${n.xPixel} and ${n.xChannel}: one must be 1`);
      if (n.shift !== 0 && n.shift !== 128) throw new Error(`shift ${n.shift} must be 0 or 128`);
      const quads = quadsOf(n.channels);
      const y = span(quads, n.yPlane, n.pixels);
      checkApart('y', quads * n.pixels, y);
      // four bytes are read at once
      return { x: (n.pixels - 1) * n.xPixel + (n.channels - 1) * n.xChannel + 4, y };
    },
    work: (n) => n.channels * n.pixels,
  }),

  /** Quads → planes of floats. */
  i8_to_f32: kernel({
    family: 'quads',
    record: 'ToFloatsRecord',
    fields: {
      x: 'read', // planes of words
      y: 'write', // planes of floats
      channels: 'u32',
      pixels: 'u32',
      xPlane: 'u32',
      yPlane: 'u32',
      scale: 'f32',
      zero: 'u32',
    },
    extents(n) {
      if (!n.channels || !n.pixels) throw new Error('an extent is 0');
      const y = span(n.channels, n.yPlane, n.pixels);
      checkApart('y', n.channels * n.pixels, y);
      return { x: span(quadsOf(n.channels), n.xPlane, up4(n.pixels)), y };
    },
    work: (n) => n.channels * n.pixels,
    axes: import.meta.oneThread ? undefined : () => [{ field: 'pixels', multiple: 16, moves: { x: 4, y: 4 } }],
  }),

  /** y = table[x], byte by byte. y may be x; any other overlap is wrong. */
  i8_table: kernel({
    family: 'quads',
    record: 'TableRecord',
    fields: { x: 'read', table: 'read', y: 'write', words: 'u32' },
    extents({ words }) {
      if (!words || words >= 2 ** 31) throw new Error(`${words} words`);
      return { x: 4 * up4(words), table: 256, y: 4 * words };
    },
    work: (n) => 4 * n.words,
    axes: import.meta.oneThread ? undefined : () => [{ field: 'words', multiple: 16, moves: { x: 4, table: 0, y: 4 } }],
  }),

  /**
   * y = ((a − aZero) · aFactor + (b − bZero) · bFactor) / 2^shift, halves rounded up, or the product of the differences times
   * `scale`. y may be a or b.
   */
  i8_binary: kernel({
    family: 'quads',
    record: 'BinaryQuadsRecord',
    fields: {
      a: 'read',
      b: 'read',
      y: 'write',
      planes: 'u32',
      words: 'u32', // of a plane
      aPlane: 'u32', // bytes from one plane to the next
      bPlane: 'u32',
      yPlane: 'u32',
      bStep: 'u32', // 4: a word for each of a's; 0: one for a plane
      multiply: 'u32', // 1: a product, 0: a sum
      aZero: 'u32',
      bZero: 'u32',
      aFactor: 'i32', // of a sum: steps of y per step of a, times 2^shift
      bFactor: 'i32',
      shift: 'u32',
      scale: 'f32', // of a product: steps of y per product of steps
      ...quantised,
    },
    extents(n) {
      checkBytes(n);
      if (!n.planes || !n.words) throw new Error('an extent is 0');
      if (n.shift > 30) throw new Error(`shift ${n.shift}`);
      if (n.bStep !== 0 && n.bStep !== 4) throw new Error(`bStep ${n.bStep} must be 0 or 4`);
      const y = span(n.planes, n.yPlane, n.words);
      checkApart('y', n.planes * n.words, y);
      return {
        a: span(n.planes, n.aPlane, up4(n.words)),
        b: span(n.planes, n.bPlane, n.bStep ? up4(n.words) : 1),
        y,
      };
    },
    work: (n) => 4 * n.planes * n.words,
    axes: import.meta.oneThread
      ? undefined
      : (n) => [
          { field: 'planes', moves: { a: n.aPlane, b: n.bPlane, y: n.yPlane } },
          { field: 'words', multiple: 16, moves: { a: 4, b: n.bStep, y: 4 } },
        ],
  }),

  /** Global average pooling. */
  i8_mean: kernel({
    family: 'quads',
    record: 'MeanQuadsRecord',
    fields: {
      x: 'read',
      y: 'write',
      planes: 'u32', // ⌈channels / 4⌉
      pixels: 'u32',
      xPlane: 'u32',
      yPlane: 'u32',
      xZero: 'u32',
      scale: 'f32', // steps of y per step of x, over the pixels
      ...quantised,
    },
    extents(n) {
      checkBytes(n);
      if (!n.planes || !n.pixels) throw new Error('an extent is 0');
      if (n.pixels >= 2 ** 23 || n.xZero > 255) throw new Error(`${n.pixels} pixels, zero ${n.xZero}: sums overflow`);
      const y = span(n.planes, n.yPlane, 1);
      const x = span(n.planes, n.xPlane, n.pixels);
      checkApart('y', n.planes, y);
      checkApart('x', n.planes * n.pixels, x);
      return { x, y };
    },
    work: (n) => 4 * n.planes * n.pixels,
    axes: import.meta.oneThread ? undefined : (n) => [{ field: 'planes', moves: { x: n.xPlane, y: n.yPlane } }],
  }),

  /** Means over windows; padding does not count in the sum, and in the number of pixels only if `divisor` says so. */
  i8_average_pool: kernel({
    family: 'quads',
    record: 'AverageQuadsRecord',
    fields: {
      x: 'read',
      y: 'write',
      ...windows,
      divisor: 'u32', // 0: the window's pixels inside x
      xZero: 'u32',
      scale: 'f32', // steps of y per step of x
      ...quantised,
    },
    extents(n) {
      checkBytes(n);
      const sizes = [n.planes, n.xHeight, n.xWidth, n.height, n.width, n.kernelH, n.kernelW, n.strideH, n.strideW];
      if (sizes.includes(0)) throw new Error('an extent is 0');
      const reach = [
        (n.height - 1) * n.strideH + n.kernelH + n.top,
        (n.width - 1) * n.strideW + n.kernelW + n.left,
        n.xHeight * n.xWidth * 256,
      ];
      if (n.xZero > 255 || Math.max(...reach) >= 2 ** 31) throw new Error('windows or sums beyond 2³¹');
      const x = span(n.planes, n.xPlane, n.xHeight * n.xWidth);
      const y = span(n.planes, n.yPlane, n.height * n.width);
      checkApart('x', n.planes * n.xHeight * n.xWidth, x);
      checkApart('y', n.planes * n.height * n.width, y);
      return { x, y };
    },
    work: (n) => {
      const window = Math.min(n.kernelH, n.xHeight) * Math.min(n.kernelW, n.xWidth);
      return 4 * n.planes * n.height * n.width * window;
    },
    axes: import.meta.oneThread ? undefined : (n) => [{ field: 'planes', moves: { x: n.xPlane, y: n.yPlane } }],
  }),

  /** Channels in another order, or from another place: y's channel i is x's at byte from[i]. */
  i8_channels: kernel({
    family: 'quads',
    record: 'ChannelsRecord',
    fields: {
      x: 'read',
      from: 'read', // an `i32` constant: for each channel of y its byte in the first pixel of x; four for each plane
      y: 'write',
      planes: 'u32',
      pixels: 'u32',
      yPlane: 'u32',
      keep: 'u32', // channels of y's first plane that stay as they are, 0…3
    },
    extents(n, table) {
      const { largest } = constantOf(table, 'from', 'i32');
      if (!n.planes || !n.pixels) throw new Error('an extent is 0');
      if (n.keep > 3) throw new Error(`keep ${n.keep}`);
      const y = span(n.planes, n.yPlane, n.pixels);
      checkApart('y', n.planes * n.pixels, y);
      return { x: largest + 4 * up4(n.pixels), from: 16 * n.planes, y };
    },
    work: (n) => 4 * n.planes * n.pixels,
    axes: import.meta.oneThread ? undefined : () => [{ field: 'pixels', multiple: 16, moves: { x: 4, from: 0, y: 4 } }],
  }),
};
