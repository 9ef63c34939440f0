import { activationArguments } from '../program/activations.ts';
import { binaryFunctions } from '../program/kernels/elementwise.ts';
import type { Lowering } from './lowering.ts';
import type { MatrixProduct } from './product.ts';

/**
 * For kernels without a residual: `emit` receives the product without it, and a separate step adds it. If the residual lies
 * in y, the product is written to scratch memory first.
 */
export function addAfter(p: MatrixProduct, lowering: Lowering, emit: (product: MatrixProduct) => void): void {
  const { residual, y, activation } = p;
  if (!residual) return emit(p);
  const floats = p.batch * p.yBatch;
  const isPlaced = residual.buffer === y.buffer && residual.offset === y.offset;
  const a = isPlaced ? lowering.scratch(4 * floats) : y;
  emit({ ...p, residual: undefined, activation: undefined, y: a });
  lowering.emit('f32_binary', {
    a,
    b: residual,
    y,
    fn: binaryFunctions.indexOf('add'),
    dim0: 1,
    dim1: 1,
    dim2: 1,
    dim3: floats,
    a0: 0,
    a1: 0,
    a2: 0,
    a3: 4,
    b0: 0,
    b1: 0,
    b2: 0,
    b3: 4,
    y0: 0,
    y1: 0,
    y2: 0,
    ...activationArguments(activation),
  });
}
