// npm run bench:int8: whole networks in eight bits, ours and those of peers, in turns, by CPU time.
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import type { PeerOutput } from '../test/peers/index.ts';
import { startPeer } from '../test/peers/index.ts';
import { agreement } from './int8/agreement.ts';
import { contests, type Contender, type Contest, type Ratio } from './int8/contests.ts';

const usage = `npm run bench:int8 -- [options]

Runs networks in eight bits, as floats and with blocks of zeros, and peers on the same files. Each runs in a process of its own; they take
turns. Prints milliseconds of CPU time (minimum / median), ratios with what we want, and how outputs differ.

  --contests REGEX   of ${contests.map(({ id }) => id).join(', ')}
  --rounds N         turns of each; default 30
  --runs N           runs in a turn; default 3
  --node PATH        the Node that runs them; default: this one
  --folder DIR       keeps calibrations and made files, and finds them again
  --json FILE        everything measured`;

const options = {
  contests: { type: 'string', default: '' },
  rounds: { type: 'string', default: '30' },
  runs: { type: 'string', default: '3' },
  node: { type: 'string', default: process.execPath },
  folder: { type: 'string' },
  json: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

interface Measured {
  name: string;
  /** Milliseconds of CPU time, sorted. */
  ms: number[];
  outputs: PeerOutput[];
  failure?: string;
}

interface Timing {
  node: string;
  rounds: number;
  runs: number;
}

/** Runs all contenders of a contest in turns. Turns before the first timed one warm up. */
async function measure(
  contenders: readonly Contender[],
  inputs: Float32Array[],
  flags: readonly string[],
  { node, rounds, runs }: Timing,
): Promise<Measured[]> {
  const started = [];
  for (const { name, peer, file } of contenders) {
    const measured: Measured = { name, ms: [], outputs: [] };
    try {
      started.push({ measured, process: await startPeer(peer, file, inputs, { node, flags }) });
    } catch (error) {
      started.push({ measured: { ...measured, failure: (error as Error).message.split('\n')[0] } });
    }
  }
  const warmUp = 4;
  for (let round = -warmUp; round < rounds; round++) {
    for (const { measured, process } of started) {
      if (!process || measured.failure) continue;
      // the engine's optimising compiler works beside the first turns
      const ms = await process.run(round < 0 ? 8 : runs);
      if (round >= 0) measured.ms.push(...ms);
    }
  }
  for (const { measured, process } of started) {
    if (process) measured.outputs = await process.end();
    measured.ms.sort((a, b) => a - b);
  }
  return started.map(({ measured }) => measured);
}

const least = ({ ms }: Measured) => ms[0];

function ratioLine({ own, over, most }: Ratio, measured: readonly Measured[]): string {
  const find = (name: string) => measured.find((one) => one.name === name && !one.failure);
  const [mine, others] = [find(own), over.flatMap((name) => find(name) ?? [])];
  if (!mine || others.length === 0) return `  ${own} over ${over.join(', ')}: not measured`;
  const best = others.reduce((a, b) => (least(b) < least(a) ? b : a));
  const ratio = least(mine) / least(best);
  return `  ${own} over ${best.name}: ${ratio.toFixed(2)} (wanted ≤ ${most}${ratio <= most ? ', met' : ''})`;
}

async function compare(contest: Contest, folder: string, timing: Timing): Promise<Measured[]> {
  const { contenders, inputs, quantised } = await contest.prepare(folder);
  const measured = await measure(contenders, inputs, contest.flags ?? [], timing);
  console.log(`\n${contest.title}${contest.flags ? ` (${contest.flags.join(' ')})` : ''}`);
  for (const one of measured) {
    const { name, ms, failure } = one;
    console.log(`  ${name}: ${failure ?? `${least(one).toFixed(2)} / ${ms[ms.length >> 1].toFixed(2)} ms`}`);
  }
  for (const ratio of contest.ratios) console.log(ratioLine(ratio, measured));
  if (quantised) for (const line of agreement(readFileSync(quantised), measured)) console.log(`  ${line}`);
  return measured;
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options });
  if (values.help) return console.log(usage);
  if (!existsSync(new URL('../dist/index.js', import.meta.url))) {
    throw new Error('run npm run build first: dist/ is missing');
  }
  const chosen = contests.filter(({ id }) => new RegExp(values.contests).test(id));
  if (chosen.length === 0) throw new Error(`--contests: there are ${contests.map(({ id }) => id).join(', ')}`);
  const timing = { node: values.node, rounds: Number(values.rounds), runs: Number(values.runs) };
  const folder = values.folder ?? (await mkdtemp(path.join(tmpdir(), 'filigree-int8-')));
  await mkdir(folder, { recursive: true });
  const results: Record<string, { name: string; ms: number[] }[]> = {};
  try {
    for (const contest of chosen) {
      const measured = await compare(contest, folder, timing);
      results[contest.id] = measured.map(({ name, ms }) => ({ name, ms }));
    }
  } finally {
    if (values.folder === undefined) await rm(folder, { recursive: true, force: true });
  }
  if (values.json) await writeFile(values.json, JSON.stringify(results));
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
