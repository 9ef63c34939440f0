// What differs between hosts: how a worker is made. Workers only know their task.

/** The data that a worker gets (worker-source.ts). */
export interface WorkerTask {
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
  sync: number;
  /** Start and end address of its list. */
  from: number;
  to: number;
  threads: number;
  /** Start and end address of the whole program, for the thread that runs it when one is faster. */
  whole?: { from: number; to: number };
  /** Whether it sends a message after each run. */
  reports: boolean;
}

/** Notifications from a worker: it awaits commands, a run is done, it has ended unexpectedly. */
export interface WorkerEvents {
  ready(): void;
  done(): void;
  failed(cause: unknown): void;
}

export interface RunningWorker {
  /** Whether the worker keeps the process alive. */
  hold(alive: boolean): void;
  end(): void;
}

export interface ThreadHost {
  /** Hardware threads of the machine. */
  parallelism(): number;
  /** Whether the calling thread runs the first share; default: whether it may block. For tests. */
  takesPart?: boolean;
  /** Whether the first runs find out if one thread is faster; default true. For tests. */
  tries?: boolean;
  /** Milliseconds of one wait; 5000 if not given. For tests. */
  patience?: number;
  start(task: WorkerTask, events: WorkerEvents): RunningWorker;
}
