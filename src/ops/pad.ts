import type { Lowering } from '../lower/lowering.ts';
import type { Shape } from '../graph/graph.ts';
import { rowMajorStrides } from '../program/layout.ts';
import { elementCount } from '../tensor.ts';
import { advance, copyView, emitGather, storedView } from './copy.ts';
import { everyElement, type Operator } from './operator.ts';
import { placeSame, placeView, resized, storedFloats, type View } from './view.ts';

/** One entry per axis. Negative amounts crop. */
export interface PadAttributes {
  before: readonly number[];
  after: readonly number[];
  mode: 'constant' | 'reflect' | 'edge';
  /** Value of the added elements in mode `constant`. */
  value: number;
}

/** The input element, along an axis of `size` elements, that is shown at position `i`; −1 where padding is shown. */
function sourceIndex(i: number, size: number, mode: PadAttributes['mode']): number {
  if (i >= 0 && i < size) return i;
  if (mode === 'edge') return i < 0 ? 0 : size - 1;
  if (mode === 'reflect') return i < 0 ? -i : 2 * (size - 1) - i;
  return -1;
}

/** True when anything is added, false for a crop. */
function grows({ before, after }: PadAttributes): boolean {
  return [...before, ...after].some((amount) => amount > 0);
}

/** Per axis, the input's element for each element of the output. */
function sourceIndices({ before, after, mode }: PadAttributes, axis: number, size: number): Int32Array {
  const length = before[axis] + size + after[axis];
  return Int32Array.from({ length }, (_, i) => sourceIndex(i - before[axis], size, mode));
}

/** Offset of the element at `index`. */
function offset(index: readonly number[], strides: readonly number[]): number {
  return index.reduce((sum, i, axis) => sum + i * strides[axis], 0);
}

/** The kept part of the input, as a view of the input and as a view of the output; undefined when nothing is kept. */
function kept({ before, after }: PadAttributes, x: View, y: View): { from: View; to: View } | undefined {
  const starts = before.map((amount) => Math.max(0, -amount));
  const shape = x.shape.map((size, axis) => size + Math.min(0, after[axis]) - starts[axis]);
  if (shape.some((size) => size < 1)) return undefined;
  return {
    from: { shape, strides: x.strides, floats: offset(starts, x.strides) },
    to: {
      shape,
      strides: y.strides,
      floats: offset(
        before.map((amount) => Math.max(0, amount)),
        y.strides,
      ),
    },
  };
}

/**
 * The only padded axis, when it is the outermost axis longer than 1: then the padding is two blocks, one before and one
 * after the input. Undefined otherwise.
 */
function blockAxis({ before, after }: PadAttributes, y: Shape): number | undefined {
  const changed = y.map((_, axis) => axis).filter((axis) => before[axis] !== 0 || after[axis] !== 0);
  const [axis] = changed;
  const isBlock = changed.length === 1 && before[axis] >= 0 && after[axis] >= 0;
  return isBlock && y.slice(0, axis).every((size) => size === 1) ? axis : undefined;
}

/** Writes `value` around the input when the padding is two blocks, else to the whole output. */
function lowerFill(attributes: PadAttributes, y: string, to: View, lowering: Lowering, keeps: boolean): void {
  const { before, after, value } = attributes;
  const fill = (start: number, n: number): void => {
    if (n > 0) lowering.emit('f32_fill', { y: advance(lowering.at(y), start), n, value });
  };
  const axis = keeps ? blockAxis(attributes, to.shape) : undefined;
  if (axis === undefined) return fill(0, storedFloats(to));
  const stride = to.strides[axis];
  fill(0, before[axis] * stride);
  fill((to.shape[axis] - after[axis]) * stride, after[axis] * stride);
}

/** Pads one axis after the other by a table of indices; intermediate results lie in scratch memory. */
function lowerIndexed(attributes: PadAttributes, x: string, y: string, lowering: Lowering): void {
  const { before, after } = attributes;
  const to = storedView(lowering, y);
  const changed = to.shape.map((_, axis) => axis).filter((axis) => before[axis] !== 0 || after[axis] !== 0);
  let source = { at: lowering.at(x), shape: lowering.shape(x), strides: lowering.strides(x) };
  for (const axis of changed) {
    const indices = sourceIndices(attributes, axis, source.shape[axis]);
    const shape = resized(source.shape, axis, indices.length);
    const isLast = axis === changed.at(-1);
    const target = isLast
      ? { at: lowering.at(y), shape, strides: [...to.strides] }
      : { at: lowering.scratch(4 * elementCount(shape)), shape, strides: rowMajorStrides(shape) };
    emitGather(lowering, axis, indices, source, target);
    source = target;
  }
}

/**
 * ONNX Pad; TFLite PAD, PADV2, MIRROR_PAD (reflect). When channels of one image are padded, the input is computed in place
 * inside the output, and only the padding is written.
 */
export const pad: Operator<PadAttributes> = {
  infer({ before, after, mode }, [x]) {
    const { shape } = x!;
    for (const [name, list] of Object.entries({ before, after })) {
      if (list.length !== shape.length || list.some((amount) => !Number.isInteger(amount))) {
        throw new Error(`${name} [${list}] must be integers, one for each axis of the input's shape [${shape}]`);
      }
    }
    if (mode !== 'constant' && mode !== 'reflect' && mode !== 'edge') {
      throw new Error(`mode "${String(mode)}" must be constant, reflect or edge`);
    }
    const padded = shape.map((size, axis) => before[axis] + size + after[axis]);
    for (const [axis, size] of padded.entries()) {
      if (size < 1)
        throw new Error(
          `nothing is left of axis ${axis}: ${shape[axis]} elements, ${before[axis]} before, ${after[axis]} after`,
        );
      const most = Math.max(before[axis], after[axis]);
      if (mode === 'reflect' && most >= shape[axis]) {
        throw new Error(`axis ${axis} has ${shape[axis]} elements, too few to reflect ${most}`);
      }
    }
    return [padded];
  },
  evaluate(attributes, [x], [shape]) {
    const y = new Float32Array(elementCount(shape));
    const strides = rowMajorStrides(x!.shape);
    const tables = x!.shape.map((size, axis) => sourceIndices(attributes, axis, size));
    for (let i = 0; i < y.length; i++) {
      let at = 0;
      let outside = false;
      let rest = i;
      for (let axis = shape.length - 1; axis >= 0; axis--) {
        const index = tables[axis][rest % shape[axis]];
        rest = Math.floor(rest / shape[axis]);
        outside ||= index < 0;
        at += index * strides[axis];
      }
      y[i] = outside ? attributes.value : x!.data[at];
    }
    return [{ shape, data: y }];
  },
  evaluationWork: everyElement,
  layout: 'inherit',
  place({ inputs: [x], outputs: [y], attributes }, placement) {
    const from = { shape: placement.shape(x), strides: placement.strides(x), floats: 0 };
    const to = { shape: placement.shape(y), strides: placement.strides(y), floats: 0 };
    const parts = kept(attributes, from, to);
    if (!parts) return;
    if (!grows(attributes)) placeSame(placement, y, x, parts.from);
    else if (attributes.mode === 'constant' && blockAxis(attributes, to.shape) !== undefined) {
      placeView(placement, x, y, parts.to);
    }
  },
  lower({ inputs: [x], outputs: [y], attributes }, lowering) {
    const from = storedView(lowering, x);
    const to = storedView(lowering, y);
    const parts = kept(attributes, from, to);
    if (grows(attributes)) {
      if (attributes.mode !== 'constant') return lowerIndexed(attributes, x, y, lowering);
      lowerFill(attributes, y, to, lowering, parts !== undefined);
    }
    if (parts) copyView(lowering, x, parts.from, y, parts.to);
  },
};
