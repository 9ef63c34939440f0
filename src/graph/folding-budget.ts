// What passes may spend on a graph, so that a small file cannot make them take long or much.
import type { Graph, Node, Shape } from './graph.ts';
import { elementCount } from '../tensor.ts';

interface Budget {
  /** Elements by which constants may still grow. */
  elements: number;
  /** Multiply-adds, or elements that are looked at, that constants may still take to work out. */
  work: number;
}

const budgets = new WeakMap<Graph, Budget>();

function budgetOf(graph: Graph): Budget {
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
export function spend(graph: Graph, part: keyof Budget, amount: number): boolean {
  const budget = budgetOf(graph);
  if (!(amount <= budget[part])) return false;
  budget[part] -= Math.max(amount, 0);
  return true;
}

/** What a node multiplies, or looks at, when it is worked out: at most. */
export function evaluationWork(node: Node, shape: (value: string) => Shape): number {
  const counts = [...node.inputs, ...node.outputs].map((name) => (name === '' ? 1 : elementCount(shape(name))));
  const [x, weights] = counts;
  const made = counts.slice(node.inputs.length).reduce((a, b) => a + b, 0);
  switch (node.op) {
    case 'conv2d':
    case 'linear':
      return made * (weights / shape(node.inputs[1])[0]);
    case 'convTranspose2d':
      return x * (weights / shape(node.inputs[1])[0]);
    case 'maxPool':
    case 'averagePool':
      return made * (node.attributes as { kernel: readonly number[] }).kernel.reduce((a, b) => a * b, 1);
    default:
      return counts.reduce((a, b) => a + b, 0);
  }
}
