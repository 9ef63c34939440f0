// ScatterND and ScatterElements at constant places: what assignments to parts of a tensor are exported as. The tensor and
// what replaces its elements are joined, and elements of both are taken in the order of the result.
import type { ImportedOperator } from '../../imported-operator.ts';
import { rowMajorStrides } from '../../../program/layout.ts';
import { elementCount } from '../../../tensor.ts';
import type { Handler, Operation } from '../operation.ts';

/** Writes `updates` over rows of x, both read as rows of `width` elements: row `rows[i]` becomes update i. */
function overwrite(operation: Operation, rows: readonly number[], width: number): void {
  if (operation.string('reduction', 'none') !== 'none') {
    operation.unsupported(`reduction "${operation.string('reduction', 'none')}"`);
  }
  const shape = operation.shape(0);
  const updates = operation.shape(2);
  const count = elementCount(shape) / width;
  if (elementCount(updates) !== rows.length * width) {
    operation.fail(`updates of shape [${updates}] for ${rows.length} places of ${width} elements`);
  }
  if (operation.type(0) !== operation.type(2) || operation.quantisation(0) || operation.quantisation(2)) {
    operation.unsupported('its tensors are quantised, or of two types');
  }
  const [x, written] = [operation.knownConstant(0), operation.knownConstant(2)];
  if (x && written) {
    operation.spend(count * width);
    const data = x.data.slice();
    rows.forEach((row, i) => data.set(written.data.subarray(i * width, (i + 1) * width), row * width));
    return operation.constantResult({ ...x, data });
  }
  operation.spend(count);
  const source = Int32Array.from({ length: count }, (_, i) => i);
  rows.forEach((row, i) => (source[row] = count + i));
  const parts = [
    operation.reshape(operation.anyValue(0), [count, width]),
    operation.reshape(operation.anyValue(2), [rows.length, width]),
  ];
  const both = operation.emit('concat', { axis: 0 }, parts);
  const places = operation.translation.addValue(`${operation.title}/places`, {
    shape: [count],
    dtype: 'int32',
    data: source,
  });
  operation.movedResult(operation.reshape(operation.emit('gather', { axis: 0 }, [both, places]), shape));
}

/** (x, places (…, depth), updates): each place is an index into the first `depth` axes of x. */
const scatterND: Handler = (operation) => {
  const shape = operation.shape(0);
  const indexShape = operation.shape(1);
  const depth = indexShape.at(-1) ?? operation.fail('the places are a scalar');
  if (depth < 1 || depth > shape.length) operation.fail(`places of shape [${indexShape}] for a tensor [${shape}]`);
  const indices = places(operation);
  const sizes = shape.slice(0, depth);
  const strides = rowMajorStrides(sizes);
  const rows = Array.from({ length: indices.length / depth }, () => 0);
  indices.forEach(
    (index, i) => (rows[Math.floor(i / depth)] += inside(operation, index, i % depth) * strides[i % depth]),
  );
  overwrite(operation, rows, elementCount(shape.slice(depth)));
};

/** (x, places, updates), the last two of one shape: update [i, j, …] goes to its own place but for `axis`. */
const scatterElements: Handler = (operation) => {
  const shape = operation.shape(0);
  const axis = operation.axis(operation.int('axis', 0), shape.length);
  const indexShape = operation.shape(1);
  const isLonger = indexShape.some((d, i) => i !== axis && d > shape[i]);
  if (indexShape.length !== shape.length || isLonger || indexShape.join() !== operation.shape(2).join()) {
    operation.fail(`places of shape [${indexShape}] along axis ${axis} of shape [${shape}]`);
  }
  const strides = rowMajorStrides(shape);
  const own = rowMajorStrides(indexShape);
  const rows = places(operation).map((index, at) =>
    indexShape.reduce((sum, d, i) => {
      const position = i === axis ? inside(operation, index, axis) : Math.floor(at / own[i]) % d;
      return sum + position * strides[i];
    }, 0),
  );
  overwrite(operation, rows, 1);
};

function places(operation: Operation): number[] {
  if (!operation.knownConstant(1)) operation.unsupported('the places are computed');
  const indices = operation.integers(1, 'the places');
  if (indices.length === 0) operation.unsupported('no places');
  return indices;
}

function inside(operation: Operation, index: number, axis: number): number {
  const size = operation.shape(0)[axis];
  const positive = index < 0 ? index + size : index;
  if (!(positive >= 0 && positive < size)) operation.fail(`place ${index} along axis ${axis} of size ${size}`);
  return positive;
}

const limits = 'The places are constants. `reduction` is "none".';

export const scatter: Record<string, ImportedOperator<Operation>> = {
  ScatterND: { becomes: ['gather', 'concat', 'reshape'], limits, translate: scatterND },
  ScatterElements: { becomes: ['gather', 'concat', 'reshape'], limits, translate: scatterElements },
};
