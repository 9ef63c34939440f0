// One benchmark case builder per kernel of the registry.
import type { KernelName } from '../src/program/kernels.ts';
import type { CaseBuilder } from './cases/case.ts';
import { copyCases } from './cases/copy.ts';
import { depthwiseCases } from './cases/depthwise.ts';
import { detectCases } from './cases/detect.ts';
import { dotCases } from './cases/dots.ts';
import { elementwiseCases } from './cases/elementwise.ts';
import { gridCases } from './cases/grid.ts';
import { imageCases } from './cases/image.ts';
import { linearCases } from './cases/linear.ts';
import { matrixCases } from './cases/matrix.ts';
import { poolCases } from './cases/pool.ts';
import { quadCases } from './cases/quads.ts';
import { resizeCases } from './cases/resize.ts';
import { selectCases } from './cases/select.ts';
import { winogradCases } from './cases/winograd.ts';

export type { CaseBuilder, Workload } from './cases/case.ts';

export const cases: { readonly [K in KernelName]: CaseBuilder } = {
  ...matrixCases,
  ...linearCases,
  ...depthwiseCases,
  ...poolCases,
  ...resizeCases,
  ...elementwiseCases,
  ...copyCases,
  ...imageCases,
  ...detectCases,
  ...dotCases,
  ...selectCases,
  ...gridCases,
  ...quadCases,
  ...winogradCases,
};
