// Photos that cannot be read now, and processes that end at a photo.
import { createServer, type Server } from 'node:http';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { doShard, type Deaths, type ShardOptions } from '../../src/bulk/do-shard.ts';
import { PhotoJobs, type PhotoJobsSettings } from '../../src/bulk/photo-jobs.ts';
import { ShardFiles } from '../../src/bulk/shard-files.ts';
import { paint, pngOf } from '../images/pictures.ts';
import { redLooker, resultsOf, settingsFor, temporaryFolder } from './folder.ts';

const folder = join(temporaryFolder(), 'results');
beforeEach(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
});

let server: Server;
let url: string;
let png: Buffer;
/** How often each path was asked for. */
const asked = new Map<string, number>();

beforeAll(async () => {
  png = Buffer.from(await pngOf(paint(8, 8, () => [4, 120, 130, 255])));
  server = createServer((request, response) => {
    const path = decodeURIComponent(request.url!);
    const times = (asked.get(path) ?? 0) + 1;
    asked.set(path, times);
    const [, status, until] = /^\/(\d+)-(\d+)/.exec(path) ?? [];
    if (status && times <= Number(until)) response.writeHead(Number(status)).end('no');
    else if (path === '/endless') response.writeHead(200).write(Buffer.alloc(3000));
    else if (path === '/breaks')
      response.writeHead(200, { 'content-length': 5000 }).write('x', () => response.destroy());
    else if (path === '/large') response.writeHead(200, { 'content-length': 1e9 }).flushHeaders();
    else response.end(png);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

async function done(
  keys: string[],
  settings: Partial<PhotoJobsSettings> = {},
  options: ShardOptions = {},
  deaths?: Deaths,
) {
  const looker = redLooker();
  const jobs = new PhotoJobs(looker, { ...settingsFor(url), ...settings });
  asked.clear();
  await doShard(
    { shard: 0, keys, deaths },
    jobs,
    new ShardFiles(folder, '0000abcd'),
    () => {},
    () => {},
    {
      waits: [1, 1, 1],
      ...options,
    },
  );
  return resultsOf(folder);
}

describe('a photo on a server', () => {
  it('is read by its key', async () => {
    const results = await done(['a b/ä?.png', 's3://bucket/c.png']);
    expect(results.map(({ error }) => error)).toEqual([undefined, undefined]);
    expect([...asked.keys()]).toEqual(['/a b/ä?.png', '/bucket/c.png']);
  });

  it('is asked for again while the server is not well', async () => {
    for (const status of [500, 503, 429, 408]) {
      const [{ error }] = await done([`${status}-2.png`]);
      expect([error, asked.get(`/${status}-2.png`)]).toEqual([undefined, 3]);
      rmSync(join(folder, '00000.jsonl'));
    }
  });

  it('that is not there is not asked for again', async () => {
    const [{ error }, other] = await done(['404-9.png', 'b.png']);
    expect([error, asked.get('/404-9.png')]).toEqual([
      { code: 'not-found', message: `${url}404-9.png: HTTP 404 Not Found` },
      1,
    ]);
    expect(other.error).toBe(undefined);
  });

  it('that stays away is an error of its own kind, and the others are done', async () => {
    const results = await done(['a.png', '503-9.png', 'b.png', 'breaks', 'c.png', '500-9.png']);
    expect(results.map(({ key, error }) => [key, error?.code])).toEqual([
      ['a.png', undefined],
      ['503-9.png', 'unavailable'],
      ['b.png', undefined],
      ['breaks', 'unavailable'],
      ['c.png', undefined],
      ['500-9.png', 'unavailable'],
    ]);
    expect(asked.get('/503-9.png')).toBe(4);
  });

  it('that does not end, or is too large, is given up', async () => {
    const results = await done(['endless', 'large'], { maxBytes: 1000, timeout: 500 });
    expect(results.map(({ error }) => [error?.code, error?.message])).toEqual([
      ['invalid-image', `${url}endless: 3000 bytes or more; photos of at most 1000 bytes are read`],
      ['invalid-image', `${url}large: 1000000000 bytes or more; photos of at most 1000 bytes are read`],
    ]);
    rmSync(join(folder, '00000.jsonl'));
    const [{ error }] = await done(['endless'], { timeout: 100 }, { waits: [] });
    expect(error).toEqual({ code: 'unavailable', message: `${url}endless: did not arrive in 0.1 s` });
  });
});

it('a server that is gone stops the run, and what it held up is not counted as done', async () => {
  const gone = Array.from({ length: 30 }, (_, i) => `503-99-${i}.png`);
  await expect(done(['a.png', ...gone], {}, { waits: [] })).rejects.toMatchObject({
    code: 'environment',
    message: `20 photos in a row are unavailable, the last one: ${url}503-99-19.png: HTTP 503 Service Unavailable; they are not counted as done: run the same command again to go on`,
  });
  expect(readFileSync(join(folder, '00000.0000abcd.part'), 'utf8').split('\n').length).toBe(2);
});

it('a folder, a pipe and a device are no photos', async () => {
  const photos = temporaryFolder();
  mkdirSync(join(photos, 'folder'));
  writeFileSync(join(photos, 'empty.png'), '');
  const results = await done(['folder', 'empty.png', 'folder/none', 'empty.png/none', 'x'.repeat(300)], {
    base: photos,
  });
  expect(results.map(({ error }) => [error?.code, error?.message.replace(photos, '')])).toEqual([
    ['not-found', '/folder: is not a file'],
    ['invalid-image', 'empty.png: not a JPEG, PNG or WebP image; the file is empty'],
    ['not-found', '/folder/none: no such file'],
    ['not-found', '/empty.png/none: a part of the path is not a directory'],
    ['not-found', `/${'x'.repeat(300)}: the name is too long`],
  ]);
  const device = await new PhotoJobs(redLooker(), { model: '', options: {} }).do('/dev/zero');
  expect(device.error?.message).toBe('/dev/zero: is not a file');
});

describe('a photo at which processes end', () => {
  const deaths = (at: number, count: number): Deaths => ({ at, count, how: 'SIGKILL' });

  it('has an error for its result after the third, and the others are done', async () => {
    const results = await done(['a.png', 'b.png'], {}, {}, deaths(0, 2));
    expect(results.map(({ key, error }) => [key, error?.code, error?.message])).toEqual([
      ['a.png', 'environment', 'the process that looked at it ended 3 times (SIGKILL)'],
      ['b.png', undefined, undefined],
    ]);
    expect(asked.get('/a.png')).toBe(undefined);
  });

  it('is tried again after the first two, or after those at other photos', async () => {
    for (const earlier of [deaths(0, 0), deaths(0, 1), deaths(1, 5)]) {
      const results = await done(['a.png', 'b.png'], {}, {}, earlier);
      expect(results.map(({ error }) => error)).toEqual([undefined, undefined]);
      rmSync(join(folder, '00000.jsonl'));
    }
  });

  it('is read alone, so that it is known which it is', async () => {
    let most = 0;
    let reading = 0;
    class Counting extends PhotoJobs {
      override async read(key: string): Promise<Uint8Array> {
        most = Math.max(most, ++reading);
        const bytes = await super.read(key);
        return bytes;
      }
      override async finish(...given: Parameters<PhotoJobs['finish']>) {
        reading--;
        return super.finish(...given);
      }
    }
    const keys = Array.from({ length: 30 }, (_, i) => `${i}.png`);
    const run = async (earlier?: Deaths) => {
      most = reading = 0;
      const jobs = new Counting(redLooker(), settingsFor(url));
      await doShard(
        { shard: 0, keys, deaths: earlier },
        jobs,
        new ShardFiles(folder, 'aa'),
        () => {},
        () => {},
      );
      rmSync(join(folder, '00000.jsonl'));
      return most;
    };
    expect(await run(deaths(0, 0))).toBe(1);
    expect(await run()).toBe(16);
  });
});
