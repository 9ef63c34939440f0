// `--jobs` of the commands that look at photos: files of jobs in, a folder of results out.
import { availableParallelism, totalmem } from 'node:os';
import { basename, join } from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { digestOf } from '../bulk/job-id.ts';
import type { RunState } from '../bulk/lanes.ts';
import type { ResultFormat } from '../bulk/shard-files.ts';
import { localWorker, startProcess } from '../bulk/worker.ts';
import { progressBar } from '../evaluate/progress.ts';
import { readInput } from '../files/read.ts';
import { writeOutput } from '../files/write.ts';
import { ProgressLine, reportError, type Io } from './io.ts';
import { createLooker, type LookerSettings } from './looker.ts';
import { readArtifactBytes, type ModelOptions } from './models.ts';
import { count, fileName } from './options.ts';
import { Reported } from './reported.ts';

export interface BulkOptions {
  jobs?: string;
  out?: string;
  base?: string;
  workers?: number | 'auto';
  format?: ResultFormat;
  shardSize?: number;
  summary?: boolean;
}

/** Adds the options of bulk runs to a command that looks at photos. */
export function withBulkOptions(command: Command): Command {
  return command
    .option(
      '--jobs <file>',
      'look at many photos: a file with one a line, "path, URL or key" or {"key": …} in JSON',
      fileName,
    )
    .option('--out <folder>', 'with --jobs: write results here; the same command again goes on where it was', fileName)
    .option('--base <folder or URL>', 'with --jobs: what keys are relative to, and stay below', fileName)
    .option(
      '--workers <count>',
      "with --jobs: processes, each with a model of its own: a number, or 'auto' (default: auto)",
      workerCount,
    )
    .addOption(
      new Option('--format <format>', 'with --jobs: of the results (default: jsonl)').choices(['jsonl', 'parquet']),
    )
    .option('--shard-size <count>', 'with --jobs: photos in each file of results (default: 1000)', count)
    .option('--summary', 'with --jobs: write summary.html as well: classes, scores, sizes');
}

/** A number of processes, or `auto`. */
function workerCount(text: string): number | 'auto' {
  if (text === 'auto') return text;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 512) {
    throw new InvalidArgumentError("It must be a whole number from 1 to 512, or 'auto'.");
  }
  return value;
}

const only = ['out', 'base', 'workers', 'format', 'shardSize', 'summary'] as const;

/** Whether a command is to do a bulk run. Ends it with a usage error where options contradict each other. */
export function isBulk(
  command: Command,
  photos: readonly string[],
  options: BulkOptions,
  others: readonly string[],
): boolean {
  const flag = (name: string) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  const given = (name: string) => (options as Record<string, unknown>)[name] !== undefined;
  if (options.jobs === undefined) {
    const alone = only.find(given);
    if (alone) command.error(`error: ${flag(alone)} goes with --jobs`);
    return false;
  }
  if (photos.length > 0) command.error('error: --jobs takes the place of photos on the command line');
  const wrong = others.find(given);
  if (wrong) command.error(`error: ${flag(wrong)} does not go with --jobs`);
  if (options.out === undefined) command.error('error: --jobs needs --out, a folder for the results');
  return true;
}

/** Memory that a worker may take: the model, photos decoded ahead, and Node itself. Measured: docs/scale.md. */
const workerBytes = 500e6;

/** As many processes as there are cores, unless memory is short. */
function autoWorkers(): number {
  const memory = Math.min(totalmem(), process.constrainedMemory?.() || Infinity);
  return Math.max(1, Math.min(availableParallelism(), Math.floor(memory / workerBytes)));
}

export interface BulkRun {
  model: string;
  /** Options that change results, which ids are made of. */
  options: Record<string, unknown>;
  looker: Omit<LookerSettings, 'artifact' | 'path'>;
}

/** Does a job file, or what is left of it. */
export async function bulk(io: Io, options: ModelOptions & BulkOptions, { model, ...run }: BulkRun): Promise<void> {
  const {
    base,
    workers = 'auto',
    format = 'jsonl',
    shardSize = 1000,
    dimension,
    inputShape,
    linearWeights,
    weights,
  } = options;
  const folder = options.out!;
  if (format === 'parquet') await (await import('../bulk/parquet.ts')).checkParquet();
  const progress = new ProgressLine(io);
  const file = await readInput(model);
  const artifact = await readArtifactBytes(model, file, progress, options);
  const settings: LookerSettings = { ...run.looker, artifact, path: model };
  const looker = await createLooker(settings); // what is wrong with the model or its settings is said once
  for (const note of looker.notes ?? []) io.stderr.write(`filigree: ${note}\n`);
  const jobs = {
    base,
    model: digestOf(file),
    options: { ...run.options, dimension, inputShape, linearWeights, weights },
  };
  const refusals = new Refusals(io, progress);
  const { now = () => performance.now() } = io;
  const start = now();
  try {
    const { runJobs } = await import('../bulk/run.ts');
    const state = await runJobs(
      {
        jobFile: options.jobs!,
        folder,
        jobs,
        modelName: basename(model),
        workers: workers === 'auto' ? autoWorkers() : workers,
        format,
        shardSize,
      },
      (output) =>
        io.bulkWorker
          ? startProcess(io.bulkWorker, { model: settings, jobs, output })
          : localWorker(looker, jobs, output),
      {
        onRefused: (error) => refusals.add(error),
        onState: (state) => progress.show(stateLine(state, now() - start)),
      },
    );
    progress.clear();
    io.stdout.write(lastLine(folder, state, now() - start));
    if (options.summary) {
      progress.show('drawing the summary');
      const { summaryOf } = await import('../bulk/summary.ts');
      const { renderSummary } = await import('./report/summary.ts');
      const path = join(folder, 'summary.html');
      const page = renderSummary(await summaryOf(folder), { model: basename(model), jobs: basename(options.jobs!) });
      await writeOutput(path, new TextEncoder().encode(page));
      progress.clear();
      io.stdout.write(`${path}\n`);
    }
    refusals.end();
    if (state.refused > 0) throw new Reported();
  } finally {
    progress.clear();
    looker.dispose();
  }
}

/** `[███░░░] 300/1000 photos, 12 s left, 31.2 a second, 7 errors`; earlier results took no time in this run. */
function stateLine({ jobs, results, fresh, errors, deaths }: RunState, ms: number): string {
  const rate = fresh > 0 && ms > 0 ? `, ${perSecond(fresh, ms)} a second` : '';
  const bar = progressBar(results, jobs || 1, fresh > 0 ? (ms * results) / fresh : 0, 'photos');
  return `${bar}${rate}${errors > 0 ? `, ${errors} errors` : ''}${deaths > 0 ? `, ${deaths} processes restarted` : ''}`;
}

const perSecond = (photos: number, ms: number) => ((1000 * photos) / ms).toFixed(1);

function lastLine(folder: string, { jobs, results, fresh, errors, deaths }: RunState, ms: number): string {
  const earlier = results - fresh;
  const parts = [
    `${results} of ${jobs} jobs have a result`,
    ...(earlier > 0 ? [`${earlier} of them from before`] : []),
    ...(errors > 0 ? [`${errors} of this run are errors`] : []),
    ...(deaths > 0 ? [`${deaths} processes ended and were replaced`] : []),
    ...(fresh > 0 && ms > 0 ? [`${perSecond(fresh, ms)} photos a second`] : []),
  ];
  return `${folder}: ${parts.join('; ')}\n`;
}

/** Lines that are no jobs: the first are shown, all are counted. */
class Refusals {
  private static readonly shown = 100;
  private readonly io: Io;
  private readonly progress: ProgressLine;
  private count = 0;

  constructor(io: Io, progress: ProgressLine) {
    this.io = io;
    this.progress = progress;
  }

  add(error: Error): void {
    this.count++;
    if (this.count > Refusals.shown) return;
    this.progress.clear();
    reportError(this.io, error);
  }

  end(): void {
    if (this.count === 0) return;
    const more = this.count > Refusals.shown ? `; the first ${Refusals.shown} are above` : '';
    this.io.stderr.write(`filigree: ${this.count} lines were no jobs and were left out${more}\n`);
  }
}
