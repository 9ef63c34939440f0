// Requests per second and latencies on loopback, nothing lost, memory flat:
//
//   npm run build && npm run load -- PHOTO [--hosts workerd,deno,node] [--seconds 20] [--connections 4] [--malformed 0.25]
//
// `--malformed` is the share of requests that send bytes which are no photo; these must be answered with 415.
import { spawn, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { parseArgs } from 'node:util';
import autocannon from 'autocannon';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    hosts: { type: 'string', default: 'workerd,deno,node' },
    seconds: { type: 'string', default: '20' },
    connections: { type: 'string', default: '4' },
    malformed: { type: 'string', default: '0' },
  },
});
if (positionals.length !== 1) {
  console.error('usage: node load.mjs PHOTO [--hosts …] [--seconds …] [--connections …] [--malformed …]');
  process.exit(2);
}
const photo = readFileSync(positionals[0]);
const [seconds, connections, malformed] = [values.seconds, values.connections, values.malformed].map(Number);
const url = 'http://127.0.0.1:8080/';

const commands = {
  workerd: ['workerd', 'serve', 'config.capnp'],
  deno: ['deno', 'serve', '--allow-read', '--host', '127.0.0.1', '--port', '8080', 'dist/deno.js'],
  node: [process.execPath, 'dist/node.js'],
};

/** Resident memory of a process and its children in MB. */
function megabytes(pid) {
  const rows = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,rss='], { encoding: 'utf8' }).trim().split('\n');
  const processes = rows.map((row) => row.trim().split(/\s+/).map(Number));
  const own = (root) =>
    processes.reduce((sum, [id, parent, rss]) => sum + (id === root ? rss : parent === root ? own(id) : 0), 0);
  return own(pid) / 1024;
}

async function answers() {
  for (let attempt = 0; attempt < 500; attempt++) {
    const response = await fetch(url, { method: 'POST', body: photo }).catch(() => undefined);
    if (response) return response.status;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('no answer in 5 s');
}

/** Sends photos, and among them bytes that are none. */
function load(duration) {
  const every = malformed > 0 ? Math.round(1 / malformed) : 0;
  const requests = Array.from({ length: every || 1 }, (_, i) => ({
    method: 'POST',
    body: every && i === every - 1 ? Buffer.from('no photo at all') : photo,
  }));
  return autocannon({ url, duration, connections, requests });
}

console.log(
  `${photo.length} bytes a photo, ${connections} connections, ${seconds} s, ${100 * malformed} % malformed\n`,
);
console.log(
  '| host | first answer | requests/s | p50 | p99 | 200 | 415 | others | errors | MB after warm-up | MB after |',
);
console.log('|---|---|---|---|---|---|---|---|---|---|---|');
for (const host of values.hosts.split(',')) {
  const [program, ...options] = commands[host];
  const start = performance.now();
  const child = spawn(program, options, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, PORT: '8080' },
  });
  try {
    const status = await answers();
    const first = performance.now() - start;
    if (status !== 200) throw new Error(`${host} answers ${status}`);
    await load(Math.max(2, seconds / 4));
    const before = megabytes(child.pid);
    const result = await load(seconds);
    const count = (code) => result.statusCodeStats[code]?.count ?? 0;
    const others = Object.entries(result.statusCodeStats).reduce(
      (sum, [code, { count: n }]) => sum + (code === '200' || code === '415' ? 0 : n),
      0,
    );
    const cells = [
      `${first.toFixed(0)} ms`,
      result.requests.average.toFixed(1),
      `${result.latency.p50} ms`,
      `${result.latency.p99} ms`,
      count(200),
      count(415),
      others,
      result.errors + result.timeouts,
      before.toFixed(0),
      megabytes(child.pid).toFixed(0),
    ];
    console.log(`| ${host} | ${cells.join(' | ')} |`);
  } finally {
    child.kill();
    await new Promise((resolve) => child.once('exit', resolve));
  }
}
