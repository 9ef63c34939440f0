// Requests per second and latencies on loopback, every answer of the right status, memory flat:
//
//   npm run build && npm run load -- PHOTO [--hosts workerd,deno,node] [--seconds 20] [--connections 4] [--malformed 0.25]
//
// `--malformed` is the share of requests that are mistakes (requests.mjs); 0 if not given.
import { spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { load, percentile } from './requests.mjs';

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
  const rows = readdirSync('/proc').flatMap((id) => {
    if (!/^\d+$/.test(id)) return [];
    try {
      const status = readFileSync(`/proc/${id}/status`, 'utf8');
      const number = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
      return [[Number(id), number('PPid'), number('VmRSS')]];
    } catch {
      return []; // it has ended
    }
  });
  const own = (root) =>
    rows.reduce((sum, [id, parent, kilobytes]) => sum + (id === root ? kilobytes : parent === root ? own(id) : 0), 0);
  return (own(pid) * 1024) / 1e6;
}

async function answers() {
  for (let attempt = 0; attempt < 500; attempt++) {
    const response = await fetch(url, { method: 'POST', body: photo }).catch(() => undefined);
    if (response) return response.status;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('no answer in 5 s');
}

const ms = (sorted, share) => (sorted.length > 0 ? `${percentile(sorted, share).toFixed(0)} ms` : '–');

console.log(
  `${photo.length} bytes a photo, ${connections} connections, ${seconds} s, ${100 * malformed} % malformed\n`,
);
console.log('| host | first answer | requests/s | requests | wrong | p50 | p90 | p99 | most | MB after a tenth, … |');
console.log('|---|---|---|---|---|---|---|---|---|---|');
for (const host of values.hosts.split(',')) {
  const [program, ...options] = commands[host];
  const start = performance.now();
  const child = spawn(program, options, {
    stdio: ['ignore', 'ignore', 'ignore'], // mistakes are not logged, but a client that goes away may be
    env: { ...process.env, PORT: '8080' },
  });
  const memory = [];
  const timer = setInterval(() => memory.push(megabytes(child.pid)), (1000 * seconds) / 10 - 1);
  try {
    const status = await answers();
    const first = performance.now() - start;
    if (status !== 200) throw new Error(`${host} answers ${status}`);
    const { requests, perSecond, wrong, latencies } = await load(url, photo, {
      seconds,
      connections,
      malformed,
      slow: malformed > 0,
    });
    const { photos } = latencies;
    const cells = [
      `${first.toFixed(0)} ms`,
      perSecond.toFixed(1),
      requests,
      wrong.length,
      ...[0.5, 0.9, 0.99, 1].map((share) => ms(photos, share)),
      memory.map((megabytes) => megabytes.toFixed(0)).join(' '),
    ];
    console.log(`| ${host} | ${cells.join(' | ')} |`);
    for (const what of new Set(wrong)) console.log(`wrong: ${what}`);
    if (wrong.length > 0) process.exitCode = 1;
  } finally {
    clearInterval(timer);
    child.kill();
    await new Promise((resolve) => child.once('exit', resolve));
  }
}
