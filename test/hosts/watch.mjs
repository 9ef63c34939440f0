// Hosts' own workers, watched: put in place before any is started. Plain JavaScript: hosts run it as it is.

/** @returns the workers started since: whether each has been ended, and a way to kill it */
export function watchWorkers(scope, name = 'Worker') {
  const workers = [];
  const Original = scope[name];
  scope[name] = class extends Original {
    ended = false;
    constructor(...args) {
      super(...args);
      workers.push(this);
      if (!this.on) return; // pages do not say that a worker has gone
      this.exited = false;
      this.on('exit', () => (this.exited = true));
    }
    terminate() {
      this.ended = true;
      return super.terminate();
    }
    kill() {
      if (!this.dispatchEvent) return super.terminate(); // Node says that it has exited
      super.terminate();
      // pages do not hear of a worker that the browser has killed unless it fails
      this.dispatchEvent(new ErrorEvent('error', { message: 'killed' }));
    }
  };
  return workers;
}
