import { schemaVersion } from '../schema.ts';
import type { ImportedOperator } from '../../imported-operator.ts';
import type { Operation } from '../operation.ts';
import { arrangement } from './arrangement.ts';
import { batchSpace } from './batch-space.ts';
import { convolutions } from './convolution.ts';
import { detection } from './detection.ts';
import { elementwise } from './elementwise.ts';
import { logic } from './logic.ts';
import { reductions } from './reduction.ts';
import { selection } from './selection.ts';

/** How each operator is translated, by its name in the schema. */
export const tfliteOperators: ReadonlyMap<string, ImportedOperator<Operation>> = new Map(
  Object.entries({
    ...convolutions,
    ...elementwise,
    ...arrangement,
    ...reductions,
    ...logic,
    ...selection,
    ...batchSpace,
    ...detection,
  }),
);

/** Limits of all operators, for docs/operators.md. */
export const tfliteLimits: readonly string[] = [
  `Files of schema version ${schemaVersion} are read, with any versions of operators. Options that a file omits have the schema's default.`,
  'Only the first subgraph runs. Sizes are those that the file declares. Shapes, and integer computations on shapes, are evaluated while the file is read.',
  'Values computed from inputs are float32; float16, bfloat16 and float64 run as float32. Quantised tensors run as the float32 numbers that they stand for, clamped to what their type can hold.',
  'Tensors of rank 4 are NHWC in files and NCHW here. Where the order matters, the importer adds transposes, which passes cancel.',
  'The fused activation SIGN_BIT is not supported.',
  'No control flow, no variables, no strings.',
];
