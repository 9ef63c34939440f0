import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readInput } from '../../src/files/read.ts';
import { makeDirectory, writeOutput } from '../../src/files/write.ts';
import { formatBytes, formatCount, formatMs, formatPercent, formatTable } from '../../src/cli/table.ts';

const bytes = (text: string) => new Uint8Array(Buffer.from(text));

describe('writeOutput', () => {
  let directory: string;
  beforeEach(async () => void (directory = await mkdtemp(join(tmpdir(), 'filigree-'))));
  afterEach(() => rm(directory, { recursive: true }));

  it('writes a new file and replaces an old one, keeping its mode', async () => {
    const path = join(directory, 'out.bin');
    await writeOutput(path, bytes('one'));
    await chmod(path, 0o640);
    await writeOutput(path, bytes('two'));
    expect(await readFile(path, 'utf8')).toBe('two');
    expect((await stat(path)).mode & 0o777).toBe(0o640);
    expect(await readdir(directory)).toEqual(['out.bin']); // nothing left beside it
  });

  it('writes through a link', async () => {
    await writeFile(join(directory, 'target'), 'old');
    await symlink(join(directory, 'target'), join(directory, 'link'));
    await writeOutput(join(directory, 'link'), bytes('new'));
    expect(await readFile(join(directory, 'target'), 'utf8')).toBe('new');
  });

  it('does not replace a device', async () => {
    await writeOutput('/dev/null', bytes('gone'));
    expect((await stat('/dev/null')).isCharacterDevice()).toBe(true);
  });

  it('leaves the old file and nothing else when it fails', async () => {
    await mkdir(join(directory, 'folder'));
    for (const [path, message] of [
      [join(directory, 'folder'), 'folder: cannot write: is a directory'],
      [join(directory, 'missing', 'out'), 'out: cannot write: no such file or directory'],
    ]) {
      await expect(writeOutput(path, bytes('x'))).rejects.toThrow(message);
      await expect(writeOutput(path, bytes('x'))).rejects.toMatchObject({ code: 'invalid-argument' });
    }
    expect(await readdir(directory)).toEqual(['folder']);
  });
});

describe('makeDirectory', () => {
  it('makes missing folders, and names files in the way', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'filigree-'));
    for (let i = 0; i < 2; i++) await makeDirectory(join(directory, 'a', 'b', 'c/'));
    expect((await stat(join(directory, 'a', 'b', 'c'))).isDirectory()).toBe(true);
    const file = join(directory, 'file');
    await writeFile(file, '');
    for (const path of [file, join(file, 'below')]) {
      await expect(makeDirectory(path)).rejects.toMatchObject({
        code: 'invalid-argument',
        message: `${path}: cannot make this directory: a file is in the way`,
      });
    }
    await rm(directory, { recursive: true });
  });

  it.runIf(process.platform === 'linux')('returns where nothing can be made', async () => {
    await expect(makeDirectory('/proc/nothing/here')).rejects.toThrow('/proc/nothing/here: cannot make this directory');
  });
});

describe('readInput', () => {
  it('names missing files', async () => {
    await expect(readInput('/nowhere/photo.jpg')).rejects.toThrow('/nowhere/photo.jpg: no such file or directory');
    await expect(readInput(tmpdir())).rejects.toThrow('is a directory');
    await expect(readInput(tmpdir())).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('formatTable', () => {
  it('aligns texts left and numbers right', () => {
    expect(
      formatTable(
        ['label', 'score'],
        [
          ['face', '0.9'],
          ['a', 12],
        ],
      ),
    ).toBe('label  score\nface     0.9\na         12\n');
    expect(formatTable(['zeros'], [['70.0 %'], ['–']])).toBe('zeros \n70.0 %\n     –\n'.replace('zeros ', ' zeros'));
  });
});

it('formats numbers for people', () => {
  expect([0, 999, 1000, 1234567, 999999].map(formatBytes)).toEqual(['0 B', '999 B', '1.00 kB', '1.23 MB', '1.00 MB']);
  expect([12, 61_300_000].map(formatCount)).toEqual(['12', '61.3 M']);
  expect(formatPercent(0.6481)).toBe('64.8 %');
  expect([0.123, 45.67].map(formatMs)).toEqual(['0.12 ms', '45.7 ms']);
});
