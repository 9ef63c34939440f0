// Matrix products in eight bits. A layer's input is quantised with one scale, known from calibration (calibrate.ts), and
// its weights with a scale for each row. Its output is float. So int8 is a property of one layer.
import type { Range } from './ranges.ts';
import { activationArguments } from '../program/activations.ts';
import { bytePlane } from '../program/layout.ts';
import type { Group } from '../program/tiles.ts';
import { predict } from './cost.ts';
import { productWork } from './product-cost.ts';
import type { Lowering, StepCost } from './lowering.ts';
import type { MatrixProduct, ProductCandidate } from './product.ts';
import { kernelsOf, matrixKernels } from './matrix-kernels.ts';
import type { KernelOfKind } from './matrix-kernels.ts';
import { countKept, packPositions } from './pack.ts';
import { addAfter } from './residual.ts';
import { emitSlopes } from './slopes.ts';

/** Steps of an 8-bit value: x ≈ step · (q − zero), q in 0…127. */
export interface Steps {
  step: number;
  /** The integer that stands for 0, in 0…127. */
  zero: number;
}

/** Seven bits, so that `relaxed_dot` gives the same result on every host; see assembly/int8/index.ts. */
const levels = 127;

/** 32-bit sums of up to this many products cannot overflow. */
const maximumColumns = Math.floor(2 ** 31 / (levels * 127)) - 1;

/** Steps for a range. Zero is represented exactly, so that zeros of a ReLU or of padding stay zero. */
export function stepsOf({ min, max }: Range): Steps {
  const low = Math.min(min, 0);
  const step = Math.fround((Math.max(max, 0) - low) / levels) || 1;
  return { step, zero: Math.min(levels, Math.round((0 - low) / step)) };
}

/** (rows, columns) weights as integers −127…127, and the step of each row. */
export function quantiseWeights(rows: number, columns: number, weights: Float32Array): [Float32Array, Float64Array] {
  const values = new Float32Array(weights.length);
  const steps = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    let most = 0;
    for (let i = row * columns; i < (row + 1) * columns; i++) most = Math.max(most, Math.abs(weights[i]));
    steps[row] = most / 127;
    if (most > 0) {
      for (let i = row * columns; i < (row + 1) * columns; i++) values[i] = Math.round(weights[i] / steps[row]);
    }
  }
  return [values, steps];
}

/** Packs weights for the kernels, with scales and biases that undo the steps of input and weights. */
export function packInt8(
  { rows, columns, bias: given }: Pick<MatrixProduct, 'rows' | 'columns' | 'bias'>,
  values: Float32Array,
  steps: Float64Array,
  x: Steps,
  group: Group,
  taps: number,
) {
  const scales = new Float32Array(rows);
  const bias = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    let sum = 0;
    for (let i = row * columns; i < (row + 1) * columns; i++) sum += values[i];
    scales[row] = steps[row] * x.step;
    bias[row] = (given?.[row] ?? 0) - x.zero * sum * scales[row];
  }
  const positions = packPositions(rows, columns, group, values);
  const kept = Int8Array.from(positions.values);
  return { form: 'i8', rows, columns, group, ...positions, values: kept, scales, bias, taps } as const;
}

/** Candidates for the pointwise product y = act(W · x) in eight bits; none if its sums could overflow. */
export function int8Candidates(p: MatrixProduct, range: Range, cost: StepCost, lowering: Lowering): ProductCandidate[] {
  const { costModel } = lowering;
  const { rows, columns, batch, height, width } = p;
  const [values, steps] = quantiseWeights(rows, columns, p.weights);
  if (columns > maximumColumns || !steps.every(Number.isFinite)) return [];
  const quantised = { kernel: 'i8_quantise', count: 'read', times: (batch * columns * height * width) / 4 };
  const vectors = (batch * rows * height * width) / 4;
  const added = p.residual || p.slopes ? [{ kernel: 'f32_binary', count: 'write', times: vectors }] : [];
  return kernelsOf('int8').map((kernel) => {
    const kept = countKept(rows, columns, values, matrixKernels[kernel]);
    const ms = predict([quantised, ...productWork(kernel, p, kept, costModel), ...added], costModel);
    const emit = () =>
      addAfter(p, lowering, (product) => {
        emitInt8(product, range, kernel, values, steps, cost, lowering);
        emitSlopes(product, lowering);
      });
    return { name: kernel, ms, isDense: false, emit };
  });
}

function emitInt8(
  p: MatrixProduct,
  range: Range,
  kernel: KernelOfKind<'int8'>,
  values: Float32Array,
  steps: Float64Array,
  cost: StepCost,
  lowering: Lowering,
): void {
  const { rows, columns, batch, height, width } = p;
  const pixels = height * width;
  const plane = bytePlane(pixels);
  const { step, zero } = stepsOf(range);
  const x = lowering.scratch(batch * columns * plane);
  for (let n = 0; n < batch; n++) {
    lowering.emit('i8_quantise', {
      x: { buffer: p.x.buffer, offset: p.x.offset + 4 * n * p.xBatch },
      y: { buffer: x.buffer, offset: x.offset + n * columns * plane },
      planes: columns,
      pixels,
      xPlane: p.taps.channelBytes,
      yPlane: plane,
      scale: 1 / step,
      zero,
    });
  }
  const taps = lowering.constant({ form: 'taps', taps: { ...p.taps, channelBytes: plane } });
  const group = matrixKernels[kernel].group;
  const weights = lowering.constant(packInt8(p, values, steps, { step, zero }, group, taps.buffer));
  const args = {
    x,
    weights,
    y: p.y,
    batch,
    xBatch: columns * plane,
    yBatch: 4 * p.yBatch,
    rows,
    pixels,
    yPlane: 4 * p.yPlane,
    ...activationArguments(p.activation),
  };
  lowering.emit(kernel, args, cost);
}
