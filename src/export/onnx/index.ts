// Graphs → ONNX files, opset 17.
import { FiligreeError } from '../../errors.ts';
import type { Graph, Port } from '../../graph/graph.ts';
import { inversePermutation, isIdentity, permuteShape } from '../../graph/permute.ts';
import { verify } from '../../graph/verify.ts';
import { answer } from '../../ops/nodes.ts';
import { Exportation } from './exportation.ts';
import { exporters, quantisedTypes } from './operators.ts';
import { dataTypes, type NodeSpec, rawBytes, type ValueSpec, writeModel } from './protobuf.ts';

export interface OnnxExportOptions {
  /** Facts to store as `metadata_props` beside those in `graph.metadata.onnx`. */
  metadata?: Record<string, string>;
}

/**
 * Writes a graph as an ONNX model: IR version 8, opset 17, weights float32. Inputs and outputs have their author's names,
 * axis orders and dtypes. Zeros of pruned weights are stored.
 * @throws FiligreeError `invalid-model` when the graph does not verify, `unsupported` when ONNX lacks an operator.
 */
export function exportOnnx(graph: Graph, { metadata = {} }: OnnxExportOptions = {}): Uint8Array {
  verify(graph);
  const file = new Exportation(graph);
  const inputs = graph.inputs.map((port) => describe(port, graph, file.fresh(port.name)));
  const outputs = graph.outputs.map((port) => describe(port, graph, file.fresh(port.name)));
  graph.inputs.forEach((port, i) => readPort(file, port, inputs[i].name));
  const direct = directOutputs(graph);
  graph.outputs.forEach((port, i) => {
    if (direct.has(port)) file.setName(port.value, outputs[i].name);
  });
  for (const node of graph.nodes) {
    file.begin(node.name);
    answer(exporters, node, file);
  }
  graph.outputs.forEach((port, i) => {
    if (!direct.has(port)) writePort(file, port, outputs[i].name);
  });
  const { description, onnx } = graph.metadata;
  return writeModel({
    irVersion: 8,
    opsets: { '': 17 },
    producer: 'filigree',
    description: typeof description === 'string' ? description : undefined,
    metadata: { ...strings(onnx), ...metadata },
    graph: { name: graph.name, nodes: file.nodes as NodeSpec[], inputs, outputs, initializers: file.initializers },
  });
}

/** Text entries of an imported file's metadata. */
function strings(facts: unknown): Record<string, string> {
  if (typeof facts !== 'object' || facts === null) return {};
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => typeof value === 'string'));
}

function describe({ value, dtype, permutation }: Port, graph: Graph, name: string): ValueSpec {
  const { shape } = graph.values.get(value)!;
  return { name, type: dataTypes[dtype], shape: permutation ? permuteShape(shape, permutation) : shape };
}

/** Outputs that a node can write directly: they equal its output, and no other graph output does. */
function directOutputs(graph: Graph): Set<Port> {
  const made = new Set(graph.nodes.flatMap(({ outputs }) => outputs));
  const seen = new Set<string>();
  const direct = new Set<Port>();
  for (const port of graph.outputs) {
    const isPlain = port.dtype === 'float32' && (!port.permutation || isIdentity(port.permutation));
    if (!isPlain || !made.has(port.value) || seen.has(port.value)) continue;
    seen.add(port.value);
    direct.add(port);
  }
  return direct;
}

/** Converts the author's tensor to the value: dtype, quantisation, axis order. */
function readPort(file: Exportation, { value, dtype, permutation, quantization }: Port, name: string): void {
  file.begin(name);
  let current = name;
  if (dtype !== 'float32') current = file.add('Cast', [current], { to: { int: dataTypes.float32 } });
  if (quantization && dtype !== 'float32') {
    if (quantization.zeroPoint !== 0) current = file.add('Sub', [current, file.scalar(quantization.zeroPoint)]);
    current = file.add('Mul', [current, file.scalar(quantization.scale)]);
  }
  if (permutation && !isIdentity(permutation)) {
    current = file.add('Transpose', [current], { perm: { ints: inversePermutation(permutation) } });
  }
  file.setName(value, current);
}

/** Converts the value to the author's tensor. */
function writePort(file: Exportation, { value, dtype, permutation, quantization }: Port, name: string): void {
  file.begin(name);
  const steps: ((x: string, output?: string) => string)[] = [];
  if (permutation && !isIdentity(permutation)) {
    steps.push((x, output) => file.add('Transpose', [x], { perm: { ints: permutation } }, output));
  }
  const type = dataTypes[dtype];
  if (quantization && dtype !== 'float32') {
    if (!quantisedTypes.includes(type)) {
      throw new FiligreeError('unsupported', `${file.graph.name}: output "${name}" is quantised ${dtype}`);
    }
    steps.push((x, output) => {
      const zeroPoint = file.fresh(`${name}/zero_point`);
      const stored = dtype === 'int8' ? Int8Array.of(quantization.zeroPoint) : Uint8Array.of(quantization.zeroPoint);
      file.initializers.push({ name: zeroPoint, type, dims: [], raw: rawBytes(stored) });
      return file.add('QuantizeLinear', [x, file.scalar(quantization.scale), zeroPoint], {}, output);
    });
  } else if (dtype !== 'float32') steps.push((x, output) => file.add('Cast', [x], { to: { int: type } }, output));
  if (steps.length === 0) steps.push((x, output) => file.add('Identity', [x], {}, output));
  let current = file.name(value);
  steps.forEach((step, i) => {
    current = step(current, i === steps.length - 1 ? name : undefined);
  });
}
