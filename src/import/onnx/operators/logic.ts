// Comparisons and what is done with their results: 1 and 0 as float32.
import type { ImportedOperator } from '../../imported-operator.ts';
import type { BinaryFunction } from '../../../ops/binary.ts';
import type { Handler, Operation } from '../operation.ts';

const combined = (operation: Operation, fn: BinaryFunction, a: string, b: string) =>
  operation.emit('binary', { fn }, [a, b]);

const not = (operation: Operation, condition: string) =>
  combined(operation, 'sub', operation.addConstant([], [1]), condition);

function compare(fn: 'less' | 'lessOrEqual' | 'equal', swaps = false): Handler {
  return (operation) => {
    const operands = [operation.numbers(0), operation.numbers(1)];
    const [a, b] = swaps ? operands.toReversed() : operands;
    operation.result(combined(operation, fn, a, b), 0, 'bool');
  };
}

function logical(fn: BinaryFunction): Handler {
  return (operation) =>
    operation.result(combined(operation, fn, operation.numbers(0), operation.numbers(1)), 0, 'bool');
}

const xor: Handler = (operation) =>
  operation.result(not(operation, combined(operation, 'equal', operation.numbers(0), operation.numbers(1))), 0, 'bool');

/** The sum of what either condition lets through: the other is −0, which adds nothing. */
const where: Handler = (operation) => {
  const condition = operation.numbers(0);
  const [a, b] = [1, 2].map((i) => operation.numbers(i));
  const yes = combined(operation, 'select', condition, a);
  const no = combined(operation, 'select', not(operation, condition), b);
  operation.exactResult(combined(operation, 'add', yes, no), operation.type(1));
};

export const logic: Record<string, ImportedOperator<Operation>> = {
  Equal: { becomes: ['binary'], limits: '', translate: compare('equal') },
  Less: { becomes: ['binary'], limits: '', translate: compare('less') },
  LessOrEqual: { becomes: ['binary'], limits: '', translate: compare('lessOrEqual') },
  Greater: { becomes: ['binary'], limits: '', translate: compare('less', true) },
  GreaterOrEqual: { becomes: ['binary'], limits: '', translate: compare('lessOrEqual', true) },
  And: { becomes: ['binary'], limits: '', translate: logical('min') },
  Or: { becomes: ['binary'], limits: '', translate: logical('max') },
  Xor: { becomes: ['binary'], limits: '', translate: xor },
  Not: {
    becomes: ['binary'],
    limits: '',
    translate: (operation) => operation.result(not(operation, operation.numbers(0)), 0, 'bool'),
  },
  Where: { becomes: ['binary'], limits: '', translate: where },
};
