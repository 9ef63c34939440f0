import { looksLikeArtifact, readArtifact } from '../artifact/read.ts';
import { FiligreeError } from '../errors.ts';
import { checkProgram } from '../program/check.ts';
import { expandProgram, layOut } from './expand.ts';
import type { WasmProvider } from './instantiate.ts';
import type { MemoryLayout } from './expand.ts';
import type { Instance } from './instantiate.ts';
import { chooseBuild, instantiate } from './instantiate.ts';
import type { Program } from '../program/program.ts';
import type { ThreadHost } from './threads/host.ts';
import { Model } from './model.ts';
import type { WasmBuild } from './probe.ts';
import type { ModelSource, SourceOptions } from './source.ts';
import { readSource, sourceName } from './source.ts';

export interface LoadOptions extends SourceOptions {
  /** The wasm build to run, for tests and measurements; the best that the host can run if not given. */
  build?: WasmBuild;
  /** Where the wasm comes from; the files beside this module if not given. */
  wasm?: WasmProvider;
  /**
   * Threads that run the model, 1 if not given; 'auto' takes as many as the machine runs at a time, 4 at most. The threads
   * are the model's own, sleep between runs, and end when it is disposed of: do that. Where a host has no threads the model
   * runs on one, and `info.notes` says why. Results are the same to the bit.
   */
  threads?: number | 'auto';
  /** @internal Where the threads run, or why nowhere. */
  threadHost?: ThreadHost | string;
}

/**
 * Loads a compiled model (`.filigree`).
 * @example
 * const model = await loadModel('face-detection.filigree');
 * const outputs = await model.run({ input: new Tensor('float32', [1, 192, 192, 3], pixels) });
 * @throws FiligreeError `not-found` without a file, `invalid-model` for a broken one, `unsupported` for one that has not
 * been compiled, `environment` without WebAssembly SIMD or memory.
 */
export async function loadModel(source: ModelSource, options: LoadOptions = {}): Promise<Model> {
  const name = sourceName(source);
  const build = chooseBuild(options.build, options.wasm);
  const bytes = await readSource(source, options);
  if (!looksLikeArtifact(bytes)) throw notCompiled(bytes, name);
  const program = readArtifact(bytes, name);
  checkProgram(program);
  const layout = layOut(program);
  const { threads = 1, signal } = options;
  if (threads !== 1) {
    const { formTeam } = await import('./threads/team.ts');
    const formed = await formTeam(program, layout, checkedThreads(threads), build, options.wasm, options.threadHost);
    if (typeof formed === 'object') {
      const { team, instance } = formed;
      try {
        signal?.throwIfAborted();
        expandProgram(program, formed.layout, instance);
        await team.ready((until) => tryOut(program, formed.layout, instance, until), signal);
      } catch (error) {
        team.dispose();
        throw error;
      }
      return new Model(program, formed.layout, instance, team);
    }
    if (formed) program.notes = [...program.notes, `runs on one thread: ${formed}`];
  }
  const instance = await instantiate(layout.bytes, build, options.wasm);
  signal?.throwIfAborted();
  expandProgram(program, layout, instance);
  return new Model(program, layout, instance);
}

/** Runs steps, the ones with the least to do first, again and again until it is time. */
function tryOut({ steps, layers }: Program, { records }: MemoryLayout, { exports }: Instance, until: number): void {
  const order = records
    .map((_, i) => i)
    .sort((a, b) => layers[steps[a].layer].effectiveMacs - layers[steps[b].layer].effectiveMacs);
  for (let i = 0; performance.now() < until; i = (i + 1) % order.length) exports.run(records[order[i]], 1);
}

function checkedThreads(threads: number | 'auto'): number | 'auto' {
  if (threads === 'auto' || (Number.isInteger(threads) && threads >= 1 && threads <= 64)) return threads;
  throw new FiligreeError('invalid-argument', `threads: wanted 1 to 64 or "auto", got ${String(threads)}`);
}

/**
 * A model as it is, or loaded from where it is.
 * @throws FiligreeError `disposed` for a model after dispose(), and as `loadModel`
 */
export async function modelOf(source: ModelSource | Model, options: LoadOptions): Promise<Model> {
  if (!(source instanceof Model)) return loadModel(source, options);
  if (source.disposed)
    throw new FiligreeError('disposed', `${source.name}: the model has been disposed; load it again`);
  return source;
}

function notCompiled(bytes: Uint8Array, name: string): FiligreeError {
  const isTflite = new TextDecoder('latin1').decode(bytes.subarray(4, 8)) === 'TFL3';
  const isOnnx = /\.onnx$/i.test(name);
  if (isTflite || isOnnx) {
    return new FiligreeError(
      'unsupported',
      `${name}: ${isTflite ? 'a TFLite' : 'an ONNX'} model must be compiled first: run "filigree compile ${name} -o model.filigree", ` +
        'or compileModel() from "filigree/compile"',
    );
  }
  return new FiligreeError('invalid-model', `${name}: not a .filigree model (${bytes.length} bytes)`);
}
