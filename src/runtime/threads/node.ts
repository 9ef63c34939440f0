import type { ThreadHost, WorkerTask } from './host.ts';

/** What a worker runs: no file, so that it is found however the program is bundled. */
const source = `
const { parentPort, workerData: task } = require('node:worker_threads');
const { exports } = new WebAssembly.Instance(task.module, { env: { memory: task.memory } });
parentPort.postMessage('ready');
for (let command = 0; (command = exports.await_command(task.sync, command)) > 0; ) {
  try {
    if (!exports.run_part(task.sync, task.from, task.to, task.threads)) break;
  } catch (error) {
    exports.fail_run(task.sync);
    throw error;
  }
  if (task.reports) parentPort.postMessage('done');
}`;

export const nodeHost: ThreadHost = {
  parallelism: () => process.getBuiltinModule('node:os').availableParallelism(),
  start(task: WorkerTask, events) {
    const { Worker } = process.getBuiltinModule('node:worker_threads');
    const worker = new Worker(source, { eval: true, workerData: task, execArgv: [], env: {} });
    let ended = false;
    const failed = (cause: unknown) => {
      if (!ended) events.failed(cause);
      ended = true;
    };
    worker.on('message', (message) => (message === 'ready' ? events.ready() : events.done()));
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
