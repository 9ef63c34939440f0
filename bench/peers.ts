// npm run bench:peers: Filigree and its peers on the same networks in one run.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { markdownTables } from './peers/markdown.ts';
import type { PeersReport, Runtime } from './peers/results.ts';
import { runtimes } from './peers/results.ts';
import { comparePeers } from './peers/run.ts';
import { states } from './peers/states.ts';

const usage = `npm run bench:peers -- [options]

Runs Filigree, LiteRT.js, tfjs-tflite, tfjs-backend-wasm and onnxruntime-web on the same networks, each round of each in a
process of its own, in turns: milliseconds of a run, from start to first result, peak memory, size, outputs compared.

  --models REGEX      only network states whose ids match (${states.map(({ id }) => id).join(', ')})
  --runtimes LIST     of ${runtimes.join(', ')}; default: all
  --rounds N          processes of each; default 3
  --iterations N      timed runs in each, at most; default 60
  --timed MS          stops timing after this long; default 1000
  --warm-up MS        default 500
  --threads N         default 1; more are given to runtimes that can use them
  --node PATH         the Node that runs them; default: this one
  --folder DIR        keeps the peers' model files, and finds them again
  --no-profile        leaves out each layer's time and its floor
  --json FILE         everything measured
  --help`;

function number(name: string, text: string, least: number): number {
  const value = Number(text);
  if (!(value >= least)) throw new Error(`--${name} ${text}: a number of at least ${least} is wanted`);
  return value;
}

function chosenRuntimes(list: string | undefined): Runtime[] {
  if (list === undefined) return [...runtimes];
  const names = list.split(',');
  const unknown = names.filter((name) => !(runtimes as string[]).includes(name));
  if (unknown.length > 0) throw new Error(`--runtimes: ${unknown.join(', ')}: known are ${runtimes.join(', ')}`);
  return runtimes.filter((runtime) => runtime === 'filigree' || names.includes(runtime));
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      models: { type: 'string', default: '' },
      runtimes: { type: 'string' },
      rounds: { type: 'string', default: '3' },
      iterations: { type: 'string', default: '60' },
      timed: { type: 'string', default: '1000' },
      'warm-up': { type: 'string', default: '500' },
      threads: { type: 'string', default: '1' },
      node: { type: 'string', default: process.execPath },
      folder: { type: 'string' },
      'no-profile': { type: 'boolean', default: false },
      json: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return console.log(usage);
  const chosen = states.filter(({ id }) => new RegExp(values.models).test(id));
  if (chosen.length === 0)
    throw new Error(`--models ${values.models} fits none of ${states.map(({ id }) => id).join(', ')}`);
  const { stderr } = process;
  const temporary = values.folder === undefined ? await mkdtemp(path.join(tmpdir(), 'filigree-bench-')) : undefined;
  let report: PeersReport;
  try {
    report = await comparePeers({
      states: chosen,
      runtimes: chosenRuntimes(values.runtimes),
      rounds: number('rounds', values.rounds, 1),
      iterations: number('iterations', values.iterations, 1),
      timedMs: number('timed', values.timed, 1),
      warmUpMs: number('warm-up', values['warm-up'], 0),
      threads: number('threads', values.threads, 1),
      node: values.node,
      folder: temporary ?? values.folder!,
      profileMs: values['no-profile'] ? 0 : 300,
      onProgress: stderr.isTTY ? (what) => stderr.write(`\r\x1b[K${what}`) : undefined,
    });
  } finally {
    if (temporary) await rm(temporary, { recursive: true, force: true });
    if (stderr.isTTY) stderr.write('\r\x1b[K');
  }
  console.log(markdownTables(report));
  if (values.json) await write(values.json, JSON.stringify(report, null, 2));
}

async function write(file: string, text: string): Promise<void> {
  await mkdir(path.dirname(path.resolve(file)), { recursive: true });
  await writeFile(file, text);
  console.log(`written to ${file}`);
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
