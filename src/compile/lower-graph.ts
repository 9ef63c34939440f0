import { FiligreeError } from '../errors.ts';
import { bufferSlack } from '../program/layout.ts';
import type { Graph, Node } from '../graph/graph.ts';
import { valueOf } from '../graph/graph.ts';
import { operatorOf } from '../graph/operator-of.ts';
import type { Endpoint, ProgramLayer, Program } from '../program/program.ts';
import type { WinogradTile } from '../program/tiles.ts';
import type { CostModel } from '../lower/cost-model.ts';
import { fastest } from '../lower/cost.ts';
import { isByteNode } from '../passes/match.ts';
import { lowerBytes } from './bytes/lower.ts';
import { assignLayouts } from './layouts.ts';
import type { Layouts } from './layouts.ts';
import type { Choices, LinearWeights, Lowering, OnChoice } from '../lower/lowering.ts';
import { Memory } from './memory.ts';
import { WeightRounding } from './rounding.ts';
import type { WeightType } from './rounding.ts';
import { assignStorage } from './storage.ts';
import { StepList } from './steps.ts';

/** Results of tuning, and the requested options. */
export interface LoweringPlan {
  choices?: Choices;
  onChoice?: OnChoice;
  /** See CompileOptions.linearWeights. */
  linearWeights?: LinearWeights;
  /** See CompileOptions.weights. */
  weights?: WeightType;
  /** See CompileOptions.winograd. */
  winograd?: WinogradTile | false;
  /** See CompileOptions.dense. */
  dense?: boolean;
}

/** A verified, optimised graph → its program. */
export function lowerGraph(graph: Graph, costModel: CostModel, plan: LoweringPlan = {}): Program {
  const layouts = assignLayouts(graph);
  const storage = assignStorage(graph, layouts);
  const memory = new Memory(graph, layouts, storage);
  const steps = new StepList();
  const names = layerNames(graph);
  const notes = [...graph.notes];
  const layers = graph.nodes.map((node, index) => {
    const layer: ProgramLayer = {
      name: names[index],
      op: node.op,
      shape: [...valueOf(graph, node.outputs[0]).shape],
      macs: 0,
      effectiveMacs: 0,
    };
    const rounding = new WeightRounding(plan.weights ?? 'f32');
    const note = (text: string) => void notes.push(`${layer.name}: ${text}`);
    lowerNode(graph, node, {
      costModel,
      linearWeights: plan.linearWeights,
      winograd: plan.winograd,
      shape: (value) => valueOf(graph, value).shape,
      bytes: (value) => valueOf(graph, value).bytes,
      strides: (value) => layouts.strides(value),
      inPlanes: (value) => layouts.inPlanes(value),
      at: (value, floats) => memory.at(value, floats),
      constantData: (value) => memory.constantData(value),
      isPlaced: (value, host, floats) => memory.isPlaced(value, host, floats),
      scratch: (bytes) => memory.scratch(bytes, index),
      constant: (given, kind) => memory.constant(kind === 'weights' ? rounding.round(given) : given),
      claimTables: (entries) => memory.claimTables(entries),
      choose: chooser(layer.name, plan),
      note,
      emit: (kernel, args, cost) => steps.emit(layer, index, kernel, args, cost),
    });
    if (rounding.error > 0) {
      note(`weights saved as ${rounding.type}, relative error ${rounding.error.toPrecision(2)} %`);
    }
    return layer;
  });
  const endpoint = (port: Graph['inputs'][number]) => endpointOf(graph, port, layouts, memory);
  const inputs = graph.inputs.map((port): Endpoint => {
    const inQuads = valueOf(graph, port.value).bytes !== undefined;
    return { ...endpoint(port), ...(inQuads ? { quads: port.permutation?.[1] === 2 ? 3 : 1 } : {}) };
  });
  const outputs = graph.outputs.map(endpoint);
  return {
    name: graph.name,
    ...memory.plan(),
    naiveArenaBytes: naiveBytes(graph, layouts.floats),
    steps: steps.steps,
    layers,
    inputs,
    outputs,
    notes,
    metadata: { ...graph.metadata },
  };
}

/** The function that chooses among a layer's candidates: the fastest of all, or of the dense ones if `dense`, or the tuned one. */
function chooser(layer: string, { choices, onChoice, dense = false }: LoweringPlan): Lowering['choose'] {
  return (candidates, workloadKey) => {
    const own = dense ? candidates.filter(({ isDense }) => isDense) : [];
    if (own.length > 0) return fastest(own);
    const wanted = choices?.get(layer);
    const chosen = candidates.some(({ name }) => name === wanted) ? wanted! : fastest(candidates);
    onChoice?.(layer, candidates, workloadKey, chosen);
    return chosen;
  };
}

function endpointOf(graph: Graph, port: Graph['inputs'][number], layouts: Layouts, memory: Memory): Endpoint {
  const value = valueOf(graph, port.value);
  const strides = layouts.strides(port.value);
  const permutation = port.permutation ?? value.shape.map((_, i) => i);
  return {
    name: port.name,
    dtype: port.dtype,
    shape: permutation.map((axis) => value.shape[axis]),
    strides: permutation.map((axis) => strides[axis]),
    at: memory.at(port.value),
    ...(port.quantization ? { quantization: port.quantization } : {}),
  };
}

/**
 * A unique name for every node. Converters that merge operators join their names by semicolons, up to hundreds of
 * characters; only the first name is used.
 */
function layerNames(graph: Graph): string[] {
  const used = new Set<string>();
  return graph.nodes.map(({ name, op }) => {
    const base = name.split(';')[0] || op;
    let unique = base;
    for (let i = 2; used.has(unique); i++) unique = `${base} ${i}`;
    used.add(unique);
    return unique;
  });
}

/** Bytes needed if every computed value had its own memory. */
function naiveBytes(graph: Graph, floats: (value: string) => number): number {
  const computed = [...graph.inputs.map((port) => port.value), ...graph.nodes.flatMap((node) => node.outputs)];
  return computed.reduce((sum, value) => sum + 4 * (floats(value) + bufferSlack), 0);
}

function lowerNode(graph: Graph, node: Node, lowering: Lowering): void {
  const operator = operatorOf(graph, node);
  try {
    if (isByteNode(graph, node)) lowerBytes(graph, node, lowering);
    else operator.lower(node, lowering);
  } catch (error) {
    if (error instanceof FiligreeError) throw error;
    throw new FiligreeError(
      'unsupported',
      `${graph.name}: node "${node.name}" (${node.op}): ${(error as Error).message}`,
      {
        cause: error,
      },
    );
  }
}
