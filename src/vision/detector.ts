// A detector: takes a photo, returns boxes in the photo's own pixels.
import { FiligreeError } from '../errors.ts';
import type { Candidates } from './candidates.ts';
import { invalid } from './fields.ts';
import { decoderOf, headTypes, type Head } from './heads/index.ts';
import type { Decoder, HeadType } from './heads/head-type.ts';
import { runOnImage } from './image-input.ts';
import { ImageReader, type ImageSource } from './image-source.ts';
import { fitLabels } from './labels.ts';
import { readVisionMetadata, type VisionMetadata } from './metadata.ts';
import type { ImageModel } from './model.ts';
import { rankCandidates, suppress, suppressWeighted } from './nms.ts';
import type { Outputs } from './outputs.ts';
import { OutputsInPlace } from './outputs-in-place.ts';
import { inputToImage, type Geometry, type Preprocessing } from './preprocessing.ts';
import type { HeadName } from './presets.ts';

export interface DetectorSettings {
  /** Detections below this score (0…1) are left out. Default: the model's metadata. */
  scoreThreshold?: number;
  /** Boxes that overlap by more than this (intersection over union, 0…1) become one. Default: the model's. */
  iouThreshold?: number;
  /** Maximum number of detections; default the model's, or 100. */
  maxResults?: number;
  /** Boxes of different classes that overlap become one too; default the model's, or false. */
  classAgnostic?: boolean;
  /**
   * A box counts once for each class that reaches the threshold, not only for its best; default false. The evaluation
   * of YOLO models counts this way.
   */
  multiLabel?: boolean;
  /** The detection head, where the model's metadata does not name it. */
  head?: HeadName;
  /**
   * Name of each class, in place of the model's. The list has one name per class, or one more: a background's in front.
   */
  labels?: readonly string[];
  /**
   * How images become its input, where that differs from the model's metadata or from its head's usual preprocessing.
   */
  preprocessing?: Partial<Omit<Preprocessing, 'width' | 'height'>>;
}

/** Settings that choose among candidates. */
type Limits = Required<
  Pick<DetectorSettings, 'scoreThreshold' | 'iouThreshold' | 'maxResults' | 'classAgnostic' | 'multiLabel'>
>;

export interface Keypoint {
  name: string;
  /** Source-image pixels; may lie outside the image. */
  x: number;
  y: number;
}

export interface Detection {
  label: string;
  classIndex: number;
  /** Score, 0…1. */
  score: number;
  /** Source-image pixels, within the image. */
  box: { xmin: number; ymin: number; xmax: number; ymax: number };
  keypoints?: Keypoint[];
}

export interface DetectionResult {
  /** Best first. */
  detections: Detection[];
  /** ms. */
  speed: { preprocess: number; inference: number; postprocess: number };
}

const defaultMaxResults = 100;

/** Finds objects in images. Made by `createDetector`. */
export class Detector<M extends ImageModel = ImageModel> {
  readonly model: M;
  /** Name of each class. */
  readonly labels: readonly string[];
  /** Names of the keypoints that every detection has; empty for models without keypoints. */
  readonly keypoints: readonly string[];
  /**
   * How images become the model's input.
   * @internal
   */
  readonly preprocessing: Preprocessing;
  private readonly suppression: HeadType<Head>['suppression'];
  private readonly limits: Limits;
  private readonly decode: Decoder['decode'];
  private readonly reader = new ImageReader();
  private disposed = false;

  /**
   * Makes a detector of a loaded model. The code that recognises heads is loaded only if neither the model's metadata
   * nor the caller names the head.
   * @throws FiligreeError `unsupported` when the model is not a known detector, `invalid-model` when its metadata is
   * wrong, `invalid-argument` when a setting is out of range, when nothing says which head the outputs belong to, or
   * when they do not fit the named head
   */
  static async of<M extends ImageModel>(model: M, settings: DetectorSettings = {}): Promise<Detector<M>> {
    const { head } = settings;
    const stated = head === undefined ? readVisionMetadata(model.metadata) : undefined;
    return new Detector(model, stated ?? (await import('./recognise.ts')).visionOf(model, head), settings);
  }

  /** Like `of`, for a model whose vision metadata is known. */
  constructor(model: M, known: VisionMetadata, settings: DetectorSettings = {}) {
    const vision = withOverrides(known, settings.labels, settings.preprocessing);
    const { width, height } = vision.preprocessing;
    const shape = model.inputs[0]?.shape.join();
    if (shape !== [1, height, width, 3].join() && shape !== [1, 3, height, width].join()) {
      throw invalid('metadata.vision.preprocessing', `the size of the model's input [${shape}]`, { width, height });
    }
    this.model = model;
    this.preprocessing = vision.preprocessing;
    this.limits = checkedLimits(settings, vision);
    ({ keypoints: this.keypoints, suppression: this.suppression } = headTypes[vision.head.type]);
    const { classes, decode } = decoderOf(vision.head, vision.preprocessing, model.outputs);
    this.labels = settings.labels?.length ? fitLabels(vision.labels, classes) : vision.labels;
    this.decode = decode;
  }

  /**
   * @throws FiligreeError `invalid-argument` when `image` is not an image or its data does not fit its size, `disposed`
   * after dispose()
   */
  async detect(image: ImageSource): Promise<DetectionResult> {
    if (this.disposed) throw new FiligreeError('disposed', 'detect: the detector is disposed');
    const start = performance.now();
    const pixels = await this.reader.read(image);
    const read = performance.now();
    const { result, speed } = await runOnImage(this.model, pixels, this.preprocessing, (session, geometry) => {
      const ran = performance.now();
      const detections = this.find(new OutputsInPlace(session), geometry);
      return { detections, postprocess: performance.now() - ran };
    });
    const { detections, postprocess } = result;
    return {
      detections,
      speed: { preprocess: read - start + speed.preprocess, inference: speed.inference, postprocess },
    };
  }

  /**
   * Decodes the model's outputs into detections in the image's pixels.
   * @internal
   */
  find(outputs: Outputs, geometry: Geometry): Detection[] {
    const { iouThreshold, maxResults, classAgnostic, multiLabel } = this.limits;
    const candidates = this.decode(outputs, this.limits);
    const maxCandidates = multiLabel ? 30_000 : undefined; // the limit of YOLO's own evaluation
    const options = { iouThreshold, maxResults, perClass: !classAgnostic, maxCandidates };
    if (this.suppression === 'none') return this.inImage(candidates, rankCandidates(candidates, maxResults), geometry);
    if (this.suppression === 'plain') return this.inImage(candidates, suppress(candidates, options), geometry);
    const merged = suppressWeighted(candidates, options);
    return this.inImage(
      merged,
      Array.from({ length: merged.length }, (_, i) => i),
      geometry,
    );
  }

  /** Frees all memory. Safe to call twice. */
  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    this.reader.dispose();
    this.model.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  private inImage(candidates: Candidates, indices: readonly number[], geometry: Geometry): Detection[] {
    const { boxes, scores, classes, keypoints, keypointCount } = candidates;
    const { imageWidth, imageHeight } = geometry;
    const detections: Detection[] = [];
    for (const i of indices) {
      const topLeft = inputToImage(geometry, boxes[4 * i], boxes[4 * i + 1]);
      const bottomRight = inputToImage(geometry, boxes[4 * i + 2], boxes[4 * i + 3]);
      const box = {
        xmin: clamp(topLeft.x, imageWidth),
        ymin: clamp(topLeft.y, imageHeight),
        xmax: clamp(bottomRight.x, imageWidth),
        ymax: clamp(bottomRight.y, imageHeight),
      };
      if (box.xmax <= box.xmin || box.ymax <= box.ymin) continue; // entirely in the padding
      const classIndex = classes?.[i] ?? 0;
      const detection: Detection = {
        label: this.labels[classIndex] ?? `class ${classIndex}`,
        classIndex,
        score: scores[i],
        box,
      };
      if (keypoints) {
        detection.keypoints = this.keypoints.map((name, k) => {
          const at = 2 * (i * keypointCount + k);
          return { name, ...inputToImage(geometry, keypoints[at], keypoints[at + 1]) };
        });
      }
      detections.push(detection);
    }
    return detections;
  }
}

function clamp(value: number, most: number): number {
  return Math.min(Math.max(value, 0), most);
}

/** The model's vision metadata with the caller's overrides, checked like the model's own. */
function withOverrides(
  vision: VisionMetadata,
  labels: DetectorSettings['labels'],
  preprocessing: DetectorSettings['preprocessing'],
): VisionMetadata {
  if (labels === undefined && preprocessing === undefined) return vision;
  const { width, height } = vision.preprocessing;
  const changed = {
    ...vision,
    labels: labels ?? vision.labels,
    preprocessing: { ...vision.preprocessing, ...preprocessing, width, height },
  };
  try {
    return readVisionMetadata({ vision: changed })!;
  } catch (error) {
    const message = (error as Error).message.replace('metadata.vision.', '');
    throw new FiligreeError('invalid-argument', message, { cause: error });
  }
}

function checkedLimits(settings: DetectorSettings, vision: VisionMetadata): Limits {
  const {
    scoreThreshold = vision.scoreThreshold,
    iouThreshold = vision.iouThreshold,
    maxResults = vision.maxResults ?? defaultMaxResults,
    classAgnostic = vision.classAgnostic ?? false,
    multiLabel = false,
  } = settings;
  for (const [name, value] of Object.entries({ scoreThreshold, iouThreshold })) {
    if (!(value >= 0 && value <= 1)) {
      throw new FiligreeError('invalid-argument', `${name}: wanted a number from 0 to 1, got ${String(value)}`);
    }
  }
  if (!Number.isInteger(maxResults) || maxResults < 1) {
    throw new FiligreeError('invalid-argument', `maxResults: wanted a whole number from 1, got ${String(maxResults)}`);
  }
  for (const [name, value] of Object.entries({ classAgnostic, multiLabel })) {
    if (typeof value !== 'boolean') {
      throw new FiligreeError('invalid-argument', `${name}: wanted true or false, got ${String(value)}`);
    }
  }
  return { scoreThreshold, iouThreshold, maxResults, classAgnostic, multiLabel };
}
