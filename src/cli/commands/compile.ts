import { Command, Option } from 'commander';
import { FiligreeError } from '../../errors.ts';
import { readInput, writeOutput } from '../files.ts';
import { Progress, writeJson, type Io } from '../io.ts';
import { compileBytes, isForeign, withModelOptions, type ModelOptions } from '../models.ts';
import { headNames, type HeadName } from '../../vision/presets.ts';
import { labelsFlags, labelsHelp, readLabels } from '../preprocess.ts';
import { reportLayers, reportProgram } from '../report.ts';
import { formatBytes, formatCount, formatMs, formatPercent } from '../table.ts';

interface Options extends ModelOptions {
  output: string;
  head?: HeadName;
  labels?: string;
  costModel?: string;
  json?: boolean;
}

export function compileCommand(io: Io): Command {
  const command = new Command('compile')
    .description('Compile an ONNX or TFLite model to a .filigree file.')
    .argument('<input>', 'an ONNX or TFLite model')
    .requiredOption('-o, --output <file>', 'where to write the compiled model')
    .addOption(
      new Option('--head <name>', "what a detector's outputs mean, where the model does not say").choices(headNames),
    )
    .option(labelsFlags, labelsHelp)
    .option('--cost-model <file>', 'what kernels cost, as "filigree tune --cost-model" measures it on a device')
    .option('--json', 'print JSON');
  return withModelOptions(command).action((input: string, options: Options) => compile(io, input, options));
}

async function compile(io: Io, input: string, options: Options): Promise<void> {
  const { output, json } = options;
  const bytes = await readInput(input);
  if (!(await isForeign(bytes, input))) {
    const { looksLikeArtifact } = await import('../../artifact/read.ts');
    if (looksLikeArtifact(bytes)) throw new FiligreeError('invalid-argument', `${input}: is compiled already`);
    throw new FiligreeError('invalid-model', `${input}: not an ONNX or TFLite model (${bytes.length} bytes)`);
  }
  const labels = options.labels === undefined ? undefined : await readLabels(options.labels);
  const { parseCostModel } = await import('../../compile/index.ts');
  const file = options.costModel;
  const costModel =
    file === undefined ? undefined : parseCostModel(new TextDecoder().decode(await readInput(file)), file);
  const start = performance.now();
  const program = await compileBytes(bytes, input, new Progress(io), { ...options, labels, costModel });
  const { writeArtifact } = await import('../../artifact/write.ts');
  const artifact = writeArtifact(program);
  const ms = performance.now() - start;
  await writeOutput(output, artifact);
  const report = reportProgram(program, reportLayers(program));
  if (json) {
    writeJson(io, { input, output, inputBytes: bytes.length, outputBytes: artifact.length, ms, ...report });
    return;
  }
  const { activationBytes, activationBytesUnshared, macs, effectiveMacs } = report;
  const skipped = macs > 0 ? `, ${formatPercent(1 - effectiveMacs / macs)} of ${formatCount(macs)} skipped` : '';
  io.stdout.write(
    [
      `${input} (${formatBytes(bytes.length)}) → ${output} (${formatBytes(artifact.length)}) in ${formatMs(ms)}`,
      `layers       ${report.layers}: ${report.sparseLayers} sparse, ${report.denseLayers} dense, the rest without weights`,
      `MACs         ${formatCount(effectiveMacs)}${skipped}`,
      `activations  ${formatBytes(activationBytes)} planned, ${formatBytes(activationBytesUnshared)} without sharing`,
      ...report.notes.map((note) => `note         ${note}`),
      '',
    ].join('\n'),
  );
}
