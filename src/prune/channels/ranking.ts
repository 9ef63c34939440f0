// The order in which the channels of a space are removed.
import type { Graph } from '../../graph/graph.ts';
import type { Calibrator } from '../statistics/calibration.ts';
import type { ChannelSpace } from './spaces.ts';

export interface RankingOptions {
  /** The network as imported, with the batch norms that passes fold. */
  imported?: Graph;
  /** Statistics of layers' inputs on the calibration images. */
  calibrator?: Calibrator;
  /** The option `seed`. */
  seed: number;
  signal?: AbortSignal;
  onProgress?: (done: number, total: number, space: string) => void;
}

export interface ChannelRanking {
  readonly space: ChannelSpace;
  /** All channels, least important first. */
  readonly order: readonly number[];
  /** The loss after removing 0, 1, 2, … channels; comparable between spaces. */
  readonly losses: readonly number[];
  /** Why a criterion other than the requested one ranked this space. */
  readonly remark?: string;
}
