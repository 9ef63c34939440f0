import { basename, extname } from 'node:path';
import { Command } from 'commander';
import { FiligreeError } from '../../errors.ts';
import type { Graph } from '../../graph/graph.ts';
import { readInput } from '../../files/read.ts';
import { writeOutput } from '../../files/write.ts';
import { ProgressLine, writeJson, type Io } from '../io.ts';
import { importBytes, isForeign, withModelOptions, type ModelOptions } from '../models.ts';
import { formatBytes } from '../table.ts';

interface Options extends ModelOptions {
  output: string;
  masks?: string;
  json?: boolean;
}

export function soupCommand(io: Io): Command {
  const command = new Command('soup')
    .description(
      'Average networks that share one mask: fine-tuned versions of one pruned network (Sparse Model Soups).',
    )
    .argument('<inputs...>', 'ONNX or TFLite models, two or more')
    .requiredOption('-o, --output <file>', 'where to write the average: compiled, or as .onnx')
    .option('--masks <file>', 'the masks that all of them must have, from "filigree prune --masks-out"')
    .option('--json', 'print JSON');
  return withModelOptions(command).action((inputs: string[], options: Options) => cook(io, inputs, options));
}

async function cook(io: Io, inputs: readonly string[], options: Options): Promise<void> {
  const { output, json } = options;
  const { prepared, readMasks, soup } = await import('../../prune.ts');
  const progress = new ProgressLine(io);
  const graphs: Graph[] = [];
  for (const path of inputs) {
    const bytes = await readInput(path);
    if (!(await isForeign(bytes, path))) {
      throw new FiligreeError('invalid-argument', `${path}: wanted an ONNX or TFLite model (${bytes.length} bytes)`);
    }
    const graph = await importBytes(bytes, path, progress, options);
    graph.name = path; // the name in messages
    graphs.push(graph);
  }
  const masks =
    options.masks === undefined
      ? undefined
      : readMasks(await readInput(options.masks), options.masks, prepared(graphs[0]));
  const average = soup(graphs, masks);
  average.name = basename(output, extname(output));
  const { compileGraph, exportOnnx } = await import('../../compile.ts');
  const { writeArtifact } = await import('../../artifact/write.ts');
  const bytes = /\.onnx$/i.test(output)
    ? exportOnnx(average)
    : writeArtifact(compileGraph(average, { linearWeights: options.linearWeights }));
  await writeOutput(output, bytes);
  if (json) writeJson(io, { inputs, output, outputBytes: bytes.length });
  else io.stdout.write(`${inputs.join(' + ')} → ${output} (${formatBytes(bytes.length)})\n`);
}
