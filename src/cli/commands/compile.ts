import { join } from 'node:path';
import { Command, Option } from 'commander';
import { FiligreeError } from '../../errors.ts';
import { readInput } from '../../files/read.ts';
import { makeDirectory, writeOutput } from '../../files/write.ts';
import { ProgressLine, writeJson, type Io } from '../io.ts';
import { compileBytes, importBytes, isForeign, withModelOptions, type ModelOptions } from '../models.ts';
import { headNames, type HeadName } from '../../vision/presets.ts';
import type { CompileOptions } from '../../compile.ts';
import type { ClassifierPreprocessing } from '../../vision/classifier-metadata.ts';
import { labelsFlags, labelsHelp, preprocessHelp, preprocessing, readLabels } from '../preprocess.ts';
import { reportLayers, reportProgram } from '../layer-report.ts';
import type { Program } from '../../program/program.ts';
import { readSource } from '../../runtime/source.ts';
import { wasmOf } from '../../wasm-files.ts';
import { formatBytes, formatCount, formatMs, formatPercent } from '../table.ts';

interface Options extends ModelOptions {
  output: string;
  head?: HeadName;
  labels?: string;
  costModel?: string;
  dense?: boolean;
  int8?: boolean;
  calibrate?: string;
  preprocess?: ClassifierPreprocessing;
  trim?: string;
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
    .option('--dense', 'multiply zeros as well, to see what skipping them is worth')
    .option('--int8', 'do pointwise convolutions in eight bits where that is predicted to be faster')
    .option('--calibrate <directory>', 'photos that show what --int8 has to represent; none that you evaluate with')
    .option('--preprocess <how>', `${preprocessHelp}; for --calibrate with classifiers`, preprocessing)
    .option('--trim <folder>', 'write the wasm builds there, cut down to the kernels that this model needs')
    .option('--json', 'print JSON');
  return withModelOptions(command).action(async (input: string, options: Options) => {
    if ((options.int8 ?? false) !== (options.calibrate !== undefined)) {
      command.error('error: --int8 and --calibrate go together');
    }
    await compile(io, input, options);
  });
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
  const { parseCostModel } = await import('../../compile.ts');
  const file = options.costModel;
  const costModel =
    file === undefined ? undefined : parseCostModel(new TextDecoder().decode(await readInput(file)), file);
  const start = performance.now();
  const progress = new ProgressLine(io);
  let int8: CompileOptions['int8'];
  if (options.calibrate !== undefined) {
    const { calibrate } = await import('../../evaluate/calibrate.ts');
    const floats = await compileBytes(bytes, input, progress, { ...options, labels, costModel, int8 });
    const graph = await importBytes(bytes, input, progress, options);
    int8 = { ranges: await calibrate(input, floats, graph, options.calibrate, progress, options) };
  }
  const program = await compileBytes(bytes, input, progress, { ...options, labels, int8, costModel });
  const { writeArtifact } = await import('../../artifact/write.ts');
  const artifact = writeArtifact(program);
  const ms = performance.now() - start;
  const trimmed = options.trim === undefined ? [] : await trimBuilds(program, options.trim);
  if (options.trim !== undefined) await makeDirectory(options.trim);
  await writeOutput(output, artifact);
  for (const { file, wasm } of trimmed) await writeOutput(file, wasm);
  const report = reportProgram(program, reportLayers(program));
  if (json) {
    writeJson(io, {
      input,
      output,
      inputBytes: bytes.length,
      outputBytes: artifact.length,
      ms,
      trimmed: trimmed.map(({ file, bytes, fullBytes }) => ({ file, bytes, fullBytes })),
      ...report,
    });
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
      ...trimmed.map(
        ({ file, bytes, fullBytes }) => `wasm         ${file}: ${formatBytes(bytes)} of ${formatBytes(fullBytes)}`,
      ),
      ...report.notes.map((note) => `note         ${note}`),
      '',
    ].join('\n'),
  );
}

/** The builds that a program can run in, each with its kernels only. */
async function trimBuilds(program: Program, folder: string) {
  const { trimWasm } = await import('../../compile/trim.ts');
  const trimmed: { file: string; wasm: Uint8Array; bytes: number; fullBytes: number }[] = [];
  for (const build of ['simd', 'relaxed'] as const) {
    const full = await readSource(wasmOf(build));
    const wasm = await trimWasm(full, [program]);
    const file = join(folder, `filigree-${build}.wasm`);
    trimmed.push({ file, wasm, bytes: wasm.length, fullBytes: full.length });
  }
  return trimmed;
}
