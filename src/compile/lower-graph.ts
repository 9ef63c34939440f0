import { FiligreeError } from '../errors.ts';
import { bufferSlack } from '../program/layout.ts';
import type { Graph, Node } from '../graph/graph.ts';
import { valueOf } from '../graph/graph.ts';
import { operatorOf } from '../graph/operator-of.ts';
import type { Buffer, Constant, Endpoint, Layer, Pointer, Program, Step } from '../program/program.ts';
import { fastest } from '../lower/cost.ts';
import type { CostModel } from '../lower/cost-model.ts';
import { assignLayouts } from './layouts.ts';
import type { Ranges } from '../lower/ranges.ts';
import type { Choices, LinearWeights, Lowering, OnChoice } from '../lower/lowering.ts';
import { widen } from '../lower/pack.ts';
import { narrow } from '../formats/half.ts';
import type { Piece } from './plan.ts';
import { planMemory } from './plan.ts';
import { roundFloats, roundMatrix } from './rounding.ts';
import type { RoundingError, WeightType } from './rounding.ts';
import { assignStorage } from './storage.ts';

/** What tuning and calibration have found out, and what is asked for. */
export interface LoweringPlan {
  choices?: Choices;
  onChoice?: OnChoice;
  /** See CompileOptions.int8. */
  ranges?: Ranges;
  /** See CompileOptions.linearWeights. */
  linearWeights?: LinearWeights;
  /** See CompileOptions.weights. */
  weights?: WeightType;
  /** See CompileOptions.dense. */
  dense?: boolean;
}

/** Entries of tables that sizes alone ask for: what a thousand resized images need. */
const mostTableEntries = 2 ** 21;

const mostSteps = 2 ** 17;

/** A verified, optimised graph → its program. */
export function lowerGraph(
  graph: Graph,
  costModel: CostModel,
  { choices, onChoice, ranges = {}, dense = false, linearWeights, weights = 'f32' }: LoweringPlan = {},
): Program {
  const names = layerNames(graph);
  const layouts = assignLayouts(graph);
  const storage = assignStorage(graph, layouts);
  const buffers: Buffer[] = [];
  const pieces: (Piece & { buffer: number })[] = [];
  const steps: Step[] = [];
  const layers: Layer[] = [];
  const notes = [...graph.notes];
  const rootBuffers = new Map<string, number>();
  const uploaded = new Map<string, Pointer>();
  const tables = new Map<string, Pointer>();
  let tableEntries = 0;

  const arena = (bytes: number, first: number, last: number): number => {
    buffers.push({ kind: 'arena', offset: 0, bytes });
    pieces.push({ bytes, first, last, buffer: buffers.length - 1 });
    return buffers.length - 1;
  };
  const constant = (given: Constant): Pointer => {
    const data =
      given.form === 'f32' && given.data instanceof Float32Array ? { ...given, data: narrow(given.data) } : given;
    const key = data.form === 'taps' ? JSON.stringify(data.taps) : undefined;
    const known = key && tables.get(key);
    if (known) return known;
    buffers.push({ kind: 'constant', constant: data });
    const pointer = { buffer: buffers.length - 1, offset: 0 };
    if (key) tables.set(key, pointer);
    return pointer;
  };
  const constantData = (name: string): Float32Array | undefined => {
    const { data } = valueOf(graph, name);
    if (!data) return undefined;
    return data instanceof Float32Array ? data : Float32Array.from(data as ArrayLike<number>, Number);
  };
  const at = (name: string, floats = 0): Pointer => {
    const data = constantData(name);
    if (data) {
      const pointer = uploaded.get(name) ?? constant({ form: 'f32', data });
      uploaded.set(name, pointer);
      return { buffer: pointer.buffer, offset: 4 * floats };
    }
    const place = storage.place(name);
    const buffer = rootBuffers.get(place.root);
    if (buffer === undefined) throw new Error(`${name} has no storage`);
    return { buffer, offset: 4 * (place.floats + floats) };
  };
  for (const [root, { first, last }] of storage.roots) {
    rootBuffers.set(root, arena(4 * (layouts.floats(root) + bufferSlack), first, last));
  }

  graph.nodes.forEach((node, index) => {
    const layer: Layer = {
      name: names[index],
      op: node.op,
      shape: [...valueOf(graph, node.outputs[0]).shape],
      macs: 0,
      effectiveMacs: 0,
    };
    layers.push(layer);
    const rounding = { error: 0, all: 0 };
    const lowering: Lowering = {
      costModel,
      linearWeights,
      shape: (value) => valueOf(graph, value).shape,
      strides: (value) => layouts.strides(value),
      inPlanes: (value) => layouts.inPlanes(value),
      at,
      constantData,
      isPlaced(value, host, floats = 0) {
        if (valueOf(graph, value).data) return false;
        const a = storage.place(value);
        const b = storage.place(host);
        return a.root === b.root && a.floats === b.floats + floats;
      },
      scratch: (bytes) => ({ buffer: arena(bytes + 4 * bufferSlack, index, index), offset: 0 }),
      constant(given, kind) {
        if (kind !== 'weights' || weights === 'f32') return constant(given);
        const { constant: rounded, ...changed } = roundedWeights(given, weights);
        rounding.error += changed.error;
        rounding.all += changed.all;
        return constant(rounded);
      },
      claimTables(entries) {
        tableEntries += entries;
        if (tableEntries <= mostTableEntries) return;
        throw new Error(`${tableEntries} entries of tables up to here, more than ${mostTableEntries}`);
      },
      range: (value) => (Object.hasOwn(ranges, value) ? ranges[value] : undefined),
      choose(ways, likeness) {
        const own = dense ? ways.find(({ isDense }) => isDense) : undefined;
        if (own) return own.name;
        onChoice?.(names[index], ways, likeness);
        const wanted = choices?.get(names[index]);
        return ways.some(({ name }) => name === wanted) ? wanted! : fastest(ways);
      },
      note: (text) => void notes.push(`${layer.name}: ${text}`),
      emit(kernel, args, cost) {
        const none = Object.entries(args).find(([, value]) => Number.isNaN(value))?.[0];
        if (none) throw new Error(`${none} is not a number`);
        if (steps.length === mostSteps) throw new Error(`more than ${mostSteps} steps`);
        steps.push({ kernel, layer: index, arguments: args as Step['arguments'] });
        layer.macs += cost?.macs ?? 0;
        layer.effectiveMacs += cost?.effectiveMacs ?? cost?.macs ?? 0;
        // over all of a layer's steps: a convolution in groups of channels has one for each group
        if (cost?.sparsity !== undefined) layer.sparsity = 1 - layer.effectiveMacs / layer.macs;
      },
    };
    lowerNode(graph, node, lowering);
    if (rounding.error > 0) {
      const error = 100 * Math.sqrt(rounding.error / rounding.all);
      lowering.note(`weights saved as ${weights}, relative error ${error.toPrecision(2)} %`);
    }
  });

  const endpoint = (port: Graph['inputs'][number]): Endpoint => {
    const value = valueOf(graph, port.value);
    const strides = layouts.strides(port.value);
    const permutation = port.permutation ?? value.shape.map((_, i) => i);
    return {
      name: port.name,
      dtype: port.dtype,
      shape: permutation.map((axis) => value.shape[axis]),
      strides: permutation.map((axis) => strides[axis]),
      at: at(port.value),
      ...(port.quantization ? { quantization: port.quantization } : {}),
    };
  };
  const inputs = graph.inputs.map(endpoint);
  const outputs = graph.outputs.map(endpoint);
  const plan = planMemory(pieces);
  pieces.forEach(({ buffer, bytes }, i) => {
    buffers[buffer] = { kind: 'arena', offset: plan.offsets[i], bytes };
  });
  return {
    name: graph.name,
    buffers,
    arenaBytes: plan.bytes,
    naiveArenaBytes: naiveBytes(graph, layouts.floats),
    steps,
    layers,
    inputs,
    outputs,
    notes,
    metadata: { ...graph.metadata },
  };
}

/** Weights as they are saved in that type; what has no such form stays as it is. */
function roundedWeights(constant: Constant, type: WeightType): { constant: Constant } & RoundingError {
  if (constant.form === 'gemm' || constant.form === 'spmm') return roundMatrix(constant, type);
  if (constant.form !== 'f32') return { constant, error: 0, all: 0 };
  const { data, ...error } = roundFloats(widen(constant.data), type);
  return { constant: { form: 'f32', data }, ...error };
}

/**
 * A name for every node, each once. Converters that merge operators join their names by semicolons, to hundreds of
 * characters; the first is enough.
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

/** Bytes if every computed value had memory of its own. */
function naiveBytes(graph: Graph, floats: (value: string) => number): number {
  const computed = [...graph.inputs.map((port) => port.value), ...graph.nodes.flatMap((node) => node.outputs)];
  return computed.reduce((sum, value) => sum + 4 * (floats(value) + bufferSlack), 0);
}

function lowerNode(graph: Graph, node: Node, lowering: Lowering): void {
  const operator = operatorOf(graph, node);
  try {
    operator.lower(node, lowering);
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
