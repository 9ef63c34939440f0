/**
 * Workers that run, so that they are not taken for garbage: Firefox ends one that was started in another worker, has not answered yet,
 * and is known to its own listeners alone.
 */
const running = new Set<Worker>();

export function hold(worker: Worker): Worker {
  running.add(worker);
  return worker;
}

export function end(worker: Worker): void {
  running.delete(worker);
  worker.terminate();
}
