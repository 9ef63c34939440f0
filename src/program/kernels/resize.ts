// Resizing by tables: the kernels contain no coordinate rules.
import { checkApart, constantOf, kernel } from '../kernel.ts';

const planes = {
  y: 'write',
  batch: 'u32',
  xBatch: 'u32', // bytes from one image to the next
  yBatch: 'u32',
  channels: 'u32',
  xPlane: 'u32', // bytes from one input plane to the next; rows are xWidth floats
  xWidth: 'u32',
  yPlane: 'u32', // bytes from one output plane to the next; rows are `width` floats
  height: 'u32', // of an output plane
  width: 'u32',
} as const;

const nearestFields = {
  x: 'read',
  rows: 'read', // an `i32` constant: per output row the byte offset of its source row in a plane
  columns: 'read', // an `i32` constant: per output column the byte offset of its source in a row; a multiple of 4 columns
  ...planes,
} as const;

const linearFields = {
  x: 'read',
  rows: 'read', // an `i32` constant: per output row the byte offsets of its two source rows
  rowWeights: 'read', // an `f32` constant: per output row the weight of the second, 0…1
  columns: 'read', // an `i32` constant: per output column the byte offsets of its two sources; a multiple of 4 columns
  columnWeights: 'read', // an `f32` constant: per output column the weight of the second; a multiple of 4 columns
  scratch: 'write', // one blended row: up4(xWidth) floats
  ...planes,
} as const;

const up4 = (count: number) => Math.ceil(count / 4) * 4;

type Numbers = Readonly<Record<Exclude<keyof typeof planes, 'y'>, number>>;

/** Bytes of x and y when source rows start at byte `lastRow` at most. */
function extents(n: Numbers, lastRow: number) {
  if (!n.batch || !n.channels || !n.xWidth || !n.height || !n.width) throw new Error('an extent is 0');
  const pixels = n.height * n.width;
  const x = (n.batch - 1) * n.xBatch + (n.channels - 1) * n.xPlane + lastRow + 4 * up4(n.xWidth);
  const y = (n.batch - 1) * n.yBatch + (n.channels - 1) * n.yPlane + 4 * (pixels === 1 ? 1 : pixels + 3);
  checkApart('x', n.batch * n.channels * n.xWidth, x);
  checkApart('y', n.batch * n.channels * pixels, y);
  return { x, y };
}

/** Output pixels, plus the source rows of each. */
const work = (n: Numbers) => n.batch * n.channels * n.height * (n.width + n.xWidth);

function checkColumns(n: Numbers, largest: number): void {
  if (largest > 4 * (n.xWidth - 1)) throw new Error(`a column at byte ${largest} of rows of ${n.xWidth} floats`);
}

/** Splits by channels, where stores beyond a plane's end stay in its padding. */
function axes<const M extends object>(n: Numbers, moves: M) {
  const pixels = n.height * n.width;
  if (n.yPlane < 4 * (pixels === 1 ? 1 : pixels + 3)) return [];
  return [{ field: 'channels', moves: { x: n.xPlane, y: n.yPlane, ...moves } }] as const;
}

export const resizeKernels = {
  f32_resize_nearest: kernel({
    family: 'resize',
    record: 'ResizeNearestRecord',
    fields: nearestFields,
    extents(n, table) {
      checkColumns(n, constantOf(table, 'columns', 'i32').largest);
      return { ...extents(n, constantOf(table, 'rows', 'i32').largest), rows: 4 * n.height, columns: 4 * up4(n.width) };
    },
    work,
    axes: import.meta.oneThread ? undefined : (n) => axes(n, { rows: 0, columns: 0 }),
  }),
  /** Every pixel becomes 2×2: height is twice the input's, width is 2 · xWidth ≥ 8. */
  f32_upsample_2x2: kernel({
    family: 'resize',
    record: 'UpsampleRecord',
    fields: { x: 'read', ...planes },
    extents(n) {
      if (n.width !== 2 * n.xWidth || n.xWidth < 4 || n.height % 2) {
        throw new Error(`${n.height}×${n.width} is not twice a plane of rows of ${n.xWidth} floats, 4 at least`);
      }
      return extents(n, 4 * (n.height / 2 - 1) * n.xWidth);
    },
    work,
    axes: import.meta.oneThread ? undefined : (n) => axes(n, {}),
  }),
  f32_resize_linear: kernel({
    family: 'resize',
    record: 'ResizeLinearRecord',
    fields: linearFields,
    extents(n, table) {
      checkColumns(n, constantOf(table, 'columns', 'i32').largest);
      return {
        ...extents(n, constantOf(table, 'rows', 'i32').largest),
        rows: 8 * n.height,
        rowWeights: 4 * n.height,
        columns: 8 * up4(n.width),
        columnWeights: 4 * up4(n.width),
        scratch: 4 * up4(n.xWidth),
      };
    },
    work,
    axes: import.meta.oneThread
      ? undefined
      : (n) => axes(n, { rows: 0, rowWeights: 0, columns: 0, columnWeights: 0, scratch: 'own' }),
  }),
};
