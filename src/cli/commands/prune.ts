import { basename, extname } from 'node:path';
import { Command, Option } from 'commander';
import type { CompileOptions } from '../../compile.ts';
import { FiligreeError } from '../../errors.ts';
import type { Graph } from '../../graph/graph.ts';
import type { Program } from '../../program/program.ts';
import { criterionNames, type CriterionName } from '../../prune/criteria/criteria.ts';
import { distributions } from '../../prune/distribution/distributions.ts';
import type { PruneOptions, Pruned, PruningReport } from '../../prune.ts';
import type { ClassifierPreprocessing } from '../../vision/classifier-metadata.ts';
import { headNames, type HeadName } from '../../vision/head-names.ts';
import { readAnnotated, accuracyOf, type Annotated } from '../../evaluate/accuracy.ts';
import { fileCheckpoint } from '../checkpoint-file.ts';
import { readInput } from '../../files/read.ts';
import { writeOutput } from '../../files/write.ts';
import { ProgressLine, writeJson, type Io } from '../io.ts';
import { importBytes, isForeign, withModelOptions, type ModelOptions } from '../models.ts';
import type { ComparedPhoto } from '../report/compared-photos.ts';
import { collect, count, latency, quantity, share, speedup, wholeNumber } from '../options.ts';
import { labelsFlags, labelsHelp, preprocessHelp, preprocessing, readLabels } from '../preprocess.ts';
import { PhaseClock } from '../../evaluate/progress.ts';
import { formatBytes, formatCount, formatMs, formatPercent, formatTable } from '../table.ts';

interface Options extends ModelOptions {
  output: string;
  sparsity?: number;
  targetLatency?: number;
  targetSpeedup?: number;
  targetMacs?: number;
  targetBytes?: number;
  pattern?: string;
  groups?: string[];
  criterion?: CriterionName;
  distribution?: Extract<PruneOptions['distribution'], string>;
  calibrate?: string;
  photos: number;
  include?: string[];
  exclude?: string[];
  masks?: string;
  masksOut?: string;
  rearrange?: boolean;
  seed: number;
  onnx?: string;
  report?: string[];
  essential?: string;
  measure?: boolean;
  evaluate?: string;
  images?: string;
  limit?: number;
  labelOffset?: number;
  head?: HeadName;
  labels?: string;
  preprocess?: ClassifierPreprocessing;
  costModel?: string;
  json?: boolean;
}

export function pruneCommand(io: Io): Command {
  const command = new Command('prune')
    .description('Prune an ONNX or TFLite model: put zeros where they cost least accuracy and save most time.')
    .argument('<input>', 'an ONNX or TFLite model')
    .requiredOption('-o, --output <file>', 'where to write the pruned model: compiled, or as .onnx')
    .option('--sparsity <0…1>', 'the share of zeros over the pruned weights', share)
    .option('--target-latency <8ms>', 'instead: the predicted time of the network', latency)
    .option('--target-speedup <2>', 'instead: the predicted speedup over the dense network', speedup)
    .option('--target-macs <count>', 'instead: multiply-adds on kept weights, such as 150M', quantity)
    .option('--target-bytes <bytes>', 'instead: the size of all constants, such as 2MB', quantity)
    .option(
      '--pattern <name>',
      'which weights are pruned together: unstructured (default), group2, group4, kernel, N:M such as 2:4, inputs16, 1x4, 2x4, 4x4, channel',
    )
    .option(
      '--groups <file>',
      "groups of one's own: a safetensors file of integers, the block of each weight, by layer; or LAYER=ids.npy; " +
        'may be repeated; --pattern is for the other layers',
      collect,
    )
    .addOption(
      new Option(
        '--criterion <name>',
        'how weights are ranked (default: second-order with --calibrate, else magnitude)',
      ).choices(criterionNames),
    )
    .addOption(
      new Option('--distribution <name>', 'how zeros are distributed over layers (default: uniform)').choices(
        distributions,
      ),
    )
    .option('--calibrate <directory>', 'calibration photos; not the ones you evaluate with')
    .option(
      '--photos <count>',
      'use this many of them, the first by name; few photos give up to four views each',
      count,
      64,
    )
    .option(
      '--include <layer>',
      'also prune this layer: first, depthwise, head, or a name with * for any part',
      collect,
    )
    .option('--exclude <layer>', 'leave this layer dense; both may be repeated', collect)
    .option('--masks <file>', 'instead: apply these masks, from --masks-out; --criterion second-order re-fits weights')
    .option('--masks-out <file>', 'write the masks: a safetensors file, 0 and 1 by layer')
    .option('--rearrange', 'permute channels first, so that groups keep more')
    .option('--seed <number>', 'seed of all random numbers', wholeNumber, 1)
    .option('--onnx <file>', 'write the pruned model as ONNX as well')
    .option('--report <file>', 'write a report, layer by layer: .json or .html; may be repeated', collect)
    .option(
      '--essential <file.svg>',
      'find how far it can be pruned: error against sparsity as a plot, with the knee marked',
    )
    .option('--measure', 'time each layer before and after')
    .option('--evaluate <file>', 'measure accuracy before and after: labels.csv, or instances.json of COCO')
    .option('--images <directory>', 'where its images are (default: images/ beside it)')
    .option('--limit <count>', 'use only this many of its images, the first ones', count)
    .option('--label-offset <count>', "the model's class of its class 0 (default: as evaluate has it)", wholeNumber)
    .addOption(new Option('--head <name>', 'the detection head, where the model does not name it').choices(headNames))
    .option(labelsFlags, labelsHelp)
    .option('--preprocess <how>', `${preprocessHelp}; classifiers only`, preprocessing)
    .option('--cost-model <file>', 'what kernels cost, as "filigree tune --cost-model" measures it on a device')
    .option('--json', 'print the report as JSON');
  return withModelOptions(command).action(async (input: string, options: Options) => {
    const fault = targetFault(options);
    if (fault) command.error(`error: ${fault}`);
    await prune(io, input, options);
  });
}

const targets = {
  sparsity: '--sparsity',
  targetLatency: '--target-latency',
  targetSpeedup: '--target-speedup',
  targetMacs: '--target-macs',
  targetBytes: '--target-bytes',
  masks: '--masks',
} as const;

/** What is wrong with the targets: exactly one is wanted, unless the pattern has its own sparsity, as N:M has. */
function targetFault(options: Options): string | undefined {
  const given = (Object.keys(targets) as (keyof typeof targets)[]).filter((name) => options[name] !== undefined);
  const flags = given.map((name) => targets[name]);
  if (flags.length > 1) return `${flags.join(' and ')} are targets: give one of them`;
  if (flags.length === 1 || /^\d+:\d+$/.test(options.pattern ?? '')) return undefined;
  const all = Object.values(targets);
  return `give a target: ${all.slice(0, -1).join(', ')} or ${all.at(-1)}; --sparsity 0.5 makes half of the weights zero`;
}

async function prune(io: Io, input: string, options: Options): Promise<void> {
  for (const file of options.report ?? []) {
    if (!/\.(json|html?)$/i.test(file)) {
      throw new FiligreeError('invalid-argument', `--report ${file}: wanted a name that ends in .json or .html`);
    }
  }
  const modelBytes = await readInput(input);
  if (!(await isForeign(modelBytes, input))) {
    throw new FiligreeError(
      'invalid-argument',
      `${input}: wanted an ONNX or TFLite model (${modelBytes.length} bytes)`,
    );
  }
  const images = options.evaluate === undefined ? undefined : await readAnnotated(options.evaluate, options);
  const progress = new ProgressLine(io);
  const graph = await importBytes(modelBytes, input, progress, options);
  const compile = await compilerOf(input, options);
  const dense = compile(graph);
  const asked = await pruneOptions(graph, dense, progress, options);
  const checkpoint = fileCheckpoint(`${options.output}.checkpoint`);
  const pruned = await run(graph, { ...asked, checkpoint: { ...checkpoint, remove: async () => {} } }, progress);
  const program = compile(pruned.graph);
  await writeAll(pruned, program, options);
  if (images) await evaluate(pruned.report, images, { dense, pruned: program }, options, progress);
  await writeReports(pruned.report, options, () => photosOf({ dense, pruned: program }, options));
  await checkpoint.remove();
  if (options.json) writeJson(io, { input, output: options.output, ...pruned.report });
  else io.stdout.write(summary(input, options.output, pruned.report));
}

/** Returns a function that compiles a graph as `compile` does; the graph is not changed. */
async function compilerOf(path: string, options: Options): Promise<(graph: Graph) => Program> {
  const { compileGraph, parseCostModel } = await import('../../compile.ts');
  const { cloneGraph } = await import('../../graph/clone.ts');
  const { head, linearWeights, weights, costModel: file } = options;
  const settings: CompileOptions = { head, linearWeights, weights };
  if (options.labels !== undefined) settings.labels = await readLabels(options.labels);
  if (file !== undefined) settings.costModel = parseCostModel(new TextDecoder().decode(await readInput(file)), file);
  return (graph) => {
    const program = compileGraph(cloneGraph(graph), settings);
    program.name = basename(path, extname(path));
    return program;
  };
}

async function pruneOptions(
  graph: Graph,
  dense: Program,
  progress: ProgressLine,
  options: Options,
): Promise<PruneOptions> {
  const { prepared, patternNamed, groupedBy, readMasks } = await import('../../prune.ts');
  const { resolveOptions } = await import('../../prune/options.ts');
  const { sparsity, targetLatency, targetSpeedup, targetMacs, targetBytes, criterion, distribution } = options;
  const { include, exclude, rearrange, seed, measure, weights, costModel } = options;
  let pattern = options.pattern === undefined ? undefined : patternNamed(options.pattern);
  if (options.groups) {
    const { readGroupFiles } = await import('../group-files.ts');
    pattern = groupedBy(await readGroupFiles(options.groups, prepared(graph)), pattern);
  }
  const masks =
    options.masks === undefined ? undefined : readMasks(await readInput(options.masks), options.masks, prepared(graph));
  const asked: PruneOptions = {
    sparsity,
    targetMs: targetLatency,
    targetSpeedup,
    targetMacs,
    targetBytes,
    pattern,
    criterion,
    distribution,
    include,
    exclude,
    masks,
    rearrange,
    seed,
    weights,
    essential: options.essential !== undefined,
    measure,
  };
  if (costModel !== undefined) {
    const { parseCostModel } = await import('../../compile.ts');
    asked.costModel = parseCostModel(new TextDecoder().decode(await readInput(costModel)), costModel);
  }
  if (options.calibrate === undefined) return asked;
  const { calibrationPhotos, photoProgress, photosIn } = await import('../../evaluate/photos.ts');
  const { photoSamples } = await import('../../prune.ts');
  const photos = calibrationPhotos(await photosIn(options.calibrate, options.photos));
  resolveOptions({ ...asked, samples: [{}] }); // reports wrong options before photos are read
  try {
    const onPhoto = photoProgress(photos.length, progress);
    return { ...asked, ...(await photoSamples(graph, dense, photos, { ...options, onPhoto })) };
  } finally {
    progress.clear();
  }
}

async function run(graph: Graph, options: PruneOptions, progress: ProgressLine): Promise<Pruned> {
  const { prune: pruneGraph } = await import('../../prune.ts');
  const clock = new PhaseClock();
  try {
    return await pruneGraph(graph, {
      ...options,
      onProgress({ phase, step, done, total, layer = '' }) {
        const title = step === undefined ? phase : `${phase} (${step})`;
        progress.show(`${title} ${clock.bar(title, done, total)} ${layer.split(';')[0].slice(-40)}`);
      },
    });
  } finally {
    progress.clear();
  }
}

async function writeAll({ graph, masks, report }: Pruned, program: Program, options: Options): Promise<void> {
  const { output, onnx, masksOut } = options;
  const asOnnx = async () => {
    const { exportOnnx } = await import('../../compile.ts');
    return exportOnnx(graph);
  };
  if (/\.onnx$/i.test(output)) await writeOutput(output, await asOnnx());
  else {
    const { writeArtifact } = await import('../../artifact/write.ts');
    await writeOutput(output, writeArtifact(program));
  }
  if (onnx !== undefined) await writeOutput(onnx, await asOnnx());
  if (masksOut === undefined) return;
  const { writeMasks } = await import('../../prune.ts');
  await writeOutput(masksOut, writeMasks(graph, masks, report));
}

async function evaluate(
  report: PruningReport,
  images: Annotated,
  programs: { dense: Program; pruned: Program },
  options: Options,
  progress: ProgressLine,
): Promise<void> {
  const before = await accuracyOf(programs.dense, images, options, progress);
  const after = await accuracyOf(programs.pruned, images, options, progress);
  const metric = images.kind === 'detection' ? 'AP' : 'top-1';
  const { list: dataset, files } = images;
  report.accuracy = { dataset, metric, images: files.length, before: before.value, after: after.value };
  report.notes.push(...after.notes);
}

/** What a detector finds in calibration photos before and after. */
async function photosOf(
  programs: { dense: Program; pruned: Program },
  { calibrate, photos, head }: Options,
): Promise<ComparedPhoto[]> {
  if (calibrate === undefined) return [];
  const [{ comparePhotos }, { photosIn }] = await Promise.all([
    import('../report/compared-photos.ts'),
    import('../../evaluate/photos.ts'),
  ]);
  return comparePhotos(programs, await photosIn(calibrate, photos), head);
}

async function writeReports(
  report: PruningReport,
  { report: files = [], essential: plot }: Options,
  photos: () => Promise<ComparedPhoto[]>,
): Promise<void> {
  const write = (file: string, text: string) => writeOutput(file, new TextEncoder().encode(text));
  let compared: ComparedPhoto[] | undefined;
  for (const file of files) {
    if (/\.json$/i.test(file)) await write(file, `${JSON.stringify(report, null, 2)}\n`);
    else {
      const { renderReport } = await import('../report/page.ts');
      await write(file, renderReport(report, (compared ??= await photos())));
    }
  }
  if (plot === undefined || !report.essential) return;
  const { essentialSvg } = await import('../report/page.ts');
  await write(plot, essentialSvg(report.essential, report.model));
}

function summary(input: string, output: string, report: PruningReport): string {
  const { layers, sparsity, weights, macs, predictedMs, measuredMs, bytes: size, accuracy, outputError } = report;
  const rows = layers.map(({ name, kind, pattern, remark, ...layer }) => [
    name.split(';')[0],
    kind,
    layer.shape.after.join('×'),
    pattern ?? remark?.replace(/^dense: /, '') ?? '',
    formatPercent(layer.sparsity.after),
    layer.error === undefined ? '–' : layer.error.toPrecision(2),
    (layer.measuredMs ?? layer.predictedMs).before.toFixed(3),
    (layer.measuredMs ?? layer.predictedMs).after.toFixed(3),
  ]);
  const times = ({ before, after }: { before: number; after: number }) => (before / after).toFixed(2);
  const lines = [
    `${input} → ${output} in ${Math.round(report.seconds)} s`,
    `pattern      ${report.pattern}, ${report.criterion}, ${report.distribution}`,
    `zeros        ${formatPercent(sparsity)} of the pruned layers; ${formatCount(weights.after)} of ${formatCount(weights.before)} weights are left`,
    `MACs         ${formatCount(macs.after)} of ${formatCount(macs.before)}`,
    `predicted    ${formatMs(predictedMs.after)}, before ${formatMs(predictedMs.before)}: ${times(predictedMs)} times as fast`,
    measuredMs &&
      `measured     ${formatMs(measuredMs.after)}, before ${formatMs(measuredMs.before)}: ${times(measuredMs)} times as fast`,
    `constants    ${formatBytes(size.after)}, before ${formatBytes(size.before)}`,
    outputError !== undefined && `outputs      relative error ${outputError.toPrecision(3)} on the calibration images`,
    accuracy &&
      `accuracy     ${formatPercent(accuracy.after)} ${accuracy.metric}, before ${formatPercent(accuracy.before)} (${accuracy.images} images of ${accuracy.dataset})`,
    ...report.notes.map((note) => `note         ${note}`),
  ].filter(Boolean);
  const ms = measuredMs ? 'ms' : 'predicted ms';
  const header = ['layer', 'kind', 'shape', 'pattern', 'zeros', 'error', `${ms} before`, 'after'];
  return `${formatTable(header, rows)}\n${lines.join('\n')}\n`;
}
