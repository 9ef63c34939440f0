// A whole run over workers that die, in this process: what killed processes leave is as in bulk.package.test.ts.
import { rmSync, writeFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FiligreeError } from '../../src/errors.ts';
import { doShard } from '../../src/bulk/do-shard.ts';
import type { RunState } from '../../src/bulk/lanes.ts';
import { PhotoJobs, type Looker } from '../../src/bulk/photo-jobs.ts';
import { runJobs } from '../../src/bulk/run.ts';
import { ShardFiles } from '../../src/bulk/shard-files.ts';
import { localWorker, ProcessEnded, type OutputSettings, type ShardWorker } from '../../src/bulk/worker.ts';
import { jobLines, redLooker, resultsOf, settingsFor, temporaryFolder, writePhotos } from './folder.ts';

const photos = temporaryFolder();
const folder = join(temporaryFolder(), 'results');
const jobFile = join(temporaryFolder(), 'jobs.jsonl');
const jobs = settingsFor(photos);
let keys: string[];

beforeAll(async () => {
  keys = await writePhotos(photos, 20);
  writeFileSync(jobFile, jobLines(keys));
});
beforeEach(() => rmSync(folder, { recursive: true, force: true }));

async function run(start: (output: OutputSettings) => Promise<ShardWorker>, workers = 2, shardSize = 6) {
  const states: RunState[] = [];
  const settings = { jobFile, folder, jobs, modelName: 'red', workers, format: 'jsonl' as const, shardSize };
  const state = await runJobs(settings, start, {
    onRefused: (error) => expect(error).toBe(undefined),
    onState: (now) => states.push({ ...now }),
  });
  return { state, states };
}

/** A worker that dies when it looks at a photo of `deadly` red, and may die at any other. */
async function mortal(output: OutputSettings, deadly: number, chance?: () => boolean): Promise<ShardWorker> {
  const looker: Looker = {
    async detect(image) {
      if (image.data[0] === deadly || chance?.()) throw new ProcessEnded('SIGSEGV');
      return redLooker().detect(image);
    },
  };
  const photoJobs = new PhotoJobs(looker, jobs);
  const files = new ShardFiles(output.folder, output.run);
  return { do: (task, onClaimed, onResults) => doShard(task, photoJobs, files, onClaimed, onResults), end() {} };
}

const wantedErrors = (more: [string, string][] = []) =>
  [['09.png', 'invalid-image'], ['19.png', 'invalid-image'], ...more].toSorted();

const errorsOf = () => resultsOf(folder).flatMap(({ key, error }) => (error ? [[key, error.code]] : []));

function deferred(): { promise: Promise<void>; reject: (error: Error) => void } {
  let reject: (error: Error) => void;
  const promise = new Promise<void>((_, no) => (reject = no));
  promise.catch(() => {});
  return { promise, reject: reject! };
}

describe('a run', () => {
  it('does every job once, and tells where it is', async () => {
    const looker = redLooker();
    const { state, states } = await run((output) => localWorker(looker, jobs, output), 3);
    expect(state).toEqual({ jobs: 20, results: 20, fresh: 20, errors: 2, refused: 0, deaths: 0 });
    expect(resultsOf(folder).map(({ key }) => key)).toEqual(keys);
    expect(looker.looks.length).toBe(18);
    expect(states[0]).toEqual({ jobs: 20, results: 0, fresh: 0, errors: 0, refused: 0, deaths: 0 });
    const counts = states.map(({ results }) => results);
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
    expect(errorsOf()).toEqual(wantedErrors());
    const again = await run(() => Promise.reject(new Error('no worker is needed')));
    expect(again.state).toEqual({ jobs: 20, results: 20, fresh: 0, errors: 0, refused: 0, deaths: 0 });
  });

  it('gives up on a photo that ends processes, and does all others', async () => {
    const { state } = await run((output) => mortal(output, 7));
    expect(state).toMatchObject({ jobs: 20, results: 20, deaths: 3 });
    expect(resultsOf(folder).map(({ key }) => key)).toEqual(keys);
    expect(errorsOf()).toEqual(wantedErrors([['07.png', 'environment']]));
    expect(resultsOf(folder)[7].error!.message).toBe('the process that looked at it ended 3 times (SIGSEGV)');
  });

  it('survives processes that die everywhere', async () => {
    let looks = 0;
    const { state } = await run((output) => mortal(output, -1, () => ++looks % 3 === 0), 1);
    expect(state.deaths).toBeGreaterThan(5);
    expect(resultsOf(folder).map(({ key }) => key)).toEqual(keys);
    expect(errorsOf()).toEqual(wantedErrors());
  });

  it('counts what dead processes have not told of', async () => {
    const silent = async (output: OutputSettings): Promise<ShardWorker> => {
      const worker = await mortal(output, 3);
      return { ...worker, do: (task, onClaimed) => worker.do(task, onClaimed, () => {}) };
    };
    const { state } = await run(silent, 1);
    // before each death three results of shard 0, which the next process finds; nothing else is told
    expect(state).toMatchObject({ results: 3, fresh: 3, deaths: 3 });
    expect(resultsOf(folder).map(({ key }) => key)).toEqual(keys);
  });

  it('ends with the first error, the other workers too', async () => {
    const ended: number[] = [];
    let workers = 0;
    await expect(
      run(async () => {
        const number = workers++;
        const { promise, reject } = deferred();
        return {
          do: () => (number === 0 ? Promise.reject(new FiligreeError('environment', 'the disk is full')) : promise),
          end() {
            ended.push(number);
            reject(new ProcessEnded('SIGKILL'));
          },
        };
      }),
    ).rejects.toThrow('the disk is full');
    expect(ended.toSorted()).toEqual([0, 1]);
    expect(readdirSync(folder)).toEqual(['run.json']);
  });

  it('gives up when no process starts', async () => {
    let starts = 0;
    await expect(
      run(async () => {
        starts++;
        throw new ProcessEnded('code 1');
      }, 1),
    ).rejects.toThrow('code 1');
    expect(starts).toBe(5);
  });
});
