// Job files come from strangers: whatever a line holds, it is one job or one clear error, and the run goes on.
import { writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FiligreeError } from '../../src/errors.ts';
import { idMaker } from '../../src/bulk/job-id.ts';
import { keysOf, linesOf, readJobFile } from '../../src/bulk/job-file.ts';
import { locationOf } from '../../src/bulk/location.ts';
import { jobLines, temporaryFolder } from './folder.ts';

const path = join(temporaryFolder(), 'jobs.jsonl');
const idOf = idMaker({ model: 'ab', options: {} });

async function read(content: string | Uint8Array, shardSize = 1000, base?: string) {
  writeFileSync(path, content);
  const errors: string[] = [];
  const onRefused = (error: FiligreeError, line: number) => {
    expect(error).toBeInstanceOf(FiligreeError);
    expect(error.message.startsWith(`${path}, line ${line}: `)).toBe(true);
    expect(error.message).not.toContain('\n');
    errors.push(error.message.slice(path.length + 2));
  };
  const file = await readJobFile(path, shardSize, idOf, (key) => void locationOf(key, base), onRefused);
  expect(file.refused).toBe(errors.length);
  const shards = await Promise.all(file.shards.map((range) => keysOf(path, range)));
  expect(shards.flat().length).toBe(file.jobs);
  return { file, errors, shards };
}

describe('a job file', () => {
  it('has one job a line, in shards', async () => {
    const keys = Array.from({ length: 7 }, (_, i) => `ä${i}.jpg`);
    const { file, errors, shards } = await read(jobLines(keys), 3);
    expect(errors).toEqual([]);
    expect(shards).toEqual([keys.slice(0, 3), keys.slice(3, 6), keys.slice(6)]);
    expect(file.digest).toBe(createHash('sha256').update(jobLines(keys)).digest('hex'));
  });

  it('may have blank lines, Windows’ ends of lines, a byte order mark and no last end', async () => {
    const { errors, shards } = await read('\ufeff"a.jpg"\r\n\r\n  \n{"key": "b.jpg"}\r\n"c.jpg"');
    expect([errors, shards]).toEqual([[], [['a.jpg', 'b.jpg', 'c.jpg']]]);
  });

  it('may be empty', async () => {
    for (const content of ['', '\n', '\n\n \n']) expect(await read(content)).toMatchObject({ errors: [], shards: [] });
  });

  it('is refused line by line, and the other lines are done', async () => {
    const bytes = Buffer.concat([
      Buffer.from('"a.jpg"\nnonsense\n{"key": 5}\n"../../etc/passwd"\n"a.jpg"\n'),
      Buffer.from([0x22, 0xff, 0xfe, 0x22, 10]),
      Buffer.from(`{"key": "${'x'.repeat(1_000_000)}"}\n`),
      Buffer.from(`{"key": "${'y'.repeat(20_000)}"}\n`),
      Buffer.from('{"key": "b.jpg", "id": "../x"}\n\n{"key": "\\u0061.jpg"}\n{"key": "b.jpg"}\n"c'),
    ]);
    const { errors, shards } = await read(bytes, 2, 'photos');
    expect(errors).toEqual([
      expect.stringMatching(/^line 2: not JSON \(.*\), starting with "nonsense"; wanted/),
      'line 3: "key" is a number; wanted "photos/a.jpg" or {"key": "photos/a.jpg"}',
      'line 4: key "../../etc/passwd": leads through "." or ".."; with a base, keys stay below it',
      'line 5: the same job as line 1; it is done once',
      'line 6: not UTF-8',
      'line 7: 1000011 bytes; a job has at most 16384 characters',
      'line 8: 20011 characters; a job has at most 16384',
      'line 9: has an "id"; ids are computed from key, model and options: leave it out',
      'line 11: the same job as line 1; it is done once',
      expect.stringMatching(/^line 13: not JSON/),
    ]);
    expect(shards).toEqual([['a.jpg', 'b.jpg']]);
  });

  it('gives a shard the same keys wherever its lines are refused', async () => {
    const lines = ['0', '"a"', '1', '"b"', '2', '3', '"c"', '"a"', '"d"', '"e"', '4', '"f"', '5'];
    const { shards } = await read(lines.join('\n'), 2);
    expect(shards).toEqual([
      ['a', 'b'],
      ['c', 'd'],
      ['e', 'f'],
    ]);
  });

  it('is not kept in memory, nor are its lines', async () => {
    const line = `"${'x'.repeat(20_000_000)}"\n`;
    writeFileSync(path, `"a"\n${line}"b"\n`);
    const texts: [number, number, string | undefined][] = [];
    for await (const { number, text, fault } of linesOf(path)) texts.push([number, text.length, fault]);
    expect(texts).toEqual([
      [1, 3, undefined],
      [2, 0, '20000002 bytes; a job has at most 16384 characters'],
      [3, 3, undefined],
    ]);
  });

  it('that changes during a run is noticed', async () => {
    const { file } = await read(jobLines(['a', 'b', 'c']), 2);
    writeFileSync(path, jobLines(['a']));
    await expect(keysOf(path, file.shards[0])).rejects.toThrow(`${path}: has changed since this run began`);
  });

  it('has to be there', async () => {
    const missing = join(path, 'none');
    await expect(
      readJobFile(
        missing,
        1,
        idOf,
        () => {},
        () => {},
      ),
    ).rejects.toMatchObject({ code: 'not-found' });
  });
});
