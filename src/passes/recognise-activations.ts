import type { Graph } from '../graph/graph.ts';
import { isOp, type NodeOf } from '../ops/nodes.ts';
import { become, constantOperand, type Edges, isActive, type Pass, rewriteEach } from './match.ts';
import { sameShape, scalarOf, shapeOf } from './match.ts';

/**
 * Finds activations that files spell out in arithmetic:
 * x · sigmoid(x), x · hardSigmoid(x), x · clamp(x + 3, 0, 6) / 6, clamp(x + b, 0, m) / m, x · tanh(softplus(x)),
 * max and min with a number, prelu with one slope.
 */
export const recogniseActivations: Pass = (graph) =>
  rewriteEach(graph, (node, edges) => {
    if (!isOp(node, 'binary') || isActive(node.attributes.activation)) return false;
    return gate(graph, edges, node) || scaledClamp(graph, edges, node) || withNumber(graph, node);
  });

/** Whether a unary node on `x` would make the same shape as the binary node. */
function keepsShape(graph: Graph, node: NodeOf<'binary'>, x: string): boolean {
  return sameShape(shapeOf(graph, x), shapeOf(graph, node.outputs[0]));
}

function bothWays([a, b]: readonly string[]): [string, string][] {
  return [
    [a, b],
    [b, a],
  ];
}

/** mul(x, f(x)). */
function gate(graph: Graph, edges: Edges, node: NodeOf<'binary'>): boolean {
  if (node.attributes.fn !== 'mul') return false;
  for (const [x, other] of bothWays(node.inputs)) {
    const maker = edges.maker(other);
    if (!isOp(maker, 'unary') || !keepsShape(graph, node, x)) continue;
    const { fn, alpha = 0, beta = 0 } = maker.attributes;
    const [argument] = maker.inputs;
    if (fn === 'sigmoid' && argument === x) return become(node, 'unary', { fn: 'silu' }, [x]);
    if (fn === 'hardSigmoid' && argument === x && isClose(alpha, 1 / 6) && isClose(beta, 0.5)) {
      return become(node, 'unary', hardSwish, [x]);
    }
    const inner = edges.maker(argument);
    if (fn === 'tanh' && isOp(inner, 'unary') && inner.attributes.fn === 'softplus' && inner.inputs[0] === x) {
      return become(node, 'unary', { fn: 'mish' }, [x]);
    }
  }
  return false;
}

const hardSwish = { fn: 'hardSwish', alpha: 1 / 6, beta: 0.5 } as const;

/** clamp(x + b, 0, m) · 1/m and x · clamp(x + 3, 0, 6) · 1/6, with the factor before or after the product. */
function scaledClamp(graph: Graph, edges: Edges, node: NodeOf<'binary'>): boolean {
  const found = scaling(graph, node);
  if (!found || !keepsShape(graph, node, found.x)) return false;
  const clamp = shiftedClamp(graph, edges, found.x);
  if (clamp && isClose(found.factor * clamp.top, 1)) {
    const activation = { fn: 'hardSigmoid', alpha: 1 / clamp.top, beta: clamp.shift / clamp.top } as const;
    return become(node, 'unary', activation, [clamp.x]);
  }
  const product = edges.maker(found.x);
  if (!isOp(product, 'binary') || product.attributes.fn !== 'mul' || isActive(product.attributes.activation))
    return false;
  for (const [x, other] of bothWays(product.inputs)) {
    const gated = shiftedClamp(graph, edges, other);
    if (!gated || gated.x !== x || gated.shift !== 3 || gated.top !== 6 || !isClose(found.factor, 1 / 6)) continue;
    return become(node, 'unary', hardSwish, [x]);
  }
  return false;
}

/** x · factor or x / (1/factor), with one number. */
function scaling(graph: Graph, node: NodeOf<'binary'>): { x: string; factor: number } | undefined {
  const operands = constantOperand(graph, node);
  const number = operands && scalarOf(graph, operands.constant);
  if (number === undefined) return undefined;
  const { fn } = node.attributes;
  if (fn === 'mul') return { x: operands!.x, factor: number };
  return fn === 'div' && !operands!.constantIsFirst ? { x: operands!.x, factor: 1 / number } : undefined;
}

/** clamp(x + shift, 0, top): one node with the clamp fused, or two. */
function shiftedClamp(
  graph: Graph,
  edges: Edges,
  value: string,
): { x: string; shift: number; top: number } | undefined {
  const maker = edges.maker(value);
  const sum = isOp(maker, 'unary') ? edges.maker(maker.inputs[0]) : maker;
  if (!isOp(sum, 'binary') || sum.attributes.fn !== 'add') return undefined;
  const clamp = isOp(maker, 'unary') ? maker.attributes : sum.attributes.activation;
  if (isOp(maker, 'unary') && isActive(sum.attributes.activation)) return undefined;
  const { fn, alpha = 0, beta = 0 } = clamp ?? { fn: 'identity' };
  const operands = constantOperand(graph, sum);
  const shift = operands && scalarOf(graph, operands.constant);
  if (fn !== 'clamp' || alpha !== 0 || !(beta > 0) || beta === Infinity || shift === undefined) return undefined;
  if (!sameShape(shapeOf(graph, operands!.x), shapeOf(graph, value))) return undefined;
  return { x: operands!.x, shift, top: beta };
}

/** max(x, number), min(x, number), prelu(x, number). */
function withNumber(graph: Graph, node: NodeOf<'binary'>): boolean {
  const operands = constantOperand(graph, node);
  const number = operands && scalarOf(graph, operands.constant);
  if (number === undefined || Number.isNaN(number) || !keepsShape(graph, node, operands!.x)) return false;
  const { x, constantIsFirst } = operands!;
  const { fn } = node.attributes;
  if (fn === 'max') return become(node, 'unary', { fn: 'clamp', alpha: number, beta: Infinity }, [x]);
  if (fn === 'min') return become(node, 'unary', { fn: 'clamp', alpha: -Infinity, beta: number }, [x]);
  if (fn === 'prelu' && !constantIsFirst) return become(node, 'unary', { fn: 'leakyRelu', alpha: number }, [x]);
  return false;
}

/** Equal up to float32's rounding of numbers such as 1/6. */
function isClose(a: number, b: number): boolean {
  return Math.abs(a - b) <= 1e-6 * Math.abs(b);
}
