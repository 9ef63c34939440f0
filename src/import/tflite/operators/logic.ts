// Comparisons, which give 1 and 0 as float32, and choices by them.
import type { ImportedOperator } from '../../imported-operator.ts';
import type { BinaryFunction } from '../../../ops/binary.ts';
import type { Handler, Operation } from '../operation.ts';
import { operands } from './elementwise.ts';

const combined = (operation: Operation, fn: BinaryFunction, a: string, b: string) =>
  operation.emit('binary', { fn }, [a, b]);

const not = (operation: Operation, condition: string) =>
  combined(operation, 'sub', operation.addConstant([], [1]), condition);

const compare =
  (fn: 'less' | 'lessOrEqual' | 'equal', { swaps = false, negates = false } = {}): Handler =>
  (operation) => {
    const both = operands(operation);
    const [a, b] = swaps ? both.toReversed() : both;
    const compared = combined(operation, fn, a, b);
    operation.result(negates ? not(operation, compared) : compared);
  };

const logical =
  (fn: BinaryFunction): Handler =>
  (operation) => {
    const [a, b] = operands(operation);
    operation.result(combined(operation, fn, a, b));
  };

/** (condition, a, b): the sum of what the condition and its opposite select. */
const select: Handler = (operation) => {
  const rank = Math.max(...[0, 1, 2].map((i) => operation.rank(i)));
  if (operation.operator.name === 'SELECT' && operation.rank(0) === 1 && rank > 1) {
    operation.unsupported('a condition for each row');
  }
  const [condition, a, b] = [0, 1, 2].map((i) => operation.atRank(i, rank));
  const yes = combined(operation, 'select', condition, a);
  operation.result(combined(operation, 'add', yes, combined(operation, 'select', not(operation, condition), b)));
};

export const logic: Record<string, ImportedOperator<Operation>> = {
  LESS: { becomes: ['binary', 'reshape'], limits: '', translate: compare('less') },
  LESS_EQUAL: { becomes: ['binary', 'reshape'], limits: '', translate: compare('lessOrEqual') },
  GREATER: { becomes: ['binary', 'reshape'], limits: '', translate: compare('less', { swaps: true }) },
  GREATER_EQUAL: { becomes: ['binary', 'reshape'], limits: '', translate: compare('lessOrEqual', { swaps: true }) },
  EQUAL: { becomes: ['binary', 'reshape'], limits: '', translate: compare('equal') },
  NOT_EQUAL: { becomes: ['binary', 'reshape'], limits: '', translate: compare('equal', { negates: true }) },
  LOGICAL_AND: { becomes: ['binary', 'reshape'], limits: '', translate: logical('min') },
  LOGICAL_OR: { becomes: ['binary', 'reshape'], limits: '', translate: logical('max') },
  LOGICAL_NOT: {
    becomes: ['binary'],
    limits: '',
    translate: (operation) => operation.result(not(operation, operation.value(0))),
  },
  SELECT: { becomes: ['binary', 'reshape'], limits: 'No condition for each row.', translate: select },
  SELECT_V2: { becomes: ['binary', 'reshape'], limits: '', translate: select },
};
