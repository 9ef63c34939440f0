// What a graph does last before each output, for those who want to know what its numbers are.
import { producers } from '../graph/edit.ts';
import { valueOf, type Graph, type Node } from '../graph/graph.ts';
import type { OutputTail, OutputTails } from '../vision/output-tails.ts';

/** Operators with weights: a tail begins behind them. Their fused activations belong to it. */
const weighted = new Set(['conv2d', 'convTranspose2d', 'linear', 'matmul']);

/** The tails of all outputs of an optimised graph. */
export function outputTails(graph: Graph): OutputTails {
  const makers = producers(graph);
  return new Map(
    graph.outputs.map(({ name, value, permutation }): [string, OutputTail] => {
      const axes = permutation ?? valueOf(graph, value).shape.map((_, axis) => axis);
      return [
        name,
        {
          operators: operatorsBehind(makers, value),
          seams: axes.map((axis) => seamsAlong(graph, makers, value, axis)),
        },
      ];
    }),
  );
}

function operatorsBehind(makers: ReadonlyMap<string, Node>, output: string): Set<string> {
  const operators = new Set<string>();
  const waiting = [output];
  const seen = new Set(waiting);
  for (const value of waiting) {
    const node = makers.get(value);
    if (!node) continue;
    const { fn, activation } = node.attributes as { fn?: string; activation?: { fn?: string } };
    for (const name of [node.op, fn, activation?.fn]) if (name !== undefined) operators.add(name);
    if (weighted.has(node.op)) continue;
    for (const input of node.inputs) {
      if (seen.has(input)) continue;
      seen.add(input);
      waiting.push(input);
    }
  }
  return operators;
}

/** Where parts meet along an axis of a value; none where what made it has mixed the axis with others. */
function seamsAlong(graph: Graph, makers: ReadonlyMap<string, Node>, value: string, axis: number): number[] {
  const node = makers.get(value);
  if (!node || weighted.has(node.op)) return [];
  const { shape } = valueOf(graph, value);
  const [first] = node.inputs;
  if (node.op === 'concat') {
    const { axis: along } = node.attributes as { axis: number };
    if (along !== axis) return seamsAlong(graph, makers, first, axis);
    const seams: number[] = [];
    let at = 0;
    for (const input of node.inputs) {
      if (at > 0) seams.push(at);
      for (const seam of seamsAlong(graph, makers, input, axis)) seams.push(at + seam);
      at += valueOf(graph, input).shape[axis];
    }
    return seams;
  }
  const source = valueOf(graph, first).shape;
  if (node.op === 'transpose') {
    const { permutation } = node.attributes as { permutation: readonly number[] };
    return seamsAlong(graph, makers, first, permutation[axis]);
  }
  if (node.op === 'reshape') {
    const before = (sizes: readonly number[], end: number) => sizes.slice(0, end).reduce((n, d) => n * d, 1);
    const same = source.findIndex((size, i) => size === shape[axis] && before(source, i) === before(shape, axis));
    return same < 0 ? [] : seamsAlong(graph, makers, first, same);
  }
  const keeps = node.op === 'unary' || node.op === 'binary' || node.op === 'softmax';
  return keeps && source.join() === shape.join() ? seamsAlong(graph, makers, first, axis) : [];
}
