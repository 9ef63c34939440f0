// Opens model files for commands: compiled ones, and foreign ones, which are compiled in memory.
import { readFileSync } from 'node:fs';
import { basename, dirname, extname, isAbsolute, relative, resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { FiligreeError } from '../errors.ts';
import type { CompileOptions, LinearWeights, WeightType } from '../compile.ts';
import type { Graph } from '../graph/graph.ts';
import type { Program } from '../program/program.ts';
import type { WasmBuild } from '../runtime/probe.ts';
import type { Model } from '../runtime/model.ts';
import { readInput } from '../files/read.ts';
import type { ProgressLine } from './io.ts';
import { namedShape, namedSize, threadCount } from './options.ts';

/** Options for the model that a command opens. */
export interface ModelOptions {
  build?: WasmBuild;
  threads?: number | 'auto';
  /** Values for named dimensions, and whole input shapes, that an ONNX file leaves open. */
  dimension?: Record<string, number>;
  inputShape?: Record<string, number[]>;
  /** Integer type that the weights of a foreign model's linear layers are rounded to. */
  linearWeights?: LinearWeights;
  /** Type that a foreign model's weights are saved as. */
  weights?: WeightType;
}

/** Adds the options of every command that takes a model. */
export function withModelOptions(command: Command): Command {
  return command
    .option('--dimension <name=size>', 'fix a dimension that an ONNX model leaves open; may be repeated', namedSize)
    .option('--input-shape <name=1,3,640,640>', "fix an ONNX model's input shape; may be repeated", namedShape)
    .addOption(
      new Option(
        '--linear-weights <type>',
        'round the weights of linear layers: int8 with a scale per row, int4 with one per 16 inputs',
      ).choices(['int8', 'int4']),
    )
    .addOption(
      new Option(
        '--weights <type>',
        'save weights small: f16, int8 with a scale per row, int4 with one per 16 (default: f32)',
      ).choices(['f32', 'f16', 'int8', 'int4']),
    );
}

/** Adds the options of every command that runs a model. */
export function withRunOptions(command: Command): Command {
  const help = "threads that run the model: a number, or 'auto' (default: 1)";
  return withModelOptions(command).option('--threads <count>', help, threadCount);
}

/** Loads a .filigree file, or compiles a foreign one in memory. */
export async function openModel(path: string, progress: ProgressLine, options: ModelOptions = {}): Promise<Model> {
  return loadArtifact(await readArtifactBytes(path, await readInput(path), progress, options), path, options);
}

/** The bytes of a .filigree file themselves, or those of a foreign model, compiled. */
export async function readArtifactBytes(
  path: string,
  bytes: Uint8Array,
  progress: ProgressLine,
  { dimension, inputShape, linearWeights, weights }: ModelOptions = {},
): Promise<Uint8Array> {
  if (!(await isForeign(bytes, path))) return bytes;
  const program = await compileBytes(bytes, path, progress, { dimension, inputShape, linearWeights, weights });
  const { writeArtifact } = await import('../artifact/write.ts');
  return writeArtifact(program);
}

/** Loads a .filigree file's bytes. `path` names it in errors. */
export async function loadArtifact(
  bytes: Uint8Array,
  path: string,
  { build, threads }: ModelOptions = {},
): Promise<Model> {
  const { loadModel } = await import('../runtime/load.ts');
  return named(path, () => loadModel(bytes, { build, threads }));
}

/** The program of a .filigree file, or of a foreign model, compiled. */
export async function readProgram(
  path: string,
  progress: ProgressLine,
  { dimension, inputShape, linearWeights, weights }: ModelOptions = {},
): Promise<{ program: Program; bytes: number }> {
  const bytes = await readInput(path);
  if (await isForeign(bytes, path)) {
    const program = await compileBytes(bytes, path, progress, { dimension, inputShape, linearWeights, weights });
    return { program, bytes: bytes.length };
  }
  const { looksLikeArtifact, readArtifact } = await import('../artifact/read.ts');
  if (!looksLikeArtifact(bytes)) {
    throw new FiligreeError(
      'invalid-model',
      `${path}: not a model: neither .filigree, ONNX nor TFLite (${bytes.length} bytes)`,
    );
  }
  return { program: readArtifact(bytes, path), bytes: bytes.length };
}

/** Options that commands pass to the compiler. */
export type ForeignOptions = ModelOptions &
  Pick<CompileOptions, 'head' | 'labels' | 'engine' | 'costModel' | 'int8' | 'dense'>;

/** Compiles a foreign model. */
export async function compileBytes(
  bytes: Uint8Array,
  path: string,
  progress: ProgressLine,
  options: ForeignOptions = {},
): Promise<Program> {
  return compileImported(await importBytes(bytes, path, progress, options), path, progress, options);
}

/** Compiles a foreign model's graph. @param onPass called with the graph after each pass that changed it */
export async function compileImported(
  graph: Graph,
  path: string,
  progress: ProgressLine,
  { head, labels, engine, costModel, int8, linearWeights, weights, dense }: ForeignOptions,
  onPass?: (pass: string, graph: Graph) => void,
): Promise<Program> {
  progress.show(`compiling ${path}`);
  try {
    const { compileGraph } = await import('../compile.ts');
    const options = { head, labels, engine, costModel, int8, linearWeights, weights, dense };
    const program = compileGraph(graph, options, { onPass }); // errors name the file
    program.name = basename(path, extname(path));
    return program;
  } finally {
    progress.clear();
  }
}

/** Imports a foreign model's graph. */
export async function importBytes(
  bytes: Uint8Array,
  path: string,
  progress: ProgressLine,
  { dimension, inputShape }: ModelOptions,
): Promise<Graph> {
  progress.show(`reading ${path}`);
  try {
    const { importModel } = await import('../compile.ts');
    const externalData = (file: string) => readBeside(path, file);
    return importModel(bytes, path, { dimensions: dimension, inputShapes: inputShape, externalData });
  } finally {
    progress.clear();
  }
}

/** Reads a file of external weights, which must lie in the model's directory or below. */
function readBeside(model: string, file: string): Uint8Array | undefined {
  const folder = dirname(resolve(model));
  const path = resolve(folder, file);
  const inside = relative(folder, path);
  if (inside.startsWith('..') || isAbsolute(inside)) {
    throw new FiligreeError('invalid-model', `${model}: keeps weights in "${file}", which is not beside it`);
  }
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new FiligreeError('not-found', `${model}: weights in ${path}: ${(error as Error).message}`, { cause: error });
  }
}

/** Whether a file needs compiling: by its first bytes or, as ONNX files have no signature, by its name. */
export async function isForeign(bytes: Uint8Array, path: string): Promise<boolean> {
  if (String.fromCharCode(...bytes.subarray(4, 8)) === 'TFL3') return true;
  const { looksLikeArtifact } = await import('../artifact/read.ts');
  if (looksLikeArtifact(bytes)) return false;
  if (/\.onnx$/i.test(path)) return true;
  const { looksLikeOnnx } = await import('../import/onnx/recognise.ts');
  return looksLikeOnnx(bytes);
}

/** Names the file in errors about bytes. */
async function named<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof FiligreeError && error.message.startsWith('model: ')) {
      throw new FiligreeError(error.code, path + error.message.slice('model'.length), { cause: error });
    }
    throw error;
  }
}
