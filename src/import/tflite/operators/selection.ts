// Positions of the largest elements, and elements at computed positions.
import type { ImportedOperator } from '../../imported-operator.ts';
import { elementCount } from '../../../tensor.ts';
import { flatPositions, inexactReason, isExact } from '../../positions.ts';
import type { Handler, Operation } from '../operation.ts';

/** (x, axis): the axis is dropped. */
const argument =
  (largest: boolean): Handler =>
  (operation) => {
    const shape = operation.shape(0);
    const axis = operation.axis(operation.integers(1, 'the axis')[0], shape.length);
    // Without channels NCHW and NHWC are the same.
    const isChannel = shape.length === 4 && axis === 3;
    const x = isChannel ? operation.value(0) : operation.inFileOrder(0);
    const position = operation.emit('topK', { axis: isChannel ? 1 : axis, k: 1, largest }, [x]);
    operation.resultInFileOrder(operation.emit('reshape', { shape: shape.toSpliced(axis, 1) }, [position]));
  };

/** (x, k) → values and positions along the last axis. */
const topK: Handler = (operation) => {
  const rank = operation.rank(0);
  const [k] = operation.integers(1, 'k');
  const axis = rank === 4 ? 1 : rank - 1;
  const x = operation.value(0);
  const positions = operation.emit('topK', { axis, k, largest: true }, [x]);
  operation.result(operation.emit('takeAlongAxis', { axis }, [x, positions]));
  operation.result(positions, 1);
};

/** GATHER by computed indices; `x` and the indices share their first `batches` axes. */
export function gatherComputed(operation: Operation, axis: number, batches: number): void {
  const shape = operation.shape(0);
  const indexShape = operation.shape(1);
  const shared = batches < 0 ? batches + indexShape.length : batches;
  const isOther = indexShape.slice(0, shared).some((d, i) => d !== shape[i]);
  if (!(shared >= 0 && shared <= Math.min(axis, indexShape.length)) || isOther) {
    operation.fail(`batch_dims ${batches} for shapes [${shape}] and [${indexShape}]`);
  }
  const parts = [shape.slice(0, shared), shape.slice(shared, axis), [shape[axis]], shape.slice(axis + 1)];
  const sizes = parts.map(elementCount);
  const x = operation.emit('reshape', { shape: sizes }, [operation.inFileOrder(0)]);
  const count = elementCount(indexShape.slice(shared));
  const indices = operation.emit('reshape', { shape: [sizes[0], 1, count, 1] }, [operation.inFileOrder(1)]);
  const made = [...shape.slice(0, axis), ...indexShape.slice(shared), ...shape.slice(axis + 1)];
  const taken = operation.emit('takeAlongAxis', { axis: 2 }, [x, indices]);
  operation.resultInFileOrder(operation.emit('reshape', { shape: made }, [taken]));
}

/** (x, tuples of indices). */
const gatherND: Handler = (operation) => {
  const shape = operation.shape(0);
  const indexShape = operation.shape(1);
  const depth = indexShape.at(-1) ?? operation.fail('the indices are a scalar');
  if (depth < 1 || depth > shape.length) operation.fail(`indices of shape [${indexShape}] for shape [${shape}]`);
  const [sizes, rest] = [shape.slice(0, depth), shape.slice(depth)];
  const x = operation.emit('reshape', { shape: [elementCount(sizes), elementCount(rest)] }, [operation.inFileOrder(0)]);
  const positions = flatPositions(operation, operation.inFileOrder(1), sizes, { low: 0, high: Infinity });
  if (!isExact(operation.translation.ranges.of(positions))) operation.unsupported(inexactReason('int32'));
  const column = operation.emit('reshape', { shape: [elementCount(indexShape.slice(0, -1)), 1] }, [positions]);
  const taken = operation.emit('takeAlongAxis', { axis: 0 }, [x, column]);
  operation.resultInFileOrder(operation.emit('reshape', { shape: [...indexShape.slice(0, -1), ...rest] }, [taken]));
};

const outside = 'Indices that lie outside become the nearest inside.';

export const selection: Record<string, ImportedOperator<Operation>> = {
  ARG_MAX: { becomes: ['topK', 'reshape'], limits: 'The axis is a constant.', translate: argument(true) },
  ARG_MIN: { becomes: ['topK', 'reshape'], limits: 'The axis is a constant.', translate: argument(false) },
  TOPK_V2: { becomes: ['topK', 'takeAlongAxis'], limits: 'k is a constant.', translate: topK },
  GATHER_ND: { becomes: ['takeAlongAxis', 'binary', 'reduce', 'reshape'], limits: outside, translate: gatherND },
};
