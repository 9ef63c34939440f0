import type { Handler } from '../operation.ts';
import { arrangement } from './arrangement.ts';
import { constants } from './constants.ts';
import { convolutions } from './convolution.ts';
import { elementwise } from './elementwise.ts';
import { normalisation } from './normalisation.ts';
import { quantisation } from './quantisation.ts';
import { reductions } from './reduction.ts';
import { resizing } from './resize.ts';

const gelu = elementwise.Gelu;

/** By operator, those of other domains than ai.onnx with their domain: `com.microsoft.QLinearAdd`. */
export const handlers: ReadonlyMap<string, Handler> = new Map(
  Object.entries({
    ...convolutions,
    ...elementwise,
    ...arrangement,
    ...constants,
    ...resizing,
    ...reductions,
    ...normalisation,
    ...quantisation,
    'com.microsoft.Gelu': gelu,
  }),
);
