// What a network costs, layer by layer, as the compiler would have it now.
import { defaultCostModel, predictLayers } from '../compile/cost.ts';
import type { CostModel } from '../compile/cost.ts';
import { lowerGraph } from '../compile/lower.ts';
import type { Graph } from '../graph/graph.ts';
import type { Program } from '../program/program.ts';

export interface Costs {
  /** Effective multiply-adds: those that kernels do. */
  macs: number;
  /** Predicted. */
  ms: number;
  /** Of constants, in a .filigree file. */
  bytes: number;
}

/** Of the whole network, and of each node by its name. The graph is an optimised one. */
export function costsOf(graph: Graph, costModel: CostModel = defaultCostModel): Costs & { layers: Map<string, Costs> } {
  const program = lowerGraph(graph, costModel);
  const ms = predictLayers(program, costModel);
  const bytes = constantBytes(program);
  const layers = new Map<string, Costs>();
  const total: Costs = { macs: 0, ms: 0, bytes: 0 };
  graph.nodes.forEach(({ name }, i) => {
    const costs = { macs: program.layers[i].effectiveMacs, ms: ms[i], bytes: bytes[i] };
    layers.set(name, costs);
    total.macs += costs.macs;
    total.ms += costs.ms;
    total.bytes += costs.bytes;
  });
  return { ...total, layers };
}

/** Bytes of each layer's constants; one that several layers share counts for the first. */
function constantBytes({ layers, steps, buffers }: Program): number[] {
  const bytes = layers.map(() => 0);
  const counted = new Set<number>();
  for (const { layer, arguments: args } of steps) {
    for (const value of Object.values(args)) {
      if (typeof value === 'number' || counted.has(value.buffer)) continue;
      counted.add(value.buffer);
      const buffer = buffers[value.buffer];
      if (buffer.kind !== 'constant') continue;
      for (const part of Object.values(buffer.constant) as unknown[]) {
        if (ArrayBuffer.isView(part)) bytes[layer] += part.byteLength;
      }
    }
  }
  return bytes;
}
