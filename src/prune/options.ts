// The options of prune(), and their checks.
import type { CostModel } from '../lower/cost-model.ts';
import type { WeightType } from '../compile/rounding.ts';
import { FiligreeError } from '../errors.ts';
import { criterionNamed } from './criteria/criteria.ts';
import type { CriterionName } from './criteria/criteria.ts';
import { judgesWeights } from './criteria/criterion.ts';
import type { Criterion } from './criteria/criterion.ts';
import type { Exemption, Layer } from './layers.ts';
import type { Mask, Pattern } from './patterns/pattern.ts';
import { patternNamed } from './patterns/patterns.ts';
import { checkRegions } from './statistics/picks.ts';
import { distributions } from './distribution/distributions.ts';
import type { DistributionName } from './distribution/distributions.ts';
import type { Comparison } from './distribution/search/divergence.ts';
import type { Sample } from './statistics/activations.ts';
import type { Region } from './statistics/picks.ts';

export type { Sample } from './statistics/activations.ts';

/** Storage for a run's progress. `save` must be atomic: it must never leave half a file. */
export interface Checkpoint {
  /** Its name in notes. */
  readonly name: string;
  load(): Promise<Uint8Array | undefined>;
  save(bytes: Uint8Array): Promise<void>;
  /** Called when the run is done. */
  remove(): Promise<void>;
}

/** Progress of a run: `done` of `total` steps of the current phase. */
export interface PruningProgress {
  phase: 'rearranging' | 'search' | 'pruning' | 'essential sparsity';
  /** The current step of the phase. */
  step?: string;
  done: number;
  total: number;
  /** The current layer. */
  layer?: string;
}

export interface PruneOptions {
  /** The share of zeros over the weights that are pruned, 0 ≤ sparsity < 1. N:M patterns determine it themselves. */
  sparsity?: number;
  /** Instead of `sparsity`: the cost model's prediction for the whole network, in ms. */
  targetMs?: number;
  /** Instead of `sparsity`: the predicted speedup over the dense network, more than 1. */
  targetSpeedup?: number;
  /** Instead of `sparsity`: effective multiply-adds of the whole network. */
  targetMacs?: number;
  /** Instead of `sparsity`: bytes of all constants in a .filigree file. */
  targetBytes?: number;
  /** A pattern or its name: `unstructured` (default), `group2`, `group4`, `kernel`, `2:4` …, `inputs16`, `1x4`, `2x4`, `4x4`, `channel`. */
  pattern?: string | Pattern;
  /**
   * The criterion that decides which weights matter least, or its name. `second-order` also adjusts the weights that stay to
   * compensate; `batch-norm` (the scales of batch norms) is for whole channels only. Default: `second-order` with samples and
   * without masks, else `magnitude`.
   */
  criterion?: CriterionName | Criterion;
  /** Default `uniform`. A map gives the sparsity of each layer by its name; layers not in it stay dense. */
  distribution?: DistributionName | ReadonlyMap<string, number>;
  /** 16 to 256 calibration images. Do not evaluate the network on them. */
  samples?: readonly Sample[];
  /** Number of consecutive samples that are views of one image, such as crops and mirrored ones. Default 1. */
  viewsPerImage?: number;
  /**
   * For each sample, the parts of its picture that matter most, such as those where a detector finds something. Layers are
   * fitted mainly to them. Default: everything matters equally.
   */
  regions?: readonly (readonly Region[])[];
  /**
   * The measure that `search` minimises: given a sample's outputs of the dense network, the distance of others from them.
   * Default: chosen by the shape of outputs; for class scores, the divergence of their probabilities.
   */
  comparison?: Comparison;
  /** Layers to prune that stay dense by default: `first`, `depthwise`, `head`, or names; `*` stands for any characters. */
  include?: readonly string[];
  /** Layers to leave dense, by the same words. It overrides `include`. */
  exclude?: readonly string[];
  /**
   * Masks by layer name, in place of `sparsity`: exactly these weights are removed, only from these layers. With the criterion
   * `second-order`, the other weights compensate.
   */
  masks?: ReadonlyMap<string, Mask>;
  /** Permutes channels throughout the network first, so that groups keep more of the energy. Masks have the result's order. */
  rearrange?: boolean;
  /** With the pattern `channel`: the number of kept channels is a multiple of this, which suits kernels; 4 if not given. */
  channelMultiple?: number;
  /** Seed of all random choices. Default 1. */
  seed?: number;
  /** Default: the cost model of this package. */
  costModel?: CostModel;
  /** How weights will be saved, to count bytes; see CompileOptions. */
  weights?: WeightType;
  /** Measures the error at each sparsity, and where it begins to rise fast, for the report. Takes about as long as a search. */
  essential?: boolean;
  /** Times the layers before and after pruning, for the report. */
  measure?: boolean;
  onProgress?: (progress: PruningProgress) => void;
  /** Ends the run with its reason as the error. The checkpoint keeps the progress. */
  signal?: AbortSignal;
  checkpoint?: Checkpoint;
}

/** The target of a run, by its name in reports. */
export interface Target {
  kind: 'sparsity' | 'latencyMs' | 'speedup' | 'macs' | 'bytes' | 'masks';
  value: number;
}

export interface ResolvedOptions extends PruneOptions {
  pattern: Pattern;
  criterion: Criterion;
  distribution: DistributionName | ReadonlyMap<string, number>;
  samples: readonly Sample[];
  viewsPerImage: number;
  seed: number;
  target: Target;
}

/** @throws FiligreeError `invalid-argument` naming the option */
export function resolveOptions(options: PruneOptions): ResolvedOptions {
  const { samples = [], viewsPerImage = 1, seed = 1, distribution = 'uniform' } = options;
  const pattern =
    typeof options.pattern === 'object' ? options.pattern : patternNamed(options.pattern ?? 'unstructured');
  const asked = options.criterion ?? (samples.length > 0 && !options.masks ? 'second-order' : 'magnitude');
  const criterion = typeof asked === 'object' ? asked : criterionNamed(asked);
  const ofChannels = pattern.name === 'channel' && !options.masks;
  if (!ofChannels && !judgesWeights(criterion)) {
    throw invalid(`the criterion ${criterion.name} is for whole channels: use the pattern channel`);
  }
  if (ofChannels && !criterion.rank) {
    throw invalid(
      `the criterion ${criterion.name} cannot rank whole channels: use another one with the pattern channel`,
    );
  }
  if (options.rearrange && options.masks) {
    throw invalid('masks refer to the present order of channels: give either masks or rearrange');
  }
  if (typeof distribution === 'string' && !distributions.includes(distribution)) {
    throw invalid(`distribution "${distribution}": wanted ${distributions.join(', ')}, or a map`);
  }
  if (!(Number.isInteger(viewsPerImage) && viewsPerImage >= 1)) {
    throw invalid(`viewsPerImage ${viewsPerImage}: wanted a whole number from 1`);
  }
  if (options.regions) checkRegions(options.regions, samples.length);
  if (!Number.isSafeInteger(seed)) throw invalid(`seed ${seed}: wanted a whole number`);
  const needing = criterion.needsSamples
    ? `the criterion ${criterion.name}`
    : distribution === 'search'
      ? 'the distribution search'
      : options.essential
        ? 'essential sparsity'
        : undefined;
  if (needing && samples.length === 0) {
    throw invalid(`${needing} needs calibration images: give \`samples\` (on the command line --calibrate)`);
  }
  const target = targetOf(options, pattern);
  if (options.essential && (pattern.sparsity !== undefined || pattern.name === 'channel')) {
    throw invalid(`pattern ${pattern.name}: essential sparsity needs a pattern that allows any sparsity`);
  }
  if (distribution === 'search' && pattern.sparsity !== undefined) {
    throw invalid(`pattern ${pattern.name} determines the sparsity of each layer: there is nothing to search`);
  }
  return { ...options, pattern, criterion, distribution, samples, viewsPerImage, seed, target };
}

function targetOf(options: PruneOptions, pattern: Pattern): Target {
  const { sparsity, targetMs, targetSpeedup, targetMacs, targetBytes, masks, distribution } = options;
  const given: [name: string, kind: Target['kind'], value: number | undefined][] = [
    ['sparsity', 'sparsity', sparsity],
    ['targetMs', 'latencyMs', targetMs],
    ['targetSpeedup', 'speedup', targetSpeedup],
    ['targetMacs', 'macs', targetMacs],
    ['targetBytes', 'bytes', targetBytes],
    ['masks', 'masks', masks?.size],
    ['distribution', 'sparsity', typeof distribution === 'object' ? meanOf(distribution) : undefined],
  ];
  const named = given.filter(([, , value]) => value !== undefined);
  if (named.length > 1) {
    throw invalid(`${named.map(([name]) => name).join(' and ')} are targets: give one of them`);
  }
  const own = pattern.sparsity;
  if (named.length === 0) {
    if (own !== undefined) return { kind: 'sparsity', value: own };
    throw invalid('give a target: sparsity, targetMs, targetSpeedup, targetMacs, targetBytes or masks');
  }
  const [[name, kind, value]] = named as [[string, Target['kind'], number]];
  if (kind === 'sparsity' && name === 'sparsity') checkSparsity(value, 'sparsity');
  else if (kind === 'speedup' && !(value >= 1 && Number.isFinite(value))) {
    throw invalid(`targetSpeedup ${value}: wanted a number above 1`);
  } else if (kind !== 'masks' && name !== 'distribution' && !(value > 0 && Number.isFinite(value))) {
    throw invalid(`${name} ${value}: wanted a positive number`);
  }
  if (
    own !== undefined &&
    kind !== 'masks' &&
    !(kind === 'sparsity' && (value === 0 || Math.abs(value - own) < 1e-9))
  ) {
    throw invalid(`pattern ${pattern.name} has a sparsity of ${own}: it cannot meet ${name} ${value}`);
  }
  if (typeof distribution === 'object') {
    for (const [layer, share] of distribution) checkSparsity(share, `distribution: layer "${layer}": sparsity`);
  }
  return { kind, value };
}

/** @throws FiligreeError `invalid-argument` */
export function checkSparsity(value: number, name: string): void {
  if (!(value >= 0 && value < 1)) throw invalid(`${name} ${value}: wanted a number from 0 to below 1`);
}

const meanOf = (shares: ReadonlyMap<string, number>) =>
  shares.size > 0 ? [...shares.values()].reduce((sum, share) => sum + share, 0) / shares.size : 0;

/**
 * The layers to prune, and the reason for each other layer.
 * @throws FiligreeError `invalid-argument` for a word of `include` or `exclude` that matches no layer
 */
export function chosenLayers(
  layers: readonly Layer[],
  { include = [], exclude = [], masks, distribution }: PruneOptions,
): { chosen: Layer[]; remarks: Map<string, string> } {
  const included = matching(layers, include, 'include');
  const excluded = matching(layers, exclude, 'exclude');
  const named = masks ?? (typeof distribution === 'object' ? distribution : undefined);
  if (named) matching(layers, [...named.keys()], masks ? 'masks' : 'distribution', false);
  const remarks = new Map<string, string>();
  const chosen = layers.filter(({ name, exempt }) => {
    if (excluded.has(name)) remarks.set(name, excludedRemark);
    else if (named) {
      if (!named.has(name)) remarks.set(name, masks ? 'dense: no mask' : 'dense: no sparsity is given');
    } else if (exempt && !included.has(name)) remarks.set(name, `dense: ${exemptions[exempt]}`);
    return !remarks.has(name);
  });
  return { chosen, remarks };
}

/** The remark on layers that stay unchanged. */
export const excludedRemark = 'dense: excluded';

const exemptions: Record<Exemption, string> = {
  first: 'the first layer',
  depthwise: 'depthwise',
  head: 'a head',
};

function matching(
  layers: readonly Layer[],
  words: readonly string[],
  option: string,
  wildcards = true,
): ReadonlySet<string> {
  const found = new Set<string>();
  for (const word of words) {
    const matches = (name: string) => (wildcards && word.includes('*') ? globbed(word).test(name) : name === word);
    const hits = layers.filter(({ name, exempt, kind }) => {
      return matches(name) || (wildcards && (exempt === word || (word === 'depthwise' && kind === 'depthwise')));
    });
    // asking for depthwise layers is valid even for a network without them
    if (hits.length === 0 && !(wildcards && Object.hasOwn(exemptions, word))) {
      const names = layers.map(({ name }) => `"${name}"`);
      const some = names.length > 8 ? `${names.slice(0, 8).join(', ')} … (${names.length})` : names.join(', ');
      throw invalid(`${option}: no layer "${word}"; layers with weights are ${some}`);
    }
    for (const { name } of hits) found.add(name);
  }
  return found;
}

function globbed(word: string): RegExp {
  const parts = word.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\/]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join('.*')}$`);
}

function invalid(message: string): FiligreeError {
  return new FiligreeError('invalid-argument', message);
}
