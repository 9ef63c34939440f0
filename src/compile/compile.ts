import { writeArtifact } from '../artifact/write.ts';
import { FiligreeError } from '../errors.ts';
import type { Graph } from '../graph/graph.ts';
import { verify } from '../graph/verify.ts';
import { importOnnx, looksLikeOnnx, type OnnxOptions } from '../import/onnx/index.ts';
import { importTflite } from '../import/tflite/index.ts';
import { optimise } from '../passes/index.ts';
import type { OptimiseOptions } from '../passes/options.ts';
import { checkProgram } from '../program/check.ts';
import type { Program } from '../program/program.ts';
import type { HeadName } from '../vision/presets.ts';
import { recogniseClassifier } from '../vision/recognise-classifier.ts';
import { recognisePostProcess } from '../vision/recognise-post-process.ts';
import { recogniseVision, visionWithHead } from '../vision/recognise.ts';
import { visionWithLabels } from '../vision/with-labels.ts';
import type { CostModel } from '../lower/cost-model.ts';
import { defaultCostModel } from '../lower/cost.ts';
import type { Ranges } from '../lower/ranges.ts';
import { lowerGraph } from './lower-graph.ts';
import { outputTails } from './output-tails.ts';
import type { Choices, LinearWeights, OnChoice } from '../lower/lowering.ts';
import { weightTypes } from './rounding.ts';
import type { WeightType } from './rounding.ts';
import { tuneProgram } from './tuning/tune.ts';
import type { TuneOptions } from './tuning/tune.ts';

/** Sizes that an ONNX file leaves open and weights that it keeps elsewhere are given by the options of `OnnxOptions`. */
export interface CompileOptions extends OnnxOptions {
  /** What the model is called in messages and in the artifact. */
  name?: string;
  /** Facts to store in the artifact beside those of the file: labels, `vision` pre- and post-processing, licence. */
  metadata?: Record<string, unknown>;
  /** What a detector's outputs mean, where neither the file nor its shapes make that clear. */
  head?: HeadName;
  /** Name of each class, in place of the file's; kept in the artifact as `metadata.vision.labels`. */
  labels?: readonly string[];
  /** What kernels cost, for choosing encodings; measured on the device that the model will run on, if not given on ours. */
  costModel?: CostModel;
  /**
   * Pointwise convolutions whose input has a range here are done with 8-bit weights and inputs where that is predicted
   * to be faster. `Calibration` finds the ranges.
   */
  int8?: { readonly ranges: Ranges };
  /**
   * Rounds the weights of linear layers (and of convolutions of one pixel) of 2¹⁴ weights and more to integers, unless f32
   * that skips zeros is faster: `int8` with a scale a row, `int4` with a scale for every 16 inputs. Groups of 16 weights that
   * are all 0 are skipped. Their inputs are rounded to 16 bits when they run. The artifact's notes name each such layer and
   * the relative (L2) error of its weights.
   */
  linearWeights?: LinearWeights;
  /**
   * How weights of convolutions and linear layers are saved: a smaller file, the same kernels and times. `f16`: rounded to
   * halves; `int8`: to integers, with a scale a row; `int4`: with a scale for every 16 weights that are kept, and matrices
   * that keep fewer than 4096 in 8 bits. In integers, biases and the weights of depthwise convolutions are halves. The
   * artifact's notes name each layer and the relative (L2) error of its weights. `f32` if not given: weights that are halves
   * as they are, are saved so. What `linearWeights` and `int8` round is theirs.
   */
  weights?: WeightType;
  /** Multiplies zeros as well, as other runtimes do: to see what skipping them is worth. */
  dense?: boolean;
}

/**
 * Compiles a foreign model (ONNX, TFLite) to an artifact that `loadModel` reads.
 * @throws FiligreeError `invalid-model` for a broken file, `unsupported` with every operator that cannot be compiled,
 * `invalid-argument` when `head` or `labels` do not fit the outputs.
 */
export function compileModel(bytes: Uint8Array, options: CompileOptions = {}): Uint8Array {
  return writeArtifact(compileGraph(importModel(bytes, options.name ?? 'model', options), options));
}

/**
 * Compiles a foreign model as `compileModel` does, but with the encodings that are fastest on this device: every kernel
 * that can do a layer's matrix product runs in the whole network, and the fastest stays.
 * @returns An artifact; its `metadata.tuning` (see `Tuning`) says what was measured. Results are those of the untuned
 * model up to the rounding of sums in another order.
 * @throws FiligreeError as `compileModel` and `loadModel`, and `invalid-argument` for a number of seconds that is none and
 * for a model without weights
 */
export async function tuneModel(bytes: Uint8Array, options: CompileOptions & TuneOptions = {}): Promise<Uint8Array> {
  return writeArtifact(await tuneGraph(importModel(bytes, options.name ?? 'model', options), options));
}

/** A graph → its program with the encodings that are fastest on this device. The graph is optimised in place. */
export function tuneGraph(graph: Graph, options: CompileOptions & TuneOptions = {}): Promise<Program> {
  return tuneProgram((plan) => compileGraph(graph, options, plan), options);
}

/** A foreign file → its graph. `name` stands in front of messages: the file's name. */
export function importModel(bytes: Uint8Array, name: string, options: OnnxOptions = {}): Graph {
  if (!(bytes instanceof Uint8Array)) {
    const found = (bytes as object | undefined)?.constructor?.name ?? typeof bytes;
    throw new FiligreeError('invalid-argument', `${name}: wanted the file's bytes, a Uint8Array; got ${found}`);
  }
  if (new TextDecoder('latin1').decode(bytes.subarray(4, 8)) === 'TFL3') return importTflite(bytes, name);
  if (looksLikeOnnx(bytes)) return importOnnx(bytes, name, options);
  throw new FiligreeError('invalid-model', `${name}: neither an ONNX nor a TFLite model (${bytes.length} bytes)`);
}

/**
 * A graph → its program. The graph is optimised in place. A vision model that we know is given its `metadata.vision`.
 * @param plan chooses encodings, and looks on: `onPass` sees the graph after each pass that changed it, `onChoice` each choice
 */
export function compileGraph(
  graph: Graph,
  options: CompileOptions = {},
  plan: { choices?: Choices; onChoice?: OnChoice; onPass?: OptimiseOptions['onPass'] } = {},
): Program {
  const { linearWeights, weights } = options;
  if (linearWeights !== undefined && linearWeights !== 'int8' && linearWeights !== 'int4') {
    throw new FiligreeError('invalid-argument', `linearWeights: wanted int8 or int4, got ${String(linearWeights)}`);
  }
  if (weights !== undefined && !weightTypes.includes(weights)) {
    throw new FiligreeError('invalid-argument', `weights: wanted ${weightTypes.join(', ')}, got ${String(weights)}`);
  }
  verify(graph);
  optimise(graph, plan); // verifies what it leaves
  Object.assign(graph.metadata, options.metadata);
  const program = lowerGraph(graph, options.costModel ?? defaultCostModel, {
    ...plan,
    ranges: options.int8?.ranges,
    dense: options.dense,
    linearWeights,
    weights,
  });
  checkProgram(program); // what is compiled can be loaded
  const { metadata } = program;
  const tails = outputTails(graph);
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
