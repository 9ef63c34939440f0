// A criterion decides which weights matter least. Each one is a file beside this one, and a row of criteria.ts.
import type { Graph } from '../../graph/graph.ts';
import type { ChannelRanking, RankingOptions } from '../channels/ranking.ts';
import type { ChannelSpace } from '../channels/spaces.ts';
import type { Layer } from '../layers.ts';
import type { Blocks, Mask } from '../patterns/pattern.ts';
import type { LayerProblem, Reconstruction } from './reconstruct.ts';

/** A layer whose blocks are scored. */
export interface JudgedLayer {
  readonly layer: Layer;
  /** (rows, columns) of the dense network, row-major. */
  readonly weights: Float32Array;
  readonly blocks: Blocks;
  /** The option `seed`, for random choices. */
  readonly seed: number;
}

export interface Criterion {
  /** The name that users write. */
  readonly name: string;
  /** True when it uses calibration images; prune() then requires some. */
  readonly needsSamples: boolean;
  /**
   * A score of 0 or more for each block; the blocks with the highest scores stay. Without `fit`, kept weights are scaled so that
   * channels keep the variance of their outputs, if there are calibration images.
   */
  score?(judged: JudgedLayer): Float32Array;
  /** The best values of the weights that a mask keeps. Dense layers are fitted too, to the outputs of pruned ones before them. */
  fit?(problem: LayerProblem & { readonly mask: Mask }): Promise<Reconstruction>;
  /**
   * Replaces `score` and `fit`: chooses the blocks and the values of their weights, for each number of blocks to keep. The
   * search passes several numbers at once.
   */
  choose?(problem: LayerProblem & { readonly blocks: Blocks }, keeps: readonly number[]): Promise<Reconstruction[]>;
  /** Orders the channels of each space, for the pattern `channel`. A criterion with only this one is for whole channels only. */
  rank?(
    graph: Graph,
    spaces: readonly ChannelSpace[],
    options: RankingOptions,
  ): readonly ChannelRanking[] | Promise<readonly ChannelRanking[]>;
}

/** True when it can choose single weights or groups of them, not only whole channels. */
export const judgesWeights = ({ score, choose }: Criterion): boolean => score !== undefined || choose !== undefined;
