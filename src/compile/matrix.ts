// Weights × shifted planes: what convolutions and linear layers lower to.
import { activationArguments } from '../program/activations.ts';
import type { Activation } from '../program/activations.ts';
import type { Constant, Pointer, TapTable } from '../program/program.ts';
import type { CostModel, ProductShape } from './cost.ts';
import { predict, productWork } from './cost.ts';
import type { Lowering, StepCost, Way } from './lowering.ts';
import type { MatrixKernelName, MatrixKind } from './matrix-kernels.ts';
import { kernelsOf, matrixKernels } from './matrix-kernels.ts';
import { countKept, packGemm, packSpmm } from './pack.ts';

/** W (rows, columns) and what it multiplies. Strides are in floats. */
export interface MatrixProduct {
  rows: number;
  columns: number;
  weights: Float32Array;
  bias?: Float32Array;
  /** Where each column finds its plane, in bytes from x. */
  taps: TapTable;
  x: Pointer;
  y: Pointer;
  batch: number;
  xBatch: number;
  yBatch: number;
  /** Of an output plane, and the floats from one to the next. */
  height: number;
  width: number;
  yPlane: number;
  /** Floats of an input row when x is a padded copy; 0 when x's planes are read pixel by pixel. */
  rowPixels: number;
  activation?: Activation;
}

/** Emits y = act(W · x) by the kernel that the cost model finds fastest for the weights' own zeros. */
export function emitMatrixProduct(p: MatrixProduct, lowering: Lowering): void {
  const pixels = p.height * p.width;
  const ways = waysOf(p, p.weights, lowering.costModel);
  const { rows, columns, batch, height, width, rowPixels } = p;
  const density = ways.map(({ ms }) => Math.round((20 * ms) / ways[0].ms));
  const kernel = lowering.choose(
    ways,
    `${[rows, columns, batch, height, width, rowPixels]} ${density}`,
  ) as MatrixKernelName;
  let nonzeros = 0;
  for (const w of p.weights) if (w !== 0) nonzeros++;
  const cost: StepCost = {
    macs: p.batch * pixels * p.rows * p.columns,
    effectiveMacs: p.batch * pixels * nonzeros,
    sparsity: 1 - nonzeros / (p.rows * p.columns),
  };
  const taps = lowering.constant({ form: 'taps', taps: p.taps });
  const weights = lowering.constant(packFor(kernel, p, p.weights, p.bias, taps.buffer));
  const common = {
    x: p.x,
    weights,
    y: p.y,
    batch: p.batch,
    xBatch: 4 * p.xBatch,
    yBatch: 4 * p.yBatch,
    rows: p.rows,
    height: p.height,
    width: p.width,
    rowPixels: p.rowPixels,
    yPlane: 4 * p.yPlane,
    ...activationArguments(p.activation),
  };
  // fields that sparse kernels do not have are not theirs to be told
  const dense = matrixKernels[kernel].group === 'dense' ? { taps, columns: p.columns } : {};
  lowering.emit(kernel, { ...common, ...dense } as never, cost);
}

/** Every kernel that can do a product with these (rows, columns) weights, dense first. */
function waysOf(shape: ProductShape, weights: Float32Array, model: CostModel): (Way & { name: MatrixKernelName })[] {
  return kernelsOf(kindOf(shape)).map((name) => {
    const { group } = matrixKernels[name];
    const kept = countKept(shape.rows, shape.columns, weights, group);
    return { name, ms: predict(productWork(name, shape, kept, model), model), isDense: group === 'dense' };
  });
}

function kindOf({ height, width, rowPixels }: ProductShape): MatrixKind {
  return height * width === 1 ? 'vector' : rowPixels === 0 ? 'flat' : 'shifted';
}

/** Weights as a kernel wants them. `taps`: the buffer with the table that turns columns into byte offsets. */
function packFor(
  kernel: MatrixKernelName,
  { rows, columns }: { rows: number; columns: number },
  weights: Float32Array,
  bias: Float32Array | undefined,
  taps: number,
): Constant {
  const { group } = matrixKernels[kernel];
  if (group === 'dense') return packGemm(rows, columns, weights, bias);
  return packSpmm(rows, columns, group, weights, bias, taps);
}
