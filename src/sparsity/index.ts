// `filigree/prune`: from a dense network to a sparse one. Nothing that runs or compiles networks loads it.
export { prune } from './prune.ts';
export type { Pruned } from './prune.ts';
export type { Region } from './picks.ts';
export { soup } from './soup.ts';
export { readGroups, readMasks, writeMasks } from './mask-file.ts';
export type { MaskFacts } from './mask-file.ts';
export { groupedBy, patternNamed } from './patterns.ts';
export type { Grouping } from './patterns.ts';
export { prepared } from './prepare.ts';
export { layersOf } from './layers.ts';
export type { Exemption, Layer, LayerKind } from './layers.ts';
export type { Blocks, Mask, Pattern } from './pattern.ts';
export type { Checkpoint, Criterion, DistributionName, PruneOptions, PruningProgress, Sample } from './options.ts';
export type { Accuracy, BeforeAndAfter, EssentialSparsity, LayerOutcome, PruningReport } from './report.ts';
