// All networks run here, so that the page never waits for them. What compiles and prunes is loaded when it is asked for.
import * as comlink from 'comlink';
import { load, look, profile } from './look.ts';
import type { Step } from './pruning.ts';
import type { Goal, Pruned } from './pruning.ts';

const api = {
  load,
  look,
  profile,

  /** An ONNX or TFLite file, compiled: with its zeros skipped, and with its zeros multiplied if it has any. */
  async compile(name: string, bytes: Uint8Array): Promise<Uint8Array[]> {
    const { compileBoth } = await import('./pruning.ts');
    return compileBoth(name, bytes);
  },

  /** A network with fewer weights. `photos` are files that show what it will see. */
  async prune(
    name: string,
    bytes: Uint8Array,
    photos: readonly Blob[],
    goal: Goal,
    onStep: (step: Step) => void,
  ): Promise<Pruned> {
    const { pruneNetwork } = await import('./pruning.ts');
    return pruneNetwork(name, bytes, photos, goal, onStep);
  },
};

export type Api = typeof api;
comlink.expose(api);
