// Intermediate values of a network for many samples. The network runs in pieces, each of which starts where the last ended.
import { writeArtifact } from '../../artifact/write.ts';
import { defaultCostModel } from '../../lower/cost.ts';
import { lowerGraph } from '../../compile/lower-graph.ts';
import { FiligreeError } from '../../errors.ts';
import { readPort } from '../../graph/evaluate.ts';
import type { Graph, Node, Value } from '../../graph/graph.ts';
import { valueOf } from '../../graph/graph.ts';
import { loadModel } from '../../runtime/load.ts';
import type { Model } from '../../runtime/model.ts';
import { elementCount, Tensor } from '../../tensor.ts';

/** A calibration image in the form of `model.run`: tensors by the author's input names, in the author's axis orders. */
export type Sample = Readonly<Record<string, Tensor>>;

/** Values by name, row-major in the graph's own axis order. */
type Values = Map<string, Float32Array>;

/** Values that are alive before a node, for each sample. */
interface Frontier {
  /** Index of the node. */
  readonly at: number;
  /** Constants that the nodes before it read, in order. The values depend on them. */
  readonly constants: readonly unknown[];
  readonly values: readonly Values[];
}

/** Maximum bytes of the values of all samples at one frontier. Larger ones are not kept but computed again. */
const maxBytes = 384 << 20;

/** Values of one network for each sample in turn. */
export interface Reading {
  /** Call it for sample 0, 1, … in this order. */
  next(sample: number): Promise<Values>;
  /** Call it after the last sample that you read. */
  close(): void;
}

/** Constants that the first nodes read, in order. */
export function constantsBefore(graph: Graph, end: number): unknown[] {
  const nodes = graph.nodes.slice(0, end);
  return nodes.flatMap(({ inputs }) => inputs.map((name) => (name === '' ? undefined : valueOf(graph, name).data)));
}

/** Runs one of several networks with the same nodes. It remembers the values that were alive where it last stopped. */
export class Activations {
  readonly #samples: readonly Sample[];
  readonly #threads: number;
  #frontier: Frontier | undefined;

  constructor(samples: readonly Sample[], threads = 1) {
    this.#samples = samples;
    this.#threads = threads;
  }

  /**
   * Values that are made before node `end`, for each sample.
   * @throws FiligreeError as loadModel, and `invalid-argument` for samples that do not fit
   */
  async open(graph: Graph, wanted: readonly string[], end: number): Promise<Reading> {
    const constants = constantsBefore(graph, end);
    let from = this.#frontier;
    if (from && !(from.at <= end && from.constants.every((data, i) => data === constants[i]))) from = undefined;
    if (from && !canReach(graph, from, wanted)) from = undefined;
    const start = from?.at ?? 0;
    const alive = aliveBefore(graph, end);
    // if no node ran, the present frontier serves as well
    const keeps = end > start && this.#samples.length * bytesOf(graph, alive) <= maxBytes;
    const kept: Values[] = [];
    const targets = keeps ? [...new Set([...wanted, ...alive])] : wanted;
    const piece = await Subnetwork.load(graph, start, end, targets, this.#threads);
    return {
      next: async (sample) => {
        const given = from?.values[sample] ?? inputsOf(graph, this.#samples[sample]);
        const values = await piece.run(given);
        if (keeps && kept.length === sample) kept.push(pick(values, alive));
        return pick(values, wanted);
      },
      close: () => {
        piece.dispose();
        if (keeps && kept.length === this.#samples.length) {
          this.#frontier = { at: end, constants, values: kept };
        }
      },
    };
  }

  /** Forgets the values. */
  clear(): void {
    this.#frontier = undefined;
  }
}

/** A model of those of the nodes `start` … `end` − 1 that `targets` depend on. */
class Subnetwork {
  readonly #graph: Graph;
  readonly #model: Model | undefined;

  private constructor(graph: Graph, model: Model | undefined) {
    this.#graph = graph;
    this.#model = model;
  }

  static async load(
    graph: Graph,
    start: number,
    end: number,
    targets: readonly string[],
    threads: number,
  ): Promise<Subnetwork> {
    const piece = pieceOf(graph, start, end, targets);
    if (piece.nodes.length === 0) return new Subnetwork(piece, undefined);
    return new Subnetwork(piece, await loadModel(writeArtifact(lowerGraph(piece, defaultCostModel)), { threads }));
  }

  async run(given: Values): Promise<Values> {
    const values = new Map(given);
    if (!this.#model) return values;
    const inputs: Record<string, Tensor> = {};
    for (const { value, name } of this.#graph.inputs) {
      inputs[name] = new Tensor('float32', valueOf(this.#graph, value).shape, given.get(value)!);
    }
    const outputs = await this.#model.run(inputs);
    for (const { value, name } of this.#graph.outputs) values.set(value, outputs[name].data as Float32Array);
    return values;
  }

  dispose(): void {
    this.#model?.dispose();
  }
}

function pieceOf(graph: Graph, start: number, end: number, targets: readonly string[]): Graph {
  const needed = new Set(targets);
  const nodes: Node[] = [];
  const made = new Set<string>();
  for (let i = end - 1; i >= start; i--) {
    const node = graph.nodes[i];
    if (!node.outputs.some((name) => needed.has(name))) continue;
    nodes.unshift(node);
    node.outputs.forEach((name) => made.add(name));
    node.inputs.forEach((name) => name !== '' && needed.add(name));
  }
  const values = new Map<string, Value>();
  for (const name of [...needed, ...made]) values.set(name, { ...valueOf(graph, name) });
  const port = (value: string) => ({ value, name: value, dtype: 'float32' as const });
  return {
    ...graph,
    nodes,
    values,
    inputs: [...needed].filter((name) => !made.has(name) && !values.get(name)!.data).map(port),
    outputs: targets.filter((name) => made.has(name)).map(port),
    notes: [],
    metadata: {},
  };
}

/** Whether values are alive at a frontier, or made after it. */
function canReach(graph: Graph, { at, values: [values] }: Frontier, wanted: readonly string[]): boolean {
  const made = new Set(graph.nodes.slice(at).flatMap(({ outputs }) => outputs));
  return wanted.every((name) => made.has(name) || values.has(name));
}

/** Values that are made before node `end`, or are graph inputs, and are read from it on. */
function aliveBefore(graph: Graph, end: number): string[] {
  const made = new Set(graph.inputs.map(({ value }) => value));
  for (const { outputs } of graph.nodes.slice(0, end)) outputs.forEach((name) => made.add(name));
  const read = new Set(graph.nodes.slice(end).flatMap(({ inputs }) => inputs));
  return [...made].filter((name) => read.has(name));
}

function bytesOf(graph: Graph, values: readonly string[]): number {
  return values.reduce((sum, name) => sum + 4 * elementCount(valueOf(graph, name).shape), 0);
}

function inputsOf(graph: Graph, sample: Sample): Values {
  const unknown = Object.keys(sample).find((name) => !graph.inputs.some((port) => port.name === name));
  if (unknown !== undefined) {
    const known = graph.inputs.map(({ name }) => `"${name}"`).join(', ');
    throw new FiligreeError('invalid-argument', `${graph.name}: no input is named "${unknown}"; inputs are ${known}`);
  }
  return new Map(graph.inputs.map((port) => [port.value, readPort(graph, port, sample[port.name]).data]));
}

function pick(values: Values, names: readonly string[]): Values {
  return new Map(names.map((name) => [name, values.get(name)!]));
}
