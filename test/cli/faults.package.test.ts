// The executable where disks are full, directories are not writable, nobody reads, or someone interrupts: one line that says
// so, exit code 1, and no half of a file.
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildSync } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jpegFile, modelFile, root } from '../hosts/project.ts';
import { patience } from '../patience.ts';
import { withoutProgress } from './without-progress.ts';
import { faceModels } from '../models/published.ts';

const cli = path.join(root, 'dist/cli/main.js');
const quoted = (text: string) => `'${text}'`;
const filigree = (...args: string[]) => [process.execPath, cli, ...args].map(quoted).join(' ');

/** Runs a line of bash. */
function bash(line: string, options: { uid?: number } = {}) {
  const { status, signal, stdout, stderr } = spawnSync('bash', ['-c', line], {
    encoding: 'utf8',
    timeout: patience,
    ...options,
  });
  return { status, signal, stdout, stderr: withoutProgress(stderr) };
}

/** Is refused in one line. */
function expectRefusal({ status, stdout, stderr }: ReturnType<typeof bash>, words: RegExp) {
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toMatch(/^filigree: [^\n]+\n$/);
  expect(stderr).toMatch(words);
  expect(stderr).not.toContain('unexpected;');
}

describe.runIf(process.platform === 'linux')('filigree', () => {
  let folder: string;
  const inside = (...parts: string[]) => path.join(folder, ...parts);
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'filigree-faults-'));
    chmodSync(folder, 0o755);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** Everything that writes a file of more than 16 kB, by where it writes it. */
  const writers: [string, (to: string) => string][] = [
    ['compile', (to) => filigree('compile', faceModels.sparse, '-o', to)],
    ['detect --save', (to) => filigree('detect', jpegFile, '--save', to)],
  ];

  it.each(writers)('%s on a full disk', (_name, writer) => {
    expectRefusal(bash(writer('/dev/full')), /\/dev\/full: cannot write: no space left on device/);
    // a limit of 16 kB on what files may hold: the disk is full in the middle of one
    const to = inside('limited.png');
    writeFileSync(to, 'what was there');
    expectRefusal(bash(`ulimit -f 16; ${writer(to)}`), /limited.png: cannot write: .*(large|space)/i);
    expect(readFileSync(to, 'utf8')).toBe('what was there');
    expect(readdirSync(folder)).toEqual(['limited.png']);
    rmSync(to);
  });

  it.each(writers)('%s where nothing may be written', (_name, writer) => {
    const locked = inside('locked');
    spawnSync('mkdir', ['-m', '555', locked]);
    // root may write anywhere but here
    const isRoot = process.getuid!() === 0;
    const to = isRoot ? '/proc/self/out.png' : path.join(locked, 'out.png');
    expectRefusal(bash(writer(to)), /out.png: cannot write: (permission denied|no such file or directory)/);
    expect(readdirSync(locked)).toEqual([]);
    rmSync(locked, { recursive: true });
  });

  it('run -o, whose directory is a file', () => {
    const file = inside('a-file');
    writeFileSync(file, '');
    const x = inside('x.npy');
    const header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 192, 192, 3), }".padEnd(117) + '\n';
    writeFileSync(
      x,
      Buffer.concat([
        Buffer.from('\x93NUMPY\x01\0v\0', 'latin1'),
        Buffer.from(header),
        Buffer.alloc(4 * 192 * 192 * 3),
      ]),
    );
    expectRefusal(bash(filigree('run', modelFile, '-i', x, '-o', file)), /a-file: cannot make this directory/);
    rmSync(file);
    rmSync(x);
  });

  it('whose output goes to a full disk', () => {
    for (const line of [filigree('detect', jpegFile), filigree('inspect', modelFile, '--json')]) {
      const { status, stderr } = bash(`${line} > /dev/full`);
      expect(status).toBe(1);
      expect(stderr).toMatch(/^filigree: cannot write the output: .*no space left on device[^\n]*\n$/i);
    }
  });

  it('whose reader has gone says nothing, and leaves no files', () => {
    for (const line of [filigree('inspect', modelFile, '--json'), filigree('--help')]) {
      expect(bash(`${line} | true; exit \${PIPESTATUS[0]}`)).toEqual({
        status: 0,
        signal: null,
        stdout: '',
        stderr: '',
      });
    }
    const pictures = inside('pictures/');
    const photos = [1, 2, 3].map((i) => inside(`${i}.jpg`));
    for (const photo of photos) cpSync(jpegFile, photo);
    const { stderr } = bash(`${filigree('detect', ...photos, '--save', pictures)} | true`);
    expect(stderr).toBe('');
    const saved = readdirSync(pictures);
    expect(saved.filter((name) => !/^[123]\.png$/.test(name))).toEqual([]);
    for (const name of saved) expect(readFileSync(path.join(pictures, name)).subarray(-8, -4).toString()).toBe('IEND');
    rmSync(pictures, { recursive: true });
    for (const photo of photos) rmSync(photo);
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'exit'])('interrupted while it writes by %s', (how) => {
    const script = path.join(mkdtempSync(path.join(tmpdir(), 'filigree-interrupted-')), 'interrupted.mjs');
    const entryPoints = [path.join(root, 'test/cli/interrupted.ts')];
    buildSync({ entryPoints, outfile: script, bundle: true, format: 'esm', platform: 'node' });
    const { status, signal } = spawnSync(process.execPath, [script, folder, how], { timeout: patience });
    rmSync(path.dirname(script), { recursive: true });
    expect({ status, signal }).toEqual(how === 'exit' ? { status: 0, signal: null } : { status: null, signal: how });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('interrupted at any other time', async () => {
    const to = inside('compiled.filigree');
    for (const ms of [20, 120, 220, 320]) {
      const child = spawn(process.execPath, [cli, 'compile', faceModels.sparse, '-o', to], { stdio: 'ignore' });
      const ended = new Promise((resolve) => child.on('exit', (code, signal) => resolve(signal ?? code)));
      await new Promise((resolve) => setTimeout(resolve, ms));
      child.kill('SIGINT');
      expect(['SIGINT', 0]).toContain(await ended);
      const left = readdirSync(folder);
      if (left.length > 0) {
        expect(left).toEqual(['compiled.filigree']); // whole
        expect(bash(filigree('inspect', to)).status).toBe(0);
        rmSync(to);
      }
    }
  });
});
