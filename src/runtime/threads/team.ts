// The threads of one loaded model: workers that share its memory and sleep between runs. Loaded only when threads are
// asked for.
import { FiligreeError } from '../../errors.ts';
import type { Program } from '../../program/program.ts';
import type { MemoryLayout } from '../expand.ts';
import type { Instance, ShareMemory } from '../instantiate.ts';
import type { RunningWorker, ThreadHost } from './host.ts';
import type { ThreadPlan } from './plan.ts';
import { planThreads } from './plan.ts';
import { recordBytes } from '../record.ts';
import { withSharedMemory } from './shared-memory.ts';
import { Trial } from './trial.ts';

/** Maximum for 'auto': with more threads, small networks wait more than they gain. */
const maxAutomatic = 4;

/** The builds' exports for threads (assembly/threads.ts). */
interface ThreadExports {
  run_part(sync: number, from: number, to: number, threads: number): number;
  fail_run(sync: number): void;
  give_command(sync: number, command: number): void;
}

/** A team in the making: memory is laid out, workers are starting. */
export interface Formed {
  layout: MemoryLayout;
  instance: Instance;
  team: Team;
}

/**
 * Starts a program's workers in shared memory.
 * @param instantiate makes an instance with that memory
 * @param host where workers run; this host if not given
 * @returns why threads are impossible, where the host has none or the wasm is not bytes; undefined where one is enough
 */
export async function formTeam(
  program: Program,
  layout: MemoryLayout,
  wanted: number | 'auto',
  instantiate: (bytes: number, share: ShareMemory) => Promise<Instance>,
  host: ThreadHost | string,
): Promise<Formed | string | undefined> {
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
  const { records } = layout;
  const last = program.steps.at(-1);
  const whole = { from: records[0], to: last ? records.at(-1)! + recordBytes(last.kernel) : records[0] };
  const team = new Team(program.name, instance, plan, whole, host);
  return { layout: { ...layout, bytes: plan.bytes }, instance, team };
}

/** Whether this thread may block: a page's may not. */
function mayBlock(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1);
    return true;
  } catch {
    return false;
  }
}

/**
 * Milliseconds of trial steps before the first run, so that the engine optimises the kernels that all threads share.
 */
const warmUpMs = 40;

/** Indices of the shared words (assembly/threads.ts) that this file reads. */
const words = { epoch: 16, failed: 17, patience: 49, count: 50 };

/** A thread gives the others up after this many waits without progress. */
const naps = 6;
const defaultPatience = 5000;

interface Pending {
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * Runs a program on its threads, or on one where that is faster. Where the calling thread may block, it does the first share itself, and run() returns
 * when all is done. A page's thread leaves everything to workers and awaits them.
 */
export class Team {
  readonly threads: number;
  readonly #plan: Pick<ThreadPlan, 'sync' | 'lists'>;
  readonly #name: string;
  // These hold the memory: hosts may keep workers, and this object with them, longer than needed.
  #exports: ThreadExports | undefined;
  readonly #takesPart: boolean;
  #words: Int32Array | undefined;
  readonly #patience: number;
  #watch: ReturnType<typeof setTimeout> | undefined;
  #workers: RunningWorker[] = [];
  #command = 0;
  readonly #whole: { from: number; to: number };
  readonly #trial: Trial | undefined;
  #starting: number;
  #pending: Pending | undefined;
  #failure: FiligreeError | undefined;

  /** @param whole addresses of the program's own records */
  constructor(
    name: string,
    { module, memory, exports }: Instance,
    plan: ThreadPlan,
    whole: { from: number; to: number },
    host: ThreadHost,
  ) {
    this.threads = plan.lists.length;
    this.#plan = { sync: plan.sync, lists: plan.lists };
    this.#whole = whole;
    this.#trial = host.tries === false ? undefined : new Trial();
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
        const task = {
          module,
          memory,
          sync: plan.sync,
          from,
          to,
          threads: this.threads,
          reports,
          ...(reports && { whole }),
        };
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
   * Resolves when all workers await commands. Weights are in place, so the program's steps are tried out meanwhile:
   * otherwise the first run would be several times slower than the second, and half of the workers' time would be
   * waiting.
   * @throws FiligreeError `environment` when a worker does not start; the signal's reason
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
   * @returns undefined when the run is already done
   * @throws FiligreeError `environment` when a thread has ended, `disposed` when dispose() was called meanwhile
   */
  run(): void | Promise<void> {
    if (this.#lost) throw this.#lost;
    const { sync, lists } = this.#plan;
    const exports = this.#exports!;
    const shared = this.#words!;
    const start = performance.now();
    const onOne = this.#trial?.onOne ?? false;
    if (!(onOne && this.#takesPart)) {
      // odd: on one thread
      this.#command = ((this.#command & 0x3ffffffe) + 2) | (onOne ? 1 : 0);
      exports.give_command(sync, this.#command);
    }
    const finish = () => this.#trial?.add(performance.now() - start);
    if (!this.#takesPart) {
      this.#workers[0].hold(true);
      this.#watch ??= this.#look(shared, Atomics.load(shared, words.epoch), 0);
      return this.#event()
        .then(finish)
        .finally(() => this.#workers[0]?.hold(false));
    }
    let done = 0;
    try {
      const { from, to } = onOne ? this.#whole : lists[0];
      done = exports.run_part(sync, from, to, onOne ? 1 : this.threads);
    } catch (error) {
      exports.fail_run(sync);
      this.#fail(error);
    }
    if (done) return finish();
    const seconds = (naps * this.#patience) / 1000;
    const gaveUp = Atomics.load(shared, words.failed) === 1;
    this.#fail(new Error(gaveUp ? `it has not answered for ${seconds} s` : 'it has stopped in the middle of a run'));
    throw this.#failure!;
  }

  /**
   * Checks from time to time during a run whether threads still reach barriers. A page is not told when its browser
   * ends workers, and if all of them are gone, nobody else can report it.
   * @param shared the shared words
   * @param epoch barriers at the last check
   * @param times number of checks with the same epoch
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
    (timer as { unref?(): void }).unref?.(); // the awaited promise keeps the process alive
    return timer;
  }

  /** Whether run() returns before the run is done. */
  get isAsynchronous(): boolean {
    return !this.#takesPart;
  }

  /** Ends the workers; a running run is given up. */
  dispose(): void {
    clearTimeout(this.#watch);
    // wakes all workers before they are ended: Deno would leak a sleeping worker's memory
    this.#exports?.fail_run(this.#plan.sync);
    this.#exports?.give_command(this.#plan.sync, -1);
    for (const worker of this.#workers) worker.end();
    this.#workers = [];
    this.#exports = undefined;
    this.#words = undefined;
    this.#pending?.reject(this.#lost);
    this.#pending = undefined;
  }

  /**
   * The error why it cannot run any more. Not stored: an error keeps its stack's objects alive, including the model.
   */
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
