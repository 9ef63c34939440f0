// Decides which values of a graph are stored in bytes, and puts conversions at the seams.
//
// A layer that multiplies works on bytes where the scales of its input and output are known. Other nodes work on bytes only
// between such layers: where their results end in floats, floats are more exact and save a conversion. A layer whose
// results only floats follow makes floats itself.
import { freshName } from '../../graph/edit.ts';
import type { Graph, Node, Port, Shape } from '../../graph/graph.ts';
import { valueOf } from '../../graph/graph.ts';
import { isOp } from '../../ops/nodes.ts';
import { absorb, Edges, isActive } from '../../passes/match.ts';
import { fileGrid, type ByteGrid } from '../../quantisation.ts';
import { keepsScale, worksOnBytes } from './support.ts';
import { roundLayer } from './weights.ts';

export interface BytePlan {
  /** The bytes that each value would have. */
  readonly grids: ReadonlyMap<string, ByteGrid>;
  /** Names of nodes that stay in floats, and read floats: rounding their inputs is what harms them. */
  readonly floats?: ReadonlySet<string>;
  /** Nodes that stay in floats because they are faster there. They may read floats that are copies of bytes. */
  readonly apart?: ReadonlySet<Node>;
  /** Whether a layer whose input has these bytes has a kernel for them. Those without multiply floats that are rounded to the bytes. */
  readonly hasKernel?: (node: Node, from: ByteGrid) => boolean;
}

const isLayer = (node: Node) => isOp(node, 'conv2d', 'linear');

/** Whether a node has a kernel that makes floats of bytes, where only floats follow. */
export const makesFloats = (node: Node) => isLayer(node) && !(isOp(node, 'conv2d') && node.attributes.groups > 1);

const computed = (graph: Graph, values: readonly string[]) =>
  values.filter((value) => value !== '' && valueOf(graph, value).data === undefined);

/**
 * Changes an optimised graph, whose layers are separate, to one that stores values in bytes. Returns the nodes that work on
 * bytes.
 */
export function storeInBytes(graph: Graph, plan: BytePlan): ReadonlySet<Node> {
  const exact = exactValues(graph, plan);
  const active = chooseNodes(graph, plan, exact);
  const grids = new Map(plan.grids);
  for (const node of graph.nodes.slice()) {
    if (!active.has(node)) continue;
    if (isLayer(node)) roundLayer(graph, node, grids.get(node.inputs[0])!.scale);
    if (isOp(node, 'concat')) regrid(graph, node, grids, active);
    else if (keepsScale(node)) for (const y of node.outputs) grids.set(y, grids.get(node.inputs[0])!);
  }
  const edges = new Edges(graph);
  const reads = (value: string) => edges.readers(value).some((node) => active.has(node));
  for (const node of active) {
    for (const y of node.outputs) {
      if (makesFloats(node) && (exact.has(y) || !reads(y))) continue;
      valueOf(graph, y).bytes = grids.get(y);
    }
  }
  for (const port of graph.inputs) {
    const bytes = grids.get(port.value);
    if (bytes && holdsBytes(port, bytes) && isMap(port, valueOf(graph, port.value).shape) && reads(port.value)) {
      valueOf(graph, port.value).bytes = bytes;
    }
  }
  const { hasKernel = () => true } = plan;
  const inFloats = new Set([...active].filter((node) => isLayer(node) && !hasKernel(node, grids.get(node.inputs[0])!)));
  const isByteReader = (node: Node) => active.has(node) && !inFloats.has(node);
  for (const value of Array.from(graph.values.keys())) {
    const { bytes, data } = valueOf(graph, value);
    if (data) continue;
    const readers = new Edges(graph).readers(value);
    if (bytes) {
      const maker = graph.nodes.find(({ outputs }) => outputs.includes(value))!;
      const source = inFloats.has(maker) ? roundedAfter(graph, maker, value) : value;
      const floats = readers.filter((node) => !isByteReader(node));
      const ports = graph.outputs.filter((port) => port.value === value);
      if (floats.length + ports.length === 0) continue;
      const copy = convertAfter(graph, source, undefined, 'floats');
      for (const node of floats) node.inputs = node.inputs.map((input) => (input === value ? copy : input));
      for (const port of ports) port.value = copy;
      continue;
    }
    const wanting = readers.filter((node) => active.has(node));
    if (wanting.length === 0) continue;
    const copy = convertAfter(graph, value, grids.get(value), 'bytes');
    const rounded = wanting.some((node) => inFloats.has(node)) ? convertAfter(graph, copy, undefined, 'floats') : copy;
    for (const node of wanting) {
      const own = inFloats.has(node) ? rounded : copy;
      node.inputs = node.inputs.map((input) => (input === value ? own : input));
    }
  }
  fuseTables(graph);
  return active;
}

/** Whether a caller's tensor holds the very bytes of a value. */
function holdsBytes({ dtype, quantization }: Port, { scale, zero, most }: ByteGrid): boolean {
  const own = quantization && fileGrid(dtype, quantization);
  return own?.scale === scale && own.zero === zero && own.most === most;
}

/** Whether a value is NHWC or NCHW to callers. */
function isMap({ permutation = [0, 1, 2, 3] }: Port, { length }: Shape): boolean {
  return length === 4 && ['0,1,2,3', '0,2,3,1'].includes(String(permutation));
}

/** A function of a layer's sums that nothing else reads becomes a table that the layer looks up. */
function fuseTables(graph: Graph): void {
  const edges = new Edges(graph);
  for (const node of graph.nodes.slice()) {
    if (!isOp(node, 'unary') || node.attributes.fn === 'identity') continue;
    const [sum] = node.inputs;
    const layer = edges.maker(sum);
    const { bytes } = valueOf(graph, sum);
    if (!isOp(layer, 'conv2d') || edges.soleReader(sum) !== node || !bytes || !valueOf(graph, node.outputs[0]).bytes)
      continue;
    if (isActive(layer.attributes.activation) || !valueOf(graph, layer.inputs[0]).bytes) continue;
    layer.attributes = { ...layer.attributes, activation: node.attributes, sumBytes: bytes };
    absorb(graph, layer, node);
    edges.refresh();
  }
}

/** Values that nodes in floats read, and those that are copied to them: none is stored in bytes. */
function exactValues(graph: Graph, { floats }: BytePlan): Set<string> {
  const exact = new Set<string>();
  for (const node of graph.nodes.toReversed()) {
    const isCopied = keepsScale(node) && node.outputs.some((value) => exact.has(value));
    if (floats?.has(node.name) || isCopied) for (const value of computed(graph, node.inputs)) exact.add(value);
  }
  return exact;
}

/** Nodes that work on bytes. A layer can make floats of bytes, but for those of one channel each. */
function chooseNodes(graph: Graph, { grids, floats, apart }: BytePlan, exact: ReadonlySet<string>): Set<Node> {
  const active = new Set(
    graph.nodes.filter((node) => {
      const values = computed(graph, [...node.inputs, ...node.outputs]);
      if (floats?.has(node.name) || apart?.has(node) || !worksOnBytes(graph, node)) return false;
      if (!makesFloats(node) && node.outputs.some((value) => exact.has(value))) return false;
      return values.every((value) => grids.has(value));
    }),
  );
  // a file that has integers at its end rounds what leads there
  const portsOfBytes = new Set(
    graph.outputs
      .filter((port) => grids.has(port.value) && holdsBytes(port, grids.get(port.value)!))
      .map(({ value }) => value),
  );
  const edges = new Edges(graph);
  for (let before = -1; before !== active.size;) {
    before = active.size;
    for (const node of Array.from(active)) {
      if (isLayer(node)) continue;
      const isMade = computed(graph, node.inputs).some((value) => active.has(edges.maker(value)!));
      const isRead = node.outputs.some(
        (value) => edges.readers(value).some((reader) => active.has(reader)) || portsOfBytes.has(value),
      );
      if (!isMade || !isRead) active.delete(node);
    }
  }
  return active;
}

/** Inputs of a concatenation get the bytes of its output. */
function regrid(graph: Graph, node: Node, grids: Map<string, ByteGrid>, active: Set<Node>): void {
  const grid = grids.get(node.outputs[0])!;
  node.inputs = node.inputs.map((value) => {
    const own = grids.get(value)!;
    if (own.scale === grid.scale && own.zero === grid.zero && own.most === grid.most) return value;
    const copy = convertAfter(graph, value, undefined, 'rescaled');
    grids.set(copy, grid);
    active.add(graph.nodes.find(({ outputs }) => outputs.includes(copy))!);
    return copy;
  });
}

/** A node that copies a value behind its maker, to floats or to bytes. Returns the copy. */
function convertAfter(graph: Graph, value: string, bytes: ByteGrid | undefined, to: string): string {
  const copy = freshName(graph, `${value}:${to}`);
  graph.values.set(copy, { name: copy, shape: valueOf(graph, value).shape, dtype: 'float32', bytes });
  const node = {
    name: `${value} to ${to}`,
    op: 'unary',
    inputs: [value],
    outputs: [copy],
    attributes: { fn: 'identity' },
  };
  graph.nodes.splice(graph.nodes.findIndex(({ outputs }) => outputs.includes(value)) + 1, 0, node);
  return copy;
}

/** A layer in floats makes `value:sum`, which is rounded to the value's bytes. Returns the value. */
function roundedAfter(graph: Graph, maker: Node, value: string): string {
  const { shape } = valueOf(graph, value);
  const sum = freshName(graph, `${value}:exact`);
  graph.values.set(sum, { name: sum, shape, dtype: 'float32' });
  maker.outputs = maker.outputs.map((output) => (output === value ? sum : output));
  const node = {
    name: `${value} to bytes`,
    op: 'unary',
    inputs: [sum],
    outputs: [value],
    attributes: { fn: 'identity' },
  };
  graph.nodes.splice(graph.nodes.indexOf(maker) + 1, 0, node);
  return value;
}
