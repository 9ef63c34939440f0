import { join } from 'node:path';
import { Command } from 'commander';
import { FiligreeError } from '../../errors.ts';
import type { TensorInfo } from '../../runtime/model.ts';
import type { Tensor } from '../../tensor.ts';
import { readInput } from '../../files/read.ts';
import { makeDirectory, writeOutput } from '../../files/write.ts';
import { ProgressLine, writeJson, type Io } from '../io.ts';
import { openModel, withRunOptions, type ModelOptions } from '../models.ts';
import { readNpy, writeNpy } from '../../formats/npy.ts';
import { collect } from '../options.ts';
import { formatMs, formatTable } from '../table.ts';

interface Options extends ModelOptions {
  input?: string[];
  outputDir?: string;
  json?: boolean;
}

export function runCommand(io: Io): Command {
  const command = new Command('run')
    .description('Run a model on tensors from .npy files.')
    .argument('<model>', 'a model: .filigree, ONNX or TFLite')
    .option('-i, --input <name=file.npy>', 'a tensor for an input; the name is optional for a single input', collect)
    .option('-o, --output-dir <directory>', 'write each output to NAME.npy in this directory')
    .option('--json', 'print JSON');
  return withRunOptions(command).action((model: string, options: Options) => run(io, model, options));
}

async function run(io: Io, path: string, options: Options): Promise<void> {
  const model = await openModel(path, new ProgressLine(io), options);
  try {
    const inputs: Record<string, Tensor> = {};
    for (const given of options.input ?? []) {
      const { name, file } = splitInput(given, model.inputs, path);
      if (Object.hasOwn(inputs, name)) {
        throw new FiligreeError('invalid-argument', `--input ${given}: input "${name}" is given twice`);
      }
      inputs[name] = readNpy(await readInput(file), file);
    }
    const start = performance.now();
    const outputs = await model.run(inputs);
    const ms = performance.now() - start;
    const files = options.outputDir === undefined ? [] : await save(outputs, options.outputDir);
    const described = Object.entries(outputs).map(([name, tensor], i) => ({
      name,
      dtype: tensor.dtype,
      shape: tensor.shape,
      ...summary(tensor),
      ...(files[i] !== undefined && { file: files[i] }),
    }));
    if (options.json) {
      writeJson(io, { model: path, ms, outputs: described });
      return;
    }
    const rows = described.map(({ name, dtype, shape, least, mean, most, file }) => [
      name,
      `${dtype} [${shape.join(', ')}]`,
      ...[least, mean, most].map((value) => value?.toPrecision(6) ?? '–'),
      ...(files.length > 0 ? [file!] : []),
    ]);
    const header = ['output', 'tensor', 'least', 'mean', 'most', ...(files.length > 0 ? ['file'] : [])];
    io.stdout.write(`${formatTable(header, rows)}${formatMs(ms)}\n`);
    for (const { name, shape, nan, infinite } of described) {
      if (nan + infinite === 0) continue;
      const counts = [nan > 0 && `${nan} NaN`, infinite > 0 && `${infinite} infinite`].filter(Boolean).join(' and ');
      const all = shape.reduce((product, size) => product * size, 1);
      io.stderr.write(`filigree: output "${name}" has ${counts} among ${all} values; the table covers the others\n`);
    }
  } finally {
    model.dispose();
  }
}

/** Splits `name=file`, or a file alone. Names may contain `=`: the longest that is an input's wins. */
function splitInput(given: string, inputs: readonly TensorInfo[], model: string): { name: string; file: string } {
  let best: TensorInfo | undefined;
  for (const input of inputs) {
    if (given.startsWith(`${input.name}=`) && input.name.length >= (best?.name.length ?? 0)) best = input;
  }
  if (best) return { name: best.name, file: given.slice(best.name.length + 1) };
  if (inputs.length === 1 && !given.includes('=')) return { name: inputs[0].name, file: given };
  const names = inputs.map(({ name }) => `"${name}"`).join(', ');
  throw new FiligreeError(
    'invalid-argument',
    `--input ${given}: wanted NAME=FILE.npy with one of the inputs of ${model}: ${names}`,
  );
}

/** Writes one file per output, named after it; characters that do not belong in file names become `_`. */
async function save(outputs: Record<string, Tensor>, directory: string): Promise<string[]> {
  await makeDirectory(directory);
  const taken = new Set<string>();
  const files: string[] = [];
  for (const [name, tensor] of Object.entries(outputs)) {
    const stem = name.replaceAll(/[^\w.-]+/g, '_').replace(/^\.*$/, '_');
    let unique = stem;
    for (let i = 2; taken.has(unique); i++) unique = `${stem}_${i}`;
    taken.add(unique);
    files.push(join(directory, `${unique}.npy`));
    await writeOutput(files.at(-1)!, writeNpy(tensor));
  }
  return files;
}

interface Summary {
  /** Least finite value; null when there is none. */
  least: number | null;
  mean: number | null;
  most: number | null;
  /** Number of NaN values; JSON has no NaN. */
  nan: number;
  infinite: number;
}

function summary({ data }: Tensor): Summary {
  let least = Infinity;
  let most = -Infinity;
  let sum = 0;
  let nan = 0;
  let infinite = 0;
  for (const element of data) {
    const value = Number(element);
    if (Number.isNaN(value)) nan++;
    else if (!Number.isFinite(value)) infinite++;
    else {
      least = Math.min(least, value);
      most = Math.max(most, value);
      sum += value;
    }
  }
  const finite = data.length - nan - infinite;
  if (finite === 0) return { least: null, mean: null, most: null, nan, infinite };
  return { least, mean: sum / finite, most, nan, infinite };
}
