// npm run bench:peers: Filigree and its peers on the same networks in one run.
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Report as KernelReport } from './kernels.ts';
import { format, resolveConfig } from 'prettier';
import { benchmarksTable, insertTable, markdownTables, readmeTable } from './peers/markdown.ts';
import type { PeersReport, Runtime } from './peers/results.ts';
import { browsers, pageRuntimes } from './peers/browser.ts';
import type { BrowserName } from './peers/browser.ts';
import { referenceNode, referenceVersion } from './peers/node.ts';
import { hostTitle, runtimes } from './peers/results.ts';
import { comparePeers } from './peers/run.ts';
import { absent, states } from './peers/states.ts';
import { checkTargets, targetLines } from './peers/targets.ts';

import type { Sweep } from './report/density.ts';
import { renderReport } from './report/page.ts';

const pages = { 'README.md': readmeTable, 'docs/benchmarks.md': benchmarksTable };

/** Runtimes whose drivers start threads in Node. The others need a page with cross-origin isolation. */
const threaded: Runtime[] = ['filigree', 'onnxruntime'];
const hosts = ['node', ...(Object.keys(browsers) as BrowserName[])] as const;

const usage = `npm run bench:peers -- [options]

Runs Filigree, LiteRT.js, tfjs-tflite, tfjs-backend-wasm and onnxruntime-web on the same networks, each round of each in a
process of its own, in turns: milliseconds of a run, from start to first result, peak memory, size, outputs compared.

  --models REGEX      only network states whose ids match (${states.map(({ id }) => id).join(', ')})
  --runtimes LIST     of ${runtimes.join(', ')}; default: all
  --rounds N          processes of each; default 5
  --iterations N      timed runs in each, at most; default 60
  --timed MS          stops timing after this long; default 500
  --warm-up MS        default 400
  --threads N         default 1; with more, only ${threaded.join(' and ')} run in Node
  --host NAME         ${hosts.join(', ')}: a browser runs ${pageRuntimes.join(', ')} in isolated pages
  --node PATH         the Node that runs them; default: Node ${referenceVersion}, which npm brings into a cache at first
  --folder DIR        keeps the peers' model files, and finds them again
  --no-profile        leaves out each layer's time and its floor
  --json FILE         everything measured
  --from FILE,…       measures nothing: shows what earlier runs of parts wrote as JSON, as one run
  --html FILE         the same as a page to look at
  --pages FILE,…      what runs with --host BROWSER wrote, for a table each in docs/benchmarks.md
  --readme            rewrites the tables in README.md and docs/benchmarks.md
  --targets           what we want to reach, and whether this run does
  --kernels FILE      what \`npm run bench\` wrote, for targets and the HTML report
  --two-threads FILE  what a run with --threads 2 wrote, for targets
  --sweep FILE        what \`npm run bench:sweep\` wrote, for the HTML report
  --help`;

function number(name: string, text: string, least: number): number {
  const value = Number(text);
  if (!(value >= least)) throw new Error(`--${name} ${text}: a number of at least ${least} is wanted`);
  return value;
}

function chosenRuntimes(list: string | undefined, threads: number, host: string): Runtime[] {
  if (threads > 1 && host === 'node') return threaded;
  if (list === undefined) return [...(host === 'node' ? runtimes : pageRuntimes)];
  const names = list.split(',');
  const unknown = names.filter((name) => !(runtimes as string[]).includes(name));
  if (unknown.length > 0) throw new Error(`--runtimes: ${unknown.join(', ')}: known are ${runtimes.join(', ')}`);
  return runtimes.filter((runtime) => runtime === 'filigree' || names.includes(runtime));
}

const options = {
  models: { type: 'string', default: '' },
  runtimes: { type: 'string' },
  rounds: { type: 'string', default: '5' },
  iterations: { type: 'string', default: '60' },
  timed: { type: 'string', default: '500' },
  'warm-up': { type: 'string', default: '400' },
  threads: { type: 'string', default: '1' },
  host: { type: 'string', default: 'node' },
  node: { type: 'string' },
  pages: { type: 'string' },
  folder: { type: 'string' },
  'no-profile': { type: 'boolean', default: false },
  json: { type: 'string' },
  from: { type: 'string' },
  targets: { type: 'boolean', default: false },
  html: { type: 'string' },
  readme: { type: 'boolean', default: false },
  kernels: { type: 'string' },
  sweep: { type: 'string' },
  'two-threads': { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

type Values = ReturnType<typeof parseArgs<{ options: typeof options }>>['values'];

async function main(): Promise<void> {
  const { values } = parseArgs({ options });
  if (values.help) return console.log(usage);
  const report = values.from === undefined ? await measure(values) : await mergeReports(values.from.split(','));
  console.log(markdownTables(report));
  const kernels = values.kernels === undefined ? undefined : await readJson<KernelReport>(values.kernels);
  const twoThreads =
    values['two-threads'] === undefined ? undefined : await readJson<PeersReport>(values['two-threads']);
  if (values.targets) console.log(targetLines(checkTargets(report, { kernels, twoThreads })) + '\n');
  if (values.html) {
    const sweep = values.sweep === undefined ? undefined : await readJson<Sweep>(values.sweep);
    await write(values.html, renderReport(report, { kernels, twoThreads, sweep }));
  }
  if (values.readme) {
    const pagesOf = values.pages?.split(',') ?? [];
    const browserReports = await Promise.all(pagesOf.map((file) => readJson<PeersReport>(file)));
    for (const [page, tableOf] of Object.entries(pages)) {
      const file = fileURLToPath(new URL(`../${page}`, import.meta.url));
      const table = await format(tableOf(report, browserReports), {
        ...(await resolveConfig(file)),
        parser: 'markdown',
      });
      await write(file, insertTable(await readFile(file, 'utf8'), table.trim()));
    }
  }
  if (values.json) await write(values.json, JSON.stringify(report, null, 2));
}

async function measure(values: Values): Promise<PeersReport> {
  if (!existsSync(new URL('../dist/index.js', import.meta.url)))
    throw new Error('run npm run build first: dist/ is missing');
  const chosen = states.filter(({ id }) => new RegExp(values.models).test(id));
  for (const reason of absent) console.error(`skipped ${reason}`);
  if (chosen.length === 0)
    throw new Error(`--models ${values.models} fits none of ${states.map(({ id }) => id).join(', ')}`);
  const threads = number('threads', values.threads, 1);
  const host = hosts.find((name) => name === values.host);
  if (!host) throw new Error(`--host ${values.host}: one of ${hosts.join(', ')} is wanted`);
  const { stderr } = process;
  const temporary = values.folder === undefined ? await mkdtemp(path.join(tmpdir(), 'filigree-bench-')) : undefined;
  try {
    return await comparePeers({
      states: chosen,
      runtimes: chosenRuntimes(values.runtimes, threads, host),
      rounds: number('rounds', values.rounds, 1),
      iterations: number('iterations', values.iterations, 1),
      timedMs: number('timed', values.timed, 1),
      warmUpMs: number('warm-up', values['warm-up'], 0),
      threads,
      host,
      node: values.node ?? referenceNode(),
      folder: temporary ?? values.folder!,
      profileMs: values['no-profile'] ? 0 : 300,
      onProgress: stderr.isTTY ? (what) => stderr.write(`\r\x1b[K${what}`) : undefined,
    });
  } finally {
    if (temporary) await rm(temporary, { recursive: true, force: true });
    if (stderr.isTTY) stderr.write('\r\x1b[K');
  }
}

async function readJson<T>(file: string): Promise<T> {
  return JSON.parse(await readFile(file, 'utf8')) as T;
}

/** Merges the states of several runs; the last run with a state wins. @throws Error when engines or threads differ. */
async function mergeReports(files: string[]): Promise<PeersReport> {
  const reports = await Promise.all(files.map((file) => readJson<PeersReport>(file)));
  const last = reports.at(-1)!;
  const kind = (report: PeersReport) => `${hostTitle(report)}, threads: ${report.threads}`;
  const different = reports.find((report) => kind(report) !== kind(last));
  if (different) throw new Error(`--from: runs on ${kind(different)} and on ${kind(last)} are no one run`);
  const measured = new Map(reports.flatMap(({ states }) => states.map((state) => [state.id, state] as const)));
  const ordered = states.flatMap(({ id }) => measured.get(id) ?? []);
  return { ...last, sizes: Object.assign({}, ...reports.map(({ sizes }) => sizes)), states: ordered };
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
