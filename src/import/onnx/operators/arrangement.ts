// Operators that rearrange elements. All of them work on constants too, because shape arithmetic needs them.
import type { ImportedOperator } from '../../imported-operator.ts';
import { rowMajorStrides } from '../../../program/layout.ts';
import type { Shape } from '../../../graph/graph.ts';
import { elementCount } from '../../../tensor.ts';
import { maxAxes } from '../../graph-writer.ts';
import type { OnnxConstant } from '../constant.ts';
import type { Handler, Operation } from '../operation.ts';
import { broadcasted, gathered, joined, permuted, strided } from '../views.ts';
import { gatherComputed } from './selection.ts';

/** A list that is an attribute below opset `since` and an input from then on; undefined when it is not given. */
function listOf(operation: Operation, attribute: string, input: number, since: number): number[] | undefined {
  if (operation.opset < since) return operation.ints(attribute);
  return operation.has(input) ? operation.integers(input, `the ${attribute}`) : undefined;
}

/** The input's elements under another shape. */
function reshapeTo(operation: Operation, shape: Shape): void {
  if (shape.length > maxAxes) operation.fail(`makes a tensor of rank ${shape.length}`);
  const constant = operation.knownConstant(0);
  if (elementCount(shape) !== elementCount(operation.shape(0)) || shape.some((d) => !Number.isInteger(d) || d < 0)) {
    operation.fail(`shape [${operation.shape(0)}] cannot become [${shape}]`);
  }
  if (constant) operation.constantResult({ ...constant, shape });
  else operation.movedResult(operation.reshape(operation.anyValue(0), shape));
}

/** 0 keeps an axis; −1 stands for the remaining elements. */
const reshape: Handler = (operation) => {
  const from = operation.shape(0);
  const given = operation.integers(1, 'the shape');
  const keepsZero = operation.int('allowzero', 0) !== 0;
  const shape = given.map((d, axis) =>
    d === 0 && !keepsZero
      ? (from[axis] ?? operation.fail(`0 in [${given}] copies axis ${axis} of shape [${from}]`))
      : d,
  );
  const unknowns = shape.filter((d) => d === -1).length;
  if (unknowns > 1) operation.fail(`shape [${given}] leaves more than one size open`);
  const rest = elementCount(from) / elementCount(shape.filter((d) => d !== -1));
  reshapeTo(operation, unknowns === 1 ? shape.map((d) => (d === -1 ? rest : d)) : shape);
};

const flatten: Handler = (operation) => {
  const shape = operation.shape(0);
  const given = operation.int('axis', 1);
  const axis = given === shape.length ? given : operation.axis(given, shape.length);
  reshapeTo(operation, [elementCount(shape.slice(0, axis)), elementCount(shape.slice(axis))]);
};

const squeeze: Handler = (operation) => {
  const shape = operation.shape(0);
  const given = listOf(operation, 'axes', 1, 13);
  const dropped = given && operation.axes(given, shape.length);
  for (const axis of dropped ?? []) if (shape[axis] !== 1) operation.fail(`axis ${axis} of shape [${shape}] is not 1`);
  const isKept = (d: number, axis: number) => (dropped ? !dropped.includes(axis) : d !== 1);
  reshapeTo(operation, shape.filter(isKept));
};

const unsqueeze: Handler = (operation) => {
  const shape = [...operation.shape(0)];
  const given = listOf(operation, 'axes', 1, 13) ?? operation.fail('axes are missing');
  for (const axis of operation.axes(given, shape.length + given.length)) shape.splice(axis, 0, 1);
  reshapeTo(operation, shape);
};

const transpose: Handler = (operation) => {
  const rank = operation.rank(0);
  const permutation = operation.ints('perm') ?? Array.from({ length: rank }, (_, i) => rank - 1 - i);
  if (permutation.length !== rank || operation.axes(permutation, rank).length !== rank) {
    operation.fail(`[${permutation}] is not a permutation of ${rank} axes`);
  }
  const constant = operation.knownConstant(0);
  if (constant) {
    operation.spend(constant.data.length);
    operation.constantResult(permuted(constant, permutation));
  } else operation.movedResult(operation.emit('transpose', { permutation }, [operation.anyValue(0)]));
};

const concat: Handler = (operation) => {
  if (operation.inputCount === 0) operation.fail('joins nothing');
  const rank = operation.rank(0);
  const axis = operation.axis(operation.int('axis'), rank);
  const parts = operation.node.inputs.map((_, i) => operation.knownConstant(i));
  if (parts.every((part): part is OnnxConstant => part !== undefined)) {
    const rest = (shape: Shape) => shape.filter((__, i) => i !== axis).join();
    const odd = parts.find(({ shape }) => shape.length !== rank || rest(shape) !== rest(parts[0].shape));
    if (odd) operation.fail(`joins shapes [${parts[0].shape}] and [${odd.shape}] along axis ${axis}`);
    operation.spend(parts.reduce((sum, { data }) => sum + data.length, 0));
    return operation.constantResult(joined(parts, axis));
  }
  // Parts without elements add nothing.
  const filled = operation.node.inputs.flatMap((_, i) => (elementCount(operation.shape(i)) > 0 ? [i] : []));
  const scales = new Set(filled.map((i) => JSON.stringify(operation.quantisation(i) ?? null)));
  if (scales.size > 1) operation.unsupported('joins tensors that are quantised in different ways');
  const values = filled.map((i) => operation.anyValue(i));
  operation.movedResult(values.length === 1 ? values[0] : operation.emit('concat', { axis }, values));
};

/** Cuts into the given sizes, or into one equal part per output; the last may be smaller. */
const split: Handler = (operation) => {
  const shape = operation.shape(0);
  const axis = operation.axis(operation.int('axis', 0), shape.length);
  const length = shape[axis];
  const parts = operation.node.outputs.length;
  const given = listOf(operation, 'split', 1, 13);
  const each = Math.ceil(length / parts);
  const sizes = given ?? Array.from({ length: parts }, (_, i) => Math.min(each, length - i * each));
  if (!given && operation.opset < 18 && length % parts !== 0)
    operation.fail(`${length} elements along axis ${axis} cannot be cut into ${parts} equal parts`);
  const total = sizes.reduce((a, b) => a + b, 0);
  if (sizes.length !== parts || sizes.some((size) => size < 0) || total !== length) {
    operation.fail(`sizes [${sizes}] do not cut ${length} along axis ${axis} into ${parts} parts`);
  }
  const constant = operation.knownConstant(0);
  if (constant) {
    operation.spend(constant.data.length);
    let start = 0;
    sizes.forEach((size, k) => {
      const taken = shape.map((d, i) => (i === axis ? size : d));
      const strides = rowMajorStrides(shape);
      operation.constantResult(strided(constant, taken, strides, start * strides[axis]), k);
      start += size;
    });
    return;
  }
  if (sizes.includes(0)) operation.unsupported(`sizes [${sizes}]: parts without elements`);
  const x = operation.anyValue(0);
  if (parts === 1) return operation.movedResult(x);
  operation.emitAll('split', { axis, sizes }, [x]).forEach((value, k) => operation.movedResult(value, k));
};

/** Takes part of the input. */
function take(operation: Operation, starts: number[], sizes: number[], steps: number[]): void {
  const constant = operation.knownConstant(0);
  if (!constant) {
    if (sizes.includes(0)) operation.unsupported(`nothing is left of shape [${operation.shape(0)}]`);
    return operation.movedResult(operation.emit('slice', { starts, sizes, steps }, [operation.anyValue(0)]));
  }
  operation.spend(elementCount(sizes));
  const strides = rowMajorStrides(constant.shape);
  const offset = starts.reduce((sum, start, axis) => sum + start * strides[axis], 0);
  operation.constantResult(
    strided(
      constant,
      sizes,
      strides.map((stride, axis) => stride * steps[axis]),
      offset,
    ),
  );
}

/** NumPy's x[start:end:step, …]. Bounds beyond the ends are clamped. */
const slice: Handler = (operation) => {
  const shape = operation.shape(0);
  const given = listOf(operation, 'starts', 1, 10) ?? operation.fail('starts are missing');
  const ends = listOf(operation, 'ends', 2, 10) ?? operation.fail('ends are missing');
  const axes = (listOf(operation, 'axes', 3, 10) ?? given.map((_, i) => i)).map((axis) =>
    operation.axis(axis, shape.length),
  );
  const strides =
    (operation.opset >= 10 && operation.has(4) && operation.integers(4, 'the steps')) || given.map(() => 1);
  if (ends.length !== given.length || axes.length !== given.length || strides.length !== given.length) {
    operation.fail(`starts [${given}], ends [${ends}], axes [${axes}] and steps [${strides}] differ in length`);
  }
  const starts = shape.map(() => 0);
  const sizes = [...shape];
  const steps = shape.map(() => 1);
  axes.forEach((axis, i) => {
    const length = shape[axis];
    const step = strides[i];
    if (step === 0) operation.fail(`step 0 along axis ${axis}`);
    const [lowest, highest] = step > 0 ? [0, length] : [-1, length - 1];
    const place = (index: number) => Math.min(Math.max(index < 0 ? index + length : index, lowest), highest);
    const start = Math.max(place(given[i]), 0);
    sizes[axis] = Math.max(Math.ceil((place(ends[i]) - (step > 0 ? start : place(given[i]))) / step), 0);
    starts[axis] = start;
    steps[axis] = sizes[axis] > 1 ? step : 1;
  });
  take(operation, starts, sizes, steps);
};

/** A single index becomes a slice, several become a gather. */
const gather: Handler = (operation) => {
  const shape = operation.shape(0);
  const axis = operation.axis(operation.int('axis', 0), shape.length);
  const indexShape = operation.shape(1);
  if (!operation.knownConstant(1)) return gatherComputed(operation, axis);
  const indices = operation.integers(1, 'the indices').map((index) => (index < 0 ? index + shape[axis] : index));
  const outside = indices.find((index) => !(index >= 0 && index < shape[axis]));
  if (outside !== undefined) operation.fail(`index ${outside} along axis ${axis} of shape [${shape}]`);
  const constant = operation.knownConstant(0);
  if (constant) {
    operation.spend((elementCount(shape) / Math.max(shape[axis], 1)) * indices.length);
    return operation.constantResult(gathered(constant, axis, indices, indexShape));
  }
  if (indices.length === 0) operation.unsupported('takes nothing');
  const x = operation.anyValue(0);
  const made = [...shape.slice(0, axis), ...indexShape, ...shape.slice(axis + 1)];
  if (indices.every((index, i) => index === indices[0] + i)) {
    const starts = shape.map((_, i) => (i === axis ? indices[0] : 0));
    const sizes = shape.map((d, i) => (i === axis ? indices.length : d));
    const part = operation.emit('slice', { starts, sizes, steps: shape.map(() => 1) }, [x]);
    return operation.movedResult(operation.reshape(part, made));
  }
  const value = operation.translation.addValue(operation.node.inputs[1], {
    shape: [...indexShape],
    dtype: 'int32',
    data: Int32Array.from(indices),
  });
  operation.movedResult(operation.emit('gather', { axis }, [x, value]));
};

const pad: Handler = (operation) => {
  const shape = operation.shape(0);
  const rank = shape.length;
  const given = listOf(operation, 'pads', 1, 11) ?? operation.fail('pads are missing');
  const fill = () => (operation.has(2) ? operation.number(2, 'the padding value') : 0);
  const value = operation.opset < 11 ? operation.float('value', 0) : fill();
  const axes =
    operation.opset >= 18 && operation.has(3)
      ? operation.integers(3, 'the axes').map((axis) => operation.axis(axis, rank))
      : shape.map((_, i) => i);
  if (given.length !== 2 * axes.length) operation.fail(`pads [${given}] for ${axes.length} axes of shape [${shape}]`);
  const mode = operation.string('mode', 'constant');
  if (mode !== 'constant' && mode !== 'reflect' && mode !== 'edge') operation.unsupported(`mode "${mode}"`);
  const before = shape.map(() => 0);
  const after = shape.map(() => 0);
  axes.forEach((axis, i) => {
    before[axis] = given[i];
    after[axis] = given[axes.length + i];
  });
  if (given.every((amount) => amount === 0)) return operation.pass();
  operation.result(operation.emit('pad', { before, after, mode, value }, [operation.value(0)]));
};

/** Repeats a computed value along axes of length 1: multiplies it by ones of the full shape. */
function stretch(operation: Operation, x: string, shape: Shape): string {
  const from = operation.shapeOf(x);
  const missing = shape.length - from.length;
  const own = (axis: number) => from[axis - missing] ?? 1;
  const ones = shape.map((d, axis) => (own(axis) === 1 ? d : 1));
  if (elementCount(ones) === 1) return operation.reshape(x, shape);
  operation.spend(elementCount(ones));
  const factor = operation.addConstant(ones, new Float32Array(elementCount(ones)).fill(1));
  return operation.emit('binary', { fn: 'mul' }, [x, factor]);
}

const expand: Handler = (operation) => {
  const wanted = operation.integers(1, 'the shape');
  if (wanted.length > maxAxes || wanted.some((d) => d < 0)) operation.fail(`shape [${wanted}]`);
  const shape = operation.broadcast(operation.shape(0), wanted);
  const constant = operation.knownConstant(0);
  if (constant) {
    operation.spend(elementCount(shape));
    operation.constantResult(broadcasted(constant, shape));
  } else operation.movedResult(stretch(operation, operation.anyValue(0), shape));
};

/** Maximum copies of a computed value that one concat joins. */
const maxCopies = 1024;

const tile: Handler = (operation) => {
  const shape = operation.shape(0);
  const repeats = operation.integers(1, 'the repeats');
  if (repeats.length !== shape.length || repeats.some((n) => n < 0))
    operation.fail(`repeats [${repeats}] for shape [${shape}]`);
  const constant = operation.knownConstant(0);
  if (constant) {
    operation.spend(elementCount(shape) * elementCount(repeats));
    // (a, b) repeated (m, n) times is (m, a, n, b) with stride 0 along m and n.
    const strides = rowMajorStrides(shape);
    const doubled = repeats.flatMap((n, axis) => [n, shape[axis]]);
    const copy = strided(
      constant,
      doubled,
      strides.flatMap((stride) => [0, stride]),
    );
    return operation.constantResult({ ...copy, shape: shape.map((d, axis) => d * repeats[axis]) });
  }
  if (repeats.includes(0)) operation.unsupported(`repeats [${repeats}]`);
  let x = operation.anyValue(0);
  repeats.forEach((n, axis) => {
    if (n === 1 || shape[axis] === 1) return;
    if (n > maxCopies) operation.unsupported(`${n} copies along axis ${axis}`);
    x = operation.emit(
      'concat',
      { axis },
      Array.from({ length: n }, () => x),
    );
  });
  operation.movedResult(
    stretch(
      operation,
      x,
      shape.map((d, axis) => (d === 1 ? repeats[axis] : d * repeats[axis])),
    ),
  );
};

function blockSize(operation: Operation): number {
  if (operation.rank(0) !== 4) operation.fail(`an input of rank ${operation.rank(0)}; it must have rank 4`);
  return operation.int('blocksize');
}

const depthToSpace: Handler = (operation) => {
  const order = operation.string('mode', 'DCR');
  const attributes = { blockSize: blockSize(operation), order };
  operation.movedResult(operation.emit('depthToSpace', attributes, [operation.anyValue(0)]));
};

const spaceToDepth: Handler = (operation) =>
  operation.movedResult(operation.emit('spaceToDepth', { blockSize: blockSize(operation) }, [operation.anyValue(0)]));

export const arrangement: Record<string, ImportedOperator<Operation>> = {
  Reshape: { becomes: ['reshape'], limits: 'The shape is a constant.', translate: reshape },
  Flatten: { becomes: ['reshape'], limits: '', translate: flatten },
  Squeeze: { becomes: ['reshape'], limits: 'The axes are constants.', translate: squeeze },
  Unsqueeze: { becomes: ['reshape'], limits: 'The axes are constants.', translate: unsqueeze },
  Transpose: { becomes: ['transpose'], limits: '', translate: transpose },
  Concat: { becomes: ['concat'], limits: '', translate: concat },
  Split: { becomes: ['split'], limits: 'The sizes are constants. No part is empty.', translate: split },
  Slice: {
    becomes: ['slice'],
    limits: 'Starts, ends, axes and steps are constants. The result is not empty.',
    translate: slice,
  },
  Gather: {
    becomes: ['gather', 'slice', 'reshape', 'takeAlongAxis'],
    limits: 'There is at least one index. Computed ones that lie outside become the nearest inside.',
    translate: gather,
  },
  Pad: {
    becomes: ['pad'],
    limits: 'Pads and value are constants. `mode` is "constant", "reflect" or "edge".',
    translate: pad,
  },
  Expand: { becomes: ['binary', 'reshape'], limits: 'The shape is a constant.', translate: expand },
  Tile: {
    becomes: ['concat', 'binary', 'reshape'],
    limits: `The repeats are constants, at most ${maxCopies} along an axis, none of them 0.`,
    translate: tile,
  },
  DepthToSpace: { becomes: ['depthToSpace'], limits: '', translate: depthToSpace },
  SpaceToDepth: { becomes: ['spaceToDepth'], limits: '', translate: spaceToDepth },
};
