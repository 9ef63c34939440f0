// Graph → program → artifact → loaded model → outputs, without passes: what the operators lower to is what runs.
import v8 from 'node:v8';
import { writeArtifact } from '../src/artifact/write.ts';
import { defaultCostModel } from '../src/lower/cost.ts';
import type { CostModel } from '../src/lower/cost-model.ts';
import { lowerGraph } from '../src/compile/lower-graph.ts';
import { matrixKernels } from '../src/lower/matrix-kernels.ts';
import type { MatrixKernel } from '../src/lower/matrix-kernels.ts';
import { emptyGraph } from '../src/graph/graph.ts';
import type { Graph, Shape } from '../src/graph/graph.ts';
import { inferShapes } from '../src/graph/infer.ts';
import { verify } from '../src/graph/verify.ts';
import { loadModel } from '../src/runtime/load.ts';
import type { Model } from '../src/runtime/model.ts';
import { Tensor, elementCount } from '../src/tensor.ts';
import type { Build } from './kernels/wasm.ts';

v8.setFlagsFromString('--experimental-wasm-relaxed-simd');

type Costly = (name: string, kernel: MatrixKernel) => number;

/** A cost model in which a position costs so much. */
function costly(cost: Costly): CostModel {
  const costs = Object.entries(matrixKernels).flatMap(([name, kernel]) =>
    [name, `${name}_packed`].map((own) => {
      const each = cost(own, kernel);
      return [own, { position: each, group: each }] as const;
    }),
  );
  return { peak: 1, cacheBytes: Infinity, l1Bytes: Infinity, costs: { ...Object.fromEntries(costs), other: {} } };
}

/** Finds one encoding free, and single rows cheap for kinds of products that do not have it. */
const free = (group: 'dense' | 1 | 2 | 4) =>
  costly((name, kernel) => {
    if (name.endsWith('_packed')) return 1;
    return kernel.group === group ? 0 : kernel.group === 1 ? 1e-4 : 1;
  });

/** Cost models that make one encoding free, and with it chosen. */
export const forced = {
  dense: free('dense'),
  1: free(1),
  2: free(2),
  4: free(4),
  /** Winograd's tiles for what they can do. */
  winograd: costly((_, { kind, group }) => (kind === 'shifted' ? 1e6 : group === 'dense' ? 0 : 1)),
  /** Single rows over packed tiles, where there are columns enough. */
  packed: costly((name, { group }) => (name.endsWith('_packed') ? 0 : group === 1 ? 1e-4 : 1)),
};

/** Products with several images at one pixel go by way of planes, dense. */
export const overPlanes = costly((_, { kind, group }) => (kind === 'vector' ? 1e6 : group === 'dense' ? 0 : 1));

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
