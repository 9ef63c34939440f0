import { schemaVersion } from '../schema.ts';
import type { ImportedOperator } from '../../imported-operator.ts';
import type { Operation } from '../operation.ts';
import { arrangement } from './arrangement.ts';
import { convolutions } from './convolution.ts';
import { detection } from './detection.ts';
import { elementwise } from './elementwise.ts';
import { reductions } from './reduction.ts';

/** How each operator is translated, by its name in the schema. */
export const tfliteOperators: ReadonlyMap<string, ImportedOperator<Operation>> = new Map(
  Object.entries({ ...convolutions, ...elementwise, ...arrangement, ...reductions, ...detection }),
);

/** What holds for all of them, for docs/operators.md. */
export const tfliteLimits: readonly string[] = [
  `Files of schema version ${schemaVersion} are read, whatever the versions of their operators: an option that a file does not have is the default of the schema.`,
  'One subgraph runs, the first. Sizes are those that the file declares; shapes, and what is computed of them in integers, are worked out while the file is read.',
  'What is computed from inputs is float32; float16, bfloat16 and float64 run as float32. Quantised tensors run as the float32 numbers that they stand for, clamped to what their type can hold.',
  'Tensors of rank 4 are NHWC in files and NCHW here. Where the order matters transposes are put in, which passes cancel.',
  'The fused activation SIGN_BIT is not supported.',
  'No control flow, no variables, no strings.',
];
