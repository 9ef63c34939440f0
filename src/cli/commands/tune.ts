import { cpus } from 'node:os';
import { basename, extname } from 'node:path';
import { Command, Option } from 'commander';
import { FiligreeError } from '../../errors.ts';
import type { Tuning } from '../../compile.ts';
import type { WasmBuild } from '../../runtime/probe.ts';
import type { HeadName } from '../../vision/head-names.ts';
import { headNames } from '../../vision/head-names.ts';
import { readInput } from '../../files/read.ts';
import { writeOutput } from '../../files/write.ts';
import { ProgressLine, writeJson, type Io } from '../io.ts';
import { importBytes, isForeign, withModelOptions, type ModelOptions } from '../models.ts';
import { seconds } from '../options.ts';
import { labelsFlags, labelsHelp, readLabels } from '../preprocess.ts';
import { formatBytes, formatMs, formatTable } from '../table.ts';

interface Options extends ModelOptions {
  output?: string;
  budget?: number;
  costModel?: string;
  head?: HeadName;
  labels?: string;
  json?: boolean;
}

export function tuneCommand(io: Io): Command {
  const command = new Command('tune')
    .description(
      'Compile a model with the encodings that are fastest on this device, measured layer by layer. ' +
        'Without a model, measure what kernels cost here, for "filigree compile --cost-model".',
    )
    .argument('[model]', 'an ONNX or TFLite model')
    .option('-o, --output <file>', 'where to write the compiled model')
    .option('--cost-model <file>', 'where to write what kernels cost on this device, in place of a model')
    .option('--budget <seconds>', 'how long to measure (default: 10, for a cost model 20)', seconds)
    .addOption(
      new Option('--build <name>', 'the WebAssembly build (default: the best this host runs)').choices([
        'simd',
        'relaxed',
      ]),
    )
    .addOption(
      new Option('--head <name>', "what a detector's outputs mean, where the model does not say").choices(headNames),
    )
    .option(labelsFlags, labelsHelp)
    .option('--json', 'print JSON');
  return withModelOptions(command).action(async (model: string | undefined, options: Options) => {
    if ((model === undefined) === (options.costModel === undefined)) {
      command.error('error: wanted either a model or --cost-model FILE');
    } else if (model === undefined) await measureCosts(io, options.costModel!, options);
    else if (options.output === undefined) command.error("error: required option '-o, --output <file>' not specified");
    else await tune(io, model, options.output, options);
  });
}

const device = () => cpus()[0]?.model;

/** Shows a bar of the elapsed share. */
function showShare(progress: ProgressLine, what: string): (share: number) => void {
  return (share) => {
    const full = Math.round(30 * share);
    progress.show(`${what} ${'█'.repeat(full)}${'░'.repeat(30 - full)} ${Math.round(100 * share)} %`);
  };
}

async function tune(io: Io, input: string, output: string, options: Options): Promise<void> {
  const { budget, build, json } = options;
  const bytes = await readInput(input);
  if (!(await isForeign(bytes, input))) {
    const { looksLikeArtifact } = await import('../../artifact/read.ts');
    if (!looksLikeArtifact(bytes)) {
      throw new FiligreeError('invalid-model', `${input}: not an ONNX or TFLite model (${bytes.length} bytes)`);
    }
    throw new FiligreeError('invalid-argument', `${input}: already compiled; tune the model it was compiled from`);
  }
  const labels = options.labels === undefined ? undefined : await readLabels(options.labels);
  const progress = new ProgressLine(io);
  const graph = await importBytes(bytes, input, progress, options);
  const { tuneGraph } = await import('../../compile.ts');
  try {
    const program = await tuneGraph(graph, {
      seconds: budget,
      build: build as WasmBuild | undefined,
      device: device(),
      head: options.head,
      labels,
      linearWeights: options.linearWeights,
      weights: options.weights,
      onProgress: showShare(progress, `tuning ${input}`),
    });
    program.name = basename(input, extname(input));
    const { writeArtifact } = await import('../../artifact/write.ts');
    const artifact = writeArtifact(program);
    await writeOutput(output, artifact);
    progress.clear();
    const tuning = program.metadata.tuning as Tuning;
    if (json) return writeJson(io, { input, output, outputBytes: artifact.length, ...tuning });
    io.stdout.write(`${input} → ${output} (${formatBytes(artifact.length)})\n\n${asTable(tuning)}`);
  } finally {
    progress.clear();
  }
}

function asTable({ layers, rounds, build, engine }: Tuning): string {
  const changed = layers.filter(({ kernel, predicted }) => kernel !== predicted);
  const sum = (of: (layer: Tuning['layers'][number]) => string) =>
    layers.reduce((ms, layer) => ms + layer.ms[of(layer)], 0);
  const rows = changed.map((layer) => {
    const { name, kernel, predicted, ms } = layer;
    return [name, predicted, ms[predicted].toFixed(4), kernel, ms[kernel].toFixed(4)];
  });
  const [before, after] = [sum(({ predicted }) => predicted), sum(({ kernel }) => kernel)];
  return (
    (rows.length > 0 ? `${formatTable(['layer', 'by the cost model', 'ms', 'tuned', 'ms'], rows)}\n` : '') +
    `${changed.length} of ${layers.length} layers changed: ${formatMs(before)} → ${formatMs(after)} in layers with weights ` +
    `(least of ${rounds} runs, ${build} build, ${engine})\n`
  );
}

async function measureCosts(io: Io, output: string, { budget, build, json }: Options): Promise<void> {
  const progress = new ProgressLine(io);
  const { measureCostModel } = await import('../../compile.ts');
  try {
    const model = await measureCostModel({
      seconds: budget,
      build,
      device: device(),
      onProgress: showShare(progress, 'measuring kernels'),
    });
    await writeOutput(output, new TextEncoder().encode(`${formatCostModel(model)}\n`));
    progress.clear();
    if (json) writeJson(io, { output, ...model });
    else io.stdout.write(`${output}: ${model.note}; peak ${model.peak} GFLOP/s\n`);
  } finally {
    progress.clear();
  }
}

/** Formats a cost model with one kernel per line. */
function formatCostModel(model: { costs: object }): string {
  const costs = Object.entries(model.costs).map(([name, counts]) => {
    const own = Object.entries(counts as object).map(([count, cost]) => `${JSON.stringify(count)}: ${cost}`);
    return `    ${JSON.stringify(name)}: ${own.length > 0 ? `{ ${own.join(', ')} }` : '{}'}`;
  });
  const text = JSON.stringify({ ...model, costs: 0 }, null, 2);
  return text.replace('"costs": 0', `"costs": {\n${costs.join(',\n')}\n  }`);
}
