// Bulk runs as they are published: the executable and its processes, killed at any time.
import { spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { jobLines, linesIn, resultsOf, temporaryFolder } from '../bulk/folder.ts';
import { jpegOf, paint } from '../images/pictures.ts';
import { modelFile, root } from '../hosts/project.ts';
import { Random } from '../fuzz/random.ts';
import { withoutProgress } from './without-progress.ts';

const cli = path.join(root, 'dist/cli/main.js');
const folder = temporaryFolder();
const photos = path.join(folder, 'photos');
const jobs = path.join(folder, 'jobs.jsonl');
const out = path.join(folder, 'results');
const argv = ['detect', '-m', modelFile, '--jobs', jobs, '--out', out, '--base', photos];
let keys: string[];

beforeAll(async () => {
  mkdirSync(photos);
  const random = new Random(3);
  keys = Array.from({ length: 60 }, (_, i) => `${i}.jpg`);
  for (const [i, key] of keys.entries()) {
    const jpeg = await jpegOf(paint(96, 64, (x, y) => [x + i, y, random.below(256), 255]));
    writeFileSync(path.join(photos, key), i % 10 === 9 ? jpeg.subarray(0, jpeg.length / 2) : jpeg);
  }
  writeFileSync(jobs, jobLines([...keys, 'none.jpg']));
});
afterEach(() => rmSync(out, { recursive: true, force: true }));

const run = (...more: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...argv, ...more], { encoding: 'utf8' });
  return { status, stdout, stderr: withoutProgress(stderr) };
};

/** Processes of this run's workers, by the id of the process that has started them. */
const workersOf = (parent: number) =>
  readdirSync('/proc')
    .filter((id) => /^\d+$/.test(id))
    .filter((id) => {
      try {
        return new RegExp(`^PPid:\\s+${parent}$`, 'm').test(readFileSync(`/proc/${id}/status`, 'utf8'));
      } catch {
        return false;
      }
    })
    .map(Number);

/** Lines of results there are, of shards that are whole or not. */
const written = () =>
  readdirSync(out, { withFileTypes: true })
    .filter(({ name }) => /\.(jsonl|part)$/.test(name))
    .reduce((sum, { name }) => sum + readFileSync(path.join(out, name), 'utf8').split('\n').length - 1, 0);

/** Starts a run and waits until so many results are there. */
async function started(results: number, ...more: string[]) {
  const child = spawn(process.execPath, [cli, ...argv, ...more], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  for (;;) {
    let count = 0;
    try {
      count = written();
    } catch {
      // the folder is not there yet, or a file is renamed at this moment
    }
    if (count >= results || child.exitCode !== null) break;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return { child, ended, said: () => said };
}

/** Serves the photos, the first so many at once and the others when they are released. */
async function heldPhotos(free: number): Promise<{ base: string; release(): void }> {
  let asked = 0;
  let release = () => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  const server = createServer((request, response) => {
    const file = path.join(photos, path.basename(request.url!));
    const answer = () => (existsSync(file) ? response.end(readFileSync(file)) : response.writeHead(404).end());
    if (asked++ < free) answer();
    else void released.then(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  return { base: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, release };
}

describe.runIf(process.platform === 'linux')('filigree detect --jobs', () => {
  let wanted: string[];

  beforeAll(() => {
    const { status, stdout, stderr } = run('--shard-size', '8', '--workers', '1');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/: 61 of 61 jobs have a result; 7 of this run are errors; [\d.]+ photos a second\n$/);
    wanted = linesIn(out);
    expect(wanted.length).toBe(61);
    rmSync(out, { recursive: true });
  });

  it('gives the same results with more processes', () => {
    expect(run('--shard-size', '8', '--workers', '3').status).toBe(0);
    expect(linesIn(out)).toEqual(wanted);
    expect(readdirSync(out).filter((name) => !name.endsWith('.jsonl'))).toEqual(['run.json']);
  });

  it('goes on where it was when it is killed, again and again', async () => {
    const random = new Random(8);
    let before = 0;
    for (let kills = 0; kills < 6 && before < 55; kills++) {
      const { child, ended } = await started(before + 1 + random.below(8), '--shard-size', '8', '--workers', '2');
      child.kill('SIGKILL');
      await ended;
      expect(written()).toBeGreaterThanOrEqual(before); // nothing that was there is lost
      before = Math.max(before, new Set(resultsOf(out).map(({ id }) => id)).size);
    }
    const { status, stdout } = run('--workers', '2');
    expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringContaining('61 of 61 jobs have a result') });
    expect(linesIn(out)).toEqual(wanted);
    expect(readdirSync(out).filter((name) => !name.endsWith('.jsonl'))).toEqual(['run.json']);
  });

  it('replaces processes that are killed', async () => {
    const { base, release } = await heldPhotos(30);
    const { child, ended, said } = await started(3, '--shard-size', '30', '--workers', '2', '--base', base);
    for (const worker of workersOf(child.pid!)) process.kill(worker, 'SIGKILL');
    release();
    expect(await ended).toBe(0);
    expect(said()).toMatch(
      /61 of 61 jobs have a result; 7 of this run are errors; 2 processes ended and were replaced/,
    );
    const idsIn = (lines: string[]) => lines.map((line) => (JSON.parse(line) as { id: string }).id);
    expect(idsIn(linesIn(out))).toEqual(idsIn(wanted));
  });

  it('leaves no process behind when it is killed', async () => {
    const { base } = await heldPhotos(30);
    const { child, ended } = await started(3, '--workers', '2', '--shard-size', '30', '--base', base);
    const workers = workersOf(child.pid!);
    expect(workers.length).toBe(2);
    child.kill('SIGKILL');
    await ended; // the workers hold its streams as well
    const alive = () => workers.filter((id) => readdirSync('/proc').includes(String(id)));
    while (alive().length > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  });

  it('says so when the disk is full, and goes on when there is room', () => {
    const limited = ['-c', `ulimit -f 4; exec "$@"`, 'bash', process.execPath, cli, ...argv, '--workers', '2'];
    const { status, stderr } = spawnSync('bash', limited, { encoding: 'utf8' });
    expect(status).toBe(1);
    expect(withoutProgress(stderr)).toMatch(
      /^filigree: \S+: cannot write: .*(large|space).*; no result is lost: .*\n$/,
    );
    const before = written();
    expect(before).toBeGreaterThan(0);
    expect(run().status).toBe(0);
    expect(linesIn(out)).toEqual(wanted);
  });
});
