import { arrangementCases } from './arrangement.ts';
import { attentionCases } from './attention.ts';
import type { OperatorCase } from './cases.ts';
import { constantsCases } from './constants.ts';
import { convolutionCases } from './convolution.ts';
import { elementwiseCases } from './elementwise.ts';
import { quantisedCases } from './quantised.ts';
import { selectionCases } from './selection.ts';

export const operatorCases: OperatorCase[] = [
  convolutionCases.list,
  elementwiseCases.list,
  arrangementCases.list,
  constantsCases.list,
  quantisedCases,
  attentionCases.list,
  selectionCases.list,
].flat();
