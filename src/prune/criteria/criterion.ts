// What says which weights matter least. A criterion is one file beside this one, and one row of criteria.ts.
import type { Graph } from '../../graph/graph.ts';
import type { ChannelRanking, RankingOptions } from '../channels/ranking.ts';
import type { ChannelSpace } from '../channels/spaces.ts';
import type { Layer } from '../layers.ts';
import type { Blocks, Mask } from '../patterns/pattern.ts';
import type { LayerProblem, Reconstruction } from './reconstruct.ts';

/** A layer whose blocks are to be judged. */
export interface JudgedLayer {
  readonly layer: Layer;
  /** (rows, columns) of the dense network, row-major. */
  readonly weights: Float32Array;
  readonly blocks: Blocks;
  /** The option `seed`, for what is drawn at random. */
  readonly seed: number;
}

export interface Criterion {
  /** As users write it. */
  readonly name: string;
  /** True when it looks at calibration images: prune() asks for some. */
  readonly needsSamples: boolean;
  /**
   * A score of 0 or more for each block; the blocks with the highest scores stay. Without `fit`, kept weights are scaled so that
   * channels keep the variance of their outputs, where there are calibration images.
   */
  score?(judged: JudgedLayer): Float32Array;
  /** The best values of the weights that a mask keeps. Layers that stay dense are fitted too, to what the pruned ones leave. */
  fit?(problem: LayerProblem & { readonly mask: Mask }): Promise<Reconstruction>;
  /**
   * In place of `score` and `fit`: chooses the blocks and the values of the weights in them, for each number of blocks to keep.
   * The search asks for several numbers at once.
   */
  choose?(problem: LayerProblem & { readonly blocks: Blocks }, keeps: readonly number[]): Promise<Reconstruction[]>;
  /** Orders the channels of each space, for the pattern `channel`. A criterion with this alone is for whole channels only. */
  rank?(
    graph: Graph,
    spaces: readonly ChannelSpace[],
    options: RankingOptions,
  ): readonly ChannelRanking[] | Promise<readonly ChannelRanking[]>;
}

/** True when it judges single weights and groups of them, not only whole channels. */
export const judgesWeights = ({ score, choose }: Criterion): boolean => score !== undefined || choose !== undefined;
