import { looksLikeArtifact, readArtifact } from '../artifact/read.ts';
import { FiligreeError } from '../errors.ts';
import { checkProgram } from '../program/check.ts';
import type { Program } from '../program/program.ts';
import { expandProgram, layOut } from './expand.ts';
import type { Instance, WasmProvider } from './instantiate.ts';
import { chooseBuild, instantiate } from './instantiate.ts';
import { Model } from './model.ts';
import type { WasmBuild } from './probe.ts';
import type { ModelSource, SourceOptions } from './source.ts';
import { readSource, sourceName } from './source.ts';

export interface LoadOptions extends SourceOptions {
  /** The wasm build to run, for tests and measurements; the best that the host can run if not given. */
  build?: WasmBuild;
  /** Where the wasm comes from; the files beside this module if not given. */
  wasm?: WasmProvider;
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
  const build = chooseBuild(options.build);
  const bytes = await readSource(source, options);
  if (!looksLikeArtifact(bytes)) throw notCompiled(bytes, name);
  const program = readArtifact(bytes, name);
  checkProgram(program);
  const layout = layOut(program);
  let instance = await instantiate(layout.bytes, build, options.wasm);
  if (usesInt8(program) && !multipliesRight(instance)) {
    instance = await instantiate(layout.bytes, build.replace('relaxed', 'simd') as WasmBuild, options.wasm);
  }
  options.signal?.throwIfAborted();
  expandProgram(program, layout, instance);
  return new Model(program, layout, instance);
}

const usesInt8 = ({ buffers }: Program) => buffers.some((b) => b.kind === 'constant' && b.constant.form === 'i8');

/** Some engines compile relaxed 8-bit products wrongly (assembly/int8/index.ts): eight bits run in the other build there. */
const multipliesRight = ({ exports }: Instance) => exports.i8_dot(-3, 5, 1000) === 940;

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
