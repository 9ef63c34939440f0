import { writeArtifact } from '../artifact/write.ts';
import { FiligreeError } from '../errors.ts';
import type { Graph } from '../graph/graph.ts';
import { cloneGraph } from '../graph/clone.ts';
import { verify } from '../graph/verify.ts';
import { importOnnx, looksLikeOnnx, type OnnxOptions } from '../import/onnx/index.ts';
import { importTflite } from '../import/tflite/index.ts';
import { fuseSlopes } from '../passes/fuse-slopes.ts';
import { optimise } from '../passes/index.ts';
import { separateLayers } from '../passes/separate-layers.ts';
import type { OptimiseOptions } from '../passes/options.ts';
import { checkProgram } from '../program/check.ts';
import type { Program } from '../program/program.ts';
import { isWinogradTile } from '../program/tiles.ts';
import type { WinogradTile } from '../program/tiles.ts';
import type { HeadName } from '../vision/head-names.ts';
import { recogniseClassifier } from '../vision/recognise-classifier.ts';
import { recognisePostProcess } from '../vision/recognise-post-process.ts';
import { recogniseVision, visionWithHead } from '../vision/recognise.ts';
import { visionWithLabels } from '../vision/with-labels.ts';
import type { CostModel } from '../lower/cost-model.ts';
import { engineNames } from '../lower/engine-names.ts';
import type { EngineName } from '../lower/engine-names.ts';
import { costModelOf } from './engine.ts';
import { chooseBytes, type ByteOptions } from './bytes/choose.ts';
import { fileGrids } from './bytes/grids.ts';
import { hasByteKernel } from './bytes/layers.ts';
import { storeInBytes } from './bytes/store.ts';
import { lowerGraph, type LoweringPlan } from './lower-graph.ts';
import { outputTails } from './output-tails.ts';
import { calibrateBytes, type CalibrationSamples } from './measure-ranges.ts';
import type { Choices, LinearWeights, OnChoice } from '../lower/lowering.ts';
import { weightTypes } from './rounding.ts';
import type { WeightType } from './rounding.ts';
import { tuneProgram } from './tuning/tune.ts';
import type { TuneOptions } from './tuning/tune.ts';

/** `OnnxOptions` gives the sizes that an ONNX file leaves open, and the weights that it keeps in other files. */
export interface CompileOptions extends OnnxOptions {
  /** Name of the model in messages and in the artifact. */
  name?: string;
  /** Facts to store in the artifact beside those of the file: labels, `vision` pre- and post-processing, licence. */
  metadata?: Record<string, unknown>;
  /** Meaning of a detector's outputs, when neither the file nor their shapes make it clear. */
  head?: HeadName;
  /** Names of the classes, in place of the file's; stored in the artifact as `metadata.vision.labels`. */
  labels?: readonly string[];
  /**
   * The engine that will run the model, for which the fastest kernels are chosen; all engines run it. `v8`: Node 24 and later, Chromium.
   * `v8-11`: Node 20 and 22. `javascriptcore`: Safari and Bun. `this`: the engine that compiles. Default `v8`.
   */
  engine?: EngineName | 'this';
  /** Costs of kernels on the device that will run the model, in place of those measured for `engine` on our machine. */
  costModel?: CostModel;
  /**
   * An integer program: values with a range stay in bytes from layer to layer. `compileModel` finds all of this itself on
   * images: `int8: { calibrate: images }`. Layers that the cost model predicts to be faster in floats, since zeros are skipped
   * there, stay in floats.
   */
  int8?: ByteOptions;
  /** Keeps the integers of a quantised file: its values stay in bytes. Default: it runs in floats. */
  integers?: boolean;
  /**
   * Rounds the weights of linear layers (and of convolutions of one pixel) with 2¹⁴ weights or more to integers, unless f32
   * that skips zeros is faster: `int8` has a scale per row, `int4` a scale for every 16 inputs. Groups of 16 weights that
   * are all 0 are skipped. Inputs are rounded to 16 bits when the layer runs. The artifact's notes name each such layer and
   * the relative (L2) error of its weights.
   */
  linearWeights?: LinearWeights;
  /**
   * How weights of convolutions and linear layers are saved: smaller files, the same kernels and times. `f16`: rounded to
   * halves. `int8`: integers with a scale per row. `int4`: integers with a scale for every 16 kept weights; matrices that
   * keep fewer than 4096 weights use 8 bits. With integers, biases and the weights of depthwise convolutions are halves. The
   * artifact's notes name each layer and the relative (L2) error of its weights. Default `f32`, where weights that are
   * exactly halves are saved as halves. Weights rounded by `linearWeights` or `int8` are not affected.
   */
  weights?: WeightType;
  /**
   * Dense 3×3 convolutions of stride 1 are computed in tiles of 4×4 outputs by Winograd's algorithm, with a third of the time
   * and about twice the rounding error of a direct sum, and weights that take four times their memory once they are loaded.
   * `2`: in tiles of 2×2, with half of the time, the least error, and 1.8 times the memory. `false`: as direct sums, where NaN and
   * infinities reach only the outputs whose window they are in. docs/numerics.md has the errors. Default 4.
   */
  winograd?: WinogradTile | false;
  /** Multiplies zeros too, like other runtimes, to show the gain from skipping them. */
  dense?: boolean;
}

/** Compiles to eight bits, with ranges that are measured on images. */
export type CalibratedCompileOptions = Omit<CompileOptions, 'int8'> & { readonly int8: CalibrationSamples };

/**
 * Compiles a foreign model (ONNX, TFLite) to an artifact that `loadModel` reads. With `int8: { calibrate: images }` it
 * first runs the model on the images, so that it returns a promise.
 * @example
 * const artifact = await compileModel(bytes, { int8: { calibrate: images } });
 * @throws FiligreeError `invalid-model` for a broken file, `unsupported` with every operator that cannot be compiled,
 * `invalid-argument` when `head` or `labels` do not fit the outputs; with `calibrate`, as `calibrateBytes`.
 */
export function compileModel(bytes: Uint8Array, options: CalibratedCompileOptions): Promise<Uint8Array>;
export function compileModel(bytes: Uint8Array, options?: CompileOptions): Uint8Array;
export function compileModel(
  bytes: Uint8Array,
  options: CompileOptions | CalibratedCompileOptions = {},
): Uint8Array | Promise<Uint8Array> {
  if (isCalibrated(options)) return compileCalibrated(bytes, options);
  return writeArtifact(compileGraph(importModel(bytes, options.name ?? 'model', options), options));
}

function isCalibrated(options: CompileOptions | CalibratedCompileOptions): options is CalibratedCompileOptions {
  return options.int8 !== undefined && 'calibrate' in options.int8;
}

async function compileCalibrated(bytes: Uint8Array, options: CalibratedCompileOptions): Promise<Uint8Array> {
  const { int8, ...rest } = options;
  const graph = importModel(bytes, options.name ?? 'model', options);
  const program = compileGraph(cloneGraph(graph), rest);
  return writeArtifact(compileGraph(graph, { ...rest, int8: await calibrateBytes(graph, program, int8) }));
}

/**
 * Compiles a foreign model like `compileModel`, but with the encodings that are fastest on this device: it runs every kernel
 * for a layer's matrix product in the whole network, and chooses the fastest.
 * @returns An artifact whose `metadata.tuning` (see `Tuning`) contains the measurements. Results equal those of the untuned
 * model up to the rounding of sums in another order.
 * @throws FiligreeError as `compileModel` and `loadModel`; `invalid-argument` when `seconds` is not a positive number, and
 * for a model without weights
 */
export async function tuneModel(bytes: Uint8Array, options: CompileOptions & TuneOptions = {}): Promise<Uint8Array> {
  return writeArtifact(await tuneGraph(importModel(bytes, options.name ?? 'model', options), options));
}

/** A graph → its program with the encodings that are fastest on this device. The graph is optimised in place. */
export function tuneGraph(graph: Graph, options: CompileOptions & TuneOptions = {}): Promise<Program> {
  return tuneProgram((plan) => compileGraph(graph, options, plan), options);
}

/** A foreign file → its graph. Messages begin with `name`, the file's name. */
export function importModel(bytes: Uint8Array, name: string, options: OnnxOptions = {}): Graph {
  if (!(bytes instanceof Uint8Array)) {
    const found = (bytes as object | undefined)?.constructor?.name ?? typeof bytes;
    throw new FiligreeError('invalid-argument', `${name}: wanted the file's bytes, a Uint8Array; got ${found}`);
  }
  if (new TextDecoder('latin1').decode(bytes.subarray(4, 8)) === 'TFL3') return importTflite(bytes, name);
  if (looksLikeOnnx(bytes)) return importOnnx(bytes, name, options);
  throw new FiligreeError('invalid-model', `${name}: neither an ONNX nor a TFLite model (${bytes.length} bytes)`);
}

/** Stores values of a quantised file in the bytes that it has for them. */
function keepFileBytes(graph: Graph): void {
  separateLayers(graph);
  const grids = fileGrids(graph);
  graph.notes = graph.notes.filter((note) => !note.startsWith('activations are quantised in the file'));
  graph.notes.push(`the file's integers are kept: ${grids.size} values have bytes`);
  storeInBytes(graph, {
    grids,
    hasKernel: (node, from) => hasByteKernel(graph, node, from),
  });
  verify(graph);
}

/**
 * A graph → its program. The graph is optimised in place. A known vision model gets its `metadata.vision`.
 * @param plan chooses encodings and observes: `onPass` receives the graph after each pass that changed it, `onChoice` each choice
 */
export function compileGraph(
  graph: Graph,
  options: CompileOptions = {},
  plan: { choices?: Choices; onChoice?: OnChoice; onPass?: OptimiseOptions['onPass'] } = {},
): Program {
  const { engine = 'v8', linearWeights, weights, winograd } = options;
  if (engine !== 'this' && !engineNames.includes(engine)) {
    throw new FiligreeError(
      'invalid-argument',
      `engine: wanted ${engineNames.join(', ')} or this, got ${String(engine)}`,
    );
  }
  if (linearWeights !== undefined && linearWeights !== 'int8' && linearWeights !== 'int4') {
    throw new FiligreeError('invalid-argument', `linearWeights: wanted int8 or int4, got ${String(linearWeights)}`);
  }
  if (weights !== undefined && !weightTypes.includes(weights)) {
    throw new FiligreeError('invalid-argument', `weights: wanted ${weightTypes.join(', ')}, got ${String(weights)}`);
  }
  if (winograd !== undefined && winograd !== false && !isWinogradTile(winograd)) {
    throw new FiligreeError('invalid-argument', `winograd: wanted 4, 2 or false, got ${String(winograd)}`);
  }
  verify(graph);
  const keepsIntegers = options.integers === true && [...graph.values.values()].some(({ fileBytes }) => fileBytes);
  const { int8 } = options;
  optimise(graph, { ...plan, integers: keepsIntegers }); // verifies its result
  if (!keepsIntegers && !int8 && fuseSlopes(graph)) plan.onPass?.('fuseSlopes', graph);
  Object.assign(graph.metadata, options.metadata);
  const tails = outputTails(graph);
  const model = options.costModel ?? costModelOf(engine);
  const lower = (stored: Graph, more: Pick<LoweringPlan, 'choices' | 'onChoice'> = {}) =>
    lowerGraph(stored, model, { ...more, dense: options.dense, linearWeights, weights, winograd });
  if (keepsIntegers) keepFileBytes(graph);
  const program = lower(keepsIntegers || !int8 ? graph : chooseBytes(graph, int8, lower, model), plan);
  checkProgram(program); // the loader accepts every compiled program
  const { metadata } = program;
  const described = { ...program, tails };
  if (options.head !== undefined) metadata.vision = visionWithHead(described, options.head);
  else {
    metadata.vision ??=
      recognisePostProcess(program) ??
      recogniseVision(program.inputs, program.outputs, metadata, tails) ??
      recogniseClassifier(program.inputs, program.outputs, metadata);
  }
  if (options.labels) metadata.vision = visionWithLabels(described, options.labels);
  delete metadata.detectionPostProcess; // the head holds all of it
  return program;
}
