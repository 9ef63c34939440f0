import type { OperatorName } from '../ops/index.ts';

/**
 * An operator of a file format. What is said of it here is said in docs/operators.md, which scripts/generate.mjs writes.
 * `Operation` is the node of the file while it is translated.
 */
export interface ImportedOperator<Operation> {
  /** The operators of the graph that it becomes, the main one first; none where it is worked out while the file is read. */
  readonly becomes: readonly OperatorName[];
  /** What of it is not supported, in a sentence or two for users; empty where all of it is. */
  readonly limits: string;
  /** Emits nodes of the graph and sets the operator's results. */
  readonly translate: (operation: Operation) => void;
}
