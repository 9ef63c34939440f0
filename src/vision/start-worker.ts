// `#start-worker` for Node, Deno, Bun and unbundled modules.
import { startWebWorker } from './start-web-worker.ts';
import type { DetectorWorker, DetectorWorkerEvents } from './worker-messages.ts';

/** Starts a worker from the file beside this bundle. */
export function startWorker({ answer, failed }: DetectorWorkerEvents): DetectorWorker {
  const threads = typeof process === 'undefined' ? undefined : process.getBuiltinModule?.('node:worker_threads');
  if (!threads) return startWebWorker({ answer, failed });
  const worker = new threads.Worker(new URL('./detector-worker.js', import.meta.url));
  worker.on('message', answer);
  worker.on('error', (error: Error) => failed(`the worker of the detector has failed: ${error.message}`));
  worker.on('exit', () => failed('the worker of the detector has ended'));
  return {
    post: (message, transfer) => worker.postMessage(message, transfer as never),
    hold: (alive) => (alive ? worker.ref() : worker.unref()),
    end: () => void worker.terminate(),
  };
}
