import { artifactEnd, headerEnd, looksLikeArtifact, readArtifact, readHeader } from '../artifact/read.ts';
import type { Header } from '../artifact/read.ts';
import { FiligreeError } from '../errors.ts';
import { checkProgram } from '../program/check.ts';
import type { Program, Unread } from '../program/program.ts';
import { withSmallTiles, withWideTiles } from './adapt.ts';
import { prefersWideTiles } from './engine.ts';
import { clearStaging, finishBatch, layOut, planBatches, writeRecords } from './expand.ts';
import { placePieces } from './expand-constant.ts';
import type { Transfer } from './expand-constant.ts';
import type { MemoryLayout } from './expand.ts';
import type { Instance, WasmProvider } from './instantiate.ts';
import { chooseBuild, instantiate, prepare, programBase } from './instantiate.ts';
import type { ThreadHost } from './threads/host.ts';
import type { Team } from './threads/team.ts';
import { Model } from './model.ts';
import type { WasmBuild } from './probe.ts';
import type { ModelSource, OpenSource, SourceOptions } from './source.ts';
import { openSource, readSource, sourceName } from './source.ts';

export interface LoadOptions extends SourceOptions {
  /** The wasm build to run, for tests and measurements; default the best that the host can run. */
  build?: WasmBuild;
  /** Where the wasm comes from; default the files beside this module. */
  wasm?: WasmProvider;
  /**
   * Threads that run the model, 1 if not given; 'auto' takes the machine's hardware threads, 4 at most. The threads
   * belong to the model, sleep between runs, and end when it is disposed of: remember to dispose of it. On a host
   * without threads the model runs on one, and `info.notes` says why. Results are bit-identical for any number of
   * threads.
   */
  threads?: number | 'auto';
  /** A model that exceeds a limit is refused before anything is allocated; for models from strangers. */
  limits?: {
    /**
     * Bytes of linear memory: expanded weights, activations, memory for threads; 1 GiB if not given. A model that would exceed
     * it gets less than half the memory for its 3×3 convolutions, and more time (see CompileOptions.winograd).
     */
    memory?: number;
    /** Work of a run, as in `info.work`; unlimited if not given. */
    work?: number;
  };
  /**
   * Digest of the file, `sha256-` and base64: a file with another digest is refused. Where the host has a Cache API, a
   * file from a URL is cached under its digest, so that the next visit loads it without the network.
   */
  integrity?: string;
  /** @internal Whether kernels have tiles for engines that keep twelve sums in registers; default what the engine prefers. */
  wideTiles?: boolean;
  /** @internal Where the threads run, or why there are none. */
  threadHost?: ThreadHost | string;
}

/**
 * Loads a compiled model (`.filigree`).
 * @example
 * const model = await loadModel('face-detection.filigree');
 * const outputs = await model.run({ input: new Tensor('float32', [1, 192, 192, 3], pixels) });
 * @throws FiligreeError `not-found` for a missing file, `invalid-model` for a broken one, `unsupported` for one that is
 * not compiled, `environment` without WebAssembly SIMD or memory, or for a model that exceeds `limits`.
 */
export async function loadModel(source: ModelSource, options: LoadOptions = {}): Promise<Model> {
  const name = sourceName(source);
  const best = chooseBuild(options.build, options.wasm);
  const { threads: wanted = 1 } = options;
  const threads = checkedThreads(wanted);
  if (threads === 1) prepare(best, options.wasm);
  let header: Header | undefined;
  const head = (bytes: Uint8Array, size: number) => {
    if (!looksLikeArtifact(bytes)) return 0;
    const end = headerEnd(bytes);
    if (end > bytes.length) return end;
    header = readHeader(bytes, name, size);
    return header.needed;
  };
  const end = (bytes: Uint8Array) => artifactEnd(bytes, name);
  const verified =
    options.integrity === undefined
      ? source
      : await (
          await import('./integrity.ts')
        ).readVerified(source, name, options.integrity, (from) => readSource(from, options, end));
  const file = await openSource(verified, options, head, end);
  let team: Team | undefined;
  try {
    if (!looksLikeArtifact(file.head)) throw notCompiled(file, name);
    let program = readArtifact(file.head, name, header);
    if (options.wideTiles ?? prefersWideTiles()) program = withWideTiles(program);
    let works = checkProgram(program);
    const work = works.reduce((a, b) => a + b, 0);
    checkLimit(name, work, options.limits?.work ?? Infinity, 'multiply-accumulates per run, more than limits.work');
    const build = await int8Build(best, program, options.wasm);
    let layout = layOut(program);
    let instance: Instance | undefined;
    const { memory: maxBytes = 2 ** 30 } = options.limits ?? {};
    if (layout.bytes > maxBytes) {
      program = withSmallTiles(program);
      works = checkProgram(program);
      layout = layOut(program);
    }
    const within = (bytes: number) =>
      checkLimit(name, bytes, maxBytes, 'bytes of memory, more than limits.memory') ?? bytes;
    within(layout.bytes);
    if (threads !== 1) {
      const { formTeam, threadHost } = await import('#threads');
      const formed = await formTeam(
        program,
        layout,
        threads,
        (bytes, share) => instantiate(within(bytes), build, options.wasm, share),
        options.threadHost ?? (await threadHost()),
      );
      if (typeof formed === 'object') ({ layout, instance, team } = formed);
      else if (formed) program.notes = [...program.notes, `runs on one thread: ${formed}`];
    }
    instance ??= await instantiate(layout.bytes, build, options.wasm);
    options.signal?.throwIfAborted();
    const { exports } = instance;
    const missing = program.steps.find(({ kernel }) => !(kernel in exports))?.kernel;
    if (missing) {
      throw new FiligreeError(
        'environment',
        `${name}: the wasm has been trimmed for other models: it has no ${missing}`,
      );
    }
    writeRecords(program, layout, instance.memory);
    for (const batch of planBatches(program, layout, instance, team?.threads)) {
      await readPieces(file, placePieces(batch.pieces, instance.memory), instance);
      finishBatch(batch, program.name);
    }
    clearStaging(layout, instance.memory);
    program.buffers = []; // frees the file's bytes
    await team?.ready((until) => tryOut(works, layout, exports, until), options.signal);
    options.signal?.throwIfAborted();
    return new Model(program, layout, instance, team, work);
  } catch (error) {
    team?.dispose();
    throw error;
  } finally {
    file.close();
  }
}

/** Reads pieces straight into linear memory, those that are adjacent in the file in one call. */
async function readPieces(
  file: OpenSource,
  pieces: (Transfer & { data: Unread })[],
  { memory }: Instance,
): Promise<void> {
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

/** Steps with more work than this are not tried out: about 10 ms. */
const maxTried = 1e8;

/** Runs steps repeatedly, those with least work first, until the given time. */
function tryOut(works: number[], { records }: MemoryLayout, exports: Instance['exports'], until: number): void {
  const order = [...records.keys()].filter((i) => works[i] <= maxTried).sort((a, b) => works[a] - works[b]);
  if (order.length === 0) return; // the program only has views
  for (let i = 0; performance.now() < until; i = (i + 1) % order.length) exports.run(records[order[i]], 1);
}

function checkLimit(name: string, needed: number, most: number, what: string): void {
  if (needed <= most) return;
  throw new FiligreeError('environment', `${name}: needs ${Math.round(needed)} ${what}, ${most}`);
}

function checkedThreads(threads: number | 'auto'): number | 'auto' {
  if (threads === 'auto' || (Number.isInteger(threads) && threads >= 1 && threads <= 64)) return threads;
  throw new FiligreeError('invalid-argument', `threads: wanted 1 to 64 or "auto", got ${String(threads)}`);
}

/**
 * Some engines compile relaxed 8-bit products wrongly (assembly/dots/form.ts): there, 8-bit models run in the `simd`
 * build.
 */
async function int8Build(build: WasmBuild, { buffers }: Program, wasm?: WasmProvider): Promise<WasmBuild> {
  const isUsed = buffers.some((b) => b.kind === 'constant' && b.constant.form === 'blocks');
  if (!isUsed || build !== 'relaxed') return build;
  const { exports } = await instantiate(programBase, build, wasm);
  return exports.i8_dot(-3, 5, 1000) === 940 ? build : 'simd';
}

/**
 * Returns a loaded model unchanged, or loads one from its source.
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
  // what servers of single-page apps answer for files that are not there
  const isPage = /^\s*<(!doctype|html|\?xml|!--)/i.test(new TextDecoder('latin1').decode(head.subarray(0, 200)));
  const found = isPage
    ? 'the server answered with a web page instead of a model; is the URL right?'
    : 'not a .filigree model';
  return new FiligreeError('invalid-model', `${name}: ${found} (${size} bytes)`);
}
