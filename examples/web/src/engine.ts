import * as comlink from 'comlink';
import type { Api } from './worker.ts';

/** A worker with networks of its own. */
export interface Engine {
  api: comlink.Remote<Api>;
  /** Ends the worker, whatever it does. */
  end(): void;
}

export function startEngine(): Engine {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
  return { api: comlink.wrap<Api>(worker), end: () => worker.terminate() };
}
