// Undoes what fuses steps of a layer that integer programs round one by one.
import { addConstant, freshName } from '../graph/edit.ts';
import type { Graph, Node } from '../graph/graph.ts';

import { isOp } from '../ops/nodes.ts';
import type { Activation } from '../program/activations.ts';
import { become, Edges, isActive, type Pass, shapeOf } from './match.ts';

/** A clamp is part of rounding to bytes; any other function of a sum is a step of its own. */
const isStep = (activation: Activation | undefined): activation is Activation =>
  isActive(activation) && activation.fn !== 'clamp';

/** Residuals and activations of layers become nodes of their own, and channel shuffles become gathers. */
export const separateLayers: Pass = (graph) => {
  let changed = false;
  for (const node of graph.nodes.slice()) {
    if (isOp(node, 'conv2d') && node.inputs[3]) changed = separateResidual(graph, node) || changed;
  }
  for (const node of graph.nodes.slice()) {
    if (!isOp(node, 'conv2d', 'linear', 'binary', 'maxPool', 'averagePool')) continue;
    const { activation } = node.attributes;
    if (!isStep(activation)) continue;
    node.attributes = { ...node.attributes, activation: undefined } as typeof node.attributes;
    append(graph, node, 'unary', activation, []);
    changed = true;
  }
  return shufflesToGathers(graph) || changed;
};

/** Puts a node of one input behind another; it makes the other's result. `more` are further inputs. */
function append(graph: Graph, node: Node, op: string, attributes: object, more: readonly string[]): void {
  const [y] = node.outputs;
  const before = freshName(graph, `${y}:sum`);
  graph.values.set(before, { name: before, shape: shapeOf(graph, y), dtype: 'float32' });
  node.outputs = [before];
  const next = { name: `${node.name}/${op}`, op, inputs: [before, ...more], outputs: [y], attributes };
  graph.nodes.splice(graph.nodes.indexOf(node) + 1, 0, next);
}

function separateResidual(graph: Graph, node: Node & { attributes: { activation?: Activation } }): boolean {
  const [x, w, b, residual] = node.inputs;
  const { activation } = node.attributes;
  node.attributes = { ...node.attributes, activation: undefined };
  node.inputs = b ? [x, w, b] : [x, w];
  append(graph, node, 'binary', { fn: 'add', activation }, [residual]);
  return true;
}

/** (N, C, H, W) → (N, g, C/g, H, W) → (N, C/g, g, H, W) → (N, C, H, W) is a permutation of channels. */
function shufflesToGathers(graph: Graph): boolean {
  let changed = false;
  for (const cut of graph.nodes.slice()) {
    const edges = new Edges(graph);
    if (!isOp(cut, 'reshape')) continue;
    const exchange = edges.soleReader(cut.outputs[0]);
    const join = exchange && edges.soleReader(exchange.outputs[0]);
    if (!isOp(exchange, 'transpose') || !isOp(join, 'reshape')) continue;
    const [from, apart, to] = [cut.inputs[0], cut.outputs[0], join.outputs[0]].map((value) => shapeOf(graph, value));
    const { permutation } = exchange.attributes;
    if (from.length !== 4 || apart.length !== 5 || String(permutation) !== '0,2,1,3,4' || String(from) !== String(to)) {
      continue;
    }
    const [n, groups, size, h, w] = apart;
    if (n !== from[0] || h !== from[2] || w !== from[3]) continue;
    const order = Float32Array.from({ length: groups * size }, (_, i) => (i % groups) * size + Math.floor(i / groups));
    const indices = addConstant(graph, `${join.name}/order`, [order.length], order);
    become(join, 'gather', { axis: 1 }, [cut.inputs[0], indices]);
    for (const gone of [cut, exchange]) {
      graph.nodes.splice(graph.nodes.indexOf(gone), 1);
      graph.values.delete(gone.outputs[0]);
    }
    changed = true;
  }
  return changed;
}
