// Threads by worker_threads: Node, Deno and Bun.
import type { ThreadHost } from './host.ts';
import { workerSource } from './worker-source.ts';

const source = `${workerSource}const { parentPort, workerData } = require('node:worker_threads');
work(workerData, (message) => parentPort.postMessage(message));`;

export const nodeHost: ThreadHost = {
  parallelism: () => process.getBuiltinModule('node:os').availableParallelism(),
  start(task, events) {
    const { Worker } = process.getBuiltinModule('node:worker_threads');
    const worker = new Worker(source, { eval: true, workerData: task, execArgv: [], env: {} });
    let ended = false;
    const failed = (cause: unknown) => {
      if (!ended) events.failed(cause);
      ended = true;
    };
    worker.on('message', (message) => {
      if (message === 'ready') events.ready();
      else if (message === 'done') events.done();
      else if (message === 'ended') failed(new Error('another has not answered, or has stopped'));
    });
    worker.on('error', failed);
    worker.on('exit', (code) => failed(new Error(`the worker has ended with code ${code}`)));
    return {
      hold: (alive) => (alive ? worker.ref() : worker.unref()),
      end() {
        ended = true;
        void worker.terminate();
      },
    };
  },
};
