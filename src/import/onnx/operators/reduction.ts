// Reductions and global pools.
import type { ReduceAttributes } from '../../../ops/reduce.ts';
import type { Handler, Operation } from '../operation.ts';

type Function = ReduceAttributes['fn'];

function reduced(operation: Operation, fn: Function, x: string): string {
  const { axes, keepDims } = operation.reduction();
  return axes.length === 0 ? x : operation.emit('reduce', { fn, axes, keepDims }, [x]);
}

function reduce(fn: Function): Handler {
  return (operation) => operation.result(reduced(operation, fn, operation.value(0)));
}

const square = (operation: Operation) => operation.emit('unary', { fn: 'square' }, [operation.value(0)]);

const sumSquare: Handler = (operation) => operation.result(reduced(operation, 'sum', square(operation)));

const l2: Handler = (operation) =>
  operation.result(operation.emit('unary', { fn: 'sqrt' }, [reduced(operation, 'sum', square(operation))]));

const l1: Handler = (operation) =>
  operation.result(reduced(operation, 'sum', operation.emit('unary', { fn: 'abs' }, [operation.value(0)])));

function globalPool(fn: Function): Handler {
  return (operation) => {
    const rank = operation.rank(0);
    if (rank < 3) operation.fail(`an input of rank ${rank} has no spatial axes`);
    const axes = Array.from({ length: rank - 2 }, (_, i) => i + 2);
    operation.result(operation.emit('reduce', { fn, axes, keepDims: true }, [operation.value(0)]));
  };
}

export const reductions: Record<string, Handler> = {
  ReduceMean: reduce('mean'),
  ReduceSum: reduce('sum'),
  ReduceMax: reduce('max'),
  ReduceMin: reduce('min'),
  ReduceSumSquare: sumSquare,
  ReduceL1: l1,
  ReduceL2: l2,
  GlobalAveragePool: globalPool('mean'),
  GlobalMaxPool: globalPool('max'),
};
