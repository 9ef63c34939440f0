// Weights × planes: sparse in groups of 1, 2 and 4 output channels, and dense.
import type { RawKernels } from '../../src/kernels.ts';
import { packGemm, packSpmm } from '../../src/lower/pack.ts';
import { packedTiles, tiles } from '../../src/program/tiles.ts';
import type { Group, Tile } from '../../src/program/tiles.ts';
import type { TapTable } from '../../src/program/program.ts';
import { defaultCostModel } from '../../src/lower/cost.ts';
import { blockOf } from '../../src/lower/matrix.ts';
import { paddedPlane } from '../../src/program/layout.ts';
import { constantBytes } from '../../src/program/constants.ts';
import type { Constant } from '../../src/program/program.ts';
import { packedVectors } from '../../src/program/kernels/gemm.ts';
import type { KernelName } from '../../src/program/kernels.ts';
import { matmulBlockRows, matmulScratchBytes } from '../../src/program/kernels/matmul.ts';
import { matrixScratchBytes } from '../../src/program/kernels/matrix.ts';
import { placeConstant, placeFloats, randomFloats, seeded } from '../place.ts';
import { outputSize } from '../shapes.ts';
import type { LayerShape } from '../shapes.ts';
import type { CaseBuilder } from './case.ts';
import { flatOutput, macWork, planesOf, relu6 } from './case.ts';

type Kind = 'flat' | 'shifted';

const contests = { flat: 'pointwise', shifted: 'convolution' };

export function kindOf({ op, height, width, kernel, stride }: LayerShape): Kind | undefined {
  if (op !== 'conv') return undefined;
  if (kernel > 1 || stride > 1) return 'shifted';
  return height * width === 1 ? undefined : 'flat';
}

/** Random weights (rows, columns) at a density; `group` rows share positions. */
export function sparseWeights(rows: number, columns: number, group: Group, density: number): Float32Array {
  const weights = Float32Array.from(randomFloats(rows * columns));
  const random = seeded(rows + columns);
  const full = rows - (rows % group);
  for (let row = 0; row < rows; row += row < full ? group : 1) {
    const end = row < full ? row + group : row + 1;
    for (let column = 0; column < columns; column++) {
      if (random() < density) continue;
      for (let i = row; i < end; i++) weights[i * columns + column] = 0;
    }
  }
  return weights;
}

/** The planes that weights multiply: the input's own, or a padded copy split into phases. */
export function placeInput(kernels: RawKernels, shape: LayerShape, kind: Kind) {
  const { inputs, kernel, stride, height, width } = shape;
  const [outHeight, outWidth] = outputSize(shape);
  const reach = Math.floor((kernel - 1) / stride);
  const rowPixels = kind === 'shifted' ? 4 * Math.ceil((outWidth + reach) / 4) : 0;
  const phases = Math.min(stride, kernel) ** 2;
  const phase = paddedPlane(kind === 'shifted' ? (outHeight + reach) * rowPixels : height * width);
  const table: TapTable = {
    channels: inputs,
    kernel: [kernel, kernel],
    stride: [stride, stride],
    dilation: [1, 1],
    channelBytes: 4 * phases * phase,
    phaseBytes: 4 * phase,
    rowBytes: 4 * rowPixels,
  };
  const taps = placeConstant(kernels, { form: 'taps', taps: table });
  const floats = inputs * phases * phase;
  return { x: placeFloats(kernels, floats), taps, table, rowPixels, bytes: 4 * floats };
}

const tileOf = (name: string) => Object.entries<Tile>(tiles.spmm).find(([tile]) => name.endsWith(tile))![1];

function matrix(name: KernelName, kind: Kind, group: Group | 'dense'): CaseBuilder {
  return {
    contest: contests[kind],
    encoding: group === 'dense' ? 'dense' : 'sparse',
    fits: (shape) => kindOf(shape) === kind,
    build(kernels, shape, density) {
      const { inputs, outputs: rows, kernel } = shape;
      const [height, width] = outputSize(shape);
      const columns = inputs * kernel * kernel;
      const { x, taps, table, rowPixels, bytes } = placeInput(kernels, shape, kind);
      const y = planesOf(rows, height * width);
      const bias = randomFloats(rows);
      const address = kernels.allocate(4 * y.floats);
      const output = { address, ...y };
      const common = {
        y: address,
        batch: 1,
        xBatch: 0,
        yBatch: 0,
        rows,
        height,
        width,
        rowPixels,
        yPlane: y.plane,
        ...relu6,
      };
      const macs = rows * columns * height * width;
      // what only kernels over planes have
      const planes = { taps, residual: address, columns, add: 0, scratch: address, packed: 0 };
      if (group === 'dense') {
        const wide = name.endsWith('24x2');
        const constant = { ...packGemm(rows, columns, randomFloats(rows * columns), bias), wide } as Constant;
        const weights = placeConstant(kernels, constant);
        const packed = wide && kind === 'flat' ? packedVectors(height * width, columns) : 1;
        const tile = { ...packedTiles.dense, vectors: Math.max(packed, packedTiles.dense.vectors) };
        const scratch = kernels.allocate(matrixScratchBytes(columns, tile));
        const args = { x, weights, ...common, ...planes, scratch, packed };
        const moved = bytes + constantBytes(constant) + 4 * y.floats;
        return macWork(kernels.record(name, args), output, macs, macs, moved);
      }
      const values = sparseWeights(rows, columns, group, density);
      const block = blockOf({ taps: table }, tileOf(name), defaultCostModel);
      const constant = packSpmm(rows, columns, group, values, bias, 0, block);
      const weights = placeConstant(kernels, constant, taps);
      const args = { x, weights, ...common, ...planes };
      const nonzeros = values.reduce((count, value) => count + (value === 0 ? 0 : 1), 0);
      const moved = bytes + constantBytes(constant) + 4 * y.floats;
      return macWork(kernels.record(name, args), output, macs, nonzeros * height * width, moved);
    },
  };
}

/** The same products with weights that are computed, and packed like the planes at every run. */
const matmul: CaseBuilder = {
  contest: 'matmul',
  encoding: 'dense',
  fits: (shape) => kindOf(shape) === 'flat',
  build(kernels, { inputs: inner, outputs: rows, height, width }) {
    const columns = height * width;
    const blockRows = matmulBlockRows(rows, inner);
    const address = kernels.allocate(4 * rows * columns);
    const args = {
      a: placeFloats(kernels, rows * inner),
      b: placeFloats(kernels, inner * columns),
      scratch: kernels.allocate(matmulScratchBytes(inner, blockRows)),
      y: address,
      batch0: 1,
      batch1: 1,
      rows,
      columns,
      inner,
      blockRows,
      aBatch0: 0,
      aBatch1: 0,
      aRow: 4 * inner,
      aInner: 4,
      bBatch0: 0,
      bBatch1: 0,
      bInner: 4 * columns,
      bColumn: 4,
      yBatch0: 0,
      yBatch1: 0,
      yRow: 4 * columns,
    };
    const macs = rows * inner * columns;
    const moved = 4 * (rows * inner + inner * columns + rows * columns);
    return macWork(kernels.record('f32_matmul', args), flatOutput(address, rows * columns), macs, macs, moved);
  },
};

export const matrixCases = {
  f32_matmul: matmul,
  f32_spmm_28x1: matrix('f32_spmm_28x1', 'flat', 1),
  f32_spmm_52x1: matrix('f32_spmm_52x1', 'flat', 1),
  f32_spmm_16x2: matrix('f32_spmm_16x2', 'flat', 2),
  f32_spmm_8x4: matrix('f32_spmm_8x4', 'flat', 4),
  f32_conv_spmm_28x1: matrix('f32_conv_spmm_28x1', 'shifted', 1),
  f32_conv_spmm_52x1: matrix('f32_conv_spmm_52x1', 'shifted', 1),
  f32_conv_spmm_16x2: matrix('f32_conv_spmm_16x2', 'shifted', 2),
  f32_conv_spmm_8x4: matrix('f32_conv_spmm_8x4', 'shifted', 4),
  f32_gemm_8x4: matrix('f32_gemm_8x4', 'flat', 'dense'),
  f32_gemm_24x2: matrix('f32_gemm_24x2', 'flat', 'dense'),
  f32_conv_gemm_8x4: matrix('f32_conv_gemm_8x4', 'shifted', 'dense'),
  f32_conv_gemm_24x2: matrix('f32_conv_gemm_24x2', 'shifted', 'dense'),
};
