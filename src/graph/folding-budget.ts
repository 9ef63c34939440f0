// What passes may spend on a graph, so that a small file cannot make them take long or much.
import { type Graph, type Node, valueOf } from './graph.ts';
import { operatorOf } from './operator-of.ts';

interface FoldingBudget {
  /** Elements by which constants may still grow. */
  elements: number;
  /** Multiply-adds, or elements that are looked at, that constants may still take to work out. */
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

/** Takes something from what is left for a graph; false, and nothing is taken, when it is too little. */
export function spend(graph: Graph, part: keyof FoldingBudget, amount: number): boolean {
  const budget = budgetOf(graph);
  if (!(amount <= budget[part])) return false;
  budget[part] -= Math.max(amount, 0);
  return true;
}

/** What `evaluateNode` multiplies, or looks at, for a node: at most. */
export function evaluationWork(graph: Graph, node: Node): number {
  const shapes = (names: readonly string[]) => names.map((name) => (name === '' ? [] : valueOf(graph, name).shape));
  return operatorOf(graph, node).evaluationWork(node.attributes, shapes(node.inputs), shapes(node.outputs));
}
