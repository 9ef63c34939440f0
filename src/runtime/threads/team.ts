// Threads of one loaded model: workers that share its memory and sleep between runs. Loaded only when threads are asked for.
import { FiligreeError } from '../../errors.ts';
import type { Program } from '../../program/program.ts';
import type { MemoryLayout } from '../expand.ts';
import type { Instance, ShareMemory } from '../instantiate.ts';
import type { RunningWorker, ThreadHost } from './host.ts';
import type { ThreadPlan } from './plan.ts';
import { planThreads } from './plan.ts';
import { withSharedMemory } from './shared-memory.ts';
import { threadHost } from './thread-host.ts';

/** As many threads as 'auto' takes at most: beyond, small networks wait more than they gain. */
const maxAutomatic = 4;

/** What builds export for threads (assembly/threads.ts). */
interface ThreadExports {
  run_part(sync: number, from: number, to: number, threads: number): number;
  fail_run(sync: number): void;
  give_command(sync: number, command: number): void;
}

/** What a model needs to run on threads: memory for it is laid out, workers are starting. */
export interface Formed {
  layout: MemoryLayout;
  instance: Instance;
  team: Team;
}

/**
 * Starts workers for a program, in a memory that they share.
 * @param instantiate makes an instance with such memory
 * @param host where they run; this host if not given
 * @returns why it cannot be, where the host has no threads or the wasm is no bytes; undefined where one is enough
 */
export async function formTeam(
  program: Program,
  layout: MemoryLayout,
  wanted: number | 'auto',
  instantiate: (bytes: number, share: ShareMemory) => Promise<Instance>,
  host?: ThreadHost | string,
): Promise<Formed | string | undefined> {
  host ??= await threadHost();
  if (typeof host === 'string') return host;
  const threads = wanted === 'auto' ? Math.min(host.parallelism(), maxAutomatic) : wanted;
  if (threads < 2) return undefined;
  const plan = planThreads(program, layout, threads);
  let instance: Instance;
  try {
    instance = await instantiate(plan.bytes, withSharedMemory);
  } catch (error) {
    if (error instanceof FiligreeError && error.code === 'unsupported') return error.message;
    throw error;
  }
  plan.write(instance.memory);
  return { layout: { ...layout, bytes: plan.bytes }, instance, team: new Team(program.name, instance, plan, host) };
}

/** Whether this thread may sleep: that of a page may not. */
function mayBlock(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1);
    return true;
  } catch {
    return false;
  }
}

/** Milliseconds for which steps are run ahead of the first run, so that the engine optimises the kernels that all share. */
const warmUpMs = 40;

/** The words that threads share (assembly/threads.ts): those looked at from here. */
const words = { epoch: 16, failed: 17, patience: 49, count: 50 };

/** A thread that hears nothing of the others naps so many times, of so many ms each, before it gives them up. */
const naps = 6;
const defaultPatience = 5000;

interface Pending {
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * Runs a program on its threads. Where the calling thread may sleep it does the first share itself, and run() returns when
 * all is done; the thread of a page leaves everything to workers and awaits them.
 */
export class Team {
  readonly threads: number;
  readonly #plan: Pick<ThreadPlan, 'sync' | 'lists'>;
  readonly #name: string;
  // These hold the memory: hosts may keep workers, and with them this, longer than they are wanted.
  #exports: ThreadExports | undefined;
  readonly #takesPart: boolean;
  #words: Int32Array | undefined;
  readonly #patience: number;
  #watch: ReturnType<typeof setTimeout> | undefined;
  #workers: RunningWorker[] = [];
  #command = 0;
  #starting: number;
  #pending: Pending | undefined;
  #failure: FiligreeError | undefined;

  constructor(name: string, { module, memory, exports }: Instance, plan: ThreadPlan, host: ThreadHost) {
    this.threads = plan.lists.length;
    this.#plan = { sync: plan.sync, lists: plan.lists };
    this.#name = name;
    this.#exports = exports as unknown as ThreadExports;
    this.#takesPart = host.takesPart ?? mayBlock();
    this.#patience = host.patience ?? defaultPatience;
    this.#words = new Int32Array(memory.buffer, plan.sync, words.count);
    this.#words[words.patience] = this.#patience;
    const lists = plan.lists.slice(this.#takesPart ? 1 : 0);
    this.#starting = lists.length;
    try {
      for (const [i, { from, to }] of lists.entries()) {
        const reports = i === 0 && !this.#takesPart;
        const task = { module, memory, sync: plan.sync, from, to, threads: this.threads, reports };
        const worker = host.start(task, {
          ready: () => {
            worker.hold(false);
            if (--this.#starting === 0) this.#settle();
          },
          done: () => this.#settle(),
          failed: (cause) => this.#fail(cause),
        });
        this.#workers.push(worker);
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  /**
   * Until all workers await commands. Meanwhile, weights being in their places, the steps of the program are tried out: the
   * first run would be several times slower than the second, and half of the workers' time would go into waiting.
   * @throws FiligreeError `environment` when one does not start; the signal's reason
   */
  async ready(tryOut: (until: number) => void, signal?: AbortSignal): Promise<void> {
    const abort = () => this.#pending?.reject(signal!.reason);
    signal?.addEventListener('abort', abort);
    try {
      if (this.#lost) throw this.#lost;
      if (this.#takesPart) tryOut(performance.now() + warmUpMs);
      if (this.#starting > 0) await this.#event();
      if (!this.#takesPart) await this.run();
      signal?.throwIfAborted();
    } catch (error) {
      this.dispose();
      throw error;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  /**
   * Runs the program once. One run at a time.
   * @returns nothing when it is done already
   * @throws FiligreeError `environment` when a thread has ended, `disposed` when dispose() was called meanwhile
   */
  run(): void | Promise<void> {
    if (this.#lost) throw this.#lost;
    const { sync, lists } = this.#plan;
    const exports = this.#exports!;
    const shared = this.#words!;
    this.#command = (this.#command & 0x3fffffff) + 1;
    exports.give_command(sync, this.#command);
    if (!this.#takesPart) {
      this.#workers[0].hold(true);
      this.#watch ??= this.#look(shared, Atomics.load(shared, words.epoch), 0);
      return this.#event().finally(() => this.#workers[0]?.hold(false));
    }
    let done = 0;
    try {
      done = exports.run_part(sync, lists[0].from, lists[0].to, this.threads);
    } catch (error) {
      exports.fail_run(sync);
      this.#fail(error);
    }
    if (done) return;
    const seconds = (naps * this.#patience) / 1000;
    const gaveUp = Atomics.load(shared, words.failed) === 1;
    this.#fail(new Error(gaveUp ? `it has not answered for ${seconds} s` : 'it has stopped in the middle of a run'));
    throw this.#failure!;
  }

  /**
   * Looks now and then, while a run goes on, whether threads still come to barriers: a page does not hear of workers that
   * its browser has ended, and if these are all, nobody is left to say so.
   * @param shared words
   * @param epoch barriers before
   * @param times that it was the same
   */
  #look(shared: Int32Array, epoch: number, times: number): ReturnType<typeof setTimeout> {
    const timer = setTimeout(() => {
      this.#watch = undefined;
      if (!this.#pending) return;
      const now = Atomics.load(shared, words.epoch);
      // one more than workers wait for each other
      if (now !== epoch) this.#watch = this.#look(shared, now, 0);
      else if (times < naps) this.#watch = this.#look(shared, now, times + 1);
      else this.#fail(new Error(`none has answered for ${((times + 1) * this.#patience) / 1000} s`));
    }, this.#patience);
    (timer as { unref?(): void }).unref?.(); // what is awaited keeps a process alive
    return timer;
  }

  /** Whether run() returns before it is done. */
  get isAsynchronous(): boolean {
    return !this.#takesPart;
  }

  /** Ends the workers; a run that is going on is given up. */
  dispose(): void {
    clearTimeout(this.#watch);
    // none is asleep when it is ended: Deno would keep what such a worker has
    this.#exports?.fail_run(this.#plan.sync);
    this.#exports?.give_command(this.#plan.sync, -1);
    for (const worker of this.#workers) worker.end();
    this.#workers = [];
    this.#exports = undefined;
    this.#words = undefined;
    this.#pending?.reject(this.#lost);
    this.#pending = undefined;
  }

  /** Why it cannot run any more. Not kept: an error holds what its stack has, the model among it. */
  get #lost(): FiligreeError | undefined {
    if (this.#failure || this.#exports) return this.#failure;
    return new FiligreeError('disposed', `${this.#name}: disposed of during a run`);
  }

  #event(): Promise<void> {
    return new Promise((resolve, reject) => (this.#pending = { resolve, reject }));
  }

  #settle(): void {
    this.#pending?.resolve();
    this.#pending = undefined;
  }

  #fail(cause: unknown): void {
    const why = cause instanceof Error ? cause.message : String(cause);
    this.#failure ??= new FiligreeError('environment', `${this.#name}: a thread has failed: ${why}`, { cause });
    this.dispose();
  }
}
