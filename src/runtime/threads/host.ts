// What differs from host to host: how a worker is made. Workers know nothing but their task.

/** What a worker is given (worker-source.ts). */
export interface WorkerTask {
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
  sync: number;
  /** Addresses of its list. */
  from: number;
  to: number;
  threads: number;
  /** Whether it sends a message after each run. */
  reports: boolean;
}

/** Hears of a worker: that it awaits commands, that a run is done, that it has ended against our will. */
export interface WorkerEvents {
  ready(): void;
  done(): void;
  failed(cause: unknown): void;
}

export interface RunningWorker {
  /** Whether the process stays alive for it. */
  hold(alive: boolean): void;
  end(): void;
}

export interface ThreadHost {
  /** Threads that the machine runs at a time. */
  parallelism(): number;
  /** Whether the calling thread runs the first share; whether it may sleep if not given. For tests. */
  takesPart?: boolean;
  /** Milliseconds of a thread's nap; 5000 if not given. For tests. */
  patience?: number;
  start(task: WorkerTask, events: WorkerEvents): RunningWorker;
}
