// npm run bench: every kernel of the registry at the shapes of real networks, against this machine's peak.
import { mkdirSync, writeFileSync } from 'node:fs';
import { loadavg, totalmem } from 'node:os';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import v8 from 'node:v8';
import { benchmarkKernels, type KernelBenchmark, type KernelResults } from './benchmark.ts';
import { createKernels } from '../src/kernels.ts';
import { probeBuild } from '../src/runtime/probe.ts';
import { machine } from './machine.ts';
import type { Machine } from './machine.ts';
import { peakLoops } from './peak.ts';
import { peakWasm } from './peak-wasm.ts';
import { peakBlock, resultBlocks, summaryBlock } from './kernel-report.ts';
import { defaultShapes, readShapes } from './read-shapes.ts';

const usage = `npm run bench -- [options]

Measures this machine's peak and every kernel at the shapes of MobileNetV1, MobileNetV2 and a face detector, over
densities from 5 to 100 %: GFLOP/s on nonzeros, share of peak, speed-up over the best dense kernel.

  --quick             few shapes and densities: under a minute
  --filter REGEX      only kernels whose names match
  --shapes FILE       layers from a file (see bench/shapes/); may be given more than once
  --build simd|relaxed  default: the best that this host runs without flags
  --json FILE         default: bench/results/kernels-BUILD-DATE.json
  --help`;

export interface Options extends Omit<KernelBenchmark, 'layers'> {
  shapes?: readonly (string | URL)[];
  build?: 'simd' | 'relaxed';
}

export interface Report extends KernelResults {
  version: 1;
  date: string;
  machine: Machine & { memoryBytes: number; load: number };
  node: string;
  v8: string;
  build: 'simd' | 'relaxed';
}

/** The build to measure; turns the engine's flag on when relaxed SIMD is asked for and hidden behind it. */
export function chooseBuild(wanted?: 'simd' | 'relaxed'): 'simd' | 'relaxed' {
  const found = probeBuild();
  if (wanted === 'relaxed' && found !== 'relaxed') v8.setFlagsFromString('--experimental-wasm-relaxed-simd');
  if (!found || (wanted === 'relaxed' && probeBuild() !== 'relaxed')) {
    throw new Error(`this host's WebAssembly cannot run the ${wanted ?? 'simd'} build`);
  }
  return wanted ?? (found === 'relaxed' ? 'relaxed' : 'simd');
}

/** Runs the benchmark. @throws Error when no kernel matches or no layer fits. */
export async function benchmark(options: Options = {}): Promise<Report> {
  const { shapes = defaultShapes, ...settings } = options;
  const build = chooseBuild(options.build);
  const kernels = await createKernels({ build });
  const loops = await peakLoops(peakWasm(build), build);
  const date = new Date().toISOString();
  const found = await benchmarkKernels(kernels, loops, { ...settings, layers: readShapes(shapes) });
  return {
    version: 1,
    date,
    machine: { ...machine(), memoryBytes: totalmem(), load: loadavg()[0] },
    node: process.version,
    v8: process.versions.v8,
    build,
    ...found,
  };
}

/** The report as people read it. */
export function formatReport(report: Report): string {
  const { machine, node, v8: engine, build, date, peak, results, summary } = report;
  const where = `${machine.cpu}, ${machine.cores} cores, load ${machine.load.toFixed(1)}`;
  const title = `Filigree kernels, ${build} build\n${where}; Node ${node} (V8 ${engine}); ${date}`;
  return [title, peakBlock(peak), resultBlocks(results), summaryBlock(summary)].join('\n\n\n') + '\n';
}

function readOptions(): (Options & { json?: string }) | undefined {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean' },
      filter: { type: 'string' },
      shapes: { type: 'string', multiple: true },
      build: { type: 'string' },
      json: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return undefined;
  const { quick, filter, shapes, build, json } = values;
  if (build !== undefined && build !== 'simd' && build !== 'relaxed') {
    throw new Error(`--build ${build}: simd or relaxed is wanted`);
  }
  return { quick, filter: filter === undefined ? undefined : parseFilter(filter), shapes, build, json };
}

function parseFilter(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch (error) {
    throw new Error(`--filter ${text}: ${(error as Error).message}`, { cause: error });
  }
}

async function main(): Promise<void> {
  const options = readOptions();
  if (!options) return console.log(usage);
  const { stderr } = process;
  const onProgress = (done: number, total: number, what: string) => {
    stderr.write(`\r\x1b[K${done + 1}/${total} ${what}`);
  };
  const report = await benchmark({ ...options, onProgress: stderr.isTTY ? onProgress : undefined });
  if (stderr.isTTY) stderr.write('\r\x1b[K');
  const name = `results/kernels-${report.build}-${report.date.replace(/[:.]/g, '-')}.json`;
  const json = options.json ? resolve(options.json) : fileURLToPath(new URL(name, import.meta.url));
  mkdirSync(dirname(json), { recursive: true });
  writeFileSync(json, JSON.stringify(report, null, 2));
  process.stdout.write(formatReport(report) + `\nwritten to ${json}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main().catch((error: Error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}
