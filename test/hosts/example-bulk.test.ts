// examples/bulk as its README says: over a real Redis, while workers and Redis are killed, and the same handler in workerd.
import { execFile, spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobResult } from '../../src/bulk/job.ts';
import { jobId, digestOf } from '../../src/bulk/job-id.ts';
import { paint, pngOf } from '../images/pictures.ts';
import { cloneExample } from './clone.ts';
import type { Example } from './clone.ts';
import { freePort } from './free-port.ts';
import { jpegFile, modelFile } from './project.ts';
import { serveWorkerd } from './workerd.ts';

let example: Example;
beforeAll(async () => {
  example = cloneExample('bulk');
  await example.run('build');
});

const hasRedis = spawnSync('redis-server', ['--version']).error === undefined;
if (!hasRedis && process.env.FILIGREE_REQUIRE_REDIS) {
  it('needs redis-server', () => {
    throw new Error('apt-get install redis-server');
  });
}

describe.runIf(hasRedis)(`the bulk example over Redis${hasRedis ? '' : ' (needs redis-server)'}`, () => {
  it('loses no job and does none twice, while workers and Redis are killed and clocks jump', async () => {
    const report = path.join(example.folder, 'report.json');
    const wanted = { jobs: 1000, photos: 50, workers: 3, restarts: 1, skew: 5 };
    const flags = Object.entries({ ...wanted, restarts: undefined, restart: 1, kill: 5 }).flatMap(([name, value]) =>
      value === undefined ? [] : [`--${name}`, String(value)],
    );
    expect(example.readme).toContain('npm run load');
    await promisify(execFile)(process.execPath, ['load.mjs', ...flags, '--json', report], { cwd: example.folder });
    expect(JSON.parse(readFileSync(report, 'utf8'))).toMatchObject({
      ...wanted,
      lost: 0,
      doubled: 0,
      strange: 0,
      broken: 100, // each tenth of the photos
      unavailable: 40, // two of fifty photos, in twenty folders
    });
  });

  it('waits for a Redis that is gone, and says so once', async () => {
    const port = await freePort();
    const jobs = path.join(example.folder, 'few.jsonl');
    writeFileSync(jobs, '"a.jpg"\n"b.jpg"\n');
    const env = { ...process.env, REDIS_URL: `redis://:secret@127.0.0.1:${port}` };
    const child = spawn(process.execPath, ['dist/enqueue.js', jobs], { cwd: example.folder, env });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk));
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    while (!said.includes('\n') && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 10));
    const waiting = `Redis at 127.0.0.1:${port} does not answer (connect ECONNREFUSED 127.0.0.1:${port}); waiting for it\n`;
    expect(said).toBe(waiting);
    const options = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--requirepass', 'secret'];
    const redis = spawn('redis-server', options, { stdio: 'ignore' });
    afterAll(() => redis.kill('SIGKILL'));
    expect(await ended).toBe(0);
    expect(said).toBe(
      `${waiting}2 jobs put into "photos" unless they were there; 0 have a result; 0 lines are no jobs\n`,
    );
  });
});

describe('the bulk example in workerd', () => {
  const photos: Record<string, Uint8Array> = {};
  const stored = new Map<string, string>();
  let puts = 0;
  let url: string;
  let base: string;
  const asked: string[] = [];

  beforeAll(async () => {
    const png = await pngOf(paint(64, 48, (x, y) => [x, y, 90, 255]));
    Object.assign(photos, { 'a b.png': png, 'faces.jpg': readFileSync(jpegFile), 'broken.png': png.subarray(0, 90) });
    const huge = (photos['50 megapixels.png'] = png.slice());
    new DataView(huge.buffer).setUint32(16, 8160);
    new DataView(huge.buffer).setUint32(20, 6120);
    // what the worker reaches: photos, and a store of values (the protocol of KV namespaces)
    const server = createServer((request, response) => {
      const { pathname } = new URL(request.url!, 'http://localhost');
      const name = decodeURIComponent(pathname.slice(1));
      if (!name.startsWith('results/')) {
        asked.push(name);
        if (name === 'passing.png') return void response.writeHead(503).end();
        const photo = photos[name];
        return void (photo ? response.end(photo) : response.writeHead(404).end());
      }
      if (request.method === 'GET') {
        const value = stored.get(name);
        return void (value === undefined ? response.writeHead(404).end() : response.end(value));
      }
      let body = '';
      request.on('data', (chunk) => (body += chunk));
      request.on('end', () => {
        stored.set(name, body);
        puts++;
        response.end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    base = `http://127.0.0.1:${port}/`;

    const built = path.join(example.folder, 'dist/cloudflare');
    expect(existsSync(path.join(built, 'cloudflare.js'))).toBe(true);
    const kinds = { js: 'esModule', wasm: 'wasm', filigree: 'data' } as Record<string, string>;
    const modules = readdirSync(built)
      .toSorted((a, b) => Number(b.endsWith('.js')) - Number(a.endsWith('.js')))
      .map((file) => `(name = "${file}", ${kinds[file.split('.').at(-1)!]} = embed "${file}")`);
    // a broker of one request: it hands the messages of a body over, and answers with what became of them
    writeFileSync(
      path.join(built, 'broker.js'),
      `export default { async fetch(request, { CONSUMER }) {
        const bodies = await request.json();
        const messages = bodies.map((body, i) => ({ id: String(i), timestamp: new Date(0), attempts: 1, body }));
        const { outcome, explicitAcks, retryMessages } = await CONSUMER.queue('photos', messages);
        return Response.json({ outcome, acks: explicitAcks, retries: retryMessages.map(({ msgId, delaySeconds }) => [msgId, delaySeconds]) });
      } };`,
    );
    writeFileSync(
      path.join(built, 'config.capnp'),
      `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "broker.js", esModule = embed "broker.js")],
      compatibilityDate = "2026-11-01",
      compatibilityFlags = ["service_binding_extra_handlers"],
      bindings = [(name = "CONSUMER", service = "consumer")],
    )),
    (name = "consumer", worker = (
      modules = [${modules.join(', ')}],
      compatibilityDate = "2026-11-01",
      bindings = [(name = "RESULTS", kvNamespace = "store"), (name = "BASE", text = "${base}")],
      globalOutbound = "local",
    )),
    (name = "store", external = (address = "127.0.0.1:${port}", http = ())),
    (name = "local", network = (allow = ["private"])),
  ],
  sockets = [(name = "http", http = (), service = "main")],
);`,
    );
    const worker = await serveWorkerd(built, '--experimental'); // of the broker: a worker that hands messages to another
    ({ url } = worker);
    afterAll(() => {
      worker.child.kill();
      server.close();
      server.closeAllConnections();
    });
  });

  const send = async (messages: unknown[]) =>
    (await (await fetch(url, { method: 'POST', body: JSON.stringify(messages) })).json()) as {
      outcome: string;
      acks: string[];
      retries: [string, number][];
    };
  const idOf = (key: string) =>
    jobId(key, { model: digestOf(readFileSync(modelFile)), options: { scoreThreshold: 0.4 } });
  const resultOf = (key: string) =>
    JSON.parse(stored.get(`results/${idOf(key)}.json`)!) as JobResult & { detections?: unknown[] };

  it('does the messages of a queue, each once', async () => {
    const keys = ['a b.png', 'faces.jpg', 'broken.png', 'none.png'];
    expect(await send([...keys, { key: keys[0] }])).toEqual({
      outcome: 'ok',
      acks: ['0', '1', '2', '3', '4'],
      retries: [],
    });
    expect(keys.map((key) => resultOf(key).error?.code)).toEqual([undefined, undefined, 'invalid-image', 'not-found']);
    expect(resultOf('faces.jpg').detections!.length).toBe(5);
    expect([puts, asked.filter((name) => name === keys[0]).length]).toEqual([4, 1]);
    expect((await send(keys)).acks.length).toBe(4);
    expect(puts).toBe(4);
  });

  it('refuses a photo that does not fit its isolate, by its header', async () => {
    expect((await send(['50 megapixels.png'])).acks.length).toBe(1);
    expect(resultOf('50 megapixels.png').error).toEqual({
      code: 'invalid-image',
      message: expect.stringContaining('8160 × 6120 pixels, 49.9 megapixels, where at most 4 megapixels are decoded'),
    });
  });

  it('asks for a message again later, when its photo is not at hand', async () => {
    expect(await send(['passing.png'])).toEqual({ outcome: 'ok', acks: [], retries: [['0', 20]] });
    expect(stored.has(`results/${idOf('passing.png')}.json`)).toBe(false);
  });

  it('drops what is no job', async () => {
    const before = puts;
    const { acks, retries } = await send([5, null, {}, '', { key: 7 }]);
    expect([acks.length, retries]).toEqual([5, []]);
    expect(puts).toBe(before);
  });

  it('keeps to its base', async () => {
    expect((await send(['../x', 'http://127.0.0.1:9/'])).acks.length).toBe(2);
    expect(['../x', 'http://127.0.0.1:9/'].map((key) => resultOf(key).error?.code)).toEqual([
      'invalid-argument',
      'invalid-argument',
    ]);
  });
});
