import type { Node, Shape } from '../graph/graph.ts';
import type { Lowering } from '../lower/lowering.ts';
import { matmulBlockRows, matmulScratchBytes } from '../program/kernels/matmul.ts';
import { elementCount } from '../tensor.ts';
import { broadcastIndices, broadcastShape, broadcastStrides, collapse, innermost, type Loops } from './broadcast.ts';
import { type Operator, ownStorage } from './operator.ts';
import { floatInputs } from './unary.ts';

export interface MatmulAttributes {
  /** a is (…, K, M). */
  transposeA: boolean;
  /** b is (…, N, K). */
  transposeB: boolean;
}

/**
 * a (…, M, K) · b (…, K, N) → (…, M, N); leading axes broadcast. ONNX MatMul and Gemm, TFLite BATCH_MATMUL and
 * FULLY_CONNECTED of two computed tensors.
 */
export const matmul: Operator<MatmulAttributes> = {
  infer(attributes, inputs) {
    const [a, b] = floatInputs(inputs, 2);
    for (const [name, { shape }] of [
      ['a', a],
      ['b', b],
    ] as const) {
      if (shape.length < 2) throw new Error(`${name} must have rank 2 or more, got [${shape}]`);
    }
    const { m, n, k, bRows } = sizes(attributes, a.shape, b.shape);
    if (k !== bRows) {
      throw new Error(`${of(a.shape, attributes.transposeA)} · ${of(b.shape, attributes.transposeB)}: ${k} ≠ ${bRows}`);
    }
    return [[...broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2)), m, n]];
  },

  evaluate({ transposeA, transposeB }, [a, b], [shape]) {
    const { m, n, k } = sizes({ transposeA, transposeB }, a!.shape, b!.shape);
    const data = new Float32Array(elementCount(shape));
    const batch = shape.slice(0, -2);
    const [aAt, bAt] = [a!, b!].map((x) => broadcastIndices(x.shape.slice(0, -2), batch));
    for (let matrix = 0; matrix < aAt.length; matrix++) {
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          let sum = 0;
          for (let l = 0; l < k; l++) {
            const x = a!.data[aAt[matrix] * m * k + (transposeA ? l * m + i : i * k + l)];
            sum += x * b!.data[bAt[matrix] * k * n + (transposeB ? j * k + l : l * n + j)];
          }
          data[(matrix * m + i) * n + j] = sum;
        }
      }
    }
    return [{ shape, data }];
  },

  evaluationWork: ({ transposeA }, [a], [y]) => elementCount(y) * (a.at(transposeA ? -2 : -1) ?? 1),

  layout: 'flat',

  place: ownStorage,

  lower: lowerMatmul,
};

/** M, N and K of two operands; `bRows` is what b has for K. */
function sizes({ transposeA, transposeB }: MatmulAttributes, a: Shape, b: Shape) {
  const [m, k] = transposeA ? [a.at(-1)!, a.at(-2)!] : [a.at(-2)!, a.at(-1)!];
  const [bRows, n] = transposeB ? [b.at(-1)!, b.at(-2)!] : [b.at(-2)!, b.at(-1)!];
  return { m, n, k, bRows };
}

const of = (shape: Shape, isTransposed: boolean) => `[${shape}]${isTransposed ? 'ᵀ' : ''}`;

/** What one call of the kernel multiplies: sizes, and strides of rows and columns in floats; loops go over (a, b, y). */
interface Product {
  a: string;
  b: string;
  loops: Loops;
  m: number;
  n: number;
  k: number;
  aRow: number;
  aInner: number;
  bInner: number;
  bColumn: number;
  yRow: number;
}

function lowerMatmul(node: Node & { attributes: MatmulAttributes }, lowering: Lowering): void {
  const [y] = node.outputs;
  if (elementCount(lowering.shape(y)) === 0) return;
  const { a, b, loops, m, n, k, aRow, aInner, bInner, bColumn, yRow } = stacked(inRows(productOf(node, lowering)));
  const { inner, offsets } = innermost(loops, 2);
  const [batch0, batch1] = inner.dims;
  const [[aBatch0, aBatch1], [bBatch0, bBatch1], [yBatch0, yBatch1]] = inner.strides.map((s) => s.map((f) => 4 * f));
  const blockRows = matmulBlockRows(m, k);
  const scratch = lowering.scratch(matmulScratchBytes(k, blockRows));
  const sizes = { batch0, batch1, rows: m, columns: n, inner: k, blockRows };
  const batches = { aBatch0, aBatch1, bBatch0, bBatch1, yBatch0, yBatch1 };
  const matrices = { aRow: 4 * aRow, aInner: 4 * aInner, bInner: 4 * bInner, bColumn: 4 * bColumn, yRow: 4 * yRow };
  const macs = batch0 * batch1 * m * n * k;
  for (const [aAt, bAt, yAt] of offsets) {
    const pointers = { a: lowering.at(a, aAt), b: lowering.at(b, bAt), scratch, y: lowering.at(y, yAt) };
    const args = { ...pointers, ...sizes, ...batches, ...matrices };
    lowering.emit('f32_matmul', args, { macs, effectiveMacs: macs });
  }
}

/** The last two axes of a stored value have a contiguous one, whether it lies in planes or flat. */
function productOf(node: Node & { attributes: MatmulAttributes }, lowering: Lowering): Product {
  const { transposeA, transposeB } = node.attributes;
  const [a, b] = node.inputs;
  const [y] = node.outputs;
  const batch = lowering.shape(y).slice(0, -2);
  const strides = [a, b, y].map((value) => lowering.strides(value));
  const outer = [a, b, y].map((value, i) =>
    broadcastStrides(lowering.shape(value).slice(0, -2), strides[i].slice(0, -2), batch),
  );
  const [[aOuter, aLast], [bOuter, bLast], [yRow]] = strides.map((s) => s.slice(-2));
  const [aRow, aInner] = transposeA ? [aLast, aOuter] : [aOuter, aLast];
  const [bInner, bColumn] = transposeB ? [bLast, bOuter] : [bOuter, bLast];
  const { m, n, k } = sizes(node.attributes, lowering.shape(a), lowering.shape(b));
  return { a, b, loops: collapse(batch, outer), m, n, k, aRow, aInner, bInner, bColumn, yRow };
}

/** One column is a row, of the transposed operands in turn: a row fills the tiles. */
function inRows(p: Product): Product {
  if (p.n !== 1) return p;
  const { a, b, loops, m, aRow, aInner, bInner, bColumn } = p;
  const [aStrides, bStrides, yStrides] = loops.strides;
  return {
    ...p,
    a: b,
    b: a,
    loops: { dims: loops.dims, strides: [bStrides, aStrides, yStrides] },
    m: 1,
    n: m,
    aRow: bColumn,
    aInner: bInner,
    bInner: aInner,
    bColumn: aRow,
    yRow: m,
  };
}

/** Matrices that are multiplied by one and the same are one matrix, where their rows follow each other. */
function stacked(p: Product): Product {
  const { dims, strides } = p.loops;
  const [aStrides, bStrides, yStrides] = strides;
  const follow = (i: number) => p.m === 1 || (aStrides[i] === p.m * p.aRow && yStrides[i] === p.m * p.yRow);
  const isRow = p.aInner === 1;
  const loop = dims.findIndex((_, i) => bStrides[i] === 0 && isRow && follow(i));
  if (loop < 0) return p;
  const without = (values: readonly number[]) => values.filter((_, i) => i !== loop);
  const rows = p.m === 1 ? { aRow: aStrides[loop], yRow: yStrides[loop] } : {};
  return stacked({ ...p, ...rows, m: p.m * dims[loop], loops: { dims: without(dims), strides: strides.map(without) } });
}
