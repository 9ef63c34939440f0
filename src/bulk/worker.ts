// What does shards: this process, or others, each with a model of its own.
import { fork, type ChildProcess } from 'node:child_process';
import { FiligreeError, type FiligreeErrorCode } from '../errors.ts';
import { doShard, type OnResults, type ShardTask } from './do-shard.ts';
import { PhotoJobs, type Looker, type PhotoJobsSettings } from './photo-jobs.ts';
import { ShardFiles, type Convert, type ResultFormat } from './shard-files.ts';

export interface ShardWorker {
  /** Does a shard; see `doShard`. @throws ProcessEnded, and as `doShard` */
  do(task: ShardTask, onClaimed: OnResults, onResults: OnResults): Promise<void>;
  end(): void;
}

/** Where and how results are written. */
export interface OutputSettings {
  folder: string;
  run: string;
  format: ResultFormat;
}

/** The process of a worker has ended without a word: killed, or out of memory. */
export class ProcessEnded extends Error {
  override name = 'ProcessEnded';
}

/** A worker in this process. */
export async function localWorker(
  looker: Looker,
  jobs: PhotoJobsSettings,
  output: OutputSettings,
): Promise<ShardWorker> {
  const photos = new PhotoJobs(looker, jobs);
  const { folder, run, format } = output;
  const files = new ShardFiles(folder, run, { format, convert: await converterOf(format) });
  return {
    do: (task, onClaimed, onResults) => doShard(task, photos, files, onClaimed, onResults),
    end() {},
  };
}

async function converterOf(format: ResultFormat): Promise<Convert | undefined> {
  return format === 'parquet' ? (await import('./parquet.ts')).toParquet : undefined;
}

/** What a worker's process is told first; `model` is for its looker. */
export interface Start<Model> {
  model: Model;
  jobs: PhotoJobsSettings;
  output: OutputSettings;
}

type Answer =
  | { kind: 'ready' }
  | { kind: 'claimed' | 'results'; count: number; errors: number }
  | { kind: 'whole' }
  | { kind: 'failed'; message: string; code?: FiligreeErrorCode; stack?: string };

/** Starts a process of `entry`, a module that calls `serveShards`. @throws FiligreeError that its looker throws, ProcessEnded */
export async function startProcess<Model>(entry: URL, start: Start<Model>): Promise<ShardWorker> {
  const child = fork(entry, { serialization: 'advanced', stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  try {
    await ask(child, start, () => {}, 'ready');
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  return {
    do(task, onClaimed, onResults) {
      const hear = (answer: Answer) => {
        if (answer.kind === 'claimed') onClaimed(answer.count, answer.errors);
        else if (answer.kind === 'results') onResults(answer.count, answer.errors);
      };
      return ask(child, task, hear, 'whole');
    },
    end: () => void child.kill('SIGKILL'), // what it has written stays
  };
}

/** Sends a message and hears answers up to the last one. */
function ask(
  child: ChildProcess,
  message: object,
  hear: (answer: Answer) => void,
  last: Answer['kind'],
): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => child.off('message', onMessage).off('exit', onExit).off('error', onError);
    const onMessage = (answer: Answer) => {
      if (answer.kind === 'failed') {
        stop();
        const { code, message, stack } = answer;
        const error = code ? new FiligreeError(code, message) : new Error(message);
        error.stack = stack;
        reject(error);
      } else if (answer.kind === last) {
        stop();
        resolve();
      } else hear(answer);
    };
    const onExit = (code: number | null, signal: string | null) => {
      stop();
      reject(new ProcessEnded(signal ?? `code ${code}`));
    };
    const onError = (error: Error) => {
      stop();
      reject(new ProcessEnded(error.message));
    };
    child.on('message', onMessage).on('exit', onExit).on('error', onError);
    if (child.exitCode !== null || child.signalCode !== null) onExit(child.exitCode, child.signalCode);
    else child.send(message, () => {}); // should it be gone, its exit is heard
  });
}

/** How often a process tells of its results, in ms. */
const tellEvery = 200;

/** The other side, in a worker's process. It ends with the process that has started it. */
export function serveShards<Model>(createLooker: (model: Model) => Promise<Looker>): void {
  process.on('disconnect', () => process.exit());
  let worker: ShardWorker | undefined;
  const send = (answer: Answer) => process.send!(answer, undefined, undefined, () => {});
  process.on('message', (message: Start<Model> | ShardTask) => {
    void serve(message).catch((error: Error & { code?: FiligreeErrorCode }) => {
      const code = error instanceof FiligreeError ? error.code : undefined;
      send({ kind: 'failed', message: error.message, code, stack: error.stack });
    });
  });
  async function serve(message: Start<Model> | ShardTask): Promise<void> {
    if ('model' in message) {
      worker = await localWorker(await createLooker(message.model), message.jobs, message.output);
      return void send({ kind: 'ready' });
    }
    let [count, errors, told] = [0, 0, performance.now()];
    const tell = () => {
      if (count > 0) send({ kind: 'results', count, errors });
      [count, errors, told] = [0, 0, performance.now()];
    };
    const onResults: OnResults = (more, wrong) => {
      count += more;
      errors += wrong;
      if (performance.now() - told >= tellEvery) tell();
    };
    const onClaimed: OnResults = (found, wrong) => void send({ kind: 'claimed', count: found, errors: wrong });
    await worker!.do(message, onClaimed, onResults);
    tell();
    send({ kind: 'whole' });
  }
}
