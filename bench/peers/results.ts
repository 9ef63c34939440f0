// The JSON of a run of bench:peers, from which the tables and the report are made.
import type { Machine } from '../machine.ts';
import type { LayerProfile } from '../../src/runtime/layer-profile.ts';
import type { Peer } from '../../test/peers/index.ts';

export type Runtime = Exclude<Peer, 'bare'>;

/** Spread over rounds. */
export interface Spread {
  median: number;
  minimum: number;
}

export interface Timing {
  /** Milliseconds of one run: median over rounds of each round's median, and the fastest run of all. */
  run: Spread;
  /** Milliseconds from starting the process, or from the navigation of a page, to the first result. */
  cold: Spread;
  /** Peak resident memory; a page has no way to tell. */
  megabytes?: Spread;
  /** Each round's own median. */
  rounds: number[];
}

/** Errors of outputs: ‖difference‖ / ‖expected‖, the worst output. */
export interface Agreement {
  /** Distance from Filigree's outputs. */
  error: number;
  /** Distance from the reference evaluator's, if a peer and Filigree disagree. */
  errorFromReference?: number;
  isWrong: boolean;
}

export interface RuntimeResult extends Timing, Agreement {}

/** A layer with its minimum possible time. */
export interface LayerFloor extends LayerProfile {
  /** Bytes of its weights in the kernels' form. */
  weightBytes: number;
  /** Bytes that it reads and writes, each once; absent if not known. */
  activationBytes?: number;
  /** Milliseconds: effective multiply-adds at peak, or the weights once at memory bandwidth, whichever is longer. */
  floorMs: number;
}

export interface Floor {
  ms: number;
  measuredMs: number;
  layers: LayerFloor[];
}

export interface StateResult {
  id: string;
  title: string;
  zeros?: string;
  dense?: string;
  caution?: string;
  runtimes: Partial<Record<Runtime, RuntimeResult>>;
  failures: Partial<Record<Runtime, string>>;
  floor?: Floor;
}

/** Bytes that a page downloads for a runtime, uncompressed and with brotli at its best. */
export interface RuntimeSize {
  version: string;
  wasm: number;
  wasmBrotli: number;
  js: number;
  jsBrotli: number;
}

export interface PeersReport {
  version: 1;
  date: string;
  machine: Machine;
  node: string;
  v8: string;
  /** The browser whose pages ran the runtimes, in place of Node. */
  browser?: { name: string; version: string };
  threads: number;
  rounds: number;
  iterations: number;
  /** Node without a model, measured in the same rounds. */
  bare?: { cold: Spread; megabytes: Spread };
  sizes: Partial<Record<Runtime, RuntimeSize>>;
  peak?: { build: string; gflops: number; memoryGbps: number };
  states: StateResult[];
}

export const runtimeTitles: Record<Runtime, string> = {
  filigree: 'Filigree',
  'tfjs-tflite': 'tfjs-tflite',
  litert: 'LiteRT.js',
  'tfjs-wasm': 'tfjs-backend-wasm',
  onnxruntime: 'onnxruntime-web',
};

export const runtimes = Object.keys(runtimeTitles) as Runtime[];
export const peers = runtimes.filter((runtime) => runtime !== 'filigree');

/**
 * The fastest peer with right outputs, by medians: on this state or, for peers that gain nothing from zeros, on the dense
 * one. `fastest` is its fastest run.
 */
export function bestPeer(
  report: PeersReport,
  state: StateResult,
): { runtime: Runtime; state: StateResult; ms: number; fastest: number } | undefined {
  const dense = report.states.find(({ id }) => id === state.dense);
  const candidates = peers.flatMap((runtime) =>
    [state, ...(dense ? [dense] : [])].flatMap((state) => {
      const result = state.runtimes[runtime];
      return result && !result.isWrong ? [{ runtime, state, ms: result.run.median, fastest: result.run.minimum }] : [];
    }),
  );
  return candidates.toSorted((a, b) => a.ms - b.ms)[0];
}

/** Where runtimes ran: `Node 26`, `Chromium 147`. */
export function hostTitle({ node, browser }: PeersReport): string {
  const [name, version] = browser ? [browser.name, browser.version] : ['Node', node.slice(1)];
  return `${name} ${version.split('.')[0]}`;
}
