// A bulk run: a file of jobs in, a folder of results out, by any number of workers. What is whole is not done again.
import { randomBytes } from 'node:crypto';
import { basename } from 'node:path';
import type { FiligreeError } from '../errors.ts';
import { isDirectory } from '../files/read.ts';
import { makeDirectory } from '../files/write.ts';
import { doShards, type RunState } from './lanes.ts';
import { idMaker } from './job-id.ts';
import { readJobFile } from './job-file.ts';
import { checkBase, locationOf } from './location.ts';
import { agree, readManifest } from './manifest.ts';
import type { PhotoJobsSettings } from './photo-jobs.ts';
import { ShardFiles, type ResultFormat } from './shard-files.ts';
import type { OutputSettings, ShardWorker } from './worker.ts';

export interface RunSettings {
  /** Path of the job file. */
  jobFile: string;
  /** Folder of the results. */
  folder: string;
  jobs: PhotoJobsSettings;
  modelName: string;
  workers: number;
  format: ResultFormat;
  /** Jobs a shard. A run that goes on keeps the size that it began with. */
  shardSize: number;
}

/** What hears of a run. */
export interface RunListener {
  onRefused(error: FiligreeError, line: number): void;
  /** Called when all jobs are known, and after results. */
  onState(state: RunState): void;
}

/**
 * Does what is left of a job file.
 * @throws FiligreeError `not-found` without the job file, `invalid-argument` when the folder has results of another run,
 * `environment` when results cannot be written or photos cannot be read; the same run can go on then
 */
export async function runJobs(
  settings: RunSettings,
  startWorker: (output: OutputSettings) => Promise<ShardWorker>,
  listener: RunListener,
): Promise<RunState> {
  const { jobFile: path, folder, jobs, format, modelName } = settings;
  const { base, model, options } = jobs;
  if (base !== undefined) checkBase(base);
  const earlier = (await isDirectory(folder)) ? await readManifest(folder) : undefined;
  const shardSize = earlier?.shardSize ?? settings.shardSize;
  const idOf = idMaker({ model, options });
  const check = (key: string) => void locationOf(key, base);
  const jobFile = await readJobFile(path, shardSize, idOf, check, listener.onRefused);
  const { jobs: count, refused, shards, digest } = jobFile;
  await makeDirectory(folder);
  await agree(folder, earlier, {
    version: 1,
    jobs: { file: basename(path), sha256: digest, count, refused },
    model: { name: modelName, sha256: model },
    options: JSON.parse(JSON.stringify(options)) as Record<string, unknown>,
    ...(base !== undefined && { base }),
    shardSize,
    shards: shards.length,
    format,
  });
  const output: OutputSettings = { folder, run: randomBytes(4).toString('hex'), format };
  const files = new ShardFiles(folder, output.run, { format });
  const { whole } = await files.list();
  const state: RunState = { jobs: count, results: 0, fresh: 0, errors: 0, refused, deaths: 0 };
  for (const shard of whole) state.results += shards[shard]?.count ?? 0;
  listener.onState(state);
  const left = shards.map((_, shard) => shard).filter((shard) => !whole.has(shard));
  const workers = Math.min(settings.workers, left.length);
  await doShards(
    left,
    jobFile,
    workers,
    () => startWorker(output),
    state,
    () => listener.onState(state),
  );
  await files.clean();
  return state;
}
