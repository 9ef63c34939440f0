// The reference: runs a graph node by node in plain TypeScript. It is slow; everything else is compared with it.
import { FiligreeError } from '../errors.ts';
import type { DenseTensor } from '../ops/operator.ts';
import { byteOf, dequantise, realOf, representableBy, saturate } from '../quantisation.ts';
import { elementCount, Tensor } from '../tensor.ts';
import { asFloat32 } from './constant.ts';
import { type Graph, type Node, nodeError, type Port, valueOf } from './graph.ts';
import { operatorOf } from './operator-of.ts';
import { inversePermutation, permuteData, permuteShape } from './permute.ts';

export interface EvaluateOptions {
  /** Receives every value that is computed, by its name in the graph and in its own axis order. */
  intermediates?: Map<string, DenseTensor>;
}

/**
 * Runs the graph. Inputs and outputs have their author's names and axis order. An input of an integer dtype with
 * quantization is dequantized. A float32 tensor holds real numbers whatever the port's dtype; for a quantised port they
 * are saturated to its range. Outputs are float32 real numbers.
 * @throws FiligreeError `invalid-argument` when an input is missing, unknown or of another shape or dtype.
 */
export function evaluate(
  graph: Graph,
  inputs: Record<string, Tensor>,
  { intermediates }: EvaluateOptions = {},
): Record<string, Tensor> {
  const values = new Map<string, DenseTensor>();
  for (const name of Object.keys(inputs)) {
    if (!graph.inputs.some((port) => port.name === name)) {
      const known = graph.inputs.map((port) => `"${port.name}"`).join(', ');
      throw new FiligreeError('invalid-argument', `${graph.name}: no input is named "${name}"; inputs are ${known}`);
    }
  }
  for (const port of graph.inputs) values.set(port.value, readPort(graph, port, inputs[port.name]));

  const lastUse = new Map<string, number>();
  graph.nodes.forEach((node, i) => node.inputs.forEach((name) => lastUse.set(name, i)));
  const kept = new Set(graph.outputs.map((port) => port.value));
  graph.nodes.forEach((node, i) => {
    const results = evaluateNode(graph, node, values);
    node.outputs.forEach((name, k) => {
      intermediates?.set(name, results[k]);
      if (lastUse.has(name) || kept.has(name)) values.set(name, results[k]);
    });
    for (const name of node.inputs) if (lastUse.get(name) === i && !kept.has(name)) values.delete(name);
  });

  return Object.fromEntries(
    graph.outputs.map((port) => {
      const { shape, data } = tensorOf(graph, port.value, values)!;
      const { permutation } = port;
      const result = permutation
        ? new Tensor('float32', permuteShape(shape, permutation), permuteData(data, shape, permutation))
        : new Tensor('float32', shape, data.slice());
      return [port.name, result];
    }),
  );
}

/** Runs one node on given values, and on the graph's constants. */
export function evaluateNode(graph: Graph, node: Node, values: ReadonlyMap<string, DenseTensor>): DenseTensor[] {
  const operator = operatorOf(graph, node);
  const inputs = node.inputs.map((name) => tensorOf(graph, name, values));
  const shapes = node.outputs.map((name) => valueOf(graph, name).shape);
  const results = operator.evaluate(node.attributes, inputs, shapes);
  node.outputs.forEach((name, i) => {
    if (results[i]?.data.length !== elementCount(shapes[i])) {
      throw nodeError(graph, node, `evaluates "${name}" to ${results[i]?.data.length} elements, not [${shapes[i]}]`);
    }
    const { bytes } = valueOf(graph, name);
    if (bytes) results[i] = { ...results[i], data: results[i].data.map((v) => realOf(byteOf(v, bytes), bytes)) };
  });
  return results;
}

function tensorOf(graph: Graph, name: string, values: ReadonlyMap<string, DenseTensor>): DenseTensor | undefined {
  if (name === '') return undefined;
  const computed = values.get(name);
  if (computed) return computed;
  const { shape, dtype, data } = valueOf(graph, name);
  if (!data) throw new FiligreeError('invalid-model', `${graph.name}: "${name}" is read before it is made`);
  return { shape, data: asFloat32(dtype, data) };
}

/** A tensor in its author's axis order → its numbers in that of the graph. @throws FiligreeError as `evaluate` */
export function readPort(graph: Graph, port: Port, tensor: Tensor | undefined): DenseTensor {
  const { shape } = valueOf(graph, port.value);
  const { name, permutation, quantization } = port;
  const wanted = permutation ? permuteShape(shape, permutation) : shape;
  const describe = `${port.dtype} [${wanted}]`;
  if (!tensor) throw new FiligreeError('invalid-argument', `${graph.name}: input "${name}" (${describe}) is missing`);
  const sameShape = tensor.shape.length === wanted.length && tensor.shape.every((d, i) => d === wanted[i]);
  if (!sameShape || (tensor.dtype !== port.dtype && tensor.dtype !== 'float32')) {
    const found = `${tensor.dtype} [${tensor.shape}]`;
    throw new FiligreeError('invalid-argument', `${graph.name}: input "${name}" must be ${describe}, got ${found}`);
  }
  let data: Float32Array = asFloat32(tensor.dtype, tensor.data);
  const range = representableBy(port);
  if (quantization && tensor.dtype !== 'float32') data = dequantise(data, quantization);
  else data = range ? saturate(data, range) : data.slice();
  if (permutation) data = permuteData(data, wanted, inversePermutation(permutation));
  return { shape, data };
}
