// A network of floats as a TFLite file in uint8, as training with quantisation leaves it.
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { writeArtifact } from '../../src/artifact/write.ts';
import { lowerGraph } from '../../src/compile/lower-graph.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { valueOf } from '../../src/graph/graph.ts';
import { importTflite } from '../../src/import/tflite/index.ts';
import { defaultCostModel } from '../../src/lower/cost.ts';
import { loadModel } from '../../src/runtime/load.ts';
import { Tensor } from '../../src/tensor.ts';
import type { ModelBuilder } from '../../test/import/tflite/model.ts';
import { exportTflite } from '../tflite/export.ts';
import { keepsScale, quantiseTflite, scaleSource, type Limits } from '../tflite/quantise.ts';
import { photographFor, type FloatNetwork } from './networks.ts';

/** Writes the file, with the ranges that one photograph gives, unless it is there. Returns its path. */
export async function quantisedFile(folder: string, network: FloatNetwork): Promise<string> {
  const file = path.join(folder, `${network.id}-uint8.tflite`);
  if (existsSync(file)) return file;
  const float = exportTflite(network.read());
  const limits = shared(float, await extremes(importTflite(float.bytes(), network.id)));
  const quantised = quantiseTflite(float, (tensor) => limits.get(tensor) ?? { low: 0, high: 1 });
  if (!quantised) throw new Error(`${network.id} has operators that are not written in uint8`);
  await writeFile(file, quantised.model.bytes());
  return file;
}

/** Ranges in which what is copied from tensor to tensor has one scale, and what is concatenated too. */
function shared({ tensors, operators }: ModelBuilder, limits: ReadonlyMap<string, Limits>): Map<string, Limits> {
  const all = new Map(limits);
  const nameOf = (index: number) => tensors[index].name ?? '';
  for (let isChanged = true; isChanged;) {
    isChanged = false;
    for (const { op, inputs, outputs } of operators) {
      const sources = op === 'CONCATENATION' ? inputs : keepsScale.has(op) ? [inputs[scaleSource(op)]] : [];
      if (sources.length === 0) continue;
      const names = [...sources, ...outputs].map(nameOf);
      const own = names.flatMap((name) => all.get(name) ?? []);
      const low = Math.min(...own.map((one) => one.low));
      const high = Math.max(...own.map((one) => one.high));
      for (const name of names) {
        const known = all.get(name);
        if (known?.low === low && known.high === high) continue;
        all.set(name, { low, high });
        isChanged = true;
      }
    }
  }
  return all;
}

/** The extremes of every value, by name. */
async function extremes(graph: Graph): Promise<Map<string, Limits>> {
  const feeds = graph.inputs.map(({ name }, k) => [name, k] as const);
  const photograph = await photographFor(graph);
  const names = new Map<string, string>();
  const ports = graph.inputs.map(({ name, value }) => [name, value] as const);
  graph.outputs = [];
  for (const { outputs } of graph.nodes) {
    for (const value of outputs) {
      if (valueOf(graph, value).data) continue;
      graph.outputs.push({ value, name: `value:${value}`, dtype: 'float32' });
      names.set(`value:${value}`, value);
    }
  }
  const model = await loadModel(writeArtifact(lowerGraph(graph, defaultCostModel)));
  const inputs = Object.fromEntries(
    feeds.map(([name, k]) => [name, new Tensor('float32', model.inputs[k].shape, photograph[k])]),
  );
  const results = await model.run(inputs);
  const limits = new Map<string, Limits>();
  for (const [name, { data }] of Object.entries(results)) {
    let [low, high] = [0, 0];
    for (const v of data as Float32Array) [low, high] = [Math.min(low, v), Math.max(high, v)];
    limits.set(names.get(name)!, { low, high });
  }
  for (const [, value] of ports) limits.set(value, { low: 0, high: 1 });
  model.dispose();
  return limits;
}
