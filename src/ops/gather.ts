import { elementCount } from '../tensor.ts';
import { emitGather, storedView } from './copy.ts';
import { everyElement, ownStorage, type Operator } from './operator.ts';
import { checkAxis, collapse } from './view.ts';

export interface GatherAttributes {
  axis: number;
}

/** Indices as non-negative numbers: negative ones count from the end. */
function resolve(indices: ArrayLike<number | bigint>, size: number): Int32Array {
  return Int32Array.from(indices, (index) => (Number(index) < 0 ? Number(index) + size : Number(index)));
}

/** (x, constant indices) → x with `axis` replaced by the shape of the indices. ONNX Gather; TFLite GATHER. */
export const gather: Operator<GatherAttributes> = {
  infer({ axis }, [x, indices]) {
    const { shape } = x!;
    checkAxis(axis, shape);
    if (!indices?.data) throw new Error('only constant indices are supported');
    if (!indices.data.length) throw new Error('no indices');
    const size = shape[axis];
    for (const index of indices.data) {
      if (!Number.isInteger(Number(index)) || index < -size || index >= size) {
        throw new Error(`index ${index} lies outside the ${size} elements of axis ${axis}`);
      }
    }
    return [[...shape.slice(0, axis), ...indices.shape, ...shape.slice(axis + 1)]];
  },
  evaluate({ axis }, [x, indices], [shape]) {
    const size = x!.shape[axis];
    const outer = elementCount(x!.shape.slice(0, axis));
    const inner = elementCount(x!.shape.slice(axis + 1));
    const y = new Float32Array(elementCount(shape));
    let at = 0;
    for (let i = 0; i < outer; i++) {
      for (const index of resolve(indices!.data, size)) {
        for (let j = 0; j < inner; j++) y[at++] = x!.data[(i * size + index) * inner + j];
      }
    }
    return [{ shape, data: y }];
  },
  evaluationWork: everyElement,
  layout: 'flat',
  place: ownStorage,
  lower({ inputs: [x, indices], outputs: [y], attributes: { axis } }, lowering) {
    const from = storedView(lowering, x);
    const to = storedView(lowering, y);
    const data = lowering.constantData(indices);
    if (!data) throw new Error('only constant indices are supported');
    // The axes of the indices are one axis in memory, because the output is flat.
    const end = axis + lowering.shape(indices).length;
    const rows = collapse({ shape: to.shape.slice(axis, end), strides: to.strides.slice(axis, end) });
    if (rows.shape.length > 1) throw new Error('the output must be flat');
    const strides = [...to.strides.slice(0, axis), rows.strides[0] ?? 1, ...to.strides.slice(end)];
    const source = { at: lowering.at(x), shape: from.shape, strides: from.strides };
    emitGather(lowering, axis, resolve(data, from.shape[axis]), source, { at: lowering.at(y), strides });
  },
};
