import { activationArguments } from '../program/activations.ts';
import { binaryFunctions } from '../program/kernels/elementwise.ts';
import type { Lowering } from './lowering.ts';
import type { MatrixProduct } from './product.ts';

/** For kernels that take no slopes: a separate step applies them to y. */
export function emitSlopes(p: MatrixProduct, lowering: Lowering): void {
  if (!p.slopes) return;
  lowering.emit('f32_binary', {
    a: p.y,
    b: lowering.constant({ form: 'f32', data: p.slopes }),
    y: p.y,
    fn: binaryFunctions.indexOf('prelu'),
    dim0: 1,
    dim1: p.batch,
    dim2: p.rows,
    dim3: p.height * p.width,
    a0: 0,
    a1: 4 * p.yBatch,
    a2: 4 * p.yPlane,
    a3: 4,
    b0: 0,
    b1: 0,
    b2: 4,
    b3: 0,
    y0: 0,
    y1: 4 * p.yBatch,
    y2: 4 * p.yPlane,
    ...activationArguments(undefined),
  });
}
