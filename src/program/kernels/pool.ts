// Pooling: first a window's rows, into one padded row, then its columns.
import { activationFields, checkActivation } from '../activations.ts';
import { checkApart, kernel } from '../kernel.ts';

const fields = {
  x: 'read',
  scratch: 'write', // one padded row, see poolRowBytes
  y: 'write',
  batch: 'u32',
  xBatch: 'u32', // bytes from one image to the next
  yBatch: 'u32',
  channels: 'u32',
  xPlane: 'u32', // bytes from one input plane to the next; rows are xWidth floats
  xHeight: 'u32',
  xWidth: 'u32',
  yPlane: 'u32', // bytes from one output plane to the next; rows are `width` floats
  height: 'u32', // of an output plane
  width: 'u32',
  kernelH: 'u32',
  kernelW: 'u32',
  strideH: 'u32',
  strideW: 'u32',
  dilationH: 'u32',
  dilationW: 'u32',
  top: 'u32', // rows of padding above
  left: 'u32', // columns of padding to the left
  ...activationFields,
} as const;

const averageFields = {
  ...fields,
  counts: 'read', // an `f32` constant: number of elements that count in a window, per output row and then per output column
} as const;

/** Maximum rows of a window: the kernel steps over those outside x one by one. The scratch memory bounds columns. */
const maximumKernel = 2 ** 16;

type Numbers = Readonly<Record<Exclude<keyof typeof fields, 'x' | 'scratch' | 'y'>, number>>;

/** Bytes of the padded row: what windows reach, plus what vectors of four outputs read beyond. */
export function poolRowBytes(
  n: Pick<Numbers, 'xWidth' | 'width' | 'kernelW' | 'strideW' | 'dilationW' | 'left'>,
): number {
  const reached = (n.width - 1) * n.strideW + (n.kernelW - 1) * n.dilationW + 1;
  return 4 * (Math.max(reached, n.left + n.xWidth) + 3 * n.strideW + 4);
}

function extents(n: Numbers) {
  checkActivation(n.activation);
  if (!n.batch || !n.channels || !n.xHeight || !n.xWidth || !n.height || !n.width || !n.kernelH || !n.kernelW) {
    throw new Error('an extent is 0');
  }
  if (!n.dilationH || !n.dilationW) throw new Error('a dilation of 0');
  if (n.kernelH > maximumKernel) throw new Error(`a window of ${n.kernelH} rows`);
  const pixels = n.height * n.width;
  const x = (n.batch - 1) * n.xBatch + (n.channels - 1) * n.xPlane + 4 * n.xHeight * n.xWidth;
  const y = (n.batch - 1) * n.yBatch + (n.channels - 1) * n.yPlane + 4 * (pixels === 1 ? 1 : pixels + 3);
  checkApart('x', n.batch * n.channels * n.xHeight * n.xWidth, x);
  checkApart('y', n.batch * n.channels * pixels, y);
  return { x, scratch: poolRowBytes(n), y };
}

/** An output row takes its windows' rows first, stepping over those outside x, then their columns. */
const work = (n: Numbers) => {
  const row = n.kernelH + Math.min(n.kernelH, n.xHeight) * n.xWidth + n.width * n.kernelW;
  return poolRowBytes(n) / 4 + n.batch * n.channels * n.height * row;
};

/** Splits by channels, where stores beyond a plane's end stay in its padding. */
function axes(n: Numbers) {
  const pixels = n.height * n.width;
  if (n.yPlane < 4 * (pixels === 1 ? 1 : pixels + 3)) return [];
  return [{ field: 'channels', moves: { x: n.xPlane, scratch: 'own', y: n.yPlane } }] as const;
}

export const poolKernels = {
  /** Padding never wins; NaN does. */
  f32_max_pool: kernel({
    family: 'pool',
    record: 'PoolRecord',
    fields,
    extents,
    work,
    axes: import.meta.oneThread ? undefined : axes,
  }),
  /** Words of four bytes (0…255) in place of floats, without an activation. */
  i8_max_pool: kernel({
    family: 'pool',
    record: 'PoolRecord',
    fields,
    extents(n) {
      if (n.activation !== 0) throw new Error('bytes have no activation');
      return extents(n);
    },
    work,
    axes: import.meta.oneThread ? undefined : axes,
  }),
  f32_average_pool: kernel({
    family: 'pool',
    record: 'AveragePoolRecord',
    fields: averageFields,
    extents: (n) => ({ ...extents(n), counts: 4 * (n.height + n.width + 3) }),
    work,
    axes: import.meta.oneThread
      ? undefined
      : (n) => axes(n).map((axis) => ({ ...axis, moves: { ...axis.moves, counts: 0 } })),
  }),
};
