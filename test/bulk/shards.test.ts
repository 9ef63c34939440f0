// Results survive a death at any point: what was written is kept, nothing is written twice, and the files are those of a run that
// was not interrupted.
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { doShard } from '../../src/bulk/do-shard.ts';
import type { JobResult } from '../../src/bulk/job.ts';
import { PhotoJobs } from '../../src/bulk/photo-jobs.ts';
import { ShardFiles, type Convert, type ResultFormat } from '../../src/bulk/shard-files.ts';
import { Random } from '../fuzz/random.ts';
import { Crash, crashingFiles, type Moment } from './crashing-files.ts';
import { redLooker, settingsFor, temporaryFolder, writePhotos } from './folder.ts';

const photos = temporaryFolder();
const folder = join(temporaryFolder(), 'results');
let shards: string[][];

beforeAll(async () => {
  const keys = [...(await writePhotos(photos, 10)), 'none.png'];
  shards = [keys.slice(0, 4), keys.slice(4, 8), keys.slice(8)];
});

let runs = 0;

/** What a process does from its start to its end, or death. @returns how many photos it looked at or found broken */
async function process(
  files = crashingFiles(Infinity, 'before'),
  format: ResultFormat = 'jsonl',
  convert?: Convert,
): Promise<number> {
  const looker = redLooker();
  const jobs = new PhotoJobs(looker, settingsFor(photos));
  const shardFiles = new ShardFiles(folder, (++runs).toString(16).padStart(8, '0'), { files, format, convert });
  let errors = 0;
  try {
    const { whole } = await shardFiles.list();
    for (const [shard, keys] of shards.entries()) {
      if (whole.has(shard)) continue;
      const count = (_: number, wrong: number) => void (errors += wrong);
      await doShard({ shard, keys }, jobs, shardFiles, () => {}, count, { waits: [] });
    }
    await shardFiles.clean();
  } finally {
    await files.release();
  }
  return looker.looks.length + errors;
}

function fresh(): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
}

const contents = () =>
  Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'latin1')]));

/** Results on disk, of which none may be computed again. */
function kept(): number {
  const byShard = new Map<string, number>();
  for (const [name, text] of Object.entries(contents())) {
    if (name.endsWith('.tmp')) continue;
    const shard = name.slice(0, 5);
    const lines = name.endsWith('.parquet') ? shards[Number(shard)].length : text.split('\n').length - 1;
    byShard.set(shard, Math.max(byShard.get(shard) ?? 0, lines));
  }
  return [...byShard.values()].reduce((sum, lines) => sum + lines, 0);
}

/** Another format, whose file is not its parts. */
const joined: Convert = async (results) => new TextEncoder().encode(JSON.stringify(results));

const moments: Moment[] = ['before', 'after', 'torn'];

describe.each([
  ['jsonl', undefined],
  ['parquet', joined],
] as [ResultFormat, Convert | undefined][])('shards of %s', (format, convert) => {
  let wanted: Record<string, string>;
  let operations: number;

  beforeAll(async () => {
    fresh();
    const files = crashingFiles(Infinity, 'before');
    expect(await process(files, format, convert)).toBe(11);
    wanted = contents();
    operations = files.operations;
    expect(Object.keys(wanted)).toEqual(['00000', '00001', '00002'].map((name) => `${name}.${format}`));
  });

  it('are as they should be after a death at any operation', async () => {
    expect(operations).toBeGreaterThan(30);
    for (let at = 0; at < operations; at++) {
      for (const moment of moments) {
        fresh();
        await expect(process(crashingFiles(at, moment), format, convert)).rejects.toThrow(Crash);
        const done = kept();
        expect({ at, moment, looked: await process(undefined, format, convert) }).toEqual({
          at,
          moment,
          looked: 11 - done,
        });
        expect(contents()).toEqual(wanted);
      }
    }
  });

  it('are as they should be after one death upon another', async () => {
    const random = new Random(5);
    for (let round = 0; round < 25; round++) {
      fresh();
      const deaths = Array.from({ length: 4 }, () => [random.below(25), random.pick(moments)] as const);
      for (const [at, moment] of deaths) await process(crashingFiles(at, moment), format, convert).catch(ofCrash);
      const done = kept();
      expect({ deaths, looked: await process(undefined, format, convert) }).toEqual({ deaths, looked: 11 - done });
      expect(contents()).toEqual(wanted);
    }
  });

  it('wait for a full disk to have room', async () => {
    const full = () => Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    for (let at = 0; at < operations; at++) {
      fresh();
      const failed = await process(crashingFiles(at, 'torn', full), format, convert).catch((error: Error) => error);
      if (failed instanceof Error && (failed as NodeJS.ErrnoException).code !== 'ENOSPC') {
        expect(failed).toMatchObject({
          code: 'environment',
          message: `${folder}: cannot write: no space left on device; no result is lost: mend that, and run the same command again to go on`,
        });
      }
      const done = kept();
      expect({ at, looked: await process(undefined, format, convert) }).toEqual({ at, looked: 11 - done });
      expect(contents()).toEqual(wanted);
    }
  });
});

function ofCrash(error: unknown): void {
  if (!(error instanceof Crash)) throw error;
}

const results = (name: string) =>
  readFileSync(join(folder, name), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as JobResult);

it('results are rounded, and those of broken photos say why', async () => {
  fresh();
  await process();
  const jobs = new PhotoJobs(redLooker(), settingsFor(photos));
  expect(results('00000.jsonl')[3]).toEqual({
    id: jobs.idOf('03.png'),
    key: '03.png',
    width: 11,
    height: 8,
    detections: [{ label: 'red', classIndex: 0, score: 0.8765, box: { xmin: 0.12, ymin: 0, xmax: 3, ymax: 4 } }],
  });
  expect(results('00002.jsonl').map(({ key, error }) => [key, error?.code, error?.message])).toEqual([
    ['08.png', undefined, undefined],
    ['09.png', 'invalid-image', expect.stringMatching(/^09\.png: a PNG image of \d+ bytes that is broken or cut off/)],
    ['none.png', 'not-found', expect.stringMatching(/none\.png: no such file$/)],
  ]);
});

describe('a part that another run has left', () => {
  const ids = ['a', 'b', 'c'].map((letter) => letter.repeat(32));
  const line = (id: string) => JSON.stringify({ id, key: id, error: { code: 'not-found', message: '' } });
  const claim = async () => {
    const open = await new ShardFiles(folder, 'ffffffff').claim(0, ids);
    await open.close();
    return open;
  };

  it.each([
    ['a line that is torn', `${line(ids[0])}\n${line(ids[1]).slice(0, 40)}`, 1],
    ['a line without its end', `${line(ids[0])}\n${line(ids[1])}`, 1],
    ['zeros, as after a power cut', `${line(ids[0])}\n${'\0'.repeat(100)}\n`, 1],
    ['results of other jobs', `${line(ids[1])}\n`, 0],
    ['a result twice', `${line(ids[0])}\n${line(ids[0])}\n`, 1],
    ['more results than jobs', `${[...ids, ids[0]].map(line).join('\n')}\n`, 3],
    ['other JSON', `${line(ids[0])}\nnull\n[]\n"x"\n`, 1],
    ['nothing', '', 0],
  ])('counts up to %s', async (_, text, count) => {
    fresh();
    writeFileSync(join(folder, '00000.12345678.part'), text);
    const open = await claim();
    expect([open.count, open.errors]).toEqual([count, count]);
    const own = ids.slice(0, count).map((id) => `${line(id)}\n`);
    expect(contents()).toEqual({ '00000.ffffffff.part': own.join('') });
  });

  it('is the longest, of several', async () => {
    fresh();
    for (const [i, count] of [1, 2, 0].entries()) {
      writeFileSync(
        join(folder, `00000.0000000${i}.part`),
        ids
          .slice(0, count)
          .map((id) => `${line(id)}\n`)
          .join(''),
      );
    }
    expect((await claim()).count).toBe(2);
  });

  it('belongs to a run that still lives: that one stops, and what is in place is whole', async () => {
    fresh();
    const result = (id: string): JobResult => JSON.parse(line(id)) as JobResult;
    const old = await new ShardFiles(folder, '00000001').claim(0, ids.slice(0, 2));
    await old.append(result(ids[0]));
    const young = await new ShardFiles(folder, '00000002').claim(0, ids.slice(0, 2));
    expect(young.count).toBe(1);
    await old.append(result(ids[1]));
    await expect(old.finish()).rejects.toMatchObject({
      code: 'environment',
      message: expect.stringContaining('another run has taken it over') as string,
    });
    await young.append(result(ids[1]));
    await young.finish();
    expect(contents()).toEqual({ '00000.jsonl': `${line(ids[0])}\n${line(ids[1])}\n` });
  });
});
