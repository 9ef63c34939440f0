// All named criteria. The command line's choices, messages and prune() read this list. Criteria import their computations only
// on use, so that the list of names costs nothing.
import { FiligreeError } from '../../errors.ts';
import { batchNorm } from './batch-norm.ts';
import type { Criterion } from './criterion.ts';
import { magnitude } from './magnitude.ts';
import { random } from './random.ts';
import { secondOrder } from './second-order.ts';

export const criteria = [magnitude, random, secondOrder, batchNorm] as const satisfies readonly Criterion[];

export type CriterionName = (typeof criteria)[number]['name'];

export const criterionNames: readonly CriterionName[] = criteria.map(({ name }) => name);

/** @throws FiligreeError `invalid-argument` for an unknown name */
export function criterionNamed(name: CriterionName): Criterion {
  const found = criteria.find((criterion) => criterion.name === name);
  if (found) return found;
  throw new FiligreeError('invalid-argument', `criterion "${name}": wanted ${criterionNames.join(', ')}`);
}
