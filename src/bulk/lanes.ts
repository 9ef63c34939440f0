// Hands shards to workers, and starts others in place of those that end.
import { deathsAt, type Deaths, type ShardTask } from './do-shard.ts';
import { keysOf, type JobFile } from './job-file.ts';
import { ProcessEnded, type ShardWorker } from './worker.ts';

/** Where a run is. */
export interface RunState {
  jobs: number;
  /** Results that there are, of this run and of those before. */
  results: number;
  /** Of this run. */
  fresh: number;
  /** Of this run: results that are errors. */
  errors: number;
  /** Lines that are no jobs. */
  refused: number;
  /** Processes that have ended unasked. */
  deaths: number;
}

/** So many processes that end before they have begun, one after the other, are an error. */
const maxStarts = 5;

/** Workers take shards one after the other. The first error ends all of them. */
export async function doShards(
  left: number[],
  jobFile: JobFile,
  workers: number,
  startWorker: () => Promise<ShardWorker>,
  state: RunState,
  onState: () => void,
): Promise<void> {
  const running = new Set<ShardWorker>();
  const failed = new AbortController();
  const hasFailed = () => failed.signal.aborted;

  async function start(): Promise<ShardWorker> {
    for (let tries = 1; ; tries++) {
      try {
        const worker = await startWorker();
        running.add(worker);
        if (hasFailed()) worker.end();
        return worker;
      } catch (error) {
        if (!(error instanceof ProcessEnded) || tries === maxStarts || hasFailed()) throw error;
        state.deaths++;
      }
    }
  }

  async function lane(): Promise<void> {
    let worker = await start();
    for (let shard = left.shift(); shard !== undefined && !hasFailed(); shard = left.shift()) {
      const task: ShardTask = { shard, keys: await keysOf(jobFile.path, jobFile.shards[shard]) };
      const counter = new ShardCounter(state);
      for (;;) {
        try {
          await worker.do(
            task,
            (count, errors) => {
              if (task.deaths) task.deaths = { ...task.deaths, at: count, count: deathsAt(task.deaths, count) };
              counter.found(count, errors);
              onState();
            },
            (count, errors) => {
              counter.add(count, errors);
              onState();
            },
          );
          break;
        } catch (error) {
          if (!(error instanceof ProcessEnded) || hasFailed()) throw error;
          running.delete(worker);
          state.deaths++;
          const earlier: Deaths = task.deaths ?? { at: 0, count: 0, how: '' };
          task.deaths = { ...earlier, how: error.message };
          worker = await start();
        }
      }
    }
    worker.end();
    running.delete(worker);
  }

  const lanes = Array.from({ length: workers }, async () => {
    try {
      await lane();
    } catch (error) {
      if (hasFailed()) return; // ended because another has failed
      failed.abort();
      for (const worker of running) worker.end();
      throw error;
    }
  });
  const ends = await Promise.allSettled(lanes);
  const first = ends.find((end) => end.status === 'rejected');
  if (first) throw first.reason;
}

/** Adds up a shard's results. */
class ShardCounter {
  private readonly state: RunState;
  private count: number | undefined;
  private errors = 0;

  constructor(state: RunState) {
    this.state = state;
  }

  add(count: number, errors: number): void {
    this.count = (this.count ?? 0) + count;
    this.errors += errors;
    this.state.results += count;
    this.state.fresh += count;
    this.state.errors += errors;
  }

  /** What a process finds in the shard's file: results of another run at first, later also what another process has not told of. */
  found(count: number, errors: number): void {
    if (this.count !== undefined) this.add(count - this.count, errors - this.errors);
    else {
      this.state.results += count;
      [this.count, this.errors] = [count, errors];
    }
  }
}
