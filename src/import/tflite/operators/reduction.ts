// MEAN, SUM, REDUCE_MAX, REDUCE_MIN.
import type { ImportedOperator } from '../../imported-operator.ts';
import type { ReduceAttributes } from '../../../ops/reduce.ts';
import type { Handler, Operation } from '../operation.ts';
import { channelsLast } from '../translation.ts';

/** (x, axes). */
function reduce(fn: ReduceAttributes['fn']): Handler {
  return (operation) => {
    const keepDims = operation.options('Reducer').bool(0);
    const rank = operation.rank(0);
    const given = operation.integers(1, 'the axes').map((axis) => operation.axis(axis, rank));
    const axes = [...new Set(given)].sort((a, b) => a - b);
    // Without the channel axis, or without both spatial axes, NCHW and NHWC have the same order.
    const sameOrder = keepDims || axes.includes(3) || (axes.includes(1) && axes.includes(2));
    if (rank === 4 && sameOrder) {
      const inGraph = axes.map((axis) => channelsLast[axis]).sort((a, b) => a - b);
      operation.result(operation.emit('reduce', { fn, axes: inGraph, keepDims }, [operation.value(0)]));
    } else {
      operation.resultInFileOrder(operation.emit('reduce', { fn, axes, keepDims }, [operation.inFileOrder(0)]));
    }
  };
}

export const reductions: Record<string, ImportedOperator<Operation>> = {
  MEAN: { becomes: ['reduce'], limits: 'The axes are constants.', translate: reduce('mean') },
  SUM: { becomes: ['reduce'], limits: 'The axes are constants.', translate: reduce('sum') },
  REDUCE_MAX: { becomes: ['reduce'], limits: 'The axes are constants.', translate: reduce('max') },
  REDUCE_MIN: { becomes: ['reduce'], limits: 'The axes are constants.', translate: reduce('min') },
};
