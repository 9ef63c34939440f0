// The intermediate representation. Semantics are NCHW: a feature map has shape (N, C, H, W), whatever the file's order.
// Every computed value is float32. Other dtypes appear only as constants (indices, shapes) that operators read while
// shapes are inferred.
import type { ByteGrid } from '../quantisation.ts';
import type { DType, TensorData } from '../tensor.ts';
import { FiligreeError } from '../errors.ts';

export type Shape = readonly number[];

/** Shape and dtype of a value, with its data when it is a constant (row-major). */
export interface Value {
  readonly name: string;
  shape: Shape;
  dtype: DType;
  data?: TensorData;
  /** The bytes in which a computed value is stored, four channels side by side (program/quads.ts); absent: floats. */
  bytes?: ByteGrid;
  /** The bytes that a quantised file has for a computed value, which is stored in floats as yet. */
  fileBytes?: ByteGrid;
  /** Weights that are whole multiples of a scale for each output channel (axis 0), −127…127 times. */
  rowScales?: Float32Array;
}

/** One operation. Inputs and outputs are value names; an absent optional input is the empty string. */
export interface Node {
  name: string;
  op: string;
  inputs: string[];
  outputs: string[];
  attributes: object;
}

/**
 * A graph's input or output as its author sees it. `permutation` maps author's axes to the value's: axis i of the
 * author's shape is axis `permutation[i]` of the value's shape (NHWC over an NCHW value: [0, 2, 3, 1]).
 */
export interface Port {
  value: string;
  /** The author's name. */
  name: string;
  /** The dtype that the author's file declares; the runtime converts to and from float32. */
  dtype: DType;
  /** The author's axis order, when it differs from the value's. */
  permutation?: readonly number[];
  /** real = scale × (stored − zeroPoint), for integer dtypes. */
  quantization?: { scale: number; zeroPoint: number };
}

export interface Graph {
  name: string;
  inputs: Port[];
  outputs: Port[];
  /** In execution order: a node comes after the nodes that make its inputs. */
  nodes: Node[];
  values: Map<string, Value>;
  /** Remarks for users, collected during import and compilation: "weights dequantised", … */
  notes: string[];
  /** Free-form facts from the file: labels, author, licence. */
  metadata: Record<string, unknown>;
}

export function emptyGraph(name: string): Graph {
  return { name, inputs: [], outputs: [], nodes: [], values: new Map(), notes: [], metadata: {} };
}

/** The value by that name. @throws FiligreeError `invalid-model` when there is none. */
export function valueOf(graph: Graph, name: string): Value {
  const value = graph.values.get(name);
  if (!value) throw new FiligreeError('invalid-model', `${graph.name}: no value named "${name}"`);
  return value;
}

/** `graph: node "name" (op): message`, the form of every error about a node. */
export function nodeError(graph: Graph, node: Node, message: string): FiligreeError {
  return new FiligreeError('invalid-model', `${graph.name}: node "${node.name}" (${node.op}): ${message}`);
}
