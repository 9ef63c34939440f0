// Graph → program → artifact → loaded model → outputs, without passes: what the operators lower to is what runs.
import v8 from 'node:v8';
import { writeArtifact } from '../src/artifact/write.ts';
import { defaultCostModel } from '../src/compile/cost.ts';
import type { CostModel } from '../src/compile/cost.ts';
import { lowerGraph } from '../src/compile/lower.ts';
import { emptyGraph } from '../src/graph/graph.ts';
import type { Graph, Shape } from '../src/graph/graph.ts';
import { inferShapes } from '../src/graph/infer.ts';
import { verify } from '../src/graph/verify.ts';
import { loadModel } from '../src/runtime/load.ts';
import type { Model } from '../src/runtime/model.ts';
import { Tensor, elementCount } from '../src/tensor.ts';
import type { Build } from './kernels/wasm.ts';

v8.setFlagsFromString('--experimental-wasm-relaxed-simd');

/** A cost model with which an encoding that is cheap at these shares is chosen everywhere. */
function shares(dense: number, one: number, two: number, four: number): CostModel {
  const costs = { dense, sparse: { 1: one, 2: two, 4: four }, groupOverhead: 1 };
  const never = { one: 1e-9, four: 1e-9 };
  return { planes: costs, vector: { ...costs, quantised: { 4: never, 8: never }, transpose: 1e9 } };
}

/** Cost models that make one encoding free, and with it chosen. Rows that are left over stand alone: they are cheap too. */
export const forced = {
  dense: shares(1e9, 1, 1, 1),
  1: shares(1, 1e9, 1, 1),
  2: shares(1, 1e4, 1e9, 1),
  4: shares(1, 1e4, 1, 1e9),
};

/** The model a graph becomes, by way of an artifact's bytes. */
export function loadGraph(graph: Graph, build: Build, costModel: CostModel = defaultCostModel): Promise<Model> {
  verify(graph);
  return loadModel(writeArtifact(lowerGraph(graph, costModel)), { build });
}

/** A graph of one node. The first `inputs.length` operands are graph inputs, the others constants. */
export function oneNode(op: string, attributes: object, inputs: Shape[], constants: Tensor[], outputs = 1): Graph {
  const graph = emptyGraph('test');
  const names = inputs.map((shape, i) => {
    const name = `x${i}`;
    graph.values.set(name, { name, shape, dtype: 'float32' });
    graph.inputs.push({ value: name, name, dtype: 'float32' });
    return name;
  });
  for (const [i, { shape, dtype, data }] of constants.entries()) {
    const name = `c${i}`;
    graph.values.set(name, { name, shape, dtype, data });
    names.push(name);
  }
  const results = Array.from({ length: outputs }, (_, i) => `y${i}`);
  graph.nodes.push({ name: 'node', op, inputs: names, outputs: results, attributes });
  for (const name of results) graph.outputs.push({ value: name, name, dtype: 'float32' });
  inferShapes(graph);
  return graph;
}

/** Random inputs for a graph, by port name. */
export function randomInputs(graph: Graph, random: (count: number) => Float32Array): Record<string, Tensor> {
  return Object.fromEntries(
    graph.inputs.map(({ value, name }) => {
      const { shape } = graph.values.get(value)!;
      return [name, new Tensor('float32', shape, random(elementCount(shape)))];
    }),
  );
}
