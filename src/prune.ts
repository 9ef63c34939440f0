// `filigree/prune`: from a dense network to a sparse one. Nothing that runs or compiles networks loads it.
export { prune } from './prune/prune.ts';
export type { Pruned } from './prune/prune.ts';
export type { Region } from './prune/statistics/picks.ts';
export { soup } from './prune/soup.ts';
export { readGroups, readMasks, writeMasks } from './prune/patterns/mask-file.ts';
export type { MaskFacts } from './prune/patterns/mask-file.ts';
export { groupedBy, patternNamed } from './prune/patterns/patterns.ts';
export type { Grouping } from './prune/patterns/patterns.ts';
export { prepared } from './prune/prepare.ts';
export { layersOf } from './prune/layers.ts';
export type { Exemption, Layer, LayerKind } from './prune/layers.ts';
export type { Blocks, Mask, Pattern } from './prune/patterns/pattern.ts';
export type { Criterion, JudgedLayer } from './prune/criteria/criterion.ts';
export type { DistributionName } from './prune/distribution/distributions.ts';
export type { CriterionName } from './prune/criteria/criteria.ts';
export type { Checkpoint, PruneOptions, PruningProgress, Sample } from './prune/options.ts';
export type { Accuracy, BeforeAndAfter, EssentialSparsity, LayerOutcome, PruningReport } from './prune/report.ts';
