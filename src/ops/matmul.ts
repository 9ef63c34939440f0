import type { Node, Shape } from '../graph/graph.ts';
import type { Lowering } from '../lower/lowering.ts';
import { matmulBlockRows, matmulScratchBytes } from '../program/kernels/matmul.ts';
import { elementCount } from '../tensor.ts';
import { broadcastIndices, broadcastShape, broadcastStrides, collapse, innermost } from './broadcast.ts';
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

function lowerMatmul(node: Node & { attributes: MatmulAttributes }, lowering: Lowering): void {
  const { transposeA, transposeB } = node.attributes;
  const [a, b] = node.inputs;
  const [y] = node.outputs;
  const shape = lowering.shape(y);
  const { m, n, k } = sizes(node.attributes, lowering.shape(a), lowering.shape(b));
  if (elementCount(shape) === 0) return;
  const strides = [a, b, y].map((value) => lowering.strides(value));
  const batch = shape.slice(0, -2);
  const over = (value: string, i: number) =>
    broadcastStrides(lowering.shape(value).slice(0, -2), strides[i].slice(0, -2), batch);
  const loops = collapse(batch, [over(a, 0), over(b, 1), strides[2].slice(0, -2)]);
  const { inner, offsets } = innermost(loops, 2);
  const [[aBatch0, aBatch1], [bBatch0, bBatch1], [yBatch0, yBatch1]] = inner.strides.map((s) => s.map((f) => 4 * f));
  const [[aOuter, aLast], [bOuter, bLast], [yRow]] = strides.map((s) => s.slice(-2).map((f) => 4 * f));
  const [aRow, aInner] = transposeA ? [aLast, aOuter] : [aOuter, aLast];
  const [bInner, bColumn] = transposeB ? [bLast, bOuter] : [bOuter, bLast];
  const blockRows = matmulBlockRows(m, k);
  const scratch = lowering.scratch(matmulScratchBytes(k, blockRows));
  const macs = inner.dims[0] * inner.dims[1] * m * n * k;
  for (const [aAt, bAt, yAt] of offsets) {
    lowering.emit(
      'f32_matmul',
      {
        a: lowering.at(a, aAt),
        b: lowering.at(b, bAt),
        scratch,
        y: lowering.at(y, yAt),
        batch0: inner.dims[0],
        batch1: inner.dims[1],
        rows: m,
        columns: n,
        inner: k,
        blockRows,
        aBatch0,
        aBatch1,
        aRow,
        aInner,
        bBatch0,
        bBatch1,
        bInner,
        bColumn,
        yBatch0,
        yBatch1,
        yRow,
      },
      { macs, effectiveMacs: macs },
    );
  }
}
