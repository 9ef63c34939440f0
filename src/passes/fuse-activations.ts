import type { Activation } from '../program/activations.ts';
import type { OperatorName } from '../ops/index.ts';
import { affirms, type AttributesOf, isOp } from '../ops/nodes.ts';
import { absorb, isActive, isByteNode, type Pass, rewriteEach } from './match.ts';

/** Whether an operator applies an activation to its output, by its attribute `activation`. */
const fusesActivation = {
  conv2d: true,
  convTranspose2d: true,
  linear: true,
  matmul: false,
  topK: false,
  takeAlongAxis: false,
  unary: false,
  binary: true,
  maxPool: true,
  averagePool: true,
  reduce: false,
  resize: false,
  concat: false,
  split: false,
  slice: false,
  gather: false,
  pad: false,
  reshape: false,
  transpose: false,
  depthToSpace: false,
  spaceToDepth: false,
  softmax: false,
  gridSample: false,
} as const satisfies { [N in OperatorName]: 'activation' extends keyof AttributesOf<N> ? boolean : false };

/** A unary function that is the only reader of its argument becomes the activation of the node that makes the argument. */
export const fuseActivations: Pass = (graph) =>
  rewriteEach(graph, (node, edges) => {
    if (!isOp(node, 'unary')) return false;
    const maker = edges.maker(node.inputs[0]);
    if (!maker || edges.soleReader(node.inputs[0]) !== node) return false;
    if (isByteNode(graph, node) || isByteNode(graph, maker)) return false;
    if (isOp(maker, 'unary')) {
      const merged = inOne(maker.attributes, node.attributes);
      if (!merged) return false;
      maker.attributes = merged;
    } else if (affirms(fusesActivation, maker)) {
      const { activation } = maker.attributes;
      const merged = isActive(activation) ? inOne(activation, node.attributes) : node.attributes;
      if (!merged) return false;
      maker.attributes = { ...maker.attributes, activation: merged } as typeof maker.attributes;
    } else {
      return false;
    }
    absorb(graph, maker, node);
    return true;
  });

/** One function equal to two in sequence: two clamps make one. */
function inOne(first: Activation, second: Activation): Activation | undefined {
  if (first.fn !== 'clamp' || second.fn !== 'clamp') return undefined;
  const { alpha = 0, beta = 0 } = second;
  const clamp = (x: number) => Math.min(Math.max(x, alpha), beta);
  const lowest = Math.min(first.alpha ?? 0, first.beta ?? 0);
  return { fn: 'clamp', alpha: clamp(lowest), beta: clamp(first.beta ?? 0) };
}
