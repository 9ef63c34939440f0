// Reductions and global pools.
import type { ImportedOperator } from '../../imported-operator.ts';
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

/** Of integers too. */
function exactReduce(fn: Function): Handler {
  return (operation) => operation.exactResult(reduced(operation, fn, operation.numbers(0)), operation.type(0));
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

export const reductions: Record<string, ImportedOperator<Operation>> = {
  ReduceMean: { becomes: ['reduce'], limits: 'The axes are constants.', translate: reduce('mean') },
  ReduceSum: { becomes: ['reduce'], limits: 'The axes are constants.', translate: exactReduce('sum') },
  ReduceMax: { becomes: ['reduce'], limits: 'The axes are constants.', translate: exactReduce('max') },
  ReduceMin: { becomes: ['reduce'], limits: 'The axes are constants.', translate: exactReduce('min') },
  ReduceSumSquare: { becomes: ['reduce', 'unary'], limits: 'The axes are constants.', translate: sumSquare },
  ReduceL1: { becomes: ['reduce', 'unary'], limits: 'The axes are constants.', translate: l1 },
  ReduceL2: { becomes: ['reduce', 'unary'], limits: 'The axes are constants.', translate: l2 },
  GlobalAveragePool: { becomes: ['reduce'], limits: '', translate: globalPool('mean') },
  GlobalMaxPool: { becomes: ['reduce'], limits: '', translate: globalPool('max') },
};
