// One program with several alternatives of every layer. Any one of each can run, so trying another distribution of sparsity
// only means running other records, and costs nothing.
//
//   steps      layer 0 | layer 1 rung 0 | layer 1 rung 1 | … | layer 2 | …       a range for each layer and rung
//   arena      values, planned once for all          | scratch, one layer's at a time
import { assignLayouts } from '../../../compile/layouts.ts';
import { planMemory } from '../../../compile/plan.ts';
import { assignStorage } from '../../../compile/storage.ts';
import type { Graph } from '../../../graph/graph.ts';
import { bufferSlack } from '../../../program/layout.ts';
import type { Buffer, Pointer, Program, Step } from '../../../program/program.ts';

/** Consecutive steps of a program. */
export interface StepRange {
  first: number;
  count: number;
}

export interface Alternatives {
  /** All alternatives one after the other. It cannot run as a whole. */
  program: Program;
  /** Steps of each node of the graph, by rung. Nodes that are the same on all rungs have one entry. */
  steps: StepRange[][];
  /** Bytes at the arena's start that hold values, which nodes leave for later ones. */
  valueBytes: number;
}

/** Collects programs of one graph that differ only in weights. */
export class AlternativesBuilder {
  readonly #graph: Graph;
  readonly #roots: { offset: number; bytes: number }[];
  readonly #valueBytes: number;
  readonly #buffers: Buffer[];
  readonly #steps: StepRange[][];
  readonly #all: Step[] = [];
  #scratchBytes = 0;
  #first: Program | undefined;

  constructor(graph: Graph) {
    this.#graph = graph;
    const layouts = assignLayouts(graph);
    const { roots } = assignStorage(graph, layouts);
    // in the order of lowerGraph: values first
    const pieces = [...roots].map(([root, lifetime]) => ({
      ...lifetime,
      bytes: 4 * (layouts.floats(root) + bufferSlack),
    }));
    const { offsets, bytes } = planMemory(pieces);
    this.#roots = pieces.map((piece, i) => ({ offset: offsets[i], bytes: piece.bytes }));
    this.#valueBytes = bytes;
    this.#buffers = this.#roots.map((root) => ({ kind: 'arena', ...root }));
    this.#steps = graph.nodes.map(() => []);
  }

  /** Adds the steps of some nodes, by index, as their next rung. */
  add(program: Program, nodes: ReadonlySet<number>): void {
    this.#roots.forEach(({ bytes }, i) => {
      const buffer = program.buffers[i];
      if (buffer?.kind !== 'arena' || buffer.bytes !== bytes) throw new Error(`${program.name}: another graph`);
    });
    this.#first ??= program;
    const buffers = new Map<number, number>();
    for (let i = 0; i < program.steps.length;) {
      const { layer } = program.steps[i];
      let end = i;
      while (end < program.steps.length && program.steps[end].layer === layer) end++;
      if (nodes.has(layer)) {
        this.#steps[layer].push({ first: this.#all.length, count: end - i });
        let scratch = this.#valueBytes;
        const place = (bytes: number) => {
          const offset = scratch;
          scratch += Math.ceil(bytes / 64) * 64;
          this.#scratchBytes = Math.max(this.#scratchBytes, scratch - this.#valueBytes);
          return offset;
        };
        for (const step of program.steps.slice(i, end)) {
          this.#all.push({ ...step, arguments: this.#moved(step, program, buffers, place) });
        }
      }
      i = end;
    }
  }

  /** A step's arguments with pointers into the merged buffers. */
  #moved(
    { arguments: args }: Step,
    program: Program,
    known: Map<number, number>,
    place: (bytes: number) => number,
  ): Step['arguments'] {
    const bufferOf = (buffer: number): number => {
      if (buffer < this.#roots.length) return buffer;
      const found = known.get(buffer);
      if (found !== undefined) return found;
      const old = program.buffers[buffer];
      if (old.kind === 'arena') this.#buffers.push({ ...old, offset: place(old.bytes) });
      else {
        const { constant } = old;
        // its table comes first
        const moved =
          'taps' in constant && constant.form !== 'taps' ? { ...constant, taps: bufferOf(constant.taps) } : constant;
        this.#buffers.push({ kind: 'constant', constant: moved });
      }
      known.set(buffer, this.#buffers.length - 1);
      return this.#buffers.length - 1;
    };
    return Object.fromEntries(
      Object.entries(args).map(([field, value]) => [
        field,
        typeof value === 'number' ? value : { ...value, buffer: bufferOf(value.buffer) },
      ]),
    );
  }

  /** The program of all alternatives. @throws Error when a node has no steps though it had some in the first program */
  build(): Alternatives {
    const first = this.#first;
    if (!first) throw new Error(`${this.#graph.name}: no programs`);
    const at = (pointer: Pointer): Pointer => {
      if (pointer.buffer >= this.#roots.length)
        throw new Error(`${first.name}: an endpoint outside the arena's values`);
      return pointer;
    };
    const program: Program = {
      ...first,
      buffers: this.#buffers,
      steps: this.#all,
      arenaBytes: this.#valueBytes + this.#scratchBytes,
      inputs: first.inputs.map((endpoint) => ({ ...endpoint, at: at(endpoint.at) })),
      outputs: first.outputs.map((endpoint) => ({ ...endpoint, at: at(endpoint.at) })),
    };
    return { program, steps: this.#steps, valueBytes: this.#valueBytes };
  }
}
