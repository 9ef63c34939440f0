// Resize and its predecessor Upsample.
import type { ImportedOperator } from '../../imported-operator.ts';
import type { ResizeAttributes } from '../../../ops/resize.ts';
import type { Handler, Operation } from '../operation.ts';

const coordinateModes: Record<string, ResizeAttributes['coordinates']> = {
  half_pixel: 'halfPixel',
  pytorch_half_pixel: 'pytorchHalfPixel',
  align_corners: 'alignCorners',
  asymmetric: 'asymmetric',
  tf_half_pixel_for_nn: 'tfHalfPixelForNearest',
};

const nearestModes: Record<string, ResizeAttributes['nearest']> = {
  round_prefer_floor: 'roundPreferFloor',
  round_prefer_ceil: 'roundPreferCeil',
  floor: 'floor',
  ceil: 'ceil',
};

/** Scales and sizes for every axis of the input, by the input's rank. */
interface Target {
  sizes: number[];
  scales?: number[];
}

function byScales(operation: Operation, scales: readonly number[], axes: readonly number[]): Target {
  const shape = operation.shape(0);
  if (scales.length !== axes.length) operation.fail(`scales [${scales}] for ${axes.length} axes of shape [${shape}]`);
  const all = shape.map(() => 1);
  axes.forEach((axis, i) => {
    all[axis] = scales[i];
  });
  if (all.some((scale) => !(scale > 0))) operation.fail(`scales [${scales}] must be positive`);
  // scales and the product are float32: 10 · 0.7 is 7
  return { sizes: shape.map((d, axis) => Math.floor(Math.fround(d * all[axis]))), scales: all };
}

function bySizes(operation: Operation, sizes: readonly number[], axes: readonly number[]): Target {
  const shape = operation.shape(0);
  if (sizes.length !== axes.length) operation.fail(`sizes [${sizes}] for ${axes.length} axes of shape [${shape}]`);
  const all = [...shape];
  axes.forEach((axis, i) => {
    all[axis] = sizes[i];
  });
  return { sizes: all };
}

/** Emits the resize; all axes but the last two must keep their size. */
function emitResize(
  operation: Operation,
  { sizes, scales }: Target,
  how: Omit<ResizeAttributes, 'size' | 'scales'>,
): void {
  const shape = operation.shape(0);
  const rank = shape.length;
  if (rank !== 3 && rank !== 4) operation.unsupported(`an input of rank ${rank}; ranks 3 and 4 are supported`);
  const fixed = rank === 3 ? 2 : rank - 2;
  if (shape.slice(0, fixed).some((d, axis) => d !== sizes[axis] || (scales && scales[axis] !== 1))) {
    operation.unsupported(`from [${shape}] to [${sizes}]: only height and width can change`);
  }
  const planes =
    rank === 3 ? operation.reshape(operation.value(0), [shape[0], shape[1], 1, shape[2]]) : operation.value(0);
  const [, , height, width] = operation.shapeOf(planes);
  const size = rank === 3 ? ([1, sizes[2]] as const) : ([sizes[2], sizes[3]] as const);
  const given = scales && (rank === 3 ? ([1, scales[2]] as const) : ([scales[2], scales[3]] as const));
  const isExact = given && given[0] * height === size[0] && given[1] * width === size[1];
  const attributes: ResizeAttributes = { ...how, size, scales: isExact ? undefined : given };
  const y = operation.emit('resize', attributes, [planes]);
  operation.result(operation.reshape(y, sizes));
}

function modeOf(operation: Operation): 'nearest' | 'linear' {
  const mode = operation.string('mode', 'nearest');
  // Opset 9 and older also use the name bilinear.
  if (mode === 'linear' || mode === 'bilinear') return 'linear';
  return mode === 'nearest' ? mode : operation.unsupported(`mode "${mode}"`);
}

/** Upsample and Resize up to opset 10: scales only. Nearest rounds down, or up when it shrinks. */
const scaled: Handler = (operation) => {
  const axes = operation.shape(0).map((_, axis) => axis);
  const scales =
    operation.node.op === 'Upsample' && operation.opset < 9
      ? (operation.floats('scales') ?? operation.fail('attribute "scales" is missing'))
      : Array.from(operation.constant(1, 'the scales').data);
  const target = byScales(operation, scales, axes);
  const mode = modeOf(operation);
  const shrinks = scales.some((scale) => scale < 1);
  if (mode === 'nearest' && shrinks && scales.some((scale) => scale > 1)) {
    operation.unsupported(`scales [${scales}] that shrink one axis and stretch another`);
  }
  emitResize(operation, target, { mode, coordinates: 'asymmetric', nearest: shrinks ? 'ceil' : 'floor' });
};

/** (x, roi, scales, sizes). Either scales or sizes are given. */
const resize: Handler = (operation) => {
  if (operation.opset < 11) return scaled(operation);
  const rank = operation.rank(0);
  const axes =
    operation.ints('axes')?.map((axis) => operation.axis(axis, rank)) ?? operation.shape(0).map((_, axis) => axis);
  const mode = modeOf(operation);
  const coordinateMode = operation.string('coordinate_transformation_mode', 'half_pixel');
  const coordinates = coordinateModes[coordinateMode] ?? operation.unsupported(`coordinate mode "${coordinateMode}"`);
  const nearestMode = operation.string('nearest_mode', 'round_prefer_floor');
  const nearest = nearestModes[nearestMode] ?? operation.unsupported(`nearest mode "${nearestMode}"`);
  const policy = operation.string('keep_aspect_ratio_policy', 'stretch');
  if (policy !== 'stretch') operation.unsupported(`keep_aspect_ratio_policy "${policy}"`);
  const hasScales = operation.has(2) && operation.shape(2).join() !== '0';
  if (!hasScales && !operation.has(3)) operation.fail('neither scales nor sizes are given');
  const target = hasScales
    ? byScales(operation, Array.from(operation.constant(2, 'the scales').data), axes)
    : bySizes(operation, operation.integers(3, 'the sizes'), axes);
  const shrinks = target.sizes.some((d, axis) => d < operation.shape(0)[axis]);
  if (mode === 'linear' && shrinks && operation.int('antialias', 0) !== 0) operation.unsupported('antialias');
  emitResize(operation, target, { mode, coordinates, nearest });
};

export const resizing: Record<string, ImportedOperator<Operation>> = {
  Resize: {
    becomes: ['resize', 'reshape'],
    limits:
      'Only height and width change; at rank 3 only the last axis. Scales or sizes are constants. `mode` is "nearest" or "linear". No `tf_crop_and_resize`, no antialiasing to a smaller size; `keep_aspect_ratio_policy` is "stretch".',
    translate: resize,
  },
  Upsample: {
    becomes: ['resize', 'reshape'],
    limits: 'Only height and width change; at rank 3 only the last axis. Scales are constants.',
    translate: scaled,
  },
};
