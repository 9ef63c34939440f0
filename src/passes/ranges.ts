// What is known about the numbers in a value without computing it.
import { constantOf } from '../graph/edit.ts';
import type { Activation, UnaryFunction } from '../program/activations.ts';
import { type Edges, isActive, isOp } from './match.ts';

const positive = new Set<UnaryFunction>([
  'sigmoid',
  'hardSigmoid',
  'exp',
  'sqrt',
  'abs',
  'rsqrt',
  'square',
  'softplus',
]);

/** True when no element can be negative (NaN aside). */
export function isNonNegative(edges: Edges, value: string, depth = 0): boolean {
  const constant = constantOf(edges.graph, value);
  if (constant) return constant.data.every((v) => v >= 0);
  const node = edges.maker(value);
  if (!node || depth > 32) return false;
  const inputs = () => node.inputs.every((input) => input === '' || isNonNegative(edges, input, depth + 1));

  if (isOp(node, 'unary')) return isNonNegativeAfter(node.attributes, inputs);
  if (isOp(node, 'conv2d', 'convTranspose2d', 'linear')) {
    const { activation } = node.attributes;
    return isActive(activation) && isNonNegativeAfter(activation, () => false);
  }
  if (isOp(node, 'binary')) {
    const { fn, activation } = node.attributes;
    const result = () => fn !== 'sub' && fn !== 'prelu' && inputs();
    return isActive(activation) ? isNonNegativeAfter(activation, result) : result();
  }
  if (isOp(node, 'maxPool', 'averagePool')) {
    const { activation } = node.attributes;
    return isActive(activation) ? isNonNegativeAfter(activation, inputs) : inputs();
  }
  if (isOp(node, 'softmax')) return true;
  if (isOp(node, 'pad')) return (node.attributes.mode !== 'constant' || node.attributes.value >= 0) && inputs();
  if (isOp(node, 'gather')) return isNonNegative(edges, node.inputs[0], depth + 1);
  // What is left copies, averages or compares its inputs.
  return inputs();
}

/** Whether an activation's result is never negative, given whether its argument never is. */
function isNonNegativeAfter({ fn, alpha = 0, beta = 0 }: Activation, argument: () => boolean): boolean {
  if (positive.has(fn)) return true;
  if (fn === 'clamp') return beta >= 0 && (alpha >= 0 || argument());
  // Zero and above for what is zero and above.
  return fn !== 'neg' && fn !== 'log' && argument();
}
