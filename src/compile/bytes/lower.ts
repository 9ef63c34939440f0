// Nodes that read or make values in bytes: where their results lie, and the records that they become.
import type { Graph, Node } from '../../graph/graph.ts';
import { valueOf } from '../../graph/graph.ts';
import { operatorOf } from '../../graph/operator-of.ts';
import { answer, isOp, type OperatorTable } from '../../ops/nodes.ts';
import { poolArguments } from '../../ops/pooling.ts';
import type { Lowering } from '../../lower/lowering.ts';
import type { Placement } from '../../lower/placement.ts';
import { wordShape } from '../layouts.ts';
import { layerBytes } from './layers.ts';
import { averageBytes, binaryBytes, channelBytes, convertBytes, meanBytes } from './records.ts';

/** Whether all parts of a value along its channels begin at whole words. */
const isWhole = (channels: readonly number[]) => channels.slice(0, -1).every((count) => count % 4 === 0);

/** The node for values of words in place of floats, if it only moves whole words; else undefined. */
function onWords(graph: Graph, node: Node): Node | undefined {
  const channels = (values: readonly string[]) => values.map((value) => valueOf(graph, value).shape[1]);
  if (isOp(node, 'concat')) return isWhole(channels(node.inputs)) ? node : undefined;
  if (isOp(node, 'split')) {
    if (!isWhole(node.attributes.sizes)) return undefined;
    const sizes = node.outputs.map((value) => wordShape(graph, value)[1]);
    return { ...node, attributes: { ...node.attributes, sizes } };
  }
  return isOp(node, 'resize', 'maxPool') ? node : undefined;
}

/** Lets results share storage, as for floats, for nodes that move whole words or work byte by byte. */
export function placeBytes(graph: Graph, node: Node, placement: Placement): void {
  const words = onWords(graph, node) ?? (isOp(node, 'unary', 'binary') ? node : undefined);
  if (!words) return;
  operatorOf(graph, words).place(words, { ...placement, shape: (value) => wordShape(graph, value) });
}

/** Emits the records of a node that reads or makes bytes. */
export function lowerBytes(graph: Graph, node: Node, lowering: Lowering): void {
  answer(table, node, graph, lowering);
}

/** The rows of operators that have no kernel for bytes. */
function none(node: Node): never {
  throw new Error(`${node.op} has no kernel for bytes`);
}

/** Moves words as floats are moved. */
function move(node: Node, graph: Graph, lowering: Lowering): void {
  const words = onWords(graph, node);
  if (!words) return channelBytes(node, lowering);
  operatorOf(graph, words).lower(words, { ...lowering, shape: (value) => wordShape(graph, value) });
}

const table: OperatorTable<[graph: Graph, lowering: Lowering], void> = {
  conv2d: layerBytes,
  convTranspose2d: none,
  linear: none,
  matmul: none,
  topK: none,
  takeAlongAxis: none,
  unary: (node, _, lowering) => convertBytes(node, lowering),
  binary: (node, _, lowering) => binaryBytes(node, lowering),
  maxPool(node, graph, lowering) {
    const words = { ...lowering, shape: (value: string) => wordShape(graph, value) };
    lowering.emit('i8_max_pool', { ...poolArguments(node, node.attributes, words), min: 0, max: 0 });
  },
  averagePool: (node, _, lowering) => averageBytes(node, lowering),
  reduce: (node, _, lowering) => meanBytes(node, lowering),
  resize: move,
  concat: move,
  split: move,
  slice: none,
  gather: (node, _, lowering) => channelBytes(node, lowering),
  pad: none,
  reshape: none,
  transpose: none,
  depthToSpace: none,
  spaceToDepth: none,
  softmax: none,
  gridSample: none,
};
