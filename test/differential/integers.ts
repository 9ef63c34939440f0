// What linear layers compute whose weights are rounded: the same rounding of inputs and weights, the same sums, in f64.
import { dequantised, packQuantised } from '../../src/lower/quantise.ts';
import { applyActivation } from '../../src/graph/activation.ts';
import { constantOf } from '../../src/graph/edit.ts';
import type { Graph, Node } from '../../src/graph/graph.ts';
import type { Conv2dAttributes } from '../../src/ops/convolution.ts';
import type { DenseTensor } from '../../src/ops/operator.ts';
import { magnitude, type Values } from './oracle.ts';

export interface IntegerResult extends DenseTensor {
  /** What its sums were made of, at most: what float32 may be off by is a share of it. */
  terms: number;
}

/** To the nearest integer, ties to even. */
function rounded(v: number): number {
  const down = Math.floor(v);
  const rest = v - down;
  return rest > 0.5 || (rest === 0.5 && down % 2 !== 0) ? down + 1 : down;
}

/** Linear layers, and convolutions of one pixel, with weights of 8 or 4 bits and inputs of 16 (assembly/linear/quantised). */
export function roundedLinear(graph: Graph, node: Node, values: Values, bits: 4 | 8): IntegerResult {
  const [x, w, b = '', residual = ''] = node.inputs;
  const weights = constantOf(graph, w)!;
  const bias = constantOf(graph, b);
  const { groups, activation } = node.attributes as Partial<Conv2dAttributes>;
  const parts = groups ?? 1;
  const rows = weights.shape[0] / parts;
  const columns = weights.data.length / weights.shape[0];
  const { shape } = graph.values.get(node.outputs[0])!;
  const vectors = node.op === 'linear' ? values.get(x)!.data : patches(graph, node, values);
  const images = vectors.length / (columns * parts);
  const data = new Float32Array(images * rows * parts);
  let terms = 0;
  for (let part = 0; part < parts; part++) {
    const own = weights.data.subarray(part * rows * columns, (part + 1) * rows * columns);
    const reals = dequantised(packQuantised(rows, columns, bits, own));
    for (let image = 0; image < images; image++) {
      const at = (image * parts + part) * columns;
      const inputs = sixteenBits(vectors.subarray(at, at + columns));
      terms = Math.max(terms, magnitude(inputs) * magnitude(reals) * columns);
      for (let row = 0; row < rows; row++) {
        let sum = bias?.data[part * rows + row] ?? 0;
        for (let i = 0; i < columns; i++) sum += reals[row * columns + i] * inputs[i];
        const to = (image * parts + part) * rows + row;
        data[to] = applyActivation(residual === '' ? sum : sum + values.get(residual)!.data[to], activation);
      }
    }
  }
  return { shape, data, terms };
}

function sixteenBits(x: Float32Array): Float32Array {
  const perUnit = Math.min(Math.fround(32767 / magnitude(x)), Math.fround(3e38));
  const step = Math.fround(1 / perUnit);
  return x.map((v) => step * Math.min(Math.max(rounded(Math.fround(v * perUnit)), -32768), 32767));
}

/** The inputs of a convolution that makes one pixel, in the order of its weights: a vector for each image and group. */
function patches(graph: Graph, node: Node, values: Values): Float32Array {
  const { pads, dilation } = node.attributes as Conv2dAttributes;
  const { shape, data } = values.get(node.inputs[0])!;
  const [n, c, height, width] = shape;
  const [, , kh, kw] = graph.values.get(node.inputs[1])!.shape;
  const vectors = new Float32Array(n * c * kh * kw);
  let at = 0;
  for (let plane = 0; plane < n * c; plane++) {
    for (let ky = 0; ky < kh; ky++) {
      for (let kx = 0; kx < kw; kx++, at++) {
        const [row, column] = [ky * dilation[0] - pads[0], kx * dilation[1] - pads[1]];
        const isInside = row >= 0 && row < height && column >= 0 && column < width;
        if (isInside) vectors[at] = data[(plane * height + row) * width + column];
      }
    }
  }
  return vectors;
}
