// Threads for pages and their workers. A worker's code is a file beside this bundle, or the same text from a Blob URL
// where bundlers have not copied the file.
import type { ThreadHost } from './host.ts';
import { webWorkerSource } from './worker-source.ts';

const fileName = 'filigree-worker.js';

/** Literal, so that bundlers find the file. */
const fromFile = () => new Worker(new URL('./filigree-worker.js', import.meta.url), { type: 'module' });

function fromBlob(): Worker {
  const url = URL.createObjectURL(new Blob([webWorkerSource], { type: 'text/javascript' }));
  try {
    return new Worker(url);
  } finally {
    setTimeout(() => URL.revokeObjectURL(url), patience);
  }
}

/** Milliseconds to wait for a worker to answer or fail. */
const patience = 10_000;

/** Starts a worker; rejects with the reason when it does not start. */
function begun(make: () => Worker): Promise<Worker> {
  return new Promise((resolve, reject) => {
    const worker = make();
    const settled = new AbortController();
    const { signal } = settled;
    const timer = setTimeout(() => refuse('it does not answer'), patience);
    signal.addEventListener('abort', () => clearTimeout(timer));
    const refuse = (why: string) => {
      settled.abort();
      worker.terminate();
      reject(new Error(why));
    };
    const failed = (event: ErrorEvent) => {
      event.preventDefault();
      refuse(event.message || 'it is not there, or not allowed');
    };
    const here = () => {
      settled.abort();
      resolve(worker);
    };
    worker.addEventListener('error', failed, { signal });
    worker.addEventListener('message', here, { signal });
  });
}

/** Tries both candidates once; the first that starts is used. */
async function tryCandidates(): Promise<ThreadHost | string> {
  const failures: string[] = [];
  for (const make of [fromFile, fromBlob]) {
    try {
      return hostOf(make, await begun(make));
    } catch (error) {
      failures.push((error as Error).message);
    }
  }
  const [file, blob] = failures;
  return (
    `no worker starts: neither from ${fileName} beside the script (${file}) nor from a Blob (${blob}); ` +
    'put filigree/filigree-worker.js there, or let the content security policy have worker-src blob:'
  );
}

function hostOf(make: () => Worker, first: Worker): ThreadHost {
  // for the first team; if there is none, nobody else would end it
  let spare: Worker | undefined = first;
  const unused = setTimeout(() => {
    spare?.terminate();
    spare = undefined;
  }, patience);
  return {
    parallelism: () => navigator.hardwareConcurrency || 1,
    start(task, events) {
      const worker = spare ?? make();
      spare = undefined;
      clearTimeout(unused);
      const failed = (why: string) => {
        worker.terminate();
        events.failed(new Error(why));
      };
      worker.addEventListener('error', (event) => {
        event.preventDefault(); // the load or the run reports it
        failed(event.message || 'the worker does not start');
      });
      worker.addEventListener('message', ({ data }) => {
        if (data === 'ready') events.ready();
        else if (data === 'done') events.done();
        else if (data === 'ended') failed('another has not answered, or has stopped');
      });
      try {
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker has none
        worker.postMessage(task);
      } catch (error) {
        worker.terminate();
        throw error;
      }
      return { hold() {}, end: () => worker.terminate() };
    },
  };
}

let tried: Promise<ThreadHost | string> | undefined;

/** The page's threads, or why it has none. */
export async function webHost(): Promise<ThreadHost | string> {
  if (typeof crossOriginIsolated !== 'undefined' && !crossOriginIsolated) {
    return (
      'the page is not isolated, so it has no shared memory; its headers must say ' +
      'Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp'
    );
  }
  if (typeof SharedArrayBuffer === 'undefined') return 'this host has no shared memory';
  if (typeof Worker === 'undefined') return 'nothing can start workers here, as in a service worker';
  tried ??= tryCandidates();
  const host = await tried;
  if (typeof host === 'string') tried = undefined; // the network may be back next time
  return host;
}
