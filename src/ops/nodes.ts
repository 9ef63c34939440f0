// Nodes by operator, and tables with a row for every operator. The type checker lists the rows that a new operator still
// lacks.
import type { Node } from '../graph/graph.ts';
import type { operators, OperatorName } from './index.ts';
import type { Operator } from './operator.ts';

export type AttributesOf<N extends OperatorName> = (typeof operators)[N] extends Operator<infer A> ? A : never;

/** A node of a known operator. */
export type NodeOf<N extends OperatorName> = { [K in N]: Node & { op: K; attributes: AttributesOf<K> } }[N];

export function isOp<N extends OperatorName>(node: Node | undefined, ...ops: N[]): node is NodeOf<N> {
  return node !== undefined && (ops as string[]).includes(node.op);
}

/** A function of a node for every operator, each with the attributes of its own operator. */
export type OperatorTable<Arguments extends unknown[], Result> = {
  readonly [N in OperatorName]: (node: NodeOf<N>, ...rest: Arguments) => Result;
};

/** Calls the row of a node's operator. The node belongs to a verified graph. */
export function answer<Arguments extends unknown[], Result>(
  table: OperatorTable<Arguments, Result>,
  node: Node,
  ...rest: Arguments
): Result {
  const row = table[node.op as OperatorName] as (node: Node, ...rest: Arguments) => Result;
  return row(node, ...rest);
}

/** Names of the operators whose row of a table of booleans is `true`. */
export type Affirmed<Table extends Readonly<Record<OperatorName, boolean>>> = {
  [N in OperatorName]: Table[N] extends true ? N : never;
}[OperatorName];

/** Whether the row of a node's operator is `true`; false for `undefined`. */
export function affirms<const Table extends Readonly<Record<OperatorName, boolean>>>(
  table: Table,
  node: Node | undefined,
): node is NodeOf<Affirmed<Table>> {
  return node !== undefined && table[node.op as OperatorName];
}
