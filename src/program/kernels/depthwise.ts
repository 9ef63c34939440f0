// One plane at a time: y plane = act(bias + Σ weight × shifted x plane).
import { activationFields, checkActivation, preluCode } from '../activations.ts';
import { checkApart, constantOf, kernel } from '../kernel.ts';

const fields = {
  x: 'read',
  weights: 'read', // an `f32` constant: per output channel its bias, its kernel row by row, and with preluCode its slope
  scratch: 'write', // one padded plane, split into phases as f32_pad does; phases are contiguous
  y: 'write',
  batch: 'u32',
  xBatch: 'u32', // bytes from one image to the next
  yBatch: 'u32',
  channels: 'u32', // of the input
  multiplier: 'u32', // output channels per input channel
  xPlane: 'u32', // bytes from one input plane to the next; rows are xWidth floats
  xHeight: 'u32',
  xWidth: 'u32',
  yPlane: 'u32', // bytes from one output plane to the next; rows are `width` floats
  height: 'u32', // of an output plane
  width: 'u32',
  rows: 'u32', // of a phase; 0: planes are read in place
  columns: 'u32', // of a phase, a multiple of 4
  strideH: 'u32',
  strideW: 'u32',
  phasesH: 'u32', // ≤ strideH
  phasesW: 'u32', // ≤ strideW
  top: 'i32',
  left: 'i32',
  ...activationFields,
} as const;

const tapFields = {
  ...fields,
  area: 'u32', // kernel height × width
  taps: 'read', // an `i32` constant: byte offset of each weight's pixel within the phases (or the input plane)
} as const;

type Numbers = Readonly<Record<Exclude<keyof typeof fields, 'x' | 'weights' | 'scratch' | 'y'>, number>>;

/** Bytes of weights of an output channel. */
const channelBytes = (n: Numbers, area: number) => 4 * (area + (n.activation === preluCode ? 2 : 1));

/**
 * `read` is the bytes that windows reach from the first pixel of a plane; they are in x for planes read in place, else
 * in scratch.
 */
function extents(n: Numbers, area: number, read: number) {
  if (n.activation !== preluCode) checkActivation(n.activation);
  if (!n.batch || !n.channels || !n.multiplier || !n.xHeight || !n.xWidth || !n.height || !n.width || !area) {
    throw new Error('an extent is 0');
  }
  const inPlace = n.rows === 0;
  if (!inPlace) {
    if (!n.columns || n.columns % 4) throw new Error(`columns ${n.columns} must be a multiple of 4`);
    if (!n.phasesH || !n.phasesW) throw new Error('an extent is 0');
    if (n.phasesH > n.strideH || n.phasesW > n.strideW) throw new Error('more phases than the stride has');
  }
  const pixels = n.height * n.width;
  const outputs = n.channels * n.multiplier;
  const plane = inPlace ? read : 4 * n.xHeight * n.xWidth + 16;
  const x = (n.batch - 1) * n.xBatch + (n.channels - 1) * n.xPlane + plane;
  const y = (n.batch - 1) * n.yBatch + (outputs - 1) * n.yPlane + 4 * (pixels === 1 ? 1 : pixels + 3);
  checkApart('x', n.batch * n.channels * n.xHeight * n.xWidth, x);
  checkApart('y', n.batch * outputs * pixels, y);
  return {
    x,
    weights: outputs * channelBytes(n, area),
    scratch: inPlace ? 0 : Math.max(read, 4 * n.phasesH * n.phasesW * n.rows * n.columns),
    y,
  };
}

/** Windows, plus planes that are padded first. */
const work = (n: Numbers, area: number) =>
  n.batch * n.channels * (n.multiplier * n.height * n.width * area + n.phasesH * n.phasesW * n.rows * n.columns);

/** Splits by channels, where stores beyond a plane's end stay in its padding. */
const axes = (n: Numbers, area: number) => {
  const pixels = n.height * n.width;
  if (n.yPlane < 4 * (pixels === 1 ? 1 : pixels + 3)) return [];
  const weights = n.multiplier * channelBytes(n, area);
  return [{ field: 'channels', moves: { x: n.xPlane, weights, scratch: 'own', y: n.multiplier * n.yPlane } }] as const;
};

/** Bytes that taps reach when the farthest is `largest` bytes behind the window's first pixel. */
const reach = (n: Numbers, largest: number) =>
  largest + 4 * ((n.height - 1) * (n.rows === 0 ? n.xWidth : n.columns) + n.width + 3);

/**
 * 3×3, the same stride both ways, on planes that are padded but not split, or in place (`rows` 0). In place, planes
 * lack a border of one pixel where `top` and `left` are 1 and where the last window reaches one pixel too far. The
 * float before x is read, and masked away, when `left` is 1.
 */
const square3 = (stride: number) =>
  kernel({
    family: 'depthwise',
    record: 'DepthwiseRecord',
    fields,
    extents(n) {
      if (n.width < 4) throw new Error(`planes of ${n.height}×${n.width} pixels are too small`);
      const down = (n.height - 1) * stride;
      const across = (n.width - 1) * stride;
      if (n.rows !== 0) return extents(n, 9, 4 * ((down + 2) * n.columns + across + 12));
      const isBorder = (pads: number) => pads === 0 || pads === 1;
      if (!isBorder(n.top) || !isBorder(n.left) || down + 1 - n.top >= n.xHeight || across + 1 - n.left >= n.xWidth) {
        throw new Error('windows reach more than one pixel beyond planes that are read in place');
      }
      return extents(n, 9, 4 * n.xHeight * n.xWidth + 16);
    },
    work: (n) => work(n, 9),
    axes: import.meta.oneThread ? undefined : (n) => axes(n, 9),
  });

/** 5×5, the same stride both ways. Tiles are 4 rows × 4 pixels; the last ones overlap. */
const square5 = (stride: number) =>
  kernel({
    family: 'depthwise',
    record: 'DepthwiseRecord',
    fields,
    extents(n) {
      if (n.height < 4 || n.width < 4) throw new Error(`planes of ${n.height}×${n.width} pixels are too small`);
      if (stride !== 1 && (n.rows === 0 || n.phasesH !== stride || n.phasesW !== stride)) {
        throw new Error(`planes must be split into ${stride}×${stride} phases`);
      }
      const row = 4 * (n.rows === 0 ? n.xWidth : n.columns);
      const far = Math.floor(4 / stride);
      return extents(n, 25, reach(n, (stride * stride - 1) * n.rows * row + far * (row + 4)));
    },
    work: (n) => work(n, 25),
    axes: import.meta.oneThread ? undefined : (n) => axes(n, 25),
  });

export const depthwiseKernels = {
  f32_depthwise_3x3: square3(1),
  f32_depthwise_3x3s2: square3(2),
  f32_depthwise_5x5: square5(1),
  f32_depthwise_5x5s2: square5(2),
  /** Any kernel, stride and dilation. */
  f32_depthwise: kernel({
    family: 'depthwise',
    record: 'DepthwiseTapsRecord',
    fields: tapFields,
    extents(n, table) {
      const { largest } = constantOf(table, 'taps', 'i32');
      return { ...extents(n, n.area, reach(n, largest)), taps: 4 * n.area };
    },
    work: (n) => work(n, n.area),
    axes: import.meta.oneThread
      ? undefined
      : (n) => axes(n, n.area).map((axis) => ({ ...axis, moves: { ...axis.moves, taps: 0 } })),
  }),
};
