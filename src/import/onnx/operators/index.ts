import type { ImportedOperator } from '../../imported-operator.ts';
import { oldestOpset, newestOpset } from '../schema.ts';
import type { Operation } from '../operation.ts';
import { arrangement } from './arrangement.ts';
import { constants } from './constants.ts';
import { convolutions } from './convolution.ts';
import { sums } from './einsum.ts';
import { elementwise } from './elementwise.ts';
import { logic } from './logic.ts';
import { sampling } from './grid-sample.ts';
import { normalisation } from './normalisation.ts';
import { quantisation } from './quantisation.ts';
import { reductions } from './reduction.ts';
import { resizing } from './resize.ts';
import { scatter } from './scatter.ts';
import { selection } from './selection.ts';

const gelu = elementwise.Gelu;

/** Operators by name. Names outside ai.onnx include the domain: `com.microsoft.QLinearAdd`. */
export const onnxOperators: ReadonlyMap<string, ImportedOperator<Operation>> = new Map(
  Object.entries({
    ...convolutions,
    ...elementwise,
    ...arrangement,
    ...constants,
    ...resizing,
    ...sampling,
    ...reductions,
    ...normalisation,
    ...quantisation,
    ...logic,
    ...selection,
    ...scatter,
    ...sums,
    'com.microsoft.Gelu': gelu,
  }),
);

/** Limits of all operators, for docs/operators.md. */
export const onnxLimits: readonly string[] = [
  `Opsets ${oldestOpset} to ${newestOpset} of ai.onnx are read, and each operator has its meaning in the file's opset.`,
  'Sizes are fixed: options give those that a file leaves open. Shapes, and computations on shapes, are evaluated while the file is read.',
  'Values computed from inputs are float32; float16, bfloat16 and float64 run as float32. Computed integers and booleans are float32 values too, which is exact below 2²⁴; a node whose integers may be larger is refused.',
  'Quantised tensors run as the float32 numbers that they stand for, clamped to what their type can hold.',
  'No control flow, no sequences, no functions that a file defines, no strings.',
];
