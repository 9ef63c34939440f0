// Limits of what passes spend on a graph, so that a small file cannot cost much time or memory.
import { type Graph, type Node, valueOf } from './graph.ts';
import { operatorOf } from './operator-of.ts';

interface FoldingBudget {
  /** Elements by which constants may still grow. */
  elements: number;
  /** Multiply-adds, or elements read, that may still be spent on evaluating constants. */
  work: number;
}

const budgets = new WeakMap<Graph, FoldingBudget>();

function budgetOf(graph: Graph): FoldingBudget {
  let budget = budgets.get(graph);
  if (!budget) {
    let elements = 0;
    for (const { data } of graph.values.values()) elements += data?.length ?? 0;
    budget = { elements: 2 ** 23 + 8 * elements, work: 2 ** 28 + 64 * elements };
    budgets.set(graph, budget);
  }
  return budget;
}

/** Takes an amount from a graph's budget. False, and takes nothing, when too little is left. */
export function spend(graph: Graph, part: keyof FoldingBudget, amount: number): boolean {
  const budget = budgetOf(graph);
  if (!(amount <= budget[part])) return false;
  budget[part] -= Math.max(amount, 0);
  return true;
}

/** An upper bound of the multiply-adds, or elements read, of `evaluateNode` for a node. */
export function evaluationWork(graph: Graph, node: Node): number {
  const shapes = (names: readonly string[]) => names.map((name) => (name === '' ? [] : valueOf(graph, name).shape));
  return operatorOf(graph, node).evaluationWork(node.attributes, shapes(node.inputs), shapes(node.outputs));
}
