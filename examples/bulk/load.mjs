// Many jobs over a Redis of its own, while workers are killed: is any lost, is any done twice, and how fast is it?
//
//   npm run build && npm run load -- [--jobs 20000] [--photos 500] [--workers 3] [--kill 5] [--between 20] [--restart 1] [--skew 0]
//     [--from FOLDER] [--json FILE]
//
// `--photos` distinct ones, a tenth of them broken and two that the server never has at hand; made here, or the first of a
// folder. `--kill` seconds after each other, but no sooner than `--between` results more are there, one of the workers is
// killed with SIGKILL and another started; 0 kills none. `--restart` times Redis is killed as well, and started again with
// what its append-only file holds. `--skew` lets the clocks of workers jump, by so many seconds ahead and behind. Needs
// redis-server: apt-get install redis-server.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { encodePng } from 'filigree/images';

const { values } = parseArgs({
  options: {
    jobs: { type: 'string', default: '20000' },
    photos: { type: 'string', default: '500' },
    workers: { type: 'string', default: '3' },
    kill: { type: 'string', default: '5' },
    between: { type: 'string', default: '20' },
    restart: { type: 'string', default: '1' },
    skew: { type: 'string', default: '0' },
    from: { type: 'string' },
    json: { type: 'string' },
  },
});
const [jobs, photos, workers, kill, between, restarts, skew] = [
  values.jobs,
  values.photos,
  values.workers,
  values.kill,
  values.between,
  values.restart,
  values.skew,
].map(Number);
process.chdir(import.meta.dirname);
const folder = mkdtempSync(join(tmpdir(), 'filigree-load-'));
const results = join(folder, 'results');
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Distinct pictures of stripes and noise, or the first photos of a folder; each tenth is cut off in the middle. */
async function makePhotos() {
  const files = [];
  if (values.from) {
    const names = readdirSync(values.from).filter((name) => /\.(jpe?g|png|webp)$/i.test(name));
    for (const name of names.slice(0, photos)) files.push(readFileSync(join(values.from, name)));
    if (files.length < photos) throw new Error(`${values.from} has ${files.length} photos, not ${photos}`);
  } else {
    for (let i = 0; i < photos; i++) {
      const data = new Uint8Array(3 * 96 * 64);
      for (let at = 0, state = i + 1; at < data.length; at++) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        data[at] = at % 288 < 3 * (i % 96) ? i % 256 : state >>> 28;
      }
      files.push(Buffer.from(await encodePng({ data, width: 96, height: 64, channels: 3 })));
    }
  }
  return files.map((file, i) => (i % 10 === 9 ? file.subarray(0, file.length / 2) : file));
}

/** Serves photo i as any/i.jpg. The photos 3 and 4 are never at hand; one request in a hundred for others fails once. */
async function servePhotos(files) {
  const failed = new Set();
  const server = createServer((request, response) => {
    const i = Number(/(\d+)\.jpg$/.exec(request.url)?.[1]);
    const key = request.url;
    const passing = i % 100 === 7 && !failed.has(key);
    if (passing) failed.add(key);
    if (i === 3 || i === 4 || passing) response.writeHead(503).end();
    else if (files[i]) response.end(files[i]);
    else response.writeHead(404).end();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, base: `http://127.0.0.1:${server.address().port}/` };
}

async function freePort() {
  const socket = createSocket();
  await new Promise((resolve) => socket.listen(0, '127.0.0.1', resolve));
  const { port } = socket.address();
  await new Promise((resolve) => socket.close(resolve));
  return port;
}

const children = new Set();
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

function start(program, args, env = {}) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } });
  children.add(child);
  let said = '';
  child.stdout.on('data', (chunk) => (said += chunk));
  child.ended = new Promise((resolve) =>
    child.once('close', (code) => {
      children.delete(child);
      resolve({ code, said });
    }),
  );
  return child;
}

const version = spawnSync('redis-server', ['--version'], { encoding: 'utf8' });
if (version.error) {
  console.error('redis-server is not installed: apt-get install redis-server');
  process.exit(1);
}
const port = await freePort();
for (const name of ['redis', 'results']) mkdirSync(join(folder, name));
const startRedis = () =>
  start('redis-server', [
    '--port',
    port,
    '--bind',
    '127.0.0.1',
    '--dir',
    join(folder, 'redis'),
    '--appendonly',
    'yes',
    '--save',
    '',
  ]);
let redis = startRedis();

const files = await makePhotos();
const { server, base } = await servePhotos(files);
const env = {
  REDIS_URL: `redis://127.0.0.1:${port}`,
  BASE: base,
  LOCK: process.env.LOCK ?? '4000',
  BACKOFF: '200',
  QUEUE: 'load',
};
const keys = Array.from({ length: jobs }, (_, n) => `${Math.floor(n / photos)}/${n % photos}.jpg`);
writeFileSync(join(folder, 'jobs.jsonl'), keys.map((key) => `${JSON.stringify({ key })}\n`).join(''));

const enqueue = () => start(process.execPath, ['dist/enqueue.js', join(folder, 'jobs.jsonl'), results], env).ended;
const before = performance.now();
await enqueue();
const queued = (performance.now() - before) / 1000;

const clock = new URL('jumping-clock.mjs', import.meta.url).href;
const jumping = skew > 0 ? { SKEW: values.skew, NODE_OPTIONS: `--import=${clock}` } : {}; // their own processes inherit it
const startWorker = () => start(process.execPath, ['dist/worker.js'], { ...env, ...jumping });
const running = Array.from({ length: workers }, startWorker);
const began = performance.now();
const collector = start(process.execPath, ['dist/collect.js', results], env);
let finished = false;
const collected = collector.ended.then((end) => {
  finished = true;
  return end;
});
let [kills, restarted, ticks, nextKill, seen] = [0, 0, 0, kill, 0];
const linesThere = () => {
  let count = 0;
  for (const name of readdirSync(results)) {
    if (name.endsWith('.jsonl')) count += 1000;
    else count += readFileSync(join(results, name), 'utf8').split('\n').length - 1;
  }
  return count;
};
for (;;) {
  await Promise.race([collected, sleep(1000)]);
  if (finished) break;
  ticks++;
  // no sooner than there are results: on a busy machine, workers take long to start
  if (kill > 0 && ticks >= nextKill && linesThere() >= seen + between) {
    [nextKill, seen] = [ticks + kill, linesThere()];
    const i = kills++ % workers;
    running[i].kill('SIGKILL');
    running[i] = startWorker();
  }
  // Redis goes when a part of the results is there
  if (restarted < restarts && linesThere() >= ((restarted + 1) * jobs) / (restarts + 2)) {
    restarted++;
    redis.kill('SIGKILL');
    await redis.ended;
    await sleep(500);
    redis = startRedis();
    await enqueue(); // nothing of this is new
  }
}
const { code, said } = await collected;
const seconds = (performance.now() - began) / 1000;
const dead = await start(process.execPath, ['dist/dead.js', '--give-up', results], env).ended;

// processes of workers that were killed end by themselves
const left = () =>
  readdirSync('/proc').filter((id) => {
    try {
      return (
        readFileSync(`/proc/${id}/environ`, 'utf8').includes(env.REDIS_URL) &&
        !/^State:\s+Z/m.test(readFileSync(`/proc/${id}/status`, 'utf8'))
      );
    } catch {
      return false;
    }
  });
for (const worker of running) worker.kill('SIGKILL');
while (process.platform === 'linux' && left().length > 0) await sleep(100);

const counts = new Map();
let [broken, unavailable] = [0, 0];
for (const name of readdirSync(results)) {
  for (const line of readFileSync(join(results, name), 'utf8').trimEnd().split('\n')) {
    const { key, error } = JSON.parse(line);
    counts.set(key, (counts.get(key) ?? 0) + 1);
    if (error?.code === 'invalid-image') broken++;
    else if (error?.code === 'unavailable') unavailable++;
    else if (error) throw new Error(line);
  }
}
const expected = new Set(keys);
const lost = keys.filter((key) => !counts.has(key)).length;
const doubled = [...counts.values()].filter((count) => count > 1).length;
const strange = [...counts.keys()].filter((key) => !expected.has(key)).length;
const [, p50, p99] = /a job takes (\d+) ms \(p50\), (\d+) ms/.exec(said) ?? [];
const report = {
  jobs,
  photos,
  workers,
  kills,
  restarts: restarted,
  skew,
  lost,
  doubled,
  strange,
  broken,
  unavailable,
  seconds: Math.round(seconds),
  perSecond: Number((jobs / seconds).toFixed(1)),
  p50: Number(p50),
  p99: Number(p99),
  queuedPerSecond: Math.round(jobs / queued),
};
console.log(said.trim());
console.log(dead.said.trim());
console.log(report);
if (values.json) writeFileSync(values.json, JSON.stringify(report));
server.close();
server.closeAllConnections();
process.exit(code === 0 && lost + doubled + strange === 0 ? 0 : 1);
