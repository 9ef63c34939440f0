// `detect --jobs` and `classify --jobs` in one process; processes are in bulk.package.test.ts.
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseHTML } from 'linkedom';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '../../src/bulk/job-id.ts';
import type { JobResult } from '../../src/bulk/job.ts';
import { resultsIn } from '../../src/bulk/results.ts';
import { commandLine } from './command-line.ts';
import { jobLines, linesIn, resultsOf, temporaryFolder } from '../bulk/folder.ts';
import { paint, pngOf } from '../images/pictures.ts';
import { ModelBuilder } from '../import/tflite/model.ts';

const photos = 'node_modules/@vladmandic/face-api/demo';
const folder = temporaryFolder();
const jobs = join(folder, 'jobs.jsonl');
const out = join(folder, 'results');
let model: string;

const { filigree, json, refused } = commandLine(() => model);

beforeAll(async () => {
  model = join(folder, 'faces.filigree');
  const file = 'node_modules/@mediapipe/face_detection/face_detection_full_range_sparse.tflite';
  expect((await filigree('compile', file, '-o', model)).code).toBe(0);
});
afterEach(() => rmSync(out, { recursive: true, force: true }));

const keys = [1, 2, 3, 4, 5, 6].map((n) => `sample${n}.jpg`);
const bulk = (...more: string[]) => filigree('detect', '--jobs', jobs, '--out', out, '--base', photos, ...more);

describe('detect --jobs', () => {
  it('finds what detect finds, one line a photo', async () => {
    writeFileSync(jobs, jobLines([...keys, 'none.jpg']));
    const { code, out: said, err } = await bulk('--shard-size', '3');
    expect({ code, said, err }).toEqual({
      code: 0,
      said: `${out}: 7 of 7 jobs have a result; 1 of this run are errors\n`,
      err: '',
    });
    expect(readdirSync(out)).toEqual(['00000.jsonl', '00001.jsonl', '00002.jsonl', 'run.json']);
    const results = resultsOf(out);
    expect(results.map(({ key }) => key)).toEqual([...keys, 'none.jpg']);
    expect(new Set(results.map(({ id }) => id)).size).toBe(7);
    expect(results[6].error).toEqual({ code: 'not-found', message: `${photos}/none.jpg: no such file` });
    const { photos: wanted } = await json<{ photos: { detections: { score: number; box: { xmin: number } }[] }[] }>(
      'detect',
      ...keys.map((key) => `${photos}/${key}`),
    );
    for (const [i, { detections }] of wanted.entries()) {
      const found = (results[i] as Extract<JobResult, { width: number }>).detections!;
      expect(found.map(({ score }) => score)).toEqual(detections.map(({ score }) => Math.round(score * 1e4) / 1e4));
      expect(found.map(({ box }) => box.xmin)).toEqual(detections.map(({ box }) => Math.round(box.xmin * 100) / 100));
    }
    expect(JSON.parse(readFileSync(join(out, 'run.json'), 'utf8'))).toMatchObject({
      jobs: { file: 'jobs.jsonl', count: 7, refused: 0 },
      model: { sha256: digestOf(readFileSync(model)) },
      shards: 3,
      shardSize: 3,
    });
  });

  it('does nothing again, and only with the same jobs, model and options', async () => {
    writeFileSync(jobs, jobLines(keys.slice(0, 2)));
    await bulk();
    const before = linesIn(out);
    expect((await bulk()).out).toBe(`${out}: 2 of 2 jobs have a result; 2 of them from before\n`);
    expect(linesIn(out)).toEqual(before);
    expect(await refused('detect', '--jobs', jobs, '--out', out, '--base', photos, '-s', '0.9')).toBe(
      `${out}: holds results of another run (options: not the same); name another folder, or remove this one`,
    );
    writeFileSync(jobs, jobLines(keys.slice(0, 3)));
    expect(await refused('detect', '--jobs', jobs, '--out', out, '--base', photos)).toContain(
      '(job file, number of jobs: not the same)',
    );
    expect(await refused('detect', '--jobs', jobs, '--out', out, '--base', 'photos')).toContain(
      '(job file, base, number of jobs:',
    );
  });

  it('leaves out lines that are no jobs, each with its number, and fails at the end', async () => {
    writeFileSync(jobs, `"${keys[0]}"\nnonsense\n{"key": 5}\n"../x.jpg"\n"${keys[0]}"\n`);
    const { code, out: said, err } = await bulk();
    expect({ code, said }).toEqual({ code: 1, said: `${out}: 1 of 1 jobs have a result\n` });
    const lines = err.trimEnd().split('\n');
    expect(lines.map((line) => line.replace(jobs, 'jobs'))).toEqual([
      expect.stringMatching(/^filigree: jobs, line 2: not JSON/),
      expect.stringMatching(/^filigree: jobs, line 3: "key" is a number/),
      expect.stringMatching(/^filigree: jobs, line 4: key "\.\.\/x\.jpg": leads through/),
      'filigree: jobs, line 5: the same job as line 1; it is done once',
      'filigree: 4 lines were no jobs and were left out',
    ]);
  });

  it('shows the first hundred of a million lines that are no jobs', async () => {
    writeFileSync(jobs, '5\n'.repeat(1000));
    const { code, out: said, err } = await bulk();
    expect({ code, said, lines: err.split('\n').length }).toEqual({
      code: 1,
      said: `${out}: 0 of 0 jobs have a result\n`,
      lines: 102,
    });
    expect(err).toContain('filigree: 1000 lines were no jobs and were left out; the first 100 are above\n');
  });

  it('writes Parquet that reads as the lines do', async () => {
    writeFileSync(jobs, jobLines([...keys.slice(0, 3), 'none.jpg']));
    await bulk('--shard-size', '2');
    const wanted = resultsOf(out);
    rmSync(out, { recursive: true });
    expect((await bulk('--shard-size', '2', '--format', 'parquet')).code).toBe(0);
    expect(readdirSync(out)).toEqual(['00000.parquet', '00001.parquet', 'run.json']);
    const found: JobResult[] = [];
    for await (const result of resultsIn(out)) found.push(result);
    expect(found).toEqual(wanted);
    expect((await bulk('--format', 'parquet')).out).toContain('4 of them from before');
    expect(await refused('detect', '--jobs', jobs, '--out', out, '--base', photos)).toContain('(format: not the same)');
  });

  it('draws a summary', async () => {
    writeFileSync(jobs, jobLines([...keys, 'none.jpg']));
    for (const format of ['jsonl', 'parquet']) {
      const { code, out: said } = await bulk('--summary', '--format', format);
      expect({ code, said }).toEqual({ code: 0, said: expect.stringContaining(`\n${join(out, 'summary.html')}\n`) });
      const page = readFileSync(join(out, 'summary.html'), 'utf8');
      const { document } = parseHTML(page);
      expect(document.querySelector('h1')!.textContent).toBe('jobs.jsonl: 7 photos');
      expect(document.querySelectorAll('svg').length).toBe(10);
      const found = resultsOf(out).reduce((sum, result) => sum + (result.error ? 0 : result.detections!.length), 0);
      if (format === 'jsonl') expect(document.querySelector('.tiles')!.textContent).toContain(`${found}objects found`);
      expect(page).toContain('not-found, for example:');
      rmSync(out, { recursive: true });
    }
  });

  it.each([
    [['--jobs', 'x'], '--jobs needs --out'],
    [['--out', 'x'], '--out goes with --jobs'],
    [['a.jpg', '--shard-size', '5'], '--shard-size goes with --jobs'],
    [['--jobs', 'x', '--out', 'y', 'a.jpg'], '--jobs takes the place of photos'],
    [['--jobs', 'x', '--out', 'y', '--json'], '--json does not go with --jobs'],
    [['--jobs', 'x', '--out', 'y', '--save', 'z.png'], '--save does not go with --jobs'],
    [['--jobs', 'x', '--out', 'y', '--workers', '0'], "It must be a whole number from 1 to 512, or 'auto'."],
    [['--jobs', 'x', '--out', 'y', '--format', 'csv'], 'Allowed choices are jsonl, parquet.'],
  ])('refuses %j', async (argv, message) => {
    const { code, err } = await filigree('detect', ...argv);
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining(message) });
  });

  it('says what is wrong before the first photo', async () => {
    writeFileSync(jobs, jobLines(keys));
    expect(await refused('detect', '--jobs', join(folder, 'none'), '--out', out)).toBe(
      `${join(folder, 'none')}: no such file or directory`,
    );
    expect(await refused('detect', '--jobs', jobs, '--out', out, '--base', 's3://bucket')).toContain(
      'wanted a folder, or a URL',
    );
    expect(await refused('detect', '--jobs', jobs, '--out', jobs, '--base', photos)).toContain(
      'cannot make this directory',
    );
    expect(await refused('detect', '--jobs', jobs, '--out', out, '-m', jobs)).toContain('not a .filigree model');
    expect(readdirSync(folder)).not.toContain('results');
    mkdirSync(out);
    writeFileSync(join(out, 'run.json'), '{"version": 2}');
    expect(await refused('detect', '--jobs', jobs, '--out', out)).toContain('does not describe a run');
  });
});

/** A classifier of three classes: the means of the channels. */
function channelMeans(): Uint8Array {
  const network = new ModelBuilder();
  const [x, axes] = [network.input('x', [1, 64, 64, 3]), network.integers([2], [1, 2])];
  network.output('means', 'MEAN', [x, axes], [[1, 3]], { Reducer: {} });
  return network.bytes();
}

describe('classify --jobs', () => {
  it('has classes for each photo', async () => {
    const file = join(folder, 'means.tflite');
    writeFileSync(file, channelMeans());
    writeFileSync(join(folder, 'a.png'), await pngOf(paint(8, 8, () => [200, 10, 10, 255])));
    writeFileSync(jobs, jobLines(['a.png']));
    const more = ['--preprocess', 'none', '-k', '2'];
    const { code } = await filigree(
      'classify',
      '-m',
      file,
      '--jobs',
      jobs,
      '--out',
      out,
      '--base',
      folder,
      ...more,
      '--summary',
    );
    expect(code).toBe(0);
    const [result] = resultsOf(out) as { classifications: object[] }[];
    const { photos: wanted } = await json<{ photos: { classifications: { score: number }[] }[] }>(
      'classify',
      '-m',
      file,
      join(folder, 'a.png'),
      ...more,
    );
    expect(result).toMatchObject({ key: 'a.png', width: 8, height: 8 });
    expect(result.classifications).toEqual(
      wanted[0].classifications.map((found) => ({ ...found, score: Math.round(found.score * 1e4) / 1e4 })),
    );
    expect(readFileSync(join(out, 'summary.html'), 'utf8')).toContain('photos classified');
  });
});
