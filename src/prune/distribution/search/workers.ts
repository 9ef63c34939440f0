// Threads that run stitched networks. Each has its own copy of all weights; jobs go to the least busy thread.
import { FiligreeError } from '../../../errors.ts';
import { workerSource } from './worker-source.ts';

/** The data with which every worker starts. */
export interface WorkerSetup {
  module: WebAssembly.Module;
  /** Initial content of linear memory. */
  image: Uint8Array;
  pages: number;
  /** The part of memory with values, which nodes leave for later ones. */
  values: { at: number; bytes: number };
  inputs: { at: number }[];
  outputs: { at: number; floats: number }[];
  /** Each photo's inputs in their stored layout. */
  photos: Float32Array[][];
}

/** Networks to run on some photos. Lists of records alternate addresses and counts. */
export interface Job {
  which: readonly number[];
  /** The common beginning of all variants. */
  prefix: readonly number[];
  variants: readonly (readonly number[])[];
}

/** Outputs of each photo, each variant, each output in turn. */
export type JobResult = Float32Array[];

interface Waiting {
  job: Job;
  resolve(result: JobResult): void;
  reject(error: unknown): void;
}

/** The part of node:worker_threads' Worker that is used. */
interface Thread {
  postMessage(message: unknown): void;
  on(event: string, listener: (value: never) => void): void;
  terminate(): unknown;
  ref(): void;
  unref(): void;
}

/** More than one job at a time, so that no worker waits for its next. */
const jobsAtATime = 2;

export class Workers {
  readonly #threads: { thread: Thread; running: Map<number, Waiting> }[] = [];
  #queue: Waiting[] = [];
  #next = 0;
  #failure: unknown;

  /** @throws FiligreeError `environment` on a host without worker threads */
  static async start(setup: WorkerSetup, threads: number): Promise<Workers> {
    // not by import(), because bundlers for pages would look for the module
    const module = typeof process === 'undefined' ? undefined : process.getBuiltinModule?.('node:worker_threads');
    if (!module) throw new FiligreeError('environment', 'a search needs worker threads, which this host does not have');
    const workers = new Workers();
    const ready = Array.from({ length: threads }, () => {
      const thread = new module.Worker(workerSource, {
        eval: true,
        workerData: setup,
        execArgv: [],
        env: {},
      }) as unknown as Thread;
      return workers.#add(thread);
    });
    try {
      await Promise.all(ready);
    } catch (error) {
      workers.dispose();
      throw error;
    }
    return workers;
  }

  /** Results arrive in order of completion; the caller must sort them. */
  run(job: Job): Promise<JobResult> {
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#queue.push({ job, resolve, reject });
      this.#give();
    });
  }

  /** Ends the threads. Jobs that are not done are rejected with the reason. */
  dispose(reason: unknown = new FiligreeError('disposed', 'the search has ended')): void {
    this.#failure ??= reason;
    for (const { thread, running } of this.#threads) {
      void thread.terminate();
      for (const { reject } of running.values()) reject(this.#failure);
      running.clear();
    }
    for (const { reject } of this.#queue.splice(0)) reject(this.#failure);
    this.#threads.length = 0;
  }

  #add(thread: Thread): Promise<void> {
    const running = new Map<number, Waiting>();
    this.#threads.push({ thread, running });
    return new Promise((resolve, reject) => {
      const fail = (cause: unknown) => {
        const why = cause instanceof Error ? cause.message : String(cause);
        const error =
          this.#failure ?? new FiligreeError('environment', `a thread of the search has failed: ${why}`, { cause });
        reject(error);
        this.dispose(error);
      };
      thread.on('error', fail);
      thread.on('exit', (code: number) => fail(new Error(`it has ended with code ${code}`)));
      thread.on('message', (message: { ready: true } | { id: number; results: JobResult }) => {
        if ('ready' in message) {
          thread.unref();
          return resolve();
        }
        running.get(message.id)?.resolve(message.results);
        running.delete(message.id);
        if (running.size === 0) thread.unref();
        this.#give();
      });
    });
  }

  #give(): void {
    while (this.#queue.length > 0) {
      const idlest = this.#threads.reduce((a, b) => (b.running.size < a.running.size ? b : a));
      if (idlest.running.size >= jobsAtATime) return;
      const waiting = this.#queue.shift()!;
      const id = this.#next++;
      idlest.running.set(id, waiting);
      idlest.thread.ref();
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is not a window
      idlest.thread.postMessage({ id, ...waiting.job });
    }
  }
}
