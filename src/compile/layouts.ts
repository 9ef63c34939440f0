import { planeStrides, rowMajorStrides } from '../program/layout.ts';
import { quadsOf } from '../program/quads.ts';
import type { Graph, Shape } from '../graph/graph.ts';
import { valueOf } from '../graph/graph.ts';
import { operatorOf } from '../graph/operator-of.ts';
import type { OutputLayout } from '../ops/operator.ts';

/** The layout of every value of a graph. */
export interface Layouts {
  inPlanes(value: string): boolean;
  /** Strides of each axis, in floats. */
  strides(value: string): number[];
  /** Floats of storage, padding included. */
  floats(value: string): number;
}

const isMap = (shape: Shape) => shape.length === 4;

/** The shape of a value in words: four channels of bytes, or a float. */
export function wordShape(graph: Graph, value: string): Shape {
  const { shape, bytes } = valueOf(graph, value);
  return bytes ? [shape[0], quadsOf(shape[1]), shape[2], shape[3]] : shape;
}

/** Chooses padded planes or flat rows for each value, by the layout that its operator requests. */
export function assignLayouts(graph: Graph): Layouts {
  const planes = new Set<string>();
  for (const { value } of graph.inputs) if (isMap(valueOf(graph, value).shape)) planes.add(value);
  for (const node of graph.nodes) {
    const { layout } = operatorOf(graph, node);
    const wanted: OutputLayout = typeof layout === 'function' ? layout(node) : layout;
    for (const output of node.outputs) {
      const { shape } = valueOf(graph, output);
      if (!isMap(shape)) continue;
      if (valueOf(graph, output).bytes) planes.add(output);
      const inherits = () =>
        node.inputs.some((input) => {
          if (!planes.has(input)) return false;
          const from = valueOf(graph, input).shape;
          return from[2] === shape[2] && from[3] === shape[3];
        });
      if (wanted === 'planes' || (wanted === 'inherit' && inherits())) planes.add(output);
    }
  }
  const strides = (value: string) => {
    const shape = wordShape(graph, value);
    return planes.has(value) ? planeStrides(shape) : rowMajorStrides(shape);
  };
  return {
    inPlanes: (value) => planes.has(value),
    strides,
    floats(value) {
      const shape = wordShape(graph, value);
      return planes.has(value) ? shape[0] * strides(value)[0] : shape.reduce((a, b) => a * b, 1);
    },
  };
}
