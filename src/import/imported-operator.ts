import type { OperatorName } from '../ops/index.ts';

/**
 * An operator of a file format. scripts/generate.mjs writes these facts to docs/operators.md. `Operation` is the node of
 * the file while it is translated.
 */
export interface ImportedOperator<Operation> {
  /** Operators of the graph that it becomes, the main one first; empty when it is computed while the file is read. */
  readonly becomes: readonly OperatorName[];
  /** What is not supported, in a sentence or two for users; empty when everything is. */
  readonly limits: string;
  /** Emits nodes of the graph and sets the operator's results. */
  readonly translate: (operation: Operation) => void;
}
