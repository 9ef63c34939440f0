// Networks with pruned weights, for sweeps over density.
import { readFileSync } from 'node:fs';
import { networks as builders } from '../models/index.ts';
import { sparsify } from '../models/sparsify.ts';
import type { SparsityPattern } from '../models/sparsify.ts';
import { importModel } from '../src/compile.ts';
import type { Graph } from '../src/graph/graph.ts';
import { valueOf } from '../src/graph/graph.ts';

const face = '../node_modules/@mediapipe/face_detection/face_detection_full_range.tflite';

/** Dense graphs by name; made when called. */
export const networks: Record<string, () => Graph> = {
  'mobilenet-v1': () => builders['mobilenet-v1'](),
  'mobilenet-v2': () => builders['mobilenet-v2'](),
  'yolox-nano': () => builders['yolox-nano'](),
  face: () => importModel(readFileSync(new URL(face, import.meta.url)), 'face_detection_full_range.tflite'),
};

/**
 * A copy of a graph in which every convolution except the first and depthwise ones keeps the largest `density` of its weights,
 * scaled so that the layer's outputs keep their magnitude.
 */
export function pruned(graph: Graph, density: number, pattern: SparsityPattern): Graph {
  const copy = structuredClone(graph);
  const convolutions = copy.nodes.filter(({ op, attributes }) => {
    return op === 'conv2d' && (attributes as { groups: number }).groups === 1;
  });
  for (const { inputs } of density < 1 ? convolutions.slice(1) : []) {
    const weights = valueOf(copy, inputs[1]);
    if (!(weights.data instanceof Float32Array)) continue;
    const data = sparsify(weights.data, weights.shape[0], { density, pattern });
    const energy = (values: Float32Array) => values.reduce((sum, value) => sum + value * value, 0);
    const kept = energy(data);
    const scale = kept > 0 ? Math.sqrt(energy(weights.data) / kept) : 1;
    weights.data = data.map((value) => scale * value);
  }
  return copy;
}
