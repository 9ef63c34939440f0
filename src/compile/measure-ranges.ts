// What `compileModel`'s option `int8` needs to know of a float network, measured on images or tensors.
import { writeArtifact } from '../artifact/write.ts';
import { FiligreeError } from '../errors.ts';
import type { Graph } from '../graph/graph.ts';
import { cloneGraph } from '../graph/clone.ts';
import { verify } from '../graph/verify.ts';
import type { Ranges } from '../lower/ranges.ts';
import { optimise } from '../passes/index.ts';
import { separateLayers } from '../passes/separate-layers.ts';
import type { Program } from '../program/program.ts';
import { loadModel } from '../runtime/load.ts';
import { Tensor } from '../tensor.ts';
import { choosePreprocessing, type ClassifierPreprocessing } from '../vision/classifier-metadata.ts';
import { imageSize } from '../vision/image-input.ts';
import { ImageReader, type ImageSource } from '../vision/image-source.ts';
import { readPreprocessing } from '../vision/metadata.ts';
import type { Preprocessing } from '../vision/preprocessing.ts';
import { runImage } from '../vision/run-image.ts';
import type { ByteOptions } from './bytes/choose.ts';
import { LayerErrors } from './bytes/errors.ts';
import { gridsOf } from './bytes/grids.ts';
import { Calibration } from './calibrate.ts';

/** An image, or the model's inputs by name. */
export type CalibrationSample = ImageSource | Readonly<Record<string, Tensor>>;

export interface CalibrationSamples {
  /**
   * Images that show what the model will see: a few dozen, none of those that it is evaluated on. Models that do not read
   * images take their inputs by name.
   */
  readonly calibrate: Iterable<CalibrationSample> | AsyncIterable<CalibrationSample>;
  /** How images become the model's input: a preset or its fields, as for `createClassifier`. Default: as the model says. */
  readonly preprocessing?: ClassifierPreprocessing;
  /** Share of the numbers that a layer reads that lies within its range, 0.5…1: outliers cost all others precision. Default 0.9999. */
  readonly share?: number;
}

/** Runs a model in floats on each sample and records the ranges of its values. The graph is optimised and gets additional outputs. */
export async function measureRanges(
  graph: Graph,
  program: Pick<Program, 'name' | 'inputs' | 'metadata'>,
  { calibrate, preprocessing, share = 0.9999 }: CalibrationSamples,
): Promise<Ranges> {
  const calibration = new Calibration(graph);
  const samples = { calibrate, preprocessing };
  await runOnSamples(calibration.program, program, samples, (outputs) => calibration.observe(outputs));
  return calibration.ranges({ share });
}

/** Runs a program on each sample. */
async function runOnSamples(
  measuring: Program,
  program: Pick<Program, 'name' | 'inputs' | 'metadata'>,
  { calibrate, preprocessing }: Pick<CalibrationSamples, 'calibrate' | 'preprocessing'>,
  observe: (outputs: Record<string, Tensor>) => void,
): Promise<void> {
  const reader = new ImageReader();
  using model = await loadModel(writeArtifact(measuring));
  let known: Preprocessing | undefined;
  let count = 0;
  try {
    for await (const sample of calibrate) {
      if (isInputs(sample)) observe(await model.run(sample));
      else {
        known ??= imagePreprocessing(program, preprocessing);
        observe((await runImage(model, await reader.read(sample), known)).outputs);
      }
      count += 1;
    }
  } finally {
    reader.dispose();
  }
  if (count === 0) {
    throw new FiligreeError('invalid-argument', `${program.name}: int8.calibrate has no images to calibrate with`);
  }
}

/** Samples on which the error of each layer is measured. */
const errorSamples = 4;

/** A layer's error in seven bits from which on its input has eight. */
const smallError = 0.02;

/** The largest error of a layer in eight bits, over the standard deviation of what it makes. */
const tolerance = 0.06;

/**
 * Runs a model in floats on each sample: the ranges of all values, and the layers that eight bits would harm.
 * @param graph the imported model; it is not changed
 * @param program the compiled model: its metadata says how images become its input
 * @throws FiligreeError `invalid-argument` when there is no sample, a sample fits no input, or nothing says how images become
 * the input; as `Model.run`
 */
export async function calibrateBytes(
  graph: Graph,
  program: Pick<Program, 'name' | 'inputs' | 'metadata'>,
  samples: CalibrationSamples,
): Promise<Required<ByteOptions>> {
  const kept: CalibrationSample[] = [];
  async function* all() {
    for await (const sample of samples.calibrate) {
      if (kept.length < errorSamples) kept.push(sample);
      yield sample;
    }
  }
  const ranges = await measureRanges(cloneGraph(graph), program, { ...samples, calibrate: all() });
  const measured = async (eight: readonly string[]) => {
    const copy = cloneGraph(graph);
    verify(copy);
    optimise(copy);
    separateLayers(copy);
    const errors = new LayerErrors(copy, gridsOf(copy, ranges, eight));
    if (errors.program.outputs.length > 0) {
      await runOnSamples(errors.program, program, { ...samples, calibrate: kept }, (outputs) =>
        errors.observe(outputs),
      );
    }
    return errors.errors();
  };
  const eight = [...new Set((await measured([])).flatMap(({ x, error }) => (error <= smallError ? [] : [x])))];
  const harmed = (await measured(eight)).filter(({ error }) => !(error <= tolerance));
  return { ranges, eight, floats: Object.fromEntries(harmed.map(({ name, error }) => [name, error])) };
}

/** How images become the only input of a model. @throws FiligreeError `invalid-argument` when neither caller nor model says */
export function imagePreprocessing(
  { name, inputs, metadata }: Pick<Program, 'name' | 'inputs' | 'metadata'>,
  given: ClassifierPreprocessing | undefined,
): Preprocessing {
  if (given !== undefined) return choosePreprocessing(given, imageSize(inputs, name));
  const value = (metadata.vision as { preprocessing?: unknown } | undefined)?.preprocessing;
  if (value !== undefined) return readPreprocessing({ value, path: 'metadata.vision.preprocessing' });
  throw new FiligreeError(
    'invalid-argument',
    `${name}: it does not say how photos become its input; give the preprocessing (int8.preprocessing, --preprocess): ` +
      '"mobilenet" (b/127.5 − 1 of bytes b), "imagenet" (mean and deviation of PyTorch models), "none" (0…255), ' +
      'or { scale, offset, order, resize }',
  );
}

function isInputs(sample: CalibrationSample): sample is Readonly<Record<string, Tensor>> {
  const values = typeof sample === 'object' && sample !== null ? Object.values(sample) : [];
  return values.length > 0 && values.every((value) => value instanceof Tensor);
}
