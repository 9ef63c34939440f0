// What eight bits cost each layer: its input rounded to bytes and its weights to whole numbers, all else in floats.
import { freshName } from '../../graph/edit.ts';
import { inferOutputs } from '../../graph/infer.ts';
import type { Graph, Node } from '../../graph/graph.ts';
import { valueOf } from '../../graph/graph.ts';
import { defaultCostModel } from '../../lower/cost.ts';
import { isOp } from '../../ops/nodes.ts';
import { Edges } from '../../passes/match.ts';
import type { Program } from '../../program/program.ts';
import type { ByteGrid } from '../../quantisation.ts';
import { lowerGraph } from '../lower-graph.ts';
import { worksOnBytes } from './support.ts';
import { roundLayer } from './weights.ts';

/** Measures layers on samples: run `program` on each and `observe` its outputs. */
export class LayerErrors {
  /** The model in floats, with a branch in bytes for each layer. Its outputs are means: of squares and of channels. */
  readonly program: Program;
  readonly #layers: { name: string; x: string; outputs: readonly string[] }[] = [];
  readonly #sums = new Map<string, { error: number; variance: number }>();

  /** @param graph optimised, with separate layers; it gets nodes and outputs */
  constructor(graph: Graph, grids: ReadonlyMap<string, ByteGrid>) {
    const edges = new Edges(graph);
    graph.outputs = [];
    for (const node of graph.nodes.slice()) {
      const grid = grids.get(node.inputs[0]);
      if (!isOp(node, 'conv2d') || !grid || !worksOnBytes(graph, node)) continue;
      const after = edges.soleReader(node.outputs[0]);
      const last = isOp(after, 'unary') ? after : node;
      const copy = branch(graph, node, grid);
      const y = last.outputs[0];
      const o = last === node ? copy : add(graph, 'unary', last.attributes, [copy]);
      const difference = add(graph, 'binary', { fn: 'sub' }, [y, o]);
      const square = (value: string) => mean(graph, add(graph, 'unary', { fn: 'square' }, [value]), [1, 2, 3]);
      const outputs = [square(difference), square(y)];
      // one pixel does not vary: its own size counts
      const [, , height, width] = valueOf(graph, y).shape;
      if (height * width > 1) outputs.push(mean(graph, y, [2, 3]));
      for (const value of outputs) graph.outputs.push({ value, name: value, dtype: 'float32' });
      this.#layers.push({ name: node.name, x: node.inputs[0], outputs });
    }
    this.program = lowerGraph(graph, defaultCostModel);
  }

  /** Takes the outputs of one run of `program`. */
  observe(outputs: Readonly<Record<string, { readonly data: ArrayLike<number | bigint> }>>): void {
    for (const { name, outputs: names } of this.#layers) {
      const [difference, square, means = []] = names.map((value) => outputs[value].data as ArrayLike<number>);
      let ofMeans = 0;
      for (let c = 0; c < means.length; c++) ofMeans += (means[c] * means[c]) / means.length;
      const sum = this.#sums.get(name) ?? { error: 0, variance: 0 };
      const total = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => a + b, 0) / values.length;
      this.#sums.set(name, {
        error: sum.error + total(difference),
        variance: sum.variance + Math.max(total(square) - ofMeans, 0),
      });
    }
  }

  /** Of each layer, which reads x: the error's root mean square over the standard deviation of the channels that it makes. */
  errors(): { name: string; x: string; error: number }[] {
    return this.#layers.map(({ name, x }) => {
      const { error, variance } = this.#sums.get(name) ?? { error: 0, variance: 1 };
      return { name, x, error: Math.sqrt(error / (variance || 1)) };
    });
  }
}

/** The layer again, on its input rounded to bytes. Returns what it makes. */
function branch(graph: Graph, node: Node, grid: ByteGrid): string {
  const bytes = add(graph, 'unary', { fn: 'identity' }, [node.inputs[0]]);
  valueOf(graph, bytes).bytes = grid;
  const floats = add(graph, 'unary', { fn: 'identity' }, [bytes]);
  const copy = { ...node, inputs: [floats, ...node.inputs.slice(1)] };
  roundLayer(graph, copy, grid.scale);
  return add(graph, 'conv2d', node.attributes, copy.inputs);
}

function mean(graph: Graph, value: string, axes: readonly number[]): string {
  return add(graph, 'reduce', { fn: 'mean', axes, keepDims: true }, [value]);
}

/** Appends a node of one output; returns the output. */
function add(graph: Graph, op: string, attributes: object, inputs: string[]): string {
  const name = freshName(graph, `error:${inputs[0]}`);
  const node = { name, op, inputs, outputs: [name], attributes };
  graph.nodes.push(node);
  inferOutputs(graph, node);
  return name;
}
