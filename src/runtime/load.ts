import { headerEnd, looksLikeArtifact, readArtifact, readHeader } from '../artifact/read.ts';
import type { Header } from '../artifact/read.ts';
import { FiligreeError } from '../errors.ts';
import { checkProgram } from '../program/check.ts';
import type { Unread } from '../program/program.ts';
import { clearStaging, finishBatch, layOut, placePieces, planBatches, writeRecords } from './expand.ts';
import type { Piece } from './expand.ts';
import type { Instance, WasmProvider } from './instantiate.ts';
import { chooseBuild, instantiate, prepare } from './instantiate.ts';
import { Model } from './model.ts';
import type { WasmBuild } from './probe.ts';
import type { ModelSource, OpenSource, SourceOptions } from './source.ts';
import { openSource, sourceName } from './source.ts';

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
  const build = chooseBuild(options.build, options.wasm);
  prepare(build, options.wasm);
  let header: Header | undefined;
  const file = await openSource(source, options, (bytes, size) => {
    if (!looksLikeArtifact(bytes)) return 0;
    const end = headerEnd(bytes);
    if (end > bytes.length) return end;
    header = readHeader(bytes, name, size);
    return header.needed;
  });
  try {
    if (!looksLikeArtifact(file.head)) throw notCompiled(file, name);
    const program = readArtifact(file.head, name, header);
    checkProgram(program);
    const layout = layOut(program);
    const instance = await instantiate(layout.bytes, build, options.wasm);
    options.signal?.throwIfAborted();
    writeRecords(program, layout, instance.memory);
    for (const batch of planBatches(program, layout, instance)) {
      await readPieces(file, placePieces(batch.pieces, instance.memory), instance);
      finishBatch(batch, program.name);
    }
    clearStaging(layout, instance.memory);
    program.buffers = []; // the file's bytes are not kept
    return new Model(program, layout, instance);
  } finally {
    file.close();
  }
}

/** Reads pieces straight into linear memory, those that lie side by side in the file at once. */
async function readPieces(file: OpenSource, pieces: (Piece & { data: Unread })[], { memory }: Instance): Promise<void> {
  pieces.sort((a, b) => a.data.from - b.data.from);
  for (let i = 0; i < pieces.length;) {
    const { from } = pieces[i].data;
    const places: Uint8Array[] = [];
    for (let end = from; i < pieces.length && pieces[i].data.from === end; i++) {
      const { data, at } = pieces[i];
      places.push(new Uint8Array(memory.buffer, at, data.byteLength));
      end += data.byteLength;
    }
    await file.readInto(from, places);
  }
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

function notCompiled({ head, size }: OpenSource, name: string): FiligreeError {
  const isTflite = new TextDecoder('latin1').decode(head.subarray(4, 8)) === 'TFL3';
  const isOnnx = /\.onnx$/i.test(name);
  if (isTflite || isOnnx) {
    return new FiligreeError(
      'unsupported',
      `${name}: ${isTflite ? 'a TFLite' : 'an ONNX'} model must be compiled first: run "filigree compile ${name} -o model.filigree", ` +
        'or compileModel() from "filigree/compile"',
    );
  }
  return new FiligreeError('invalid-model', `${name}: not a .filigree model (${size} bytes)`);
}
