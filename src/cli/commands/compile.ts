import { join } from 'node:path';
import { Command, Option } from 'commander';
import { FiligreeError } from '../../errors.ts';
import { readInput } from '../../files/read.ts';
import { makeDirectory, writeOutput } from '../../files/write.ts';
import { ProgressLine, writeJson, type Io } from '../io.ts';
import { formatExplanation } from '../compile/explain.ts';
import { PassTexts } from '../compile/pass-texts.ts';
import { compileImported, importBytes, isForeign, withModelOptions } from '../models.ts';
import type { ForeignOptions, ModelOptions } from '../models.ts';
import { seconds } from '../options.ts';
import { engineNames, type EngineName } from '../../lower/engine-names.ts';
import { headNames, type HeadName } from '../../vision/head-names.ts';
import type { CompileOptions } from '../../compile.ts';
import type { Explanation } from '../../compile/tuning/explain.ts';
import type { ClassifierPreprocessing } from '../../vision/classifier-metadata.ts';
import { labelsFlags, labelsHelp, preprocessHelp, preprocessing, readLabels } from '../preprocess.ts';
import { reportLayers, reportProgram } from '../layer-report.ts';
import type { Graph } from '../../graph/graph.ts';
import type { Program } from '../../program/program.ts';
import { readSource } from '../../runtime/source.ts';
import { wasmOf } from '#wasm';
import { formatBytes, formatCount, formatMs, formatPercent } from '../table.ts';

interface Options extends ModelOptions {
  output?: string;
  head?: HeadName;
  labels?: string;
  engine?: EngineName | 'this';
  costModel?: string;
  dense?: boolean;
  int8?: boolean;
  calibrate?: string;
  integers?: boolean;
  preprocess?: ClassifierPreprocessing;
  trim?: string;
  dumpPasses?: string;
  explain?: string;
  budget?: number;
  json?: boolean;
}

export function compileCommand(io: Io): Command {
  const command = new Command('compile')
    .description('Compile an ONNX or TFLite model to a .filigree file.')
    .argument('<input>', 'an ONNX or TFLite model')
    .option('-o, --output <file>', 'where to write the compiled model; optional when only looking inside')
    .addOption(new Option('--head <name>', 'the detection head, where the model does not name it').choices(headNames))
    .option(labelsFlags, labelsHelp)
    .addOption(
      new Option(
        '--engine <name>',
        'the engine that will run it: that of Node 24 and Chromium (v8), of Node 20 (v8-11), of Safari, or this one',
      )
        .choices([...engineNames, 'this'])
        .default('v8'),
    )
    .option('--cost-model <file>', 'what kernels cost, as "filigree tune --cost-model" measures it on a device')
    .option('--dense', 'multiply zeros too, to measure what skipping them gains')
    .option('--int8', 'compute in eight bits, but for layers that would harm')
    .option('--calibrate <directory>', 'photos from which --int8 learns ranges; not the ones you evaluate with')
    .option('--integers', 'keep the integers of a quantised file (experimental)')
    .option('--preprocess <how>', `${preprocessHelp}; for --calibrate with classifiers`, preprocessing)
    .option('--trim <folder>', 'write the wasm builds there, cut down to the kernels that this model needs')
    .option('--dump-passes <folder>', 'write the graph there as text, as imported and after each pass that changed it')
    .option(
      '--explain <layer>',
      'show all candidate kernels of a layer, with predicted and measured times, and the choice',
    )
    .option('--budget <seconds>', 'how long --explain measures (default: 2)', seconds)
    .option('--json', 'print JSON');
  return withModelOptions(command).action(async (input: string, options: Options) => {
    if ((options.int8 ?? false) !== (options.calibrate !== undefined)) {
      command.error('error: --int8 and --calibrate go together');
    }
    const { output, dumpPasses, explain, trim } = options;
    if (output === undefined && (trim !== undefined || (dumpPasses === undefined && explain === undefined))) {
      command.error("error: required option '-o, --output <file>' not specified");
    }
    await compile(io, input, options);
  });
}

async function compile(io: Io, input: string, options: Options): Promise<void> {
  const { output, json } = options;
  const bytes = await readInput(input);
  if (!(await isForeign(bytes, input))) {
    const { looksLikeArtifact } = await import('../../artifact/read.ts');
    if (looksLikeArtifact(bytes)) throw new FiligreeError('invalid-argument', `${input}: already compiled`);
    throw new FiligreeError('invalid-model', `${input}: not an ONNX or TFLite model (${bytes.length} bytes)`);
  }
  const labels = options.labels === undefined ? undefined : await readLabels(options.labels);
  const { parseCostModel } = await import('../../compile.ts');
  const file = options.costModel;
  const costModel =
    file === undefined ? undefined : parseCostModel(new TextDecoder().decode(await readInput(file)), file);
  const start = performance.now();
  const progress = new ProgressLine(io);
  const graph = await importBytes(bytes, input, progress, options);
  let int8: CompileOptions['int8'];
  if (options.calibrate !== undefined) {
    const { calibrate } = await import('../../evaluate/calibrate.ts');
    const { cloneGraph } = await import('../../graph/clone.ts');
    const floats = await compileImported(cloneGraph(graph), input, progress, { ...options, labels, costModel, int8 });
    int8 = await calibrate(floats, graph, options.calibrate, progress, options);
  }
  const foreign = { ...options, labels, int8, costModel };
  const passes = options.dumpPasses === undefined ? undefined : new PassTexts(graph);
  const program = await compileImported(graph, input, progress, foreign, (pass, now) => passes?.add(pass, now));
  const passFiles = await passes?.write(options.dumpPasses!);
  const written = output === undefined ? undefined : await write(program, output, options.trim);
  const ms = performance.now() - start;
  const explanation =
    options.explain === undefined
      ? undefined
      : await explain(graph, options.explain, options.budget, progress, foreign);
  const report = reportProgram(program, reportLayers(program));
  if (json) {
    writeJson(io, {
      input,
      output,
      inputBytes: bytes.length,
      outputBytes: written?.bytes,
      ms,
      trimmed: written?.trimmed ?? [],
      ...report,
      passes: passFiles,
      explanation,
    });
    return;
  }
  const { activationBytes, activationBytesUnshared, macs, effectiveMacs } = report;
  const skipped = macs > 0 ? `, ${formatPercent(1 - effectiveMacs / macs)} of ${formatCount(macs)} skipped` : '';
  const became = written ? ` → ${output} (${formatBytes(written.bytes)})` : '';
  io.stdout.write(
    [
      `${input} (${formatBytes(bytes.length)})${became} in ${formatMs(ms)}`,
      `layers       ${report.layers}: ${report.sparseLayers} on sparse kernels, ${report.denseLayers} on dense ones, the rest without weights`,
      `MACs         ${formatCount(effectiveMacs)}${skipped}`,
      `activations  ${formatBytes(activationBytes)} planned, ${formatBytes(activationBytesUnshared)} without sharing`,
      ...(written?.trimmed ?? []).map(
        ({ file, bytes, fullBytes }) => `wasm         ${file}: ${formatBytes(bytes)} of ${formatBytes(fullBytes)}`,
      ),
      ...(passFiles ? [`passes       ${passFiles.length} graph texts in ${options.dumpPasses}`] : []),
      ...report.notes.map((note) => `note         ${note}`),
      '',
    ].join('\n'),
  );
  if (explanation) io.stdout.write(`\n${formatExplanation(explanation)}`);
}

/** Writes the artifact and, into a folder, the builds cut down for it. */
async function write(program: Program, output: string, folder: string | undefined) {
  const { writeArtifact } = await import('../../artifact/write.ts');
  const artifact = writeArtifact(program);
  const builds = folder === undefined ? [] : await trimBuilds(program, folder);
  if (folder !== undefined) await makeDirectory(folder);
  await writeOutput(output, artifact);
  for (const { file, wasm } of builds) await writeOutput(file, wasm);
  const trimmed = builds.map(({ file, wasm, fullBytes }) => ({ file, bytes: wasm.length, fullBytes }));
  return { bytes: artifact.length, trimmed };
}

/** Measures the candidates of one layer. */
async function explain(
  graph: Graph,
  layer: string,
  budget: number | undefined,
  progress: ProgressLine,
  options: ForeignOptions,
): Promise<Explanation> {
  const { compileGraph } = await import('../../compile.ts');
  const { explainLayer } = await import('../../compile/tuning/explain.ts');
  progress.show(`measuring ${layer}`);
  try {
    return await explainLayer((plan) => compileGraph(graph, options, plan), layer, { seconds: budget ?? 2 });
  } finally {
    progress.clear();
  }
}

/** The builds that a program can run in, each cut down to its kernels. */
async function trimBuilds(program: Program, folder: string) {
  const { trimWasm } = await import('../../compile/trim.ts');
  const trimmed: { file: string; wasm: Uint8Array; fullBytes: number }[] = [];
  for (const build of ['simd', 'relaxed'] as const) {
    const full = await readSource(wasmOf(build));
    const wasm = await trimWasm(full, [program]);
    const file = join(folder, `filigree-${build}.wasm`);
    trimmed.push({ file, wasm, fullBytes: full.length });
  }
  return trimmed;
}
