// Weights of integer programs: whole multiples of a scale for each output channel.
import { addConstant } from '../../graph/edit.ts';
import type { Graph, Node } from '../../graph/graph.ts';
import { valueOf } from '../../graph/graph.ts';

/** Rounds a layer's weights and biases to whole numbers of steps; its input has this scale. */
export function roundLayer(graph: Graph, node: Node, xScale: number): void {
  roundWeights(graph, node, xScale);
  const [, w, b] = node.inputs;
  if (!b) return;
  const { name, shape, data } = valueOf(graph, b);
  const rowScales = valueOf(graph, w).rowScales!;
  const bias = Float32Array.from(data as Float32Array, (v, row) => {
    const step = xScale * rowScales[row];
    return Math.round(v / step) * step;
  });
  const rounded = addConstant(graph, `${name}:steps`, shape, bias);
  node.inputs = node.inputs.map((input, i) => (i === 2 ? rounded : input));
}

/** The largest of a file's weights, less their zero point: those of uint8 files may reach ±255. 0 for floats. */
export function beyondBytes(graph: Graph, node: Node): number {
  const { data, rowScales } = valueOf(graph, node.inputs[1]);
  if (!rowScales || !data) return 0;
  const size = data.length / rowScales.length;
  return (data as Float32Array).reduce((most, w, i) => {
    return Math.max(most, Math.abs(Math.round(w / rowScales[Math.floor(i / size)])));
  }, 0);
}

/** The most steps of a bias: weights next to nothing beside it would make more. */
const biasSteps = 2 ** 28;

/** Rounds a layer's weights to −127…127 multiples of a scale for each output channel; those of a file as it has them. */
function roundWeights(graph: Graph, node: Node, xScale: number): void {
  const bias = node.inputs[2] ? (valueOf(graph, node.inputs[2]).data as Float32Array) : undefined;
  const value = valueOf(graph, node.inputs[1]);
  const weights = Float32Array.from(value.data as Float32Array);
  const rows = value.shape[0];
  const size = weights.length / rows;
  const scales = Float32Array.from({ length: rows }, (_, row) => {
    const own = weights.subarray(row * size, (row + 1) * size);
    const most = own.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    const coarse = Math.abs(bias?.[row] ?? 0) / (xScale * biasSteps);
    const fine = fileScale(own, most) ?? Math.fround(most / 127);
    const scale = value.rowScales?.[row] ?? (Math.max(fine, Math.fround(coarse)) || 1);
    for (let i = 0; i < size; i++) own[i] = Math.round(own[i] / scale) * scale;
    return scale;
  });
  const name = addConstant(graph, `${value.name}:bytes`, value.shape, weights);
  valueOf(graph, name).rowScales = scales;
  node.inputs = node.inputs.map((input, i) => (i === 1 ? name : input));
}

/** The largest scale of which all numbers are multiples, up to 127, in a row of a quantised file; undefined if there is none. */
function fileScale(row: Float32Array, most: number): number | undefined {
  if (most === 0) return undefined;
  for (let steps = 1; steps <= 127; steps++) {
    const scale = most / steps;
    if (row.every((v) => Math.abs(v / scale - Math.round(v / scale)) < 1e-4)) return scale;
  }
  return undefined;
}
