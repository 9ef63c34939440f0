// Graphs made by hand, and the question whether two give the same results.
import { expect } from 'vitest';
import { evaluate } from '../src/graph/evaluate.ts';
import { emptyGraph, type Graph, type Node, type Shape } from '../src/graph/graph.ts';
import { inferOutputs } from '../src/graph/infer.ts';
import { permuteShape } from '../src/graph/permute.ts';
import { verify } from '../src/graph/verify.ts';
import type { OperatorName } from '../src/ops/index.ts';
import type { AttributesOf } from '../src/ops/nodes.ts';
import type { Pass } from '../src/passes/match.ts';
import { type DType, elementCount, Tensor } from '../src/tensor.ts';
import { randomFloats, relativeError } from './kernels/wasm.ts';

/** Writes a graph down node by node; every method returns value names to use in the next. */
export class GraphBuilder {
  readonly graph: Graph;
  readonly #random: (count: number, scale?: number) => Float32Array;

  constructor(seed = 1) {
    this.graph = emptyGraph('test');
    this.#random = randomFloats(seed);
  }

  input(shape: Shape, options: { dtype?: DType; permutation?: number[] } = {}): string {
    const name = `input${this.graph.inputs.length}`;
    this.graph.values.set(name, { name, shape, dtype: 'float32' });
    this.graph.inputs.push({ value: name, name, dtype: options.dtype ?? 'float32', permutation: options.permutation });
    return name;
  }

  /** A constant of these numbers, or of random ones. */
  constant(shape: Shape, data?: readonly number[] | Float32Array): string {
    const name = `constant${this.graph.values.size}`;
    const numbers = data ? Float32Array.from(data) : this.#random(elementCount(shape));
    this.graph.values.set(name, { name, shape, dtype: 'float32', data: numbers });
    return name;
  }

  scalar(number: number): string {
    return this.constant([], [number]);
  }

  node<N extends OperatorName>(op: N, attributes: AttributesOf<N>, ...inputs: string[]): string {
    return this.nodes(op, attributes, inputs, 1)[0];
  }

  nodes<N extends OperatorName>(op: N, attributes: AttributesOf<N>, inputs: string[], count: number): string[] {
    const name = `${op}${this.graph.nodes.length}`;
    const outputs = Array.from({ length: count }, (_, i) => (count === 1 ? name : `${name}:${i}`));
    const node: Node = { name, op, inputs, outputs, attributes };
    this.graph.nodes.push(node);
    inferOutputs(this.graph, node);
    return outputs;
  }

  shape(value: string): Shape {
    return this.graph.values.get(value)!.shape;
  }

  /** A 2-D convolution with random weights and bias; (kernel − 1) / 2 of padding unless said. */
  conv2d(x: string, outputs: number, kernel: number, options: Partial<AttributesOf<'conv2d'>> = {}): string {
    const groups = options.groups ?? 1;
    const weights = this.constant([outputs, this.shape(x)[1] / groups, kernel, kernel]);
    const p = (kernel - 1) >> 1;
    const geometry = { stride: [1, 1], dilation: [1, 1], pads: [p, p, p, p], groups } as const;
    return this.node('conv2d', { ...geometry, ...options }, x, weights, this.constant([outputs]));
  }

  /** Makes the convolution that made `y` multiply its negative results by a slope for each channel. */
  withSlopes(y: string): string {
    const layer = this.graph.nodes.find(({ outputs }) => outputs.includes(y))!;
    layer.inputs = [...layer.inputs, '', this.constant([this.shape(y)[1]])];
    return y;
  }

  output(...values: string[]): void {
    for (const value of values) {
      this.graph.outputs.push({ value, name: `output${this.graph.outputs.length}`, dtype: 'float32' });
    }
  }

  /** The graph, with these values as outputs. */
  finish(...outputs: string[]): Graph {
    this.output(...outputs);
    verify(this.graph);
    return this.graph;
  }
}

export function cloneGraph(graph: Graph): Graph {
  return structuredClone(graph);
}

/** The operators of a graph's nodes, in order. */
export function ops(graph: Graph): string[] {
  return graph.nodes.map((node) => node.op);
}

export function nodeOf(graph: Graph, op: OperatorName): Node {
  const node = graph.nodes.find((candidate) => candidate.op === op);
  if (!node) throw new Error(`no ${op} among ${ops(graph)}`);
  return node;
}

/** Seeded random inputs by port name, in the author's axis order. */
export function inputsOf(graph: Graph, seed = 7): Record<string, Tensor> {
  const random = randomFloats(seed);
  return Object.fromEntries(
    graph.inputs.map(({ value, name, permutation }) => {
      const { shape } = graph.values.get(value)!;
      const wanted = permutation ? permuteShape(shape, permutation) : shape;
      return [name, new Tensor('float32', wanted, random(elementCount(shape), 3))];
    }),
  );
}

/**
 * Both graphs take the same inputs to outputs of the same names and shapes, which differ by at most `tolerance` times
 * the largest magnitude: passes reorder sums of float32 numbers, no more.
 */
export function expectSameResults(actual: Graph, expected: Graph, tolerance = 1e-5): void {
  const inputs = inputsOf(expected);
  const wanted = evaluate(expected, inputs);
  const found = evaluate(actual, inputs);
  expect(actual.outputs).toEqual(expected.outputs);
  expect(actual.inputs).toEqual(expected.inputs);
  for (const [name, { shape, data }] of Object.entries(wanted)) {
    expect(found[name].shape).toEqual(shape);
    const error = relativeError(found[name].data as Float32Array, data as Float32Array);
    expect(error, name).toBeLessThanOrEqual(tolerance);
  }
}

/**
 * Runs a pass on a copy, which must verify and give the same results as the graph; returns the copy. `expect`s the
 * pass to report a change exactly when it made one.
 */
export function applyPass(graph: Graph, pass: Pass): { graph: Graph; changed: boolean } {
  const copy = cloneGraph(graph);
  const changed = pass(copy);
  verify(copy);
  if (changed) expectSameResults(copy, graph);
  else expect(copy).toEqual(graph);
  return { graph: copy, changed };
}
