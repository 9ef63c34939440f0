// The cells of the tables in models/README.md: networks with their ways of pruning.
import type { CriterionName, DistributionName } from '../../src/prune.ts';
import type { NetworkName } from './networks.ts';

/** A pattern by its name; `+` stands for rearranged channels; `N:M` for the one that comes closest to the sparsity. */
export type PatternName = 'unstructured' | 'group2' | 'group4' | 'group2+' | 'group4+' | 'N:M' | 'channel';

export interface Cell {
  network: NetworkName;
  pattern: PatternName;
  criterion: CriterionName;
  distribution: DistributionName;
  /** 0 … 1. */
  sparsity: number;
}

export const sparsities = [0.3, 0.5, 0.7] as const;
export const criteria: readonly CriterionName[] = ['random', 'magnitude', 'second-order'];
export const distributions: readonly DistributionName[] = ['uniform', 'erk', 'search'];
export const patterns: readonly PatternName[] = [
  'unstructured',
  'group2',
  'group2+',
  'group4',
  'group4+',
  'N:M',
  'channel',
];

/** The N:M used for each sparsity. */
const ofSixteen = new Map([
  [0.3, '11:16'],
  [0.5, '2:4'],
  [0.7, '5:16'],
]);

/** The options of prune(). */
export function patternOf({ pattern, sparsity }: Cell): { pattern: string; rearrange?: boolean; own: boolean } {
  if (pattern === 'N:M') return { pattern: ofSixteen.get(sparsity)!, own: true };
  return { pattern: pattern.replace('+', ''), own: false, ...(pattern.endsWith('+') ? { rearrange: true } : {}) };
}

/** An id for file names, without characters that file systems reject. */
export const idOf = ({ network, pattern, criterion, distribution, sparsity }: Cell): string =>
  [network, pattern.replace(':', ''), criterion, distribution, Math.round(100 * sparsity)].join('_');

/**
 * Every cell of the tables. Unstructured: the whole product. Other patterns: uniform and searched. N:M: only uniform, because
 * the pattern fixes its zeros. Rearranged groups: only uniform, for comparison with uniform groups.
 */
export function* cellsOf(network: NetworkName): Generator<Cell> {
  for (const pattern of patterns) {
    for (const criterion of criteria) {
      for (const distribution of distributions) {
        if (distribution === 'erk' && pattern !== 'unstructured') continue;
        if (distribution === 'search' && (pattern === 'N:M' || pattern.endsWith('+'))) continue;
        if (criterion === 'random' && pattern.endsWith('+')) continue;
        for (const sparsity of sparsities) yield { network, pattern, criterion, distribution, sparsity };
      }
    }
  }
}
