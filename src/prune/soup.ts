// Sparse Model Soups (Zimmer, Spiegel, Pokutta, 2023): the average of networks that were fine-tuned from one pruned network,
// with its mask, is as sparse as they are and often better than each.
import { FiligreeError } from '../errors.ts';
import type { Graph, Node } from '../graph/graph.ts';
import { verify } from '../graph/verify.ts';
import { layersOf, weightsOf } from './layers.ts';
import { maskOf, sparsityOf } from './patterns/masks.ts';
import type { Mask } from './patterns/pattern.ts';
import { cloneGraph } from '../graph/clone.ts';
import { prepared } from './prepare.ts';

/**
 * The first network with the mean of all networks' parameters. All must be the same network: nodes in the same order with the
 * same attributes, constants of the same shapes, weights with the same zeros. Names may differ.
 * @param masks by layer name: weights that must be zero in all of them. Default: the zeros of each must be those of the first,
 * so that a weight that is 0 by chance in one of them is an error.
 * @throws FiligreeError `invalid-argument` naming the networks and where they differ
 */
export function soup(graphs: readonly Graph[], masks?: ReadonlyMap<string, Mask>): Graph {
  if (graphs.length < 2)
    throw new FiligreeError('invalid-argument', `a soup needs two networks or more, got ${graphs.length}`);
  for (const graph of graphs) verify(graph);
  const [first, ...others] = graphs;
  const matches = others.map((other) => matchValues(first, other));
  checkZeros(graphs, masks);
  const result = cloneGraph(first);
  for (const value of result.values.values()) {
    const { data, dtype } = value;
    if (!data || dtype !== 'float32') continue;
    const summed = Float64Array.from(data as Float32Array);
    const all = others.map(
      (other, i) => other.values.get(matches[i].get(value.name)!)?.data as Float32Array | undefined,
    );
    if (all.includes(undefined)) continue; // no node reads it
    for (const numbers of all as Float32Array[]) for (let k = 0; k < summed.length; k++) summed[k] += numbers[k];
    value.data = Float32Array.from(summed, (sum) => sum / graphs.length);
  }
  return result;
}

/** The names in `b` of the values of `a`. */
function matchValues(a: Graph, b: Graph): Map<string, string> {
  const differ = (what: string) => new FiligreeError('invalid-argument', `${a.name} and ${b.name} differ: ${what}`);
  const names = new Map<string, string>();
  const pair = (left: string, right: string, where: string) => {
    const known = names.get(left);
    if (known === right) return;
    if (known !== undefined) throw differ(`${where} reads another value`);
    names.set(left, right);
    const [va, vb] = [a.values.get(left), b.values.get(right)];
    if (!va || !vb) {
      if (left !== right) throw differ(`${where} has an input in one of them only`);
      return;
    }
    if (va.shape.join() !== vb.shape.join() || va.dtype !== vb.dtype) {
      throw differ(`${where}: "${left}" is ${va.dtype} [${va.shape}] and ${vb.dtype} [${vb.shape}]`);
    }
    if (!va.data !== !vb.data) throw differ(`${where}: "${left}" is a constant in one of them only`);
    if (va.data && va.dtype !== 'float32' && String(va.data) !== String(vb.data)) {
      throw differ(`${where}: the ${va.dtype} constant "${left}"`);
    }
  };
  const ports = (kind: 'inputs' | 'outputs') => {
    if (a[kind].length !== b[kind].length) throw differ(`${a[kind].length} and ${b[kind].length} ${kind}`);
    a[kind].forEach((port, i) => pair(port.value, b[kind][i].value, `${kind.slice(0, -1)} "${port.name}"`));
  };
  ports('inputs');
  if (a.nodes.length !== b.nodes.length) throw differ(`${a.nodes.length} and ${b.nodes.length} nodes`);
  a.nodes.forEach((node, i) => {
    const other = b.nodes[i];
    const where = `node "${node.name}" (${node.op})`;
    const unlike = difference(node, other);
    if (unlike) throw differ(`${where}: ${unlike}`);
    node.inputs.forEach((value, k) => pair(value, other.inputs[k], where));
    node.outputs.forEach((value, k) => pair(value, other.outputs[k], where));
  });
  ports('outputs');
  return names;
}

function difference(a: Node, b: Node): string | undefined {
  if (a.op !== b.op) return `the other is a ${b.op}`;
  if (a.inputs.length !== b.inputs.length || a.outputs.length !== b.outputs.length) return 'other inputs or outputs';
  // JSON has no infinities
  const text = (_: string, value: unknown) => (typeof value === 'number' ? String(value) : value);
  const [left, right] = [a, b].map(({ attributes }) => JSON.stringify(Object.entries(attributes).toSorted(), text));
  return left === right ? undefined : `attributes ${left} and ${right}`;
}

/** Checks that zeros agree, because the average of a zero and another number is not zero. */
function checkZeros(graphs: readonly Graph[], masks?: ReadonlyMap<string, Mask>): void {
  const [first, ...others] = graphs.map((graph) => {
    const optimised = prepared(graph);
    return layersOf(optimised).map(({ name }) => ({ name, zeros: maskOf(weightsOf(optimised, { name })) }));
  });
  const check = (names: string, layers: typeof first, wanted: readonly (Mask | undefined)[], unlike: Unlike) => {
    const found = layers.flatMap(({ name, zeros }, k) => {
      const mask = wanted[k];
      if (!mask) return [];
      const count =
        mask.length === zeros.length ? zeros.filter((kept, i) => unlike(kept, mask[i])).length : mask.length;
      const shares = [mask, zeros].map((m) => `${(100 * sparsityOf(m)).toFixed(1)} %`);
      return count > 0 ? [`"${name}" (${count} of ${mask.length} weights; ${shares.join(' and ')} zeros)`] : [];
    });
    if (found.length === 0) return;
    const shown = found.slice(0, 4).join(', ') + (found.length > 4 ? ` … (${found.length} layers)` : '');
    const why = 'have zeros at different places, so that the average would not be sparse';
    throw new FiligreeError('invalid-argument', `${names} ${why}: ${shown}`);
  };
  if (masks) {
    const wanted = first.map(({ name }) => masks.get(name));
    [first, ...others].forEach((layers, i) => {
      check(`${graphs[i].name} and the masks`, layers, wanted, (kept, mask) => kept === 1 && mask === 0);
    });
    return;
  }
  others.forEach((layers, i) => {
    const wanted = first.map(({ zeros }) => zeros);
    check(`${graphs[0].name} and ${graphs[i + 1].name}`, layers, wanted, (kept, other) => kept !== other);
  });
}

type Unlike = (kept: number, wanted: number) => boolean;
