// What every importer does with the graph that it writes, for any file format.
import { FiligreeError } from '../errors.ts';
import { emptyGraph } from '../graph/graph.ts';
import type { Graph, Node, Shape, Value } from '../graph/graph.ts';
import { maxElements } from '../graph/verify.ts';
import { operators } from '../ops/index.ts';
import { fileGrid } from '../quantisation.ts';
import type { OperatorName } from '../ops/index.ts';
import type { Operator } from '../ops/operator.ts';
import { elementCount } from '../tensor.ts';
import { Names } from './names.ts';
import { WrittenRanges } from './quantised-range.ts';

/** An upper bound of the axes of real tensors. */
export const maxAxes = 32;

/** A graph under construction: each value and node has a name of its own; shapes follow the operators' rules. */
export class GraphWriter {
  readonly graph: Graph;
  readonly ranges: WrittenRanges;
  protected readonly nodeNames = new Names();
  protected readonly valueNames = new Names();

  /** @param file name of the file in messages */
  constructor(file: string) {
    this.graph = emptyGraph(file);
    this.ranges = new WrittenRanges(this.graph);
  }

  fail(message: string): never {
    throw new FiligreeError('invalid-model', `${this.graph.name}: ${message}`);
  }

  shapeOf(value: string): Shape {
    return this.graph.values.get(value)!.shape;
  }

  /** Registers a value under `name`, or the first of `name#2`, `name#3`, … that is free. */
  addValue(name: string, value: Omit<Value, 'name'>): string {
    const unique = this.valueNames.take(name);
    this.graph.values.set(unique, { ...value, name: unique });
    return unique;
  }

  /**
   * Appends a node whose outputs are values `title/op`, which nameNode and renameValue name in the end. `origin` names its
   * part of the file in messages.
   */
  append(op: OperatorName, attributes: object, inputs: string[], title: string, origin: string): Node {
    const operator = operators[op] as unknown as Operator;
    let shapes: Shape[];
    try {
      shapes = operator.infer(
        attributes,
        inputs.map((input) => (input === '' ? undefined : this.graph.values.get(input))),
      );
      for (const shape of shapes) {
        const isPossible =
          shape.length <= maxAxes &&
          shape.every((d) => Number.isInteger(d) && d >= 1) &&
          elementCount(shape) <= maxElements;
        if (!isPossible) throw new Error(`makes a tensor of shape [${shape}]`);
      }
    } catch (error) {
      if (error instanceof FiligreeError) throw error;
      this.fail(`${origin}: ${(error as Error).message}`);
    }
    // the same numbers in another shape or order
    const fileBytes = ['reshape', 'transpose'].includes(op) ? this.graph.values.get(inputs[0])?.fileBytes : undefined;
    const outputs = shapes.map((shape) => this.addValue(`${title}/${op}`, { shape, dtype: 'float32', fileBytes }));
    const node: Node = { name: '', op, inputs, outputs, attributes };
    this.graph.nodes.push(node);
    this.ranges.made(node);
    return node;
  }

  /** Records that a quantised file has these integers for a computed value. The first say so. */
  setFileBytes(value: string, type: string, scale: number, zeroPoint: number): void {
    const known = this.graph.values.get(value);
    const grid = fileGrid(type, { scale, zeroPoint });
    if (grid && known && !known.data) known.fileBytes ??= grid;
  }

  nameNode(node: Node, name: string): void {
    node.name = this.nodeNames.take(name);
  }

  /** Renames a value, made just now by a node of index ≥ `firstNode`, to the name of its tensor. */
  renameValue(value: string, name: string, firstNode: number): string {
    const { values, nodes } = this.graph;
    const known = values.get(value)!;
    values.delete(value);
    const unique = this.addValue(name, known);
    this.ranges.renamed(value, unique);
    for (let i = firstNode; i < nodes.length; i++) {
      nodes[i].inputs = nodes[i].inputs.map((input) => (input === value ? unique : input));
      nodes[i].outputs = nodes[i].outputs.map((output) => (output === value ? unique : output));
    }
    return unique;
  }
}
