// What networks should compute, and how far off float32 may be.
import { evaluateNode, readPort } from '../../src/graph/evaluate.ts';
import type { Graph, Node } from '../../src/graph/graph.ts';
import type { DenseTensor } from '../../src/ops/operator.ts';
import { randomFloats } from '../kernels/wasm.ts';
import type { Feeds } from './network.ts';

export type Values = Map<string, DenseTensor>;

/** Every value of the graph. `after` may replace a node's outputs. */
export function evaluateAll(graph: Graph, feeds: Feeds, after?: (node: Node, values: Values) => void): Values {
  const values: Values = new Map();
  for (const port of graph.inputs) values.set(port.value, readPort(graph, port, feeds[port.name]));
  for (const node of graph.nodes) {
    evaluateNode(graph, node, values).forEach((result, i) => values.set(node.outputs[i], result));
    after?.(node, values);
  }
  return values;
}

export const magnitude = (data: ArrayLike<number>) => {
  let most = 0;
  for (let i = 0; i < data.length; i++) most = Math.max(most, Math.abs(data[i]));
  return most;
};

/** Whether all numbers are finite and small enough that no product of them overflows. */
export function isTame(values: Values): boolean {
  for (const { data } of values.values()) for (const v of data) if (!(Math.abs(v) < 1e6)) return false;
  return true;
}

/**
 * What the results of nodes are off by, at most, in float32: of their own size, and of the tensor's largest, for sums that
 * cancel out.
 */
const rounding = { own: 1e-6, largest: 5e-7 };

/**
 * How far each value moves when everything on the way to it is rounded so: the largest move of any element in several
 * trials. It is what tells cancellation from mistakes.
 */
export function unrest(graph: Graph, feeds: Feeds, exact: Values): Map<string, number> {
  const moves = new Map<string, number>();
  for (let trial = 0; trial < 3; trial++) {
    const random = randomFloats(trial + 1);
    const shaken = evaluateAll(graph, feeds, (node, values) => {
      for (const name of node.outputs) {
        const { shape, data } = values.get(name)!;
        const noise = random(2 * data.length);
        const most = magnitude(data);
        const moved = data.map(
          (v, i) => v * (1 + rounding.own * noise[2 * i]) + rounding.largest * most * noise[2 * i + 1],
        );
        values.set(name, { shape, data: moved });
      }
    });
    for (const [name, { data }] of exact) {
      const other = shaken.get(name)!.data;
      let most = moves.get(name) ?? 0;
      for (let i = 0; i < data.length; i++) most = Math.max(most, Math.abs(other[i] - data[i]));
      moves.set(name, most);
    }
  }
  return moves;
}
