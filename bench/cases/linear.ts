// Weights × vectors: f32 sparse and dense, 8 and 4 bits in groups of 16 columns.
import { packGemm, packSpmm } from '../../src/lower/pack.ts';
import { tiles } from '../../src/program/tiles.ts';
import { packQuantised } from '../../src/lower/quantise.ts';
import type { RawKernels } from '../../src/kernels.ts';
import { constantBytes } from '../../src/program/constants.ts';
import type { KernelName } from '../../src/program/kernels.ts';
import type { Constant } from '../../src/program/program.ts';
import { placeConstant, placeFloats, randomFloats, seeded } from '../place.ts';
import type { LayerShape } from '../shapes.ts';
import type { CaseBuilder } from './case.ts';
import { elementWork, flatOutput, macWork, relu6 } from './case.ts';

/** Number of images, or undefined for more than one pixel. */
function batchOf({ op, height, width, kernel }: LayerShape): number | undefined {
  if (op === 'linear') return height;
  return op === 'conv' && kernel === 1 && height * width === 1 ? 1 : undefined;
}

/** Random weights (rows, columns) at a density, in blocks of rows or columns that are pruned together. */
export function prunedWeights(rows: number, columns: number, density: number, block: readonly [number, number]) {
  const weights = Float32Array.from(randomFloats(rows * columns));
  const random = seeded(rows + columns);
  for (let row = 0; row < rows; row += block[0]) {
    for (let column = 0; column < columns; column += block[1]) {
      if (random() < density) continue;
      for (let i = row; i < Math.min(row + block[0], rows); i++) {
        weights.fill(0, i * columns + column, i * columns + Math.min(column + block[1], columns));
      }
    }
  }
  return weights;
}

interface Kind {
  contest: string;
  encoding: 'sparse' | 'dense';
  block: readonly [rows: number, columns: number];
  pack(rows: number, columns: number, weights: Float32Array, bias: Float32Array): Constant;
}

const quantised = (bits: 4 | 8): Kind => ({
  contest: `linear, ${bits} bits`,
  encoding: 'sparse',
  block: [1, 16],
  pack: (rows, columns, weights, bias) => packQuantised(rows, columns, bits, weights, bias),
});

const kinds: Record<string, Kind> = {
  f32_linear_dense: {
    contest: 'linear',
    encoding: 'dense',
    block: [1, 1],
    pack: (rows, columns, weights, bias) => packGemm(rows, columns, weights, bias, tiles.linear.dense.rows),
  },
  f32_linear_sparse: {
    contest: 'linear',
    encoding: 'sparse',
    block: [1, 1],
    pack: (rows, columns, weights, bias) => packSpmm(rows, columns, 1, weights, bias, 0, 0),
  },
  f32_linear_sparse_4: {
    contest: 'linear',
    encoding: 'sparse',
    block: [4, 1],
    pack: (rows, columns, weights, bias) => packSpmm(rows, columns, 4, weights, bias, 0, 0),
  },
  i8_linear: quantised(8),
  i4_linear: quantised(4),
};

/** Inputs of `batch` images in the form that kernels of 8 and 4 bits read. */
function placeInput(kernels: RawKernels, x: number, batch: number, columns: number) {
  const y = kernels.allocate(batch * (16 + 32 * Math.ceil(columns / 16)));
  const run = kernels.record('i16_linear_input', { x, y, batch, xBatch: 4 * columns, columns });
  return { y, run };
}

function linear(name: KernelName): CaseBuilder {
  const { contest, encoding, block, pack } = kinds[name];
  return {
    contest,
    encoding,
    fits: (shape) => batchOf(shape) !== undefined,
    build(kernels, shape, density) {
      const { inputs: columns, outputs: rows } = shape;
      const batch = batchOf(shape)!;
      const values = encoding === 'dense' ? randomFloats(rows * columns) : prunedWeights(rows, columns, density, block);
      const nonzeros = values.reduce((count, value) => count + (value === 0 ? 0 : 1), 0);
      const constant = pack(rows, columns, values, randomFloats(rows));
      const taps = placeConstant(kernels, {
        form: 'taps',
        taps: {
          channels: columns,
          kernel: [1, 1],
          stride: [1, 1],
          dilation: [1, 1],
          channelBytes: 4,
          phaseBytes: 0,
          rowBytes: 0,
        },
      });
      const weights = placeConstant(kernels, constant, taps);
      let x = placeFloats(kernels, batch * columns);
      if (constant.form === 'quantised') {
        const input = placeInput(kernels, x, batch, columns);
        input.run();
        x = input.y;
      }
      const y = kernels.allocate(4 * batch * rows);
      const args = { x, weights, y, batch, xBatch: 4 * columns, yBatch: 4 * rows, rows, columns, ...relu6 };
      const moved = constantBytes(constant) + 4 * batch * (rows + columns);
      const output = flatOutput(y, batch * rows);
      return macWork(kernels.record(name, args), output, batch * rows * columns, batch * nonzeros, moved);
    },
  };
}

const input: CaseBuilder = {
  contest: 'linear inputs',
  encoding: 'dense',
  fits: (shape) => batchOf(shape) !== undefined,
  build(kernels, shape) {
    const { inputs: columns } = shape;
    const batch = batchOf(shape)!;
    const { y, run } = placeInput(kernels, placeFloats(kernels, batch * columns), batch, columns);
    return elementWork(run, flatOutput(y, 1), batch * columns, 6 * batch * columns);
  },
};

export const linearCases = {
  f32_linear_dense: linear('f32_linear_dense'),
  f32_linear_sparse: linear('f32_linear_sparse'),
  f32_linear_sparse_4: linear('f32_linear_sparse_4'),
  i16_linear_input: input,
  i8_linear: linear('i8_linear'),
  i4_linear: linear('i4_linear'),
};
