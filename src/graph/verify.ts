// Checks that a graph is well formed. Every graph is verified before use.
import { FiligreeError } from '../errors.ts';
import { elementCount, Tensor } from '../tensor.ts';
import { producers, topologicalSort } from './edit.ts';
import { type Graph, type Node, nodeError, type Port, type Shape, type Value } from './graph.ts';
import { inferNode } from './infer.ts';
import { isPermutation } from './permute.ts';

/** Maximum elements of a value. */
export const maxElements = 2 ** 31 - 1;

/**
 * Checks names, references, order, shapes, dtypes, constants and ports.
 * @throws FiligreeError `invalid-model` naming the graph, the node or value, what was found and what was wanted.
 */
export function verify(graph: Graph): void {
  for (const [name, value] of graph.values) checkValue(graph, name, value);
  const available = new Set<string>();
  for (const [name, value] of graph.values) if (value.data) available.add(name);
  for (const port of graph.inputs) {
    checkPort(graph, port, 'input');
    const value = graph.values.get(port.value)!;
    if (value.data) throw problem(graph, `input "${port.name}" is the constant "${port.value}"`);
    if (available.has(port.value)) throw problem(graph, `two inputs are the value "${port.value}"`);
    available.add(port.value);
  }
  checkUnique(graph, graph.inputs, 'inputs');
  for (const node of graph.nodes) {
    checkInputs(graph, node, available);
    const inferred = inferNode(graph, node);
    node.outputs.forEach((name, i) => {
      checkOutput(graph, node, name, inferred[i], available);
      available.add(name);
    });
  }
  for (const port of graph.outputs) {
    checkPort(graph, port, 'output');
    if (!available.has(port.value)) {
      throw problem(graph, `output "${port.name}" is the value "${port.value}", which no node makes`);
    }
  }
  checkUnique(graph, graph.outputs, 'outputs');
}

function checkInputs(graph: Graph, node: Node, available: Set<string>): void {
  for (const input of node.inputs) {
    if (input === '' || available.has(input)) continue;
    if (!graph.values.has(input)) throw nodeError(graph, node, `reads "${input}", which does not exist`);
    const maker = producers(graph).get(input);
    if (!maker) {
      throw nodeError(graph, node, `reads "${input}", which is not an input, a constant or made by a node`);
    }
    // A cycle gets its own, clearer message.
    topologicalSort({ ...graph });
    throw nodeError(graph, node, `reads "${input}" before node "${maker.name}" makes it`);
  }
}

function checkOutput(graph: Graph, node: Node, name: string, inferred: Shape, available: Set<string>): void {
  const value = graph.values.get(name);
  if (!value) throw nodeError(graph, node, `makes "${name}", which is not among the graph's values`);
  if (available.has(name)) {
    const why = value.data ? 'is a constant' : 'is made already, by another node or as an input';
    throw nodeError(graph, node, `makes "${name}", which ${why}`);
  }
  if (value.dtype !== 'float32') {
    throw nodeError(graph, node, `makes "${name}" as ${value.dtype}; computed values must be float32`);
  }
  if (inferred.length !== value.shape.length || inferred.some((d, i) => d !== value.shape[i])) {
    throw nodeError(graph, node, `makes "${name}" of shape [${inferred}], recorded is [${value.shape}]`);
  }
}

function checkValue(graph: Graph, key: string, value: Value): void {
  const { name, shape, dtype, data } = value;
  if (key !== name) throw problem(graph, `value "${name}" is listed as "${key}"`);
  if (name === '') throw problem(graph, 'a value has the empty name, which stands for an absent input');
  if (!shape.every((d) => Number.isInteger(d) && d > 0)) {
    throw problem(graph, `value "${name}": shape [${shape}] must hold positive integers`);
  }
  if (!(elementCount(shape) <= maxElements)) {
    throw problem(
      graph,
      `value "${name}": shape [${shape}] has ${elementCount(shape)} elements, more than ${maxElements}`,
    );
  }
  if (!data) return;
  try {
    void new Tensor(dtype, shape, data);
  } catch (error) {
    throw problem(graph, `constant "${name}": ${(error as Error).message}`);
  }
}

function checkPort(graph: Graph, port: Port, kind: 'input' | 'output'): void {
  const { name, permutation, quantization } = port;
  const value = graph.values.get(port.value);
  if (!value) throw problem(graph, `${kind} "${name}" is the value "${port.value}", which does not exist`);
  if (!value.data && value.dtype !== 'float32') {
    throw problem(graph, `${kind} "${name}" is the ${value.dtype} value "${port.value}"; it must be float32`);
  }
  const rank = value.shape.length;
  if (permutation && !isPermutation(permutation, rank)) {
    throw problem(
      graph,
      `${kind} "${name}": [${permutation}] is not a permutation of the ${rank} axes of [${value.shape}]`,
    );
  }
  if (quantization && !(Number.isFinite(quantization.scale) && quantization.scale > 0)) {
    throw problem(graph, `${kind} "${name}": quantization scale ${quantization.scale} must be positive`);
  }
  if (quantization && !Number.isInteger(quantization.zeroPoint)) {
    throw problem(graph, `${kind} "${name}": zero point ${quantization.zeroPoint} must be an integer`);
  }
}

function checkUnique(graph: Graph, ports: readonly Port[], kind: string): void {
  const names = new Set<string>();
  for (const { name } of ports) {
    if (names.has(name)) throw problem(graph, `two ${kind} are named "${name}"`);
    names.add(name);
  }
}

function problem(graph: Graph, message: string): FiligreeError {
  return new FiligreeError('invalid-model', `${graph.name}: ${message}`);
}
