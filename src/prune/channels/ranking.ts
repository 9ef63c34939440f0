// The order in which the channels of a space go.
import type { Graph } from '../../graph/graph.ts';
import type { Calibrator } from '../statistics/calibration.ts';
import type { ChannelSpace } from './spaces.ts';

export interface RankingOptions {
  /** The network as it was imported: passes have folded what batch norms say. */
  imported?: Graph;
  /** What layers read on the calibration images. */
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
  /** What is lost once this many of them are gone, from 0 on; comparable between spaces. */
  readonly losses: readonly number[];
  /** Why another criterion than the one that was asked for has ranked this space. */
  readonly remark?: string;
}
