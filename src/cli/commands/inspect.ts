import { Command, InvalidArgumentError } from 'commander';
import { writeOutput } from '../../files/write.ts';
import type { Endpoint, Program } from '../../program/program.ts';
import { ProgressLine, writeJson, type Io } from '../io.ts';
import { readProgram, withModelOptions, type ModelOptions } from '../models.ts';
import { kernelList, reportLayers, reportProgram } from '../layer-report.ts';
import type { LayerReport, ProgramReport } from '../layer-report.ts';
import type { SavedParts } from '../saved.ts';
import { formatBytes, formatCount, formatMs, formatPercent, formatTable } from '../table.ts';

interface Options extends ModelOptions {
  bytes?: boolean;
  steps?: boolean;
  graph?: string;
  json?: boolean;
}

export function inspectCommand(io: Io): Command {
  const command = new Command('inspect')
    .description('List the layers of a model: shapes, kernels, sparsity, work.')
    .argument('<model>', 'a model: .filigree, ONNX or TFLite')
    .option('--bytes', 'show the bytes of each layer in the file, by part')
    .option('--steps', 'show the kernel records as they lie in memory: addresses, and fields by name')
    .option('--graph <file>', 'draw the layers and the data flow between them: .dot (Graphviz) or .svg', drawing)
    .option('--json', 'print JSON');
  return withModelOptions(command).action((path: string, options: Options) => inspect(io, path, options));
}

/** The file name of a drawing. */
function drawing(file: string): string {
  if (/\.(dot|svg)$/i.test(file)) return file;
  throw new InvalidArgumentError('It must end in .dot or .svg.');
}

async function inspect(io: Io, path: string, options: Options): Promise<void> {
  const { json, graph } = options;
  const { program, bytes } = await readProgram(path, new ProgressLine(io), options);
  const layers = reportLayers(program);
  const report = reportProgram(program, layers);
  const { predictLayers } = await import('../../lower/cost.ts');
  const predictedMs = predictLayers(program);
  if (graph !== undefined) await draw(program, layers, predictedMs, graph);
  const steps = options.steps ? await import('../inspect/steps.ts') : undefined;
  const records = steps?.stepRecords(program);
  const { name, metadata } = program;
  const [inputs, outputs] = [program.inputs.map(describe), program.outputs.map(describe)];
  if (json) {
    writeJson(io, {
      file: path,
      bytes,
      name,
      inputs,
      outputs,
      metadata,
      ...report,
      layers: layers.map((layer, i) => ({ ...layer, predictedMs: predictedMs[i] })),
      ...(records && { steps: records }),
    });
    return;
  }
  if (graph !== undefined && !records && !options.bytes) {
    io.stdout.write(`${path} → ${graph}\n`);
    return;
  }
  if (steps && records) {
    io.stdout.write(steps.formatSteps(program, records));
    return;
  }
  const work = layers.map(({ name: layer, op, shape, kernels, sparsity, macs, effectiveMacs, bytes: weights }, i) => [
    layer,
    op,
    shape.join('×'),
    kernelList(kernels),
    sparsity === undefined ? '–' : formatPercent(sparsity),
    macs > 0 ? formatCount(macs) : '–',
    macs > 0 ? formatCount(effectiveMacs) : '–',
    weights > 0 ? formatBytes(weights) : '–',
    predictedMs[i].toFixed(3),
  ]);
  const tensors = (kind: string, list: ReturnType<typeof describe>[]) =>
    list.map((tensor) => `${kind}  ${tensor.name}  ${tensor.dtype} [${tensor.shape.join(', ')}]\n`).join('');
  io.stdout.write(
    `${path}  ${formatBytes(bytes)}\n` +
      tensors('input ', inputs) +
      tensors('output', outputs) +
      `\n${options.bytes ? bytesTable(layers) : formatTable(workColumns, work)}\n` +
      `${report.layers} layers: ${report.sparseLayers} on sparse kernels, ${report.denseLayers} on dense ones; ` +
      `${formatCount(report.effectiveMacs)} of ${formatCount(report.macs)} MACs; ` +
      `weights ${formatBytes(report.constantBytes)}, activations ${formatBytes(report.activationBytes)} ` +
      `(${formatBytes(report.activationBytesUnshared)} without sharing)\n` +
      `saved as ${byType(report)}: ${byPart(report.parts)}\n` +
      `predicted ${formatMs(predictedMs.reduce((sum, ms) => sum + ms, 0))} a run on the machine of the cost model\n` +
      report.notes.map((note) => `note: ${note}\n`).join(''),
  );
}

async function draw(program: Program, layers: LayerReport[], predictedMs: number[], file: string): Promise<void> {
  const { drawSvg, toDot } = await import('../inspect/dot.ts');
  const dot = toDot(program, layers, predictedMs);
  await writeOutput(file, new TextEncoder().encode(/\.svg$/i.test(file) ? await drawSvg(dot) : dot));
}

const workColumns = ['layer', 'op', 'shape', 'kernels', 'zeros', 'MACs', 'effective', 'bytes', 'ms'];

const partNames = ['values', 'scales', 'gaps', 'counts', 'bias', 'other'] as const;

/** A table of the layers that have bytes in the file. */
function bytesTable(layers: readonly LayerReport[]): string {
  const some = (bytes: number) => (bytes > 0 ? formatBytes(bytes) : '–');
  const rows = layers
    .filter(({ bytes }) => bytes > 0)
    .map(({ name, savedAs, sparsity, parts, bytes }) => [
      name,
      savedAs.join(', ') || '–',
      sparsity === undefined ? '–' : formatPercent(sparsity),
      ...partNames.map((part) => some(parts[part])),
      formatBytes(bytes),
    ]);
  return formatTable(['layer', 'saved as', 'zeros', ...partNames, 'bytes'], rows);
}

const byType = ({ bytesByType }: ProgramReport): string =>
  Object.entries(bytesByType)
    .map(([type, bytes]) => `${type} ${formatBytes(bytes)}`)
    .join(', ') || 'nothing';

const byPart = (parts: SavedParts): string =>
  partNames
    .filter((part) => parts[part] > 0)
    .map((part) => `${part} ${formatBytes(parts[part])}`)
    .join(', ') || 'nothing';

function describe({ name, dtype, shape }: Endpoint) {
  return { name, dtype, shape };
}
