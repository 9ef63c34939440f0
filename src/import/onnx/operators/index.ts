import type { ImportedOperator } from '../../imported-operator.ts';
import { oldestOpset, newestOpset } from '../schema.ts';
import type { Operation } from '../operation.ts';
import { arrangement } from './arrangement.ts';
import { constants } from './constants.ts';
import { convolutions } from './convolution.ts';
import { elementwise } from './elementwise.ts';
import { logic } from './logic.ts';
import { normalisation } from './normalisation.ts';
import { quantisation } from './quantisation.ts';
import { reductions } from './reduction.ts';
import { resizing } from './resize.ts';
import { selection } from './selection.ts';

const gelu = elementwise.Gelu;

/** By operator, those of other domains than ai.onnx with their domain: `com.microsoft.QLinearAdd`. */
export const onnxOperators: ReadonlyMap<string, ImportedOperator<Operation>> = new Map(
  Object.entries({
    ...convolutions,
    ...elementwise,
    ...arrangement,
    ...constants,
    ...resizing,
    ...reductions,
    ...normalisation,
    ...quantisation,
    ...logic,
    ...selection,
    'com.microsoft.Gelu': gelu,
  }),
);

/** What holds for all of them, for docs/operators.md. */
export const onnxLimits: readonly string[] = [
  `Opsets ${oldestOpset} to ${newestOpset} of ai.onnx are read, with the meaning that each operator has in the file's opset.`,
  'Sizes are fixed: what a file leaves open is given as an option. Shapes, and what is computed of them, are worked out while the file is read.',
  'What is computed from inputs is float32; float16, bfloat16 and float64 run as float32. Integers and booleans are worked out where they are constant, and are float32 where they are computed: exact, or refused where they may be 2²⁴ or more.',
  'Quantised tensors run as the float32 numbers that they stand for, clamped to what their type can hold.',
  'No control flow, no sequences, no functions that a file defines, no strings.',
];
