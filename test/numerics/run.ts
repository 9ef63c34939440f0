// Graphs of one node on given numbers, in both builds.
import process from 'node:process';
import v8 from 'node:v8';
import { expect } from 'vitest';
import { writeArtifact } from '../../src/artifact/write.ts';
import { defaultCostModel } from '../../src/lower/cost.ts';
import { lowerGraph, type LoweringPlan } from '../../src/compile/lower-graph.ts';
import { loadModel } from '../../src/runtime/load.ts';
import type { CostModel } from '../../src/lower/cost-model.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { Tensor } from '../../src/tensor.ts';
import { builds, type Build } from '../kernels/wasm.ts';
import { loadGraph } from '../program.ts';

/** What a graph makes of its inputs, in their order, in each build. */
export async function inBothBuilds(
  graph: Graph,
  inputs: readonly ArrayLike<number>[],
  costModel?: CostModel,
): Promise<[build: Build, output: Float32Array][]> {
  const results: [Build, Float32Array][] = [];
  for (const build of builds) {
    const model = await loadGraph(graph, build, costModel);
    const feeds = graph.inputs.map(({ name, value }, i): [string, Tensor] => {
      return [name, new Tensor('float32', graph.values.get(value)!.shape, Float32Array.from(inputs[i]))];
    });
    const outputs = await model.run(Object.fromEntries(feeds));
    model.dispose();
    results.push([build, Object.values(outputs)[0].data as Float32Array]);
  }
  return results;
}

/** Runs a graph of one layer whose product is done by the way of this name, in both builds. */
export async function runBy(
  graph: Graph,
  way: string,
  x: Float32Array,
  plan: LoweringPlan = {},
): Promise<[Build, Float32Array][]> {
  let ways: string[] = [];
  const choices = new Map([[graph.nodes[0].name, way]]);
  const onChoice = (_: string, found: readonly { name: string }[]) => void (ways = found.map(({ name }) => name));
  const bytes = writeArtifact(lowerGraph(graph, defaultCostModel, { ...plan, choices, onChoice }));
  if (way !== '') expect(ways).toContain(way);
  const results: [Build, Float32Array][] = [];
  for (const build of builds) {
    const model = await loadModel(bytes, { build });
    const { output0 } = await model.run({ input0: new Tensor('float32', graph.values.get('input0')!.shape, x) });
    model.dispose();
    results.push([build, output0.data as Float32Array]);
  }
  return results;
}

// see assembly/dots/form.ts: older V8 compiles relaxed 8-bit products wrongly at first
if (Number.parseInt(process.versions.v8) < 12) v8.setFlagsFromString('--no-liftoff');

const least = 2 ** -149;
const normal = 2 ** -126;
const most = 3.4028234663852886e38;

/** Numbers at the edges of float32 and of the parts of its functions. */
export const edges: readonly number[] = [
  NaN,
  ...[Infinity, most, 1e38, 1e20, 1000, 128, 104, 89, 88.5, 87.5, 30, 20, 10, 3, 1, 0.5, 1e-3, 1e-7, 1e-20].flatMap(
    (v) => [v, -v],
  ),
  ...[normal, normal / 2, 1e-40, least, 0].flatMap((v) => [v, -v]),
].map(Math.fround);
