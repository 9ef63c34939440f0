// Operators that rearrange elements: concatenation, splitting, slicing, padding, reshaping, resizing.
import type { ImportedOperator } from '../../imported-operator.ts';
import { composePermutations } from '../../../graph/permute.ts';
import { elementCount } from '../../../tensor.ts';
import type { Handler, Operation } from '../operation.ts';
import { channelsFirst, channelsLast, graphAxis, graphShape } from '../translation.ts';
import { gatherComputed } from './selection.ts';
import { stridedRange } from './strided.ts';

/** One entry per axis of the file → per axis of the graph. */
const perAxis = graphShape;

const concatenation: Handler = (operation) => {
  const options = operation.options('Concatenation');
  if (operation.inputCount === 0) operation.fail('joins nothing');
  const rank = operation.rank(0);
  const axis = graphAxis(operation.axis(options.int32(0), rank), rank);
  const activation = operation.activation(options.int8(1));
  const parts = operation.operator.inputs.map((_, i) => operation.value(i));
  // The nodes that make the parts can fuse the clamp; after the concatenation it would be a step of its own.
  const inputs = activation ? parts : parts.map((part) => operation.saturated(part));
  const joined = operation.emit('concat', { axis }, inputs);
  operation.result(activation ? operation.emit('unary', activation, [joined]) : joined);
};

/** Cuts input `i` along `axis`; one size may be −1. */
function cut(operation: Operation, i: number, axis: number, sizes: number[]): string[] {
  const rank = operation.rank(i);
  const length = operation.shape(i)[axis];
  const known = sizes.reduce((sum, size) => sum + Math.max(size, 0), 0);
  const unknown = sizes.filter((size) => size === -1).length;
  const complete = sizes.map((size) => (size === -1 ? length - known : size));
  if (unknown > 1 || complete.some((size) => size < 1) || complete.reduce((a, b) => a + b, 0) !== length) {
    operation.fail(`sizes [${sizes}] do not cut ${length} along axis ${axis}`);
  }
  return operation.emitAll('split', { axis: graphAxis(axis, rank), sizes: complete }, [operation.value(i)]);
}

/** (axis, x): equal parts, as many as there are outputs. */
const split: Handler = (operation) => {
  const axis = operation.axis(operation.integers(0, 'the axis')[0], operation.rank(1));
  const parts = operation.operator.outputs.length;
  const length = operation.shape(1)[axis];
  if (parts < 1 || length % parts !== 0)
    operation.fail(`${length} elements along axis ${axis} cannot be cut into ${parts} equal parts`);
  const sizes = Array.from({ length: parts }, () => length / parts);
  cut(operation, 1, axis, sizes).forEach((value, k) => operation.result(value, k));
};

/** (x, sizes, axis). */
const splitV: Handler = (operation) => {
  const axis = operation.axis(operation.integers(2, 'the axis')[0], operation.rank(0));
  const sizes = operation.integers(1, 'the sizes');
  if (sizes.length !== operation.operator.outputs.length) {
    operation.fail(`${sizes.length} sizes for ${operation.operator.outputs.length} outputs`);
  }
  cut(operation, 0, axis, sizes).forEach((value, k) => operation.result(value, k));
};

/** (x, begin, size). A size of −1 takes the rest. */
const slice: Handler = (operation) => {
  const shape = operation.shape(0);
  const begin = operation.integers(1, 'the begin');
  const size = operation.integers(2, 'the size');
  if (begin.length !== shape.length || size.length !== shape.length) {
    operation.fail(`begin [${begin}] and size [${size}] must have ${shape.length} entries`);
  }
  const sizes = size.map((n, axis) => (n === -1 ? shape[axis] - begin[axis] : n));
  if (sizes.some((n, axis) => n < 1 || begin[axis] < 0 || begin[axis] + n > shape[axis])) {
    operation.fail(`begin [${begin}] and size [${size}] leave shape [${shape}]`);
  }
  const attributes = { starts: perAxis(begin), sizes: perAxis(sizes), steps: shape.map(() => 1) };
  operation.result(operation.emit('slice', attributes, [operation.value(0)]));
};

const stridedSlice: Handler = (operation) => {
  const shape = operation.shape(0);
  const { starts, sizes, steps, kept } = stridedRange(operation, shape);
  if (kept.length === shape.length) {
    const attributes = { starts: perAxis(starts), sizes: perAxis(sizes), steps: perAxis(steps) };
    operation.result(operation.emit('slice', attributes, [operation.value(0)]));
  } else {
    const part = operation.emit('slice', { starts, sizes, steps }, [operation.inFileOrder(0)]);
    operation.resultInFileOrder(operation.emit('reshape', { shape: kept }, [part]));
  }
};

/** (x, indices). */
const gather: Handler = (operation) => {
  const options = operation.options('Gather');
  const shape = operation.shape(0);
  const axis = operation.axis(options.int32(0), shape.length);
  const batches = options.int32(1);
  const isKnown = operation.isConstant(1) || operation.knownIntegers(1) !== undefined;
  if (batches !== 0 || !isKnown) return gatherComputed(operation, axis, batches);
  const indices = operation.integers(1, 'the indices');
  const outside = indices.find((index) => index < 0 || index >= shape[axis]);
  if (outside !== undefined) operation.fail(`index ${outside} along axis ${axis} of shape [${shape}]`);
  const indexShape = [...operation.shape(1)];
  const value = operation.translation.addValue(operation.tensor(1).name, {
    shape: indexShape,
    dtype: 'int32',
    data: Int32Array.from(indices),
  });
  if (indexShape.length === 1) {
    const at = graphAxis(axis, shape.length);
    operation.result(operation.emit('gather', { axis: at }, [operation.value(0), value]));
  } else {
    operation.resultInFileOrder(operation.emit('gather', { axis }, [operation.inFileOrder(0), value]));
  }
};

/** Copies that one concatenation may join. */
const maxCopies = 1024;

/** (x, multiples). */
const tile: Handler = (operation) => {
  const rank = operation.rank(0);
  const multiples = operation.integers(1, 'the multiples');
  if (multiples.length !== rank || multiples.some((n) => n < 1 || n > maxCopies)) {
    operation.unsupported(`multiples [${multiples}] for shape [${operation.shape(0)}]`);
  }
  let x = operation.value(0);
  multiples.forEach((n, axis) => {
    if (n === 1) return;
    const copies = Array.from({ length: n }, () => x);
    x = operation.emit('concat', { axis: graphAxis(axis, rank) }, copies);
  });
  operation.result(x);
};

/** (x, (rank, 2) amounts before and after). */
function pad(operation: Operation, mode: 'constant' | 'reflect' | 'edge', value: number): void {
  const shape = operation.shape(0);
  const amounts = operation.integers(1, 'the paddings');
  if (amounts.length !== 2 * shape.length || amounts.some((n) => n < 0)) {
    operation.fail(`paddings [${amounts}] for shape [${shape}]`);
  }
  const before = perAxis(shape.map((_, axis) => amounts[2 * axis]));
  const after = perAxis(shape.map((_, axis) => amounts[2 * axis + 1]));
  operation.result(operation.emit('pad', { before, after, mode, value }, [operation.value(0)]));
}

const padV2: Handler = (operation) => {
  const source = operation.source(2, 'the padding value');
  const [value] = operation.translation.constants.floats(source);
  pad(operation, 'constant', value);
};

const mirrorPad: Handler = (operation) => {
  const symmetric = operation.options('MirrorPad').int8(0) === 1;
  // For one row, repeating the border equals mirroring it.
  if (symmetric && operation.integers(1, 'the paddings').some((n) => n > 1)) {
    operation.unsupported('mode SYMMETRIC by more than 1');
  }
  pad(operation, symmetric ? 'edge' : 'reflect', 0);
};

/** The input's elements, in the file's order, under another shape. */
function reshapeTo(operation: Operation, shape: readonly number[]): void {
  operation.resultInFileOrder(operation.emit('reshape', { shape }, [operation.inFileOrder(0)]));
}

/** The shape is an input or an option; one entry may be −1. */
const reshape: Handler = (operation) => {
  const given = operation.optional(1)
    ? operation.integers(1, 'the shape')
    : operation.options('Reshape').int32s(0, 'new shape');
  // Old files write a scalar as [0].
  const wanted = given.length === 1 && given[0] === 0 ? [] : given;
  const count = elementCount(operation.shape(0));
  const known = elementCount(wanted.filter((d) => d !== -1));
  const shape = wanted.map((d) => (d === -1 ? count / known : d));
  const unknowns = wanted.filter((d) => d === -1).length;
  if (unknowns > 1 || shape.some((d) => !Number.isInteger(d) || d < 1) || elementCount(shape) !== count) {
    operation.fail(`shape [${operation.shape(0)}] cannot become [${given}]`);
  }
  reshapeTo(operation, shape);
};

const squeeze: Handler = (operation) => {
  const shape = operation.shape(0);
  const axes = operation.options('Squeeze').int32s(0, 'squeeze dims');
  const dropped = new Set(axes.map((axis) => operation.axis(axis, shape.length)));
  for (const axis of dropped) if (shape[axis] !== 1) operation.fail(`axis ${axis} of shape [${shape}] is not 1`);
  const keeps = (d: number, axis: number) => (dropped.size === 0 ? d !== 1 : !dropped.has(axis));
  reshapeTo(operation, shape.filter(keeps));
};

const expandDims: Handler = (operation) => {
  const shape = [...operation.shape(0)];
  const axis = operation.axis(operation.integers(1, 'the axis')[0], shape.length + 1);
  shape.splice(axis, 0, 1);
  reshapeTo(operation, shape);
};

const transpose: Handler = (operation) => {
  const rank = operation.rank(0);
  const permutation = operation.integers(1, 'the permutation').map((axis) => operation.axis(axis, rank));
  if (new Set(permutation).size !== rank || permutation.length !== rank) {
    operation.fail(`[${permutation}] is not a permutation of ${rank} axes`);
  }
  const inGraph =
    rank === 4 ? composePermutations(composePermutations(channelsLast, permutation), channelsFirst) : permutation;
  operation.result(operation.emit('transpose', { permutation: inGraph }, [operation.value(0)]));
};

/** Joins tensors of equal shape along a new axis. */
const pack: Handler = (operation) => {
  const shape = [...operation.shape(0)];
  const axis = operation.axis(operation.options('Pack').int32(1), shape.length + 1);
  shape.splice(axis, 0, 1);
  const parts = operation.operator.inputs.map((_, i) => {
    if (elementCount(operation.shape(i)) !== elementCount(shape)) {
      operation.fail(`packs shapes [${operation.shape(0)}] and [${operation.shape(i)}]`);
    }
    return operation.emit('reshape', { shape }, [operation.inFileOrder(i)]);
  });
  operation.resultInFileOrder(operation.emit('concat', { axis }, parts));
};

/** Cuts a tensor into its entries along an axis, and drops the axis. */
const unpack: Handler = (operation) => {
  const shape = operation.shape(0);
  const axis = operation.axis(operation.options('Unpack').int32(1), shape.length);
  if (shape[axis] !== operation.operator.outputs.length) {
    operation.fail(`unpacks axis ${axis} of shape [${shape}] into ${operation.operator.outputs.length} outputs`);
  }
  const sizes = Array.from({ length: shape[axis] }, () => 1);
  const rest = shape.filter((_, i) => i !== axis);
  operation
    .emitAll('split', { axis, sizes }, [operation.inFileOrder(0)])
    .forEach((part, k) => operation.resultInFileOrder(operation.emit('reshape', { shape: rest }, [part]), k));
};

function blocks(op: 'depthToSpace' | 'spaceToDepth', own: object): Handler {
  return (operation) => {
    operation.requireRank(0, 4);
    const blockSize = operation.options(op === 'depthToSpace' ? 'DepthToSpace' : 'SpaceToDepth').int32(0);
    if (blockSize < 1) operation.fail(`block size ${blockSize}`);
    operation.result(operation.emit(op, { blockSize, ...own }, [operation.value(0)]));
  };
}

/** (x, [height, width]). */
function resize(mode: 'nearest' | 'linear'): Handler {
  return (operation) => {
    const options = operation.options(mode === 'linear' ? 'ResizeBilinear' : 'ResizeNearestNeighbor');
    const [alignCorners, halfPixel] =
      mode === 'linear' ? [options.bool(2), options.bool(3)] : [options.bool(0), options.bool(1)];
    if (alignCorners && halfPixel) operation.unsupported('align_corners together with half_pixel_centers');
    operation.requireRank(0, 4);
    const size = operation.integers(1, 'the size');
    if (size.length !== 2 || size.some((n) => n < 1)) operation.fail(`size [${size}] must be height and width`);
    const half = mode === 'linear' ? 'halfPixel' : 'tfHalfPixelForNearest';
    const coordinates = alignCorners ? 'alignCorners' : halfPixel ? half : 'asymmetric';
    const nearest = alignCorners ? 'roundPreferCeil' : 'floor';
    operation.result(operation.emit('resize', { mode, size, coordinates, nearest }, [operation.value(0)]));
  };
}

export const arrangement: Record<string, ImportedOperator<Operation>> = {
  CONCATENATION: { becomes: ['concat', 'unary'], limits: '', translate: concatenation },
  SPLIT: { becomes: ['split'], limits: 'The axis is a constant.', translate: split },
  SPLIT_V: { becomes: ['split'], limits: 'Sizes and axis are constants. No part is empty.', translate: splitV },
  SLICE: { becomes: ['slice'], limits: 'Begin and size are constants. The result is not empty.', translate: slice },
  STRIDED_SLICE: {
    becomes: ['slice', 'reshape'],
    limits: 'Begin, end and strides are constants. No ellipsis, no new axis. The result is not empty.',
    translate: stridedSlice,
  },
  GATHER: {
    becomes: ['gather', 'takeAlongAxis', 'reshape'],
    limits: 'Computed indices that lie outside become the nearest inside.',
    translate: gather,
  },
  TILE: {
    becomes: ['concat'],
    limits: `The multiples are constants, 1 to ${maxCopies} along an axis.`,
    translate: tile,
  },
  PAD: {
    becomes: ['pad'],
    limits: 'The paddings are constants.',
    translate: (operation) => pad(operation, 'constant', 0),
  },
  PADV2: { becomes: ['pad'], limits: 'Paddings and value are constants.', translate: padV2 },
  MIRROR_PAD: { becomes: ['pad'], limits: 'The paddings are constants; SYMMETRIC by at most 1.', translate: mirrorPad },
  RESHAPE: { becomes: ['reshape'], limits: 'The shape is a constant.', translate: reshape },
  SQUEEZE: { becomes: ['reshape'], limits: '', translate: squeeze },
  EXPAND_DIMS: { becomes: ['reshape'], limits: 'The axis is a constant.', translate: expandDims },
  TRANSPOSE: { becomes: ['transpose'], limits: 'The permutation is a constant.', translate: transpose },
  PACK: { becomes: ['concat', 'reshape'], limits: '', translate: pack },
  UNPACK: { becomes: ['split', 'reshape'], limits: '', translate: unpack },
  DEPTH_TO_SPACE: { becomes: ['depthToSpace'], limits: 'Rank 4.', translate: blocks('depthToSpace', { order: 'DCR' }) },
  SPACE_TO_DEPTH: { becomes: ['spaceToDepth'], limits: 'Rank 4.', translate: blocks('spaceToDepth', {}) },
  RESIZE_BILINEAR: {
    becomes: ['resize'],
    limits: 'Rank 4. The size is a constant. Not `align_corners` together with `half_pixel_centers`.',
    translate: resize('linear'),
  },
  RESIZE_NEAREST_NEIGHBOR: {
    becomes: ['resize'],
    limits: 'Rank 4. The size is a constant. Not `align_corners` together with `half_pixel_centers`.',
    translate: resize('nearest'),
  },
};
