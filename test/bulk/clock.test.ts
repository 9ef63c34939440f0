// Nothing depends on the date: a machine's clock may be set, and machines have different ones. Durations are measured by a clock that
// nobody sets.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it, vi } from 'vitest';
import { FiligreeError } from '../../src/errors.ts';
import { runJobs } from '../../src/bulk/run.ts';
import { localWorker } from '../../src/bulk/worker.ts';
import { jobLines, linesIn, redLooker, settingsFor, temporaryFolder, writePhotos } from './folder.ts';

afterEach(() => vi.unstubAllGlobals());

/** A date that is another century with each look. */
function jumpingDate() {
  let looks = 0;
  const { Date: RealDate } = globalThis;
  const now = () => (looks++ % 2 === 0 ? 4e12 : -4e12) + looks;
  return class extends RealDate {
    constructor(...given: [number]) {
      super(...(given.length > 0 ? given : ([now()] as [number])));
    }
    static override now = now;
  };
}

it('no source asks for the date', () => {
  const source = fileURLToPath(new URL('../../src/', import.meta.url));
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  expect(files.length).toBeGreaterThan(300);
  const asking = files.filter((file) =>
    /\bnew Date\b|\bDate\.now\b|\bDate\(/.test(readFileSync(source + file, 'utf8')),
  );
  expect(asking).toEqual([]);
});

it('a run whose clock jumps has the same files', async () => {
  const photos = temporaryFolder();
  const jobFile = join(temporaryFolder(), 'jobs.jsonl');
  const jobs = settingsFor(photos);
  writeFileSync(jobFile, jobLines(await writePhotos(photos, 20)));
  const run = async () => {
    const folder = join(temporaryFolder(), 'results');
    const settings = { jobFile, folder, jobs, modelName: 'red', workers: 2, format: 'jsonl' as const, shardSize: 6 };
    const state = await runJobs(settings, (output) => localWorker(redLooker(), jobs, output), {
      onRefused: (error: FiligreeError) => expect(error).toBe(undefined),
      onState() {},
    });
    const files = readdirSync(folder).toSorted();
    return { state, files, lines: linesIn(folder), facts: readFileSync(join(folder, 'run.json'), 'utf8') };
  };
  const wanted = await run();
  expect(wanted.state.results).toBe(20);
  vi.stubGlobal('Date', jumpingDate());
  expect(Math.abs(Date.now() - Date.now())).toBeGreaterThan(7e12);
  expect(await run()).toEqual(wanted);
});
