import type { Handler } from '../operation.ts';
import { arrangement } from './arrangement.ts';
import { convolutions } from './convolution.ts';
import { detection } from './detection.ts';
import { elementwise } from './elementwise.ts';
import { reductions } from './reduction.ts';

/** How each operator is translated, by its name in the schema. */
export const handlers: ReadonlyMap<string, Handler> = new Map(
  Object.entries({ ...convolutions, ...elementwise, ...arrangement, ...reductions, ...detection }),
);
