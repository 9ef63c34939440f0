import type { Operation } from '../operation.ts';

/** The range of STRIDED_SLICE, per axis of the file; `kept` is the shape of the result. */
export interface StridedRange {
  starts: number[];
  sizes: number[];
  steps: number[];
  kept: number[];
}

/** NumPy's x[begin:end:stride, …] with masks: bit i of a mask concerns entry i. */
export function stridedRange(operation: Operation, shape: readonly number[]): StridedRange {
  const options = operation.options('StridedSlice');
  const [beginMask, endMask, ellipsisMask, newAxisMask, shrinkMask] = [0, 1, 2, 3, 4].map((f) => options.int32(f));
  if (ellipsisMask !== 0) operation.unsupported('an ellipsis');
  if (newAxisMask !== 0) operation.unsupported('a new axis');
  const begin = operation.integers(1, 'the begin');
  const end = operation.integers(2, 'the end');
  const strides = operation.integers(3, 'the strides');
  if (begin.length > shape.length || end.length !== begin.length || strides.length !== begin.length) {
    operation.fail(`begin [${begin}], end [${end}] and strides [${strides}] do not fit shape [${shape}]`);
  }
  const range: StridedRange = { starts: [], sizes: [], steps: [], kept: [] };
  shape.forEach((length, axis) => {
    const given = axis < begin.length;
    const set = (mask: number) => given && (mask & (1 << axis)) !== 0;
    const take = (start: number, size: number, step: number) => {
      range.starts.push(start);
      range.sizes.push(size);
      range.steps.push(step);
    };
    if (set(shrinkMask)) {
      const index = begin[axis] < 0 ? begin[axis] + length : begin[axis];
      if (index < 0 || index >= length) operation.fail(`index ${begin[axis]} along axis ${axis} of ${length}`);
      take(index, 1, 1);
      return;
    }
    const step = given ? strides[axis] : 1;
    if (step === 0) operation.fail(`stride 0 along axis ${axis}`);
    const [lowest, highest] = step > 0 ? [0, length] : [-1, length - 1];
    const place = (index: number) => Math.min(Math.max(index < 0 ? index + length : index, lowest), highest);
    const start = !given || set(beginMask) ? (step > 0 ? 0 : length - 1) : place(begin[axis]);
    const offset = given && options.bool(5) ? begin[axis] : 0;
    const stop = !given || set(endMask) ? (step > 0 ? length : -1) : place(end[axis] + offset);
    const size = Math.ceil((stop - start) / step);
    if (size < 1) operation.fail(`nothing is left along axis ${axis} of shape [${shape}]`);
    take(start, size, step);
    range.kept.push(size);
  });
  return range;
}
