// Does the jobs of one shard, photos read and decoded ahead.
import { FiligreeError } from '../errors.ts';
import { failed, type PhotoJobs, type Prepared } from './photo-jobs.ts';
import type { JobResult } from './job.ts';
import { Unavailable } from './read-photo.ts';
import type { ShardFiles } from './shard-files.ts';

/**
 * Processes that have ended in a shard: those before the last, `count` of them at job `at`, and how the last one ended. Where that was
 * is known when another opens the shard: at the first job without a result.
 */
export interface Deaths {
  at: number;
  count: number;
  how: string;
}

/** Processes that have ended at job `at`, which is the first without a result. */
export const deathsAt = (deaths: Deaths, at: number): number => 1 + (deaths.at === at ? deaths.count : 0);

export interface ShardTask {
  shard: number;
  keys: string[];
  deaths?: Deaths;
}

export interface ShardOptions {
  /** Photos that are read ahead of the one that is looked at. */
  readAhead?: number;
  /** Of these, photos that are decoded as well, 4 bytes a pixel each. */
  decodeAhead?: number;
  /** Waits before a photo that is unavailable is asked for again, in ms. */
  waits?: readonly number[];
}

/** Told of results, and how many of them are errors. */
export type OnResults = (count: number, errors: number) => void;

/** A job at which so many processes have ended gets an error for its result. */
export const maxDeaths = 3;

/** So many photos in a row that are unavailable, each after all its tries, stop the run: it is not the photos. */
const maxUnavailable = 20;

/**
 * Does what is left of a shard. Results are written in the order of jobs.
 * @param onClaimed told of results that were there already
 * @throws FiligreeError `environment` when results cannot be written, or when no photo is available; what else is no photo's fault
 */
export async function doShard(
  { shard, keys, deaths }: ShardTask,
  jobs: PhotoJobs,
  files: ShardFiles,
  onClaimed: OnResults,
  onResults: OnResults,
  { readAhead = 16, decodeAhead = 4, waits = [1000, 4000, 15_000] }: ShardOptions = {},
): Promise<void> {
  const ids = keys.map(jobs.idOf);
  const open = await files.claim(shard, ids);
  onClaimed(open.count, open.errors);
  try {
    if (deaths && open.count < ids.length && deathsAt(deaths, open.count) >= maxDeaths) {
      const message = `the process that looked at it ended ${maxDeaths} times (${deaths.how})`;
      await appendTo(failed(ids[open.count], keys[open.count], 'environment', message));
    }
    // where a process has ended, the next is at one photo at a time, so that it is known which
    const [far, near] = deaths ? [1, 1] : [readAhead, decodeAhead];
    const away: JobResult[] = [];
    const first = open.count;
    for await (const { prepared, again } of ahead(keys.slice(first), jobs, far, near)) {
      const result = await finished(jobs, prepared, again, waits);
      if (result.error?.code === 'unavailable') {
        away.push(result);
        if (away.length < maxUnavailable) continue;
        throw new FiligreeError(
          'environment',
          `${away.length} photos in a row are unavailable, the last one: ${result.error.message}; ` +
            'they are not counted as done: run the same command again to go on',
        );
      }
      for (const each of away.splice(0)) await appendTo(each);
      await appendTo(result);
    }
    for (const each of away) await appendTo(each);
    await open.finish();
  } catch (error) {
    await open.close();
    throw error;
  }

  async function appendTo(result: JobResult): Promise<void> {
    await open.append(result);
    onResults(1, result.error ? 1 : 0);
  }
}

/** The result of a photo, asked for again while it is unavailable. */
async function finished(
  jobs: PhotoJobs,
  prepared: Prepared,
  again: () => Promise<Prepared>,
  waits: readonly number[],
): Promise<JobResult> {
  for (let tries = 0; ; tries++) {
    try {
      return await jobs.finish(tries === 0 ? prepared : await again());
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      if (tries === waits.length) return failed(prepared.id, prepared.key, 'unavailable', error.message);
      const wait = waits[tries] * (0.5 + Math.random()); // not all workers at once
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
}

/** Photos one after the other, while the next `far` are read and the next `near` of them decoded. */
async function* ahead(
  keys: readonly string[],
  jobs: PhotoJobs,
  far: number,
  near: number,
): AsyncGenerator<{ prepared: Prepared; again: () => Promise<Prepared> }> {
  const reading: Promise<Uint8Array>[] = [];
  const decoding: Promise<Prepared>[] = [];
  for (let i = 0; i < keys.length; i++) {
    while (reading.length < Math.min(keys.length, i + far)) {
      const bytes = jobs.read(keys[reading.length]);
      bytes.catch(() => {}); // decoding reports it
      reading.push(bytes);
    }
    while (decoding.length < Math.min(keys.length, i + near)) {
      const next = decoding.length;
      decoding.push(jobs.decode(keys[next], reading[next]));
      delete reading[next];
    }
    const prepared = await decoding[i];
    delete decoding[i];
    yield { prepared, again: () => jobs.prepare(keys[i]) };
  }
}
