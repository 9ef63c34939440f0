/**
 * The code of every worker, as text, so that it needs no file. It runs its list of the program once per even command
 * (assembly/threads.ts), until it is ended; at an odd one, the worker that has it runs the whole program. `post` sends `ready`, `done` after a run, and `ended` when the others have
 * not answered.
 */
export const workerSource = `function work(task, post) {
  const { exports } = new WebAssembly.Instance(task.module, { env: { memory: task.memory } });
  post('ready');
  for (let command = 0; (command = exports.await_command(task.sync, command)) > 0; ) {
    const one = command & 1;
    if (one && !task.whole) continue;
    const { from, to } = one ? task.whole : task;
    try {
      if (!exports.run_part(task.sync, from, to, one ? 1 : task.threads)) break;
    } catch (error) {
      exports.fail_run(task.sync);
      throw error;
    }
    if (task.reports) post('done');
  }
  post('ended');
}
`;

/** A worker for the web. scripts/build.mjs writes it as the file beside the bundles. */
export const webWorkerSource = `${workerSource}onmessage = ({ data }) => work(data, (message) => postMessage(message));
postMessage('here');
`;
