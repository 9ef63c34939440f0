// The largest elements, and elements by positions that are computed.
import type { ImportedOperator } from '../../imported-operator.ts';
import { elementCount } from '../../../tensor.ts';
import { flatPositions } from '../../positions.ts';
import type { Handler, Operation } from '../operation.ts';

/** Elements of x at positions along an axis; `x` and `positions` broadcast along the others. */
const taken = (operation: Operation, axis: number, x: string, positions: string) =>
  operation.emit('takeAlongAxis', { axis }, [x, positions]);

/** Up to opset 9 k is an attribute. */
const topK: Handler = (operation) => {
  const shape = operation.shape(0);
  const axis = operation.axis(operation.int('axis', -1), shape.length);
  const k = operation.opset < 10 ? operation.int('k') : operation.number(1, 'k');
  if (!(k <= shape[axis])) operation.fail(`the ${k} largest along axis ${axis} of shape [${shape}]`);
  if (k < 1) operation.unsupported(`the ${k} largest`);
  const x = operation.numbers(0);
  const positions = operation.emit('topK', { axis, k, largest: operation.int('largest', 1) !== 0 }, [x]);
  const [values, indices] = operation.node.outputs;
  if (values) operation.movedResult(taken(operation, axis, x, positions));
  if (indices) operation.exactResult(positions, 'int64', 1);
};

const argument =
  (largest: boolean): Handler =>
  (operation) => {
    const shape = operation.shape(0);
    const axis = operation.axis(operation.int('axis', 0), shape.length);
    if (operation.int('select_last_index', 0) !== 0) operation.unsupported('select_last_index');
    const position = operation.emit('topK', { axis, k: 1, largest }, [operation.numbers(0)]);
    const kept =
      operation.int('keepdims', 1) !== 0 ? shape.map((d, i) => (i === axis ? 1 : d)) : shape.toSpliced(axis, 1);
    operation.exactResult(operation.reshape(position, kept), 'int64');
  };

/** Gather along an axis, by indices that stand in one list. */
export function gatherComputed(operation: Operation, axis: number): void {
  const shape = operation.shape(0);
  const indexShape = operation.shape(1);
  const [outer, inner] = [elementCount(shape.slice(0, axis)), elementCount(shape.slice(axis + 1))];
  const x = operation.reshape(operation.anyValue(0), [outer, shape[axis], inner]);
  const indices = operation.reshape(operation.numbers(1), [1, elementCount(indexShape), 1]);
  const made = [...shape.slice(0, axis), ...indexShape, ...shape.slice(axis + 1)];
  operation.movedResult(operation.reshape(taken(operation, 1, x, indices), made));
}

/** An index for each element of the result; the other axes of x may be longer. */
const gatherElements: Handler = (operation) => {
  const shape = operation.shape(0);
  const axis = operation.axis(operation.int('axis', 0), shape.length);
  const indexShape = operation.shape(1);
  const isLonger = indexShape.some((d, i) => i !== axis && d > shape[i]);
  if (indexShape.length !== shape.length || isLonger) {
    operation.fail(`indices of shape [${indexShape}] along axis ${axis} of shape [${shape}]`);
  }
  const sizes = shape.map((d, i) => (i === axis ? d : indexShape[i]));
  const whole = operation.anyValue(0);
  const isPart = sizes.some((d, i) => d !== shape[i]);
  const steps = shape.map(() => 1);
  const x = isPart ? operation.emit('slice', { starts: shape.map(() => 0), sizes, steps }, [whole]) : whole;
  operation.movedResult(taken(operation, axis, x, operation.numbers(1)));
};

/** Tuples of indices along some axes: as positions along all of them. */
const gatherND: Handler = (operation) => {
  const shape = operation.shape(0);
  const indexShape = operation.shape(1);
  const batches = operation.int('batch_dims', 0);
  const depth = indexShape.at(-1) ?? operation.fail('the indices are a scalar');
  const isOther = indexShape.slice(0, batches).some((d, i) => d !== shape[i]);
  if (!(depth >= 1 && batches >= 0 && batches + depth <= shape.length && batches < indexShape.length) || isOther) {
    operation.fail(`indices of shape [${indexShape}] with ${batches} batch axes for a tensor of shape [${shape}]`);
  }
  const sizes = shape.slice(batches, batches + depth);
  const rest = shape.slice(batches + depth);
  const places = indexShape.slice(batches, -1);
  const batch = elementCount(shape.slice(0, batches));
  const made = [...indexShape.slice(0, -1), ...rest];
  const tuples = operation.numbers(1);
  const flat = flatPositions(operation, tuples, sizes, operation.translation.ranges.of(tuples));
  const indices = operation.exact(flat, 'int64');
  const x = operation.reshape(operation.anyValue(0), [batch, elementCount(sizes), elementCount(rest)]);
  const positions = operation.reshape(indices, [batch, elementCount(places), 1]);
  operation.movedResult(operation.reshape(taken(operation, 1, x, positions), made));
};

const outside = 'Indices that lie outside become the nearest inside.';

export const selection: Record<string, ImportedOperator<Operation>> = {
  TopK: { becomes: ['topK', 'takeAlongAxis'], limits: 'k is a constant, not 0.', translate: topK },
  ArgMax: { becomes: ['topK', 'reshape'], limits: 'Not `select_last_index`.', translate: argument(true) },
  ArgMin: { becomes: ['topK', 'reshape'], limits: 'Not `select_last_index`.', translate: argument(false) },
  GatherElements: { becomes: ['takeAlongAxis', 'slice'], limits: outside, translate: gatherElements },
  GatherND: { becomes: ['takeAlongAxis', 'binary', 'reduce', 'reshape'], limits: outside, translate: gatherND },
};
