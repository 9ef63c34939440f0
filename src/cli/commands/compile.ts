import { Command } from 'commander';
import { FiligreeError } from '../../errors.ts';
import { readInput, writeOutput } from '../files.ts';
import { Progress, writeJson, type Io } from '../io.ts';
import { compileBytes, isForeign } from '../models.ts';
import { reportLayers, reportProgram } from '../report.ts';
import { formatBytes, formatCount, formatMs, formatPercent } from '../table.ts';

export function compileCommand(io: Io): Command {
  return new Command('compile')
    .description('Compile a TFLite model to a .filigree file.')
    .argument('<input>', 'a TFLite model')
    .requiredOption('-o, --output <file>', 'where to write the compiled model')
    .option('--json', 'print JSON')
    .action((input: string, options: { output: string; json?: boolean }) => compile(io, input, options));
}

async function compile(io: Io, input: string, { output, json }: { output: string; json?: boolean }): Promise<void> {
  const bytes = await readInput(input);
  if (!isForeign(bytes)) {
    throw new FiligreeError('invalid-model', `${input}: not a TFLite model (${bytes.length} bytes)`);
  }
  const start = performance.now();
  const program = await compileBytes(bytes, input, new Progress(io));
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
