// Finds GELU spelled out, as exporters below opset 20 write it: x · ½ · (1 + erf(x / √2)), the factors in any order. The
// graph has no operator for erf alone.
import type { OnnxModel, OnnxNode } from './schema.ts';
import type { Tensors } from './tensors.ts';

/** Makes the last node of every such pattern a Gelu. Nodes that nothing reads any more are not translated. */
export function recogniseGelu(model: OnnxModel, tensors: Tensors): void {
  if (!model.nodes.some(({ op }) => op === 'Erf')) return;
  const makers = new Map(model.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const readers = new Map<string, OnnxNode[]>();
  for (const node of model.nodes) {
    for (const name of node.inputs) {
      const list = readers.get(name);
      if (list) list.push(node);
      else readers.set(name, [node]);
    }
  }

  const scalar = (name: string): number | undefined => {
    const maker = makers.get(name);
    const stored = model.initializers.get(name) ?? (maker?.op === 'Constant' && maker.attributes.get('value')?.tensor);
    if (!stored || stored.dims.some((d) => d !== 1)) return undefined;
    return tensors.constant(stored).data[0];
  };
  const isNumber = (name: string, wanted: number) => Math.abs((scalar(name) ?? NaN) - wanted) < 1e-3 * wanted;
  /** The other operand of a commutative node. */
  const other = ({ inputs }: OnnxNode, name: string) => inputs[inputs[0] === name ? 1 : 0];
  const readersBy = (name: string, op: string) => (readers.get(name) ?? []).filter((node) => node.op === op);

  /** x, where the node makes x / √2. */
  const divided = (node: OnnxNode | undefined): string | undefined => {
    if (node?.op === 'Div') return isNumber(node.inputs[1], Math.SQRT2) ? node.inputs[0] : undefined;
    if (node?.op !== 'Mul') return undefined;
    return node.inputs.find((name) => isNumber(other(node, name), Math.SQRT1_2));
  };
  const isHalf = (node: OnnxNode | undefined, x: string) =>
    node?.op === 'Mul' && node.inputs.includes(x) && isNumber(other(node, x), 0.5);

  /** The product of x, ½ and `sum`. */
  const product = (sum: string, x: string): OnnxNode | undefined => {
    for (const node of readersBy(sum, 'Mul')) {
      const factor = other(node, sum);
      if (isHalf(makers.get(factor), x)) return node;
      const rest = factor === x ? (name: string) => isNumber(name, 0.5) : (name: string) => name === x;
      if (factor !== x && !isNumber(factor, 0.5)) continue;
      const last = readersBy(node.outputs[0], 'Mul').find((next) => rest(other(next, node.outputs[0])));
      if (last) return last;
    }
    return undefined;
  };

  for (const erf of model.nodes.filter(({ op, domain }) => op === 'Erf' && domain === '')) {
    const x = divided(makers.get(erf.inputs[0]));
    const sum = readersBy(erf.outputs[0], 'Add').find((node) => isNumber(other(node, erf.outputs[0]), 1));
    const last = x !== undefined && sum ? product(sum.outputs[0], x) : undefined;
    if (last && x !== undefined) Object.assign(last, { op: 'Gelu', inputs: [x], attributes: new Map() });
  }
}
