// What a graph does last before each output, for those who want to know what its numbers are.
import { producers } from '../graph/edit.ts';
import { valueOf, type Graph, type Node, type Value } from '../graph/graph.ts';
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
          ...factsBehind(graph, makers, value),
          seams: axes.map((axis) => seamsAlong(graph, makers, value, axis)),
        },
      ];
    }),
  );
}

function factsBehind(
  graph: Graph,
  makers: ReadonlyMap<string, Node>,
  output: string,
): Pick<OutputTail, 'operators' | 'percent'> {
  const operators = new Set<string>();
  let percent = false;
  const waiting = [output];
  const seen = new Set(waiting);
  for (const value of waiting) {
    const node = makers.get(value);
    if (!node) continue;
    const { fn, activation } = node.attributes as { fn?: string; activation?: { fn?: string } };
    for (const name of [node.op, fn, activation?.fn]) if (name !== undefined) operators.add(name);
    if (weighted.has(node.op)) continue;
    percent ||= fn === 'mul' && node.inputs.some((input) => isHundred(valueOf(graph, input)));
    for (const input of node.inputs) {
      if (seen.has(input)) continue;
      seen.add(input);
      waiting.push(input);
    }
  }
  return { operators, percent };
}

function isHundred({ data }: Value): boolean {
  return data?.length === 1 && data[0] === 100;
}

/** More parts than any head concatenates: what has more is not asked for its parts. */
const maxSeams = 256;

/** Where parts meet along an axis of a value, in order; none where its producers mix the axis with others. */
function seamsAlong(graph: Graph, makers: ReadonlyMap<string, Node>, output: string, outputAxis: number): number[] {
  const seams: number[] = [];
  const waiting = [{ value: output, axis: outputAxis, offset: 0 }];
  for (let part = waiting.pop(); part; part = waiting.pop()) {
    const { value, axis, offset } = part;
    const node = makers.get(value);
    if (node?.op === 'concat' && (node.attributes as { axis: number }).axis === axis) {
      let at = offset;
      for (const [i, input] of node.inputs.entries()) {
        if (i > 0) seams.push(at);
        waiting.push({ value: input, axis, offset: at });
        at += valueOf(graph, input).shape[axis];
      }
      if (seams.length > maxSeams) return [];
    } else if (node && !weighted.has(node.op)) {
      const same = axisBefore(graph, node, axis);
      if (same >= 0) waiting.push({ value: node.inputs[0], axis: same, offset });
    }
  }
  return seams.sort((a, b) => a - b);
}

/** The axis of a node's first input that becomes an axis of its output, element by element; −1 when there is none. */
function axisBefore(graph: Graph, node: Node, axis: number): number {
  const source = valueOf(graph, node.inputs[0]).shape;
  const { shape } = valueOf(graph, node.outputs[0]);
  switch (node.op) {
    case 'transpose':
      return (node.attributes as { permutation: readonly number[] }).permutation[axis];
    case 'reshape': {
      const before = (sizes: readonly number[], end: number) => sizes.slice(0, end).reduce((n, d) => n * d, 1);
      return source.findIndex((size, i) => size === shape[axis] && before(source, i) === before(shape, axis));
    }
    case 'concat':
      return axis;
    case 'unary':
    case 'binary':
    case 'softmax':
      return source.join() === shape.join() ? axis : -1;
    default:
      return -1;
  }
}
