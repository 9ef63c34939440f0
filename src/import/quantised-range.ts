// A quantised tensor holds only the numbers that its integers stand for: an integer runtime saturates the results of an
// operator to them. Models trained with quantisation may rely on that in place of a ReLU6, so floats are clamped where
// they can lie outside.
import { applyActivation } from '../graph/activation.ts';
import type { Graph, Node } from '../graph/graph.ts';
import { applyBinary } from '../ops/binary.ts';
import { isOp } from '../ops/nodes.ts';
import { constantOperand, scalarOf } from '../passes/match.ts';
import { activated, constantRange, everything, maxNodes, type Interval, rangeAfter } from '../passes/ranges.ts';
import type { Activation } from '../program/activations.ts';

export const clampTo = ({ low, high }: Interval): Activation => ({ fn: 'clamp', alpha: low, beta: high });

/**
 * Whether numbers of `range` lie outside `limits` by more than one step of a quantised tensor. Rounding to integers
 * differs by up to a step anyway: sigmoids end at 255/256 in files and at 1 here.
 */
export function exceeds(range: Interval, limits: Interval, step: number): boolean {
  const slack = 1.01 * Math.abs(step);
  return range.low < limits.low - slack || range.high > limits.high + slack;
}

/** Ranges of the values of a graph that is being written. */
export class WrittenRanges {
  readonly #graph: Graph;
  readonly #known = new Map<string, Interval>();
  readonly #makers = new Map<string, Node>();

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  /** Records the range of an input. */
  set(value: string, range: Interval): void {
    this.#known.set(value, range);
  }

  made(node: Node): void {
    for (const output of node.outputs) this.#makers.set(output, node);
  }

  renamed(from: string, to: string): void {
    const range = this.#known.get(from);
    const maker = this.#makers.get(from);
    if (range) this.#known.set(to, range);
    if (maker) this.#makers.set(to, maker);
    this.forget(from);
  }

  forget(value: string): void {
    this.#known.delete(value);
    this.#makers.delete(value);
  }

  of(value: string, depth = 0): Interval {
    const known = this.#known.get(value);
    if (known) return known;
    const node = this.#makers.get(value);
    const range =
      node && depth < maxNodes
        ? (this.#gate(node, depth) ?? rangeAfter(this.#graph, node, (input) => this.of(input, depth + 1)))
        : constantRange(this.#graph, value);
    this.#known.set(value, range);
    return range;
  }

  /**
   * The range of x · g(x), the spelled-out form of SiLU and hard-swish, for bounded x. It tries as many x as eight bits
   * distinguish.
   */
  #gate(node: Node, depth: number): Interval | undefined {
    if (!isOp(node, 'binary') || node.attributes.fn !== 'mul') return undefined;
    for (const [x, other] of [node.inputs, node.inputs.toReversed()]) {
      const g = x === other ? undefined : this.#functionOf(x, other);
      if (!g) continue;
      const { low, high } = this.of(x, depth + 1);
      const width = high - low;
      if (!(width < Infinity)) return undefined;
      const products = Array.from({ length: 256 }, (_, i) => {
        const v = low + (width * i) / 255;
        return v * g(v);
      });
      const [least, most] = [Math.min(...products), Math.max(...products)];
      const range = Number.isNaN(least) ? everything : { low: least, high: most };
      return activated(range, node.attributes.activation);
    }
    return undefined;
  }

  /** The function g when `value` is g(x): a few nodes of unary functions and arithmetic with numbers. */
  #functionOf(x: string, value: string, depth = 0): ((x: number) => number) | undefined {
    if (value === x) return (v) => v;
    const node = depth < 6 ? this.#makers.get(value) : undefined;
    if (isOp(node, 'unary')) {
      const inner = this.#functionOf(x, node.inputs[0], depth + 1);
      return inner && ((v) => applyActivation(inner(v), node.attributes));
    }
    if (!isOp(node, 'binary')) return undefined;
    const operands = constantOperand(this.#graph, node);
    const number = operands && scalarOf(this.#graph, operands.constant);
    const inner = number === undefined ? undefined : this.#functionOf(x, operands!.x, depth + 1);
    if (!inner) return undefined;
    const { fn, activation } = node.attributes;
    const apply = operands!.constantIsFirst
      ? (v: number) => applyBinary(fn, number!, inner(v))
      : (v: number) => applyBinary(fn, inner(v), number!);
    return (v) => applyActivation(apply(v), activation);
  }
}
