// Coverage-guided fuzzing of everything that reads files.
//
//   npm run fuzz -- --seconds 60                   a minute for each target, one after the other
//   npm run fuzz -- --target onnx --runs 5000      so many executions: by --seed, nearly the same every time (as V8 counts coverage)
//   npm run fuzz -- --keep                         adds what reaches something new to test/fuzz/corpus
//   npm run fuzz -- --minimise                     drops from it what reaches nothing that others do not, but for files named fault-…
//   npm run fuzz -- --target onnx --replay FILE    one input, with its time and memory
//
// Every input must end in a result or a FiligreeError, within 2 s and 512 MB. What does not lies in
// node_modules/.cache/filigree/fuzz afterwards, and the exit code is 1.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { FiligreeError } from '../../src/errors.ts';
import { maxBytes } from './bytes.ts';
import { corpusOf } from './seeds.ts';
import { targets } from './targets.ts';
import type { Target, TargetName } from './targets.ts';
import { corpusFolder, headerBytes, readCorpus } from './task.ts';
import type { Counts, Report, Task } from './task.ts';

const maxMs = 2000;
const maxMegabytes = 512;

const { values: options } = parseArgs({
  options: {
    target: { type: 'string', multiple: true },
    seconds: { type: 'string', default: '10' },
    runs: { type: 'string', default: 'Infinity' },
    seed: { type: 'string', default: '1' },
    keep: { type: 'boolean', default: false },
    minimise: { type: 'boolean', default: false },
    replay: { type: 'string' },
    tally: { type: 'string' },
  },
});
const root = fileURLToPath(new URL('../../', import.meta.url));
const faultsFolder = `${root}node_modules/.cache/filigree/fuzz/`;
const names = (options.target ?? Object.keys(targets)) as TargetName[];
for (const name of names) if (!Object.hasOwn(targets, name)) throw new Error(`no target "${name}"`);

const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex').slice(0, 12);
const rss = () => process.memoryUsage.rss() / 2 ** 20;
const cpuMs = () => process.cpuUsage().user / 1000 + process.cpuUsage().system / 1000;

interface Fault {
  file: string;
  what: string;
}

/** Runs one input alone: its outcome, milliseconds and megabytes. */
async function replay(name: TargetName, file: string): Promise<void> {
  const target: Target = targets[name];
  const input = Uint8Array.from(readFileSync(file));
  for (const seed of corpusOf(name).slice(0, 1)) await Promise.resolve(target.run(seed.input)).catch(() => {});
  const before = { rss: rss(), peak: process.resourceUsage().maxRSS / 1024, cpu: cpuMs() };
  let end = 'a result';
  try {
    await target.run(input);
  } catch (error) {
    end =
      error instanceof FiligreeError
        ? `${error.code}: ${error.message.slice(0, 300)}`
        : `FAULT ${String((error as Error).stack)}`;
  }
  const peak = process.resourceUsage().maxRSS / 1024;
  const megabytes = peak > before.peak ? Math.round(peak - before.rss) : 0;
  console.log(JSON.stringify({ ms: Math.round(cpuMs() - before.cpu), megabytes, end }));
}

/** Runs an input that took much time or memory among others again alone; its outcome if it still does. */
function confirmed(name: TargetName, input: Uint8Array): string | undefined {
  const file = `${faultsFolder}suspect-${process.pid}`;
  writeFileSync(file, input);
  const argv = ['scripts/run.mjs', 'test/fuzz/main.ts', '--target', name, '--replay', file];
  const { stdout, signal, stderr } = spawnSync(process.execPath, argv, {
    cwd: root,
    timeout: 15_000,
    encoding: 'utf8',
  });
  rmSync(file);
  if (signal) return 'it ran for 15 s';
  let outcome: { ms: number; megabytes: number; end: string };
  try {
    outcome = JSON.parse(stdout);
  } catch {
    return `the process ended: ${stderr.slice(0, 500)}`;
  }
  const { ms, megabytes, end } = outcome;
  if (end.startsWith('FAULT')) return end;
  return ms > maxMs || megabytes > maxMegabytes ? `${ms} ms, ${megabytes} MB, then ${end}` : undefined;
}

/** Stack lines that say where, for one report of each fault. */
function placeOf(error: string): string {
  const lines = error.split('\n').filter((line) => line.includes('src/'));
  return lines.slice(0, 2).join(' ').replaceAll(/\s+/g, ' ') || error.slice(0, 80);
}

interface Outcome extends Counts {
  seconds: number;
  peak: number;
  slowest: number;
  fresh: Uint8Array[];
  faults: Fault[];
}

async function fuzz(name: TargetName): Promise<Outcome> {
  const corpus = (options.minimise ? readCorpus : corpusOf)(name).map(({ input }) => input);
  const start = Date.now();
  const outcome: Outcome = {
    executions: 0,
    results: 0,
    refused: 0,
    covered: 0,
    all: 0,
    seconds: 0,
    peak: 0,
    slowest: 0,
    fresh: [],
    faults: [],
  };
  const until = options.minimise ? Infinity : start + 1000 * Number(options.seconds);
  const places = new Set<string>();
  const fault = (input: Uint8Array, what: string) => {
    const place = placeOf(what);
    if (places.has(place)) return;
    places.add(place);
    const file = `${faultsFolder}${name}-${hash(input)}`;
    writeFileSync(file, input);
    outcome.faults.push({ file, what });
    console.log(`${name}: FAULT ${what.slice(0, 600)}\n  ${file}`);
  };
  for (let seed = Number(options.seed); Date.now() < until && outcome.executions < Number(options.runs); seed += 1000) {
    const shared = new SharedArrayBuffer(headerBytes + 4 * maxBytes);
    const state = new Int32Array(shared, 0, headerBytes / 4);
    const runs = Number(options.runs) - outcome.executions;
    const task: Task = { target: name, seed, corpus, shared, runs, until, minimise: options.minimise };
    const worker = new Worker(`${root}scripts/run.mjs`, {
      argv: [`${root}test/fuzz/worker.ts`],
      workerData: task,
      resourceLimits: { maxOldGenerationSizeMb: 1024 },
    });
    let isDone = false;
    const input = () => new Uint8Array(shared, headerBytes, state[2]).slice();
    worker.on('message', (message: Report) => {
      if (message.kind === 'new') {
        corpus.push(message.input);
        outcome.fresh.push(message.input);
      } else if (message.kind === 'fault') fault(message.input, message.error);
      else {
        isDone = true;
        const { executions, results, refused, covered, all } = message;
        outcome.executions += executions;
        outcome.results += results;
        outcome.refused += refused;
        Object.assign(outcome, { covered, all });
      }
    });
    const ended = new Promise<void>((resolve) => {
      worker.on('error', (error) => {
        if (state[0]) fault(input(), `the thread ended: ${error.message}`);
        else throw error;
      });
      worker.on('exit', () => resolve());
    });
    let running = { execution: 0, since: Date.now(), cpu: cpuMs() };
    const cleared = new Set<string>();
    const watch = setInterval(() => {
      const megabytes = rss();
      outcome.peak = Math.max(outcome.peak, megabytes);
      const execution = state[1];
      if (execution !== running.execution || !Atomics.load(state, 0)) {
        running = { execution, since: Date.now(), cpu: cpuMs() };
        return;
      }
      const ms = Math.min(Date.now() - running.since, cpuMs() - running.cpu);
      outcome.slowest = Math.max(outcome.slowest, ms);
      if (ms <= maxMs && megabytes <= 2 * maxMegabytes) return;
      const suspect = input();
      if (cleared.has(hash(suspect))) return;
      cleared.add(hash(suspect));
      clearInterval(watch);
      void worker.terminate();
      const what = confirmed(name, suspect);
      if (what) fault(suspect, `${ms > maxMs ? 'time' : 'memory'}: ${what}`);
    }, 10);
    await ended;
    clearInterval(watch);
    if (!isDone) outcome.executions += state[1];
    if (options.minimise) break;
  }
  outcome.seconds = (Date.now() - start) / 1000;
  return outcome;
}

if (options.replay) await replay(names[0], options.replay);
else {
  mkdirSync(faultsFolder, { recursive: true });
  const tally: Record<string, object> = {};
  let faults = 0;
  for (const name of names) {
    const { fresh, faults: found, ...counts } = await fuzz(name);
    faults += found.length;
    const { executions, results, refused, covered, all, seconds, peak, slowest } = counts;
    const share = (100 * covered) / Math.max(1, all);
    console.log(
      `${name.padEnd(13)} ${executions} inputs in ${seconds.toFixed(0)} s: ${results} results, ${refused} refused, ` +
        `${found.length} faults; ${share.toFixed(1)} % of its sources ran; ${fresh.length} new; ` +
        `slowest ${Math.round(slowest)} ms, at most ${Math.round(peak)} MB`,
    );
    tally[name] = { ...counts, share, faults: found.map(({ what }) => what.slice(0, 300)) };
    if (options.minimise) {
      const dropped = readCorpus(name).filter(({ file }) => !file.startsWith('fault-')); // those stay
      for (const { file } of dropped) rmSync(corpusFolder(name) + file);
    }
    if (options.keep || options.minimise) {
      for (const input of fresh) writeFileSync(`${corpusFolder(name)}${hash(input)}`, input);
    }
  }
  if (options.tally) writeFileSync(options.tally, JSON.stringify(tally, null, 1));
  rmSync(`${root}node_modules/.cache/filigree/worker-${process.pid}.mjs`, { force: true });
  process.exitCode = faults ? 1 : 0;
}
