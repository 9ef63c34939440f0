import { FiligreeError } from '../errors.ts';
import type { Answer, DetectorWorker, DetectorWorkerEvents } from './worker-messages.ts';

/**
 * Starts a worker of the web's kind from the file beside this bundle. Written out in full, so that bundlers find the file.
 * @throws FiligreeError `environment` where nothing starts workers
 */
export function startWebWorker({ answer, failed }: DetectorWorkerEvents): DetectorWorker {
  if (typeof Worker === 'undefined') {
    throw new FiligreeError('environment', 'worker: nothing can start workers here, as in a service worker');
  }
  const worker = new Worker(new URL('./detector-worker.js', import.meta.url), { type: 'module' });
  worker.addEventListener('message', ({ data }) => answer(data as Answer));
  worker.addEventListener('error', (event) => {
    event.preventDefault();
    failed(
      `the worker of the detector does not run: ${event.message || 'its file detector-worker.js is not beside the script, or not allowed'}. ` +
        'Vite and webpack take the file along; for another bundler put filigree/detector-worker.js beside your scripts',
    );
  });
  return {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker has none
    post: (message, transfer) => worker.postMessage(message, transfer as Transferable[]),
    hold() {},
    end: () => worker.terminate(),
  };
}
