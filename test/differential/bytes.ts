// What nodes of integer programs make, to the bit: the arithmetic of src/program/quads.ts in plain whole numbers.
import { applyActivation } from '../../src/graph/activation.ts';
import { constantOf } from '../../src/graph/edit.ts';
import { evaluateNode } from '../../src/graph/evaluate.ts';
import { valueOf, type Graph, type Node } from '../../src/graph/graph.ts';
import { conv2d } from '../../src/ops/conv2d.ts';
import { isOp, type NodeOf } from '../../src/ops/nodes.ts';
import type { DenseTensor } from '../../src/ops/operator.ts';
import type { Activation } from '../../src/program/activations.ts';
import { byteOf, realOf, type ByteGrid } from '../../src/quantisation.ts';
import { toEven } from '../kernels/bytes.ts';
import type { Values } from './oracle.ts';

const f = Math.fround;

/** The steps from 0 that a real number on a grid is. */
const stepsOf = (real: number, { scale }: ByteGrid) => Math.round(real / scale);

/** Bounds of bytes, within a fused clamp. */
function bounds(grid: ByteGrid, activation?: Activation): [low: number, high: number] {
  if (activation?.fn !== 'clamp') return [0, grid.most];
  return [byteOf(activation.alpha ?? 0, grid), byteOf(activation.beta ?? 0, grid)];
}

/** Steps from zero, with their fraction → the real number of the byte that they become. */
function rounded(steps: number, grid: ByteGrid, activation?: Activation): number {
  const [low, high] = bounds(grid, activation);
  return realOf(Math.min(Math.max(toEven(steps) + grid.zero, low), high), grid);
}

/** The result of a node that reads or makes bytes, from what it really read. */
export function byteResult(graph: Graph, node: Node, values: Values): DenseTensor[] {
  const grid = (value: string | undefined) => (value ? graph.values.get(value)?.bytes : undefined);
  const [x, second] = node.inputs;
  const [from, to] = [grid(x), grid(node.outputs[0])];
  const { shape } = valueOf(graph, node.outputs[0]);
  const map = (fn: (v: number, i: number) => number): DenseTensor[] => [{ shape, data: values.get(x)!.data.map(fn) }];
  if (isOp(node, 'conv2d') && from) return [layer(graph, node, from, to, values)];
  if (isOp(node, 'unary')) {
    const fn = node.attributes;
    if (from && to) return map((v) => realOf(byteOf(applyActivation(v, fn), to), to));
    if (to) return map((v) => rounded(Number.isNaN(v) ? -to.zero : f(v * f(1 / to.scale)), to));
  }
  if (isOp(node, 'binary') && from && to) {
    return [combined(node, values.get(x)!, from, values.get(second)!, grid(second)!, to, shape)];
  }
  if (isOp(node, 'reduce') && from && to) {
    const pixels = values.get(x)!.data.length / shape.reduce((a, b) => a * b, 1);
    const factor = f(from.scale / to.scale / pixels);
    const data = new Float32Array(shape.reduce((a, b) => a * b, 1)).map((_, c) => {
      const own = values.get(x)!.data.subarray(c * pixels, (c + 1) * pixels);
      return rounded(f(f(own.reduce((sum, v) => sum + stepsOf(v, from), 0)) * factor), to);
    });
    return [{ shape, data }];
  }
  if (isOp(node, 'averagePool') && from && to) return [averaged(node, values.get(x)!, from, to, shape)];
  return evaluateNode(graph, node, values);
}

function layer(
  graph: Graph,
  node: NodeOf<'conv2d'>,
  from: ByteGrid,
  to: ByteGrid | undefined,
  values: Values,
): DenseTensor {
  const [x, w, b = ''] = node.inputs;
  const { activation, sumBytes, ...geometry } = node.attributes;
  const weights = constantOf(graph, w)!;
  const rowScales = valueOf(graph, w).rowScales!;
  const size = weights.data.length / rowScales.length;
  const bias = constantOf(graph, b);
  const whole = (tensor: DenseTensor, scale: (i: number) => number): DenseTensor => ({
    ...tensor,
    data: tensor.data.map((v, i) => Math.round(v / scale(i))),
  });
  const operands = [
    whole(values.get(x)!, () => from.scale),
    whole(weights, (i) => rowScales[Math.floor(i / size)]),
    bias && whole(bias, (row) => from.scale * rowScales[row]),
  ];
  const { shape } = valueOf(graph, node.outputs[0]);
  // sums are exact in f64, and rounded to f32 as the kernels do
  const [{ data }] = conv2d.evaluate(geometry, operands, [shape]);
  const [, rows, height, width] = shape;
  const grid = sumBytes ?? to;
  const scaleOf = (i: number) => {
    const step = f(from.scale * rowScales[Math.floor(i / (height * width)) % rows]);
    return f(grid && to ? step / grid.scale : step);
  };
  return {
    shape,
    data: data.map((sum, i) => {
      const v = f(sum * scaleOf(i));
      if (!to || !grid) return applyActivation(v, activation);
      if (!sumBytes) return rounded(v, to, activation);
      return realOf(byteOf(applyActivation(rounded(v, sumBytes), activation), to), to);
    }),
  };
}

function combined(
  node: NodeOf<'binary'>,
  a: DenseTensor,
  aGrid: ByteGrid,
  b: DenseTensor,
  bGrid: ByteGrid,
  to: ByteGrid,
  shape: readonly number[],
): DenseTensor {
  const { fn, activation } = node.attributes;
  const [n, c, h, w] = shape;
  const size = n * c * h * w;
  const at = ({ data }: DenseTensor, i: number) => data[data.length === size ? i : Math.floor(i / (h * w))];
  const product = f(f(aGrid.scale * bGrid.scale) / to.scale);
  // XNNPACK's sum: factors of 21 bits, halves upwards
  const ratios = [aGrid.scale / to.scale, bGrid.scale / to.scale];
  const shift = Math.min(Math.max(20 - Math.floor(Math.log2(f(Math.max(...ratios)))), 0), 30);
  const [p, q] = ratios.map((ratio) => Math.min(toEven(f(ratio) * 2 ** shift), 2 ** 22));
  const data = new Float32Array(size).map((_, i) => {
    const [x, y] = [stepsOf(at(a, i), aGrid), stepsOf(at(b, i), bGrid)];
    if (fn === 'mul') return rounded(Math.min(Math.max(f(x * y * product), -32768), 32767), to, activation);
    return rounded(Math.floor((x * p + (fn === 'sub' ? -1 : 1) * y * q) / 2 ** shift + 0.5), to, activation);
  });
  return { shape: [...shape], data };
}

function averaged(
  { attributes }: NodeOf<'averagePool'>,
  x: DenseTensor,
  from: ByteGrid,
  to: ByteGrid,
  shape: readonly number[],
): DenseTensor {
  const { kernel, stride, pads, countIncludePad, activation } = attributes;
  const [, , xHeight, xWidth] = x.shape;
  const [n, c, height, width] = shape;
  const data = new Float32Array(n * c * height * width).map((_, i) => {
    const plane = Math.floor(i / (height * width)) * xHeight * xWidth;
    const top = (Math.floor(i / width) % height) * stride[0] - pads[0];
    const left = (i % width) * stride[1] - pads[1];
    let [sum, count] = [0, 0];
    for (let row = Math.max(top, 0); row < Math.min(top + kernel[0], xHeight); row++) {
      for (let column = Math.max(left, 0); column < Math.min(left + kernel[1], xWidth); column++, count++) {
        sum += stepsOf(x.data[plane + row * xWidth + column], from);
      }
    }
    const divisor = countIncludePad ? kernel[0] * kernel[1] : Math.max(count, 1);
    return rounded(f(sum * f(f(from.scale / to.scale) / divisor)), to, activation);
  });
  return { shape: [...shape], data };
}
