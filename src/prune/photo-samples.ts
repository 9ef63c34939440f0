// Photos as a vision network's input, for calibration: on pages too.
import { writeArtifact } from '../artifact/write.ts';
import { compileGraph } from '../compile/compile.ts';
import type { Graph } from '../graph/graph.ts';
import { valueOf } from '../graph/graph.ts';
import type { Program } from '../program/program.ts';
import { loadModel } from '../runtime/load.ts';
import type { Tensor } from '../tensor.ts';
import { Classifier } from '../vision/classifier.ts';
import type { ClassifierPreprocessing } from '../vision/classifier-metadata.ts';
import { classifierShape } from '../vision/classifier-metadata.ts';
import type { Detection } from '../vision/detection.ts';
import { Detector } from '../vision/detector.ts';
import { disagreement, objectsOf } from '../vision/disagreement.ts';
import { decoderOf } from '../vision/heads/index.ts';
import { readVisionMetadata } from '../vision/metadata.ts';
import type { ImageModel } from '../vision/model.ts';
import { tensorOutputs } from '../vision/outputs.ts';
import type { HeadName } from '../vision/head-names.ts';
import type { Geometry, Pixels } from '../vision/preprocessing.ts';
import { visionOf } from '../vision/recognise.ts';
import { runImage } from '../vision/run-image.ts';
import type { Comparison } from './distribution/search/divergence.ts';
import { RandomNumbers, seedOf } from './random-numbers.ts';
import type { Sample } from './statistics/activations.ts';
import type { Region } from './statistics/picks.ts';
import { viewsOf } from './statistics/views.ts';

/** How photos become a model's input, where the model's metadata does not say. */
export interface VisionOptions {
  head?: HeadName;
  preprocess?: ClassifierPreprocessing;
}

/** A photo to calibrate with, decoded when its turn comes. */
export interface CalibrationPhoto {
  /** Seeds the choice of its views. */
  readonly name: string;
  decode(): Promise<Pixels>;
}

/** Score threshold: detections below it hardly matter for average precision. */
const minScore = 0.05;

/** A model's classifier or detector, which knows how photos become its input. */
export async function visionModel(
  model: ImageModel,
  { head, preprocess }: VisionOptions,
): Promise<Classifier | Detector> {
  if (head === undefined && classifierShape(model.inputs, model.outputs)) {
    return Classifier.of(model, { preprocessing: preprocess });
  }
  return Detector.of(model, { head, scoreThreshold: minScore });
}

/** Calibration photos, as `filigree/prune` takes them. */
export interface PhotoSamples {
  samples: Sample[];
  viewsPerImage: number;
  /** For detectors: where objects are found. */
  regions?: Region[][];
  /** For detectors: how far its findings are from another one's. */
  comparison?: Comparison;
}

/** Number of pictures that is enough for calibration, and the maximum number of views per photo to reach it. */
const enough = 256;
const maxViews = 4;

/**
 * Photos as `prune` takes them: resized and normalised as for detection or classification. Few photos give several views
 * each: mirrored, and parts of them. Of a detector: also the regions in which it finds something, and what compares findings.
 * @param graph as `importModel` gives it
 * @param program the same network compiled, with its metadata
 * @example
 * const graph = importModel(bytes, 'model.onnx');
 * const found = await photoSamples(graph, compileGraph(importModel(bytes, 'model.onnx')), photos);
 * const { graph: sparse } = await prune(graph, { sparsity: 0.5, ...found });
 * @throws FiligreeError `unsupported` when the network is neither a detector nor a classifier that we know
 */
export async function photoSamples(
  graph: Graph,
  program: Program,
  photos: readonly CalibrationPhoto[],
  options: VisionOptions & { onPhoto?: (index: number) => void } = {},
): Promise<PhotoSamples> {
  const name = program.inputs[0].name;
  const views = Math.max(1, Math.min(maxViews, Math.ceil(enough / photos.length)));
  const samples: Record<string, Tensor>[] = [];
  const regions: Region[][] = [];
  using input = await loadModel(writeArtifact(compileGraph(inputOnly(graph))));
  using dense = await loadModel(writeArtifact(program));
  const vision = await visionModel(dense, options);
  for (const [i, photo] of photos.entries()) {
    options.onPhoto?.(i);
    const random = new RandomNumbers(seedOf(1, photo.name));
    for (const view of viewsOf(await photo.decode(), views, random)) {
      const { outputs, geometry } = await runImage(input, view, vision.preprocessing);
      const sample = { [name]: outputs[name] };
      samples.push(sample);
      if (!('find' in vision)) continue; // regions do not matter for classifiers
      const detections = vision.find(tensorOutputs(await dense.run(sample)), geometry);
      regions.push(detections.map(({ box }) => regionOf(box, geometry)));
    }
  }
  const found = regions.some((list) => list.length > 0);
  const comparison = found ? await compareDetections(program, options.head) : undefined;
  return { samples, viewsPerImage: views, ...(found && { regions, comparison }) };
}

/** Compares a detector's findings with those before pruning. */
async function compareDetections(
  model: Pick<Program, 'name' | 'inputs' | 'outputs' | 'metadata'>,
  head?: HeadName,
): Promise<Comparison> {
  const vision = (head === undefined ? readVisionMetadata(model.metadata) : undefined) ?? visionOf(model, head);
  const { decode } = await decoderOf(vision.head, vision.preprocessing, model.outputs);
  const objects = (outputs: Readonly<Record<string, Tensor>>) =>
    objectsOf(decode(tensorOutputs(outputs), { scoreThreshold: minScore, multiLabel: false }));
  return (dense) => {
    const wanted = objects(dense);
    return (other) => disagreement(wanted, objects(other));
  };
}

/** The middle of a box, half as wide and high: there detectors' outputs identify the object. */
function regionOf({ xmin, ymin, xmax, ymax }: Detection['box'], geometry: Geometry): Region {
  const { imageWidth, imageHeight, inputWidth, inputHeight, destination } = geometry;
  const across = (x: number) => (destination.x + (x / imageWidth) * destination.width) / inputWidth;
  const down = (y: number) => (destination.y + (y / imageHeight) * destination.height) / inputHeight;
  const [w, h] = [(xmax - xmin) / 4, (ymax - ymin) / 4];
  return {
    left: Math.max(0, across(xmin + w)),
    top: Math.max(0, down(ymin + h)),
    right: Math.min(1, across(xmax - w)),
    bottom: Math.min(1, down(ymax - h)),
  };
}

/** A network that returns its first input. */
function inputOnly(graph: Graph): Graph {
  const [port] = graph.inputs;
  const { name, permutation } = port;
  return {
    name: graph.name,
    inputs: [port],
    outputs: [{ value: port.value, name, dtype: 'float32', permutation }],
    nodes: [],
    values: new Map([[port.value, { ...valueOf(graph, port.value) }]]),
    notes: [],
    metadata: {},
  };
}
