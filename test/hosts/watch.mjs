// Hosts' own workers, watched: put in place before any is started. Plain JavaScript, because hosts run it unchanged.

/**
 * @returns an entry for each worker started since: whether it has been ended, whether it has exited where hosts say so, and
 * a way to kill it. They do not hold the workers.
 */
export function watchWorkers(scope, name = 'Worker') {
  const workers = [];
  const Original = scope[name];
  scope[name] = class extends Original {
    #entry = { ended: false };

    constructor(...args) {
      super(...args);
      const entry = this.#entry;
      const self = new WeakRef(this);
      entry.terminate = () => self.deref()?.terminate();
      entry.kill = () => self.deref()?.kill();
      workers.push(entry);
      if (!this.on) return; // pages do not say that a worker has gone
      entry.exited = false;
      this.on('exit', () => (entry.exited = true));
    }
    terminate() {
      this.#entry.ended = true;
      return super.terminate();
    }
    kill() {
      if (!this.dispatchEvent) return super.terminate(); // Node says that it has exited
      // pages do not hear of a worker that the browser has killed unless it fails; WebKit's say nothing once they are ended
      this.dispatchEvent(new ErrorEvent('error', { message: 'killed' }));
      super.terminate();
    }
  };
  return workers;
}
