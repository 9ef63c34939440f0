// Chooses which layers of an integer program stay in floats: zeros that bytes cannot skip are skipped there.
//
// The time of each node is predicted in the float program and in a program of as many bytes as possible. The division of
// the nodes that takes the least time, with the conversions at its seams, is a minimum cut. It is compiled and predicted as
// well, so that the result is not predicted to be slower than floats.
import { cloneGraph } from '../../graph/clone.ts';
import type { Graph, Node } from '../../graph/graph.ts';
import { verify } from '../../graph/verify.ts';
import type { CostModel } from '../../lower/cost-model.ts';
import { conversionWork, minSparseGain, predict, predictLayers } from '../../lower/cost.ts';
import type { Ranges } from '../../lower/ranges.ts';
import { isOp } from '../../ops/nodes.ts';
import { fuseActivations } from '../../passes/fuse-activations.ts';
import { fuseResiduals } from '../../passes/fuse-residuals.ts';
import { fuseSlopes } from '../../passes/fuse-slopes.ts';
import { Edges } from '../../passes/match.ts';
import { separateLayers } from '../../passes/separate-layers.ts';
import type { Program } from '../../program/program.ts';
import { elementCount } from '../../tensor.ts';
import { gridsOf } from './grids.ts';
import { hasByteKernel } from './layers.ts';
import { minimumCut, type CutEdge } from './minimum-cut.ts';
import { makesFloats, storeInBytes } from './store.ts';

/** What is known of a float network that becomes an integer program. */
export interface ByteOptions {
  readonly ranges: Ranges;
  /** Values that have eight bits, others have seven: for those, every host has a quick kernel. */
  readonly eight?: readonly string[];
  /** Layers that stay in floats, with the error that eight bits would make there. */
  readonly floats?: Readonly<Record<string, number>>;
}

/** A graph with values in bytes, and its time. Nodes are known by their index in the separated graph. */
interface Stored {
  graph: Graph;
  ms: number;
  /** Milliseconds of each node; those that became part of another have none. */
  nodeMs: readonly number[];
  /** Nodes that work on bytes. */
  active: ReadonlySet<number>;
}

/**
 * The fastest of: the graph in bytes where possible, in bytes where that is faster, and in floats.
 * @param graph optimised; it is not changed
 * @param lower compiles a graph as it will be
 */
export function chooseBytes(
  graph: Graph,
  options: ByteOptions,
  lower: (graph: Graph) => Program,
  model: CostModel,
): Graph {
  const predicted = (given: Graph) => predictLayers(lower(given), model);
  const floats = cloneGraph(graph);
  const before = floats.nodes.slice();
  fuseSlopes(floats);
  const floatProgram = lower(floats);
  const layerMs = predictLayers(floatProgram, model);
  const separated = cloneGraph(graph);
  const originals = separated.nodes.slice();
  separateLayers(separated);
  // what was separated from a layer is part of its time
  const floatLayers = separated.nodes.map((node) => floats.nodes.indexOf(before[originals.indexOf(node)]));
  const floatMs = floatLayers.map((layer) => layerMs[layer] ?? 0);
  const isSeparated = separated.nodes.map((node) => !originals.includes(node));

  const whole = stored(separated, options, new Set(), predicted);
  const apart = cheaperInFloats(separated, floatMs, isSeparated, whole, model);
  const mixed = apart.size === 0 ? whole : stored(separated, options, apart, predicted);
  const all = { graph: floats, ms: sum(layerMs), active: new Set<number>() };
  // predictions are not exact: fewer seams unless they are clearly slower
  const isClear = mixed.ms < (1 - minSparseGain) * whole.ms || all.ms < whole.ms;
  const best = [whole, ...(isClear ? [mixed, all] : [])].reduce((a, b) => (b.ms < a.ms ? b : a));

  const kept = [...whole.active].filter((i) => isOp(separated.nodes[i], 'conv2d') && !best.active.has(i));
  const skips = (i: number) => {
    const { macs, effectiveMacs } = floatProgram.layers[floatLayers[i]] ?? { macs: 0, effectiveMacs: 0 };
    return effectiveMacs < macs;
  };
  const times = `predicted ${best.ms.toPrecision(3)} ms instead of ${whole.ms.toPrecision(3)}`;
  note(best.graph, separated, kept.filter(skips), `their zeros are skipped there, ${times}`);
  note(best.graph, separated, kept.filter((i) => !skips(i)), `they are faster there or beside such layers, ${times}`); // prettier-ignore
  for (const [name, error] of Object.entries(best === all ? {} : (options.floats ?? {}))) {
    best.graph.notes.push(
      `${name}: in floats, because eight bits would change it by ${(100 * error).toPrecision(2)} %`,
    );
  }
  return best.graph;
}

function note(graph: Graph, separated: Graph, nodes: readonly number[], why: string): void {
  if (nodes.length === 0) return;
  const names = nodes.map((i) => separated.nodes[i].name.split(';')[0]).join(', ');
  const which = nodes.length === 1 ? '1 layer stays' : `${nodes.length} layers stay`;
  graph.notes.push(`${which} in floats: ${why} (${names})`);
}

const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);

/** A copy of the separated graph in bytes, but for nodes `apart` and layers without a kernel that is exact. */
function stored(
  separated: Graph,
  { ranges, eight, floats = {} }: ByteOptions,
  apart: ReadonlySet<number>,
  predicted: (graph: Graph) => readonly number[],
): Stored {
  const graph = cloneGraph(separated);
  const nodes = graph.nodes.slice();
  const unfit = new Set<number>();
  const active = storeInBytes(graph, {
    grids: gridsOf(graph, ranges, eight),
    floats: new Set(Object.keys(floats)),
    apart: new Set(Array.from(apart, (i) => nodes[i])),
    hasKernel: (node, from) => {
      const has = hasByteKernel(graph, node, from);
      if (!has) unfit.add(nodes.indexOf(node));
      return has;
    },
  });
  if (unfit.size > 0) return stored(separated, { ranges, eight, floats }, new Set([...apart, ...unfit]), predicted);
  fuseActivations(graph);
  fuseResiduals(graph);
  verify(graph);
  const ms = predicted(graph);
  return {
    graph,
    ms: sum(ms),
    nodeMs: nodes.map((node) => ms[graph.nodes.indexOf(node)] ?? 0),
    active: new Set(Array.from(active, (node) => nodes.indexOf(node)).filter((i) => i >= 0)),
  };
}

/** Nodes that could work on bytes, and that are faster in floats: the first side of a minimum cut. */
function cheaperInFloats(
  graph: Graph,
  floatMs: readonly number[],
  isSeparated: readonly boolean[],
  { nodeMs, active }: Stored,
  model: CostModel,
): Set<number> {
  const count = graph.nodes.length;
  const [floats, bytes] = [count, count + 1];
  let next = count + 2;
  const edges: CutEdge[] = [];
  const edge = (from: number, to: number, capacity: number) => void edges.push({ from, to, capacity });
  const known = new Edges(graph);
  const indices = new Map(graph.nodes.map((node, i) => [node, i]));
  const index = (node: Node | undefined) => (node ? indices.get(node)! : floats);
  graph.nodes.forEach((node, i) => {
    edge(floats, i, active.has(i) ? nodeMs[i] : Infinity);
    edge(i, bytes, floatMs[i]);
    const layer = index(known.maker(node.inputs[0]));
    if (isSeparated[i] && active.has(i) && active.has(layer)) {
      edge(i, layer, Infinity);
      edge(layer, i, Infinity);
    }
  });
  for (const value of graph.values.values()) {
    const readers = known.readers(value.name).map(index);
    if (value.data || value.shape.length !== 4) continue;
    const maker = known.maker(value.name);
    const isOutput = graph.outputs.some((port) => port.value === value.name);
    const elements = elementCount(value.shape);
    const copies = (kernel: 'i8_from_f32' | 'i8_to_f32') => predict(conversionWork(kernel, elements), model);
    // made in floats, read in bytes: one copy for all readers
    const copy = next++;
    edge(index(maker), copy, copies('i8_from_f32'));
    for (const reader of readers) edge(copy, reader, Infinity);
    // made in bytes, read in floats
    if (!maker || (makesFloats(maker) && readers.length + Number(isOutput) < 2)) continue;
    const exact = next++;
    edge(exact, index(maker), copies('i8_to_f32'));
    for (const reader of readers) edge(reader, exact, Infinity);
    if (isOutput) edge(floats, exact, Infinity);
  }
  const inFloats = minimumCut(next, floats, bytes, edges);
  return new Set([...active].filter((i) => inFloats[i]));
}
