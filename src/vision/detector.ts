// A detector: photo in, boxes in the photo's own pixels out.
import { FiligreeError } from '../errors.ts';
import type { Candidates } from './candidates.ts';
import { invalid } from './fields.ts';
import { decoderOf } from './heads/index.ts';
import type { Decoder } from './heads/head-type.ts';
import { runOnImage } from './image-input.ts';
import { ImageReader, type ImageSource } from './image-source.ts';
import { fitLabels } from './labels.ts';
import type { Mask } from './mask.ts';
import { readVisionMetadata, type VisionMetadata } from './metadata.ts';
import type { ImageModel } from './model.ts';
import { rankCandidates, suppress, suppressWeighted } from './nms.ts';
import type { Outputs } from './outputs.ts';
import { OutputsInPlace } from './outputs-in-place.ts';
import { checkPlausible } from './plausible.ts';
import { inputToImage, turnedToImage, type Geometry, type Preprocessing, type Rectangle } from './preprocessing.ts';
import type { HeadName } from './presets.ts';

export interface DetectorSettings {
  /** Detections below this score (0…1) are left out. Default: what the model's metadata says. */
  scoreThreshold?: number;
  /** Boxes that overlap by more than this (intersection over union, 0…1) become one. Default: the model's. */
  iouThreshold?: number;
  /** Detections at most; default the model's, or 100. */
  maxResults?: number;
  /** Boxes of different classes that overlap become one, too; default the model's, or false. */
  classAgnostic?: boolean;
  /**
   * A box counts once for each class that reaches the threshold, not only for its best; default false. It is how the
   * evaluation of YOLO models counts.
   */
  multiLabel?: boolean;
  /** What its outputs mean, where the model does not say so itself. */
  head?: HeadName;
  /** Name of each class, in place of the model's: as many as it has classes, or a background's in front of them. */
  labels?: readonly string[];
  /** How images become its input, where that differs from what the model says or its head usually takes. */
  preprocessing?: Partial<Omit<Preprocessing, 'width' | 'height'>>;
}

/** Settings that choose among candidates. */
type Limits = Required<
  Pick<DetectorSettings, 'scoreThreshold' | 'iouThreshold' | 'maxResults' | 'classAgnostic' | 'multiLabel'>
>;

export interface Keypoint {
  name: string;
  /** Source-image pixels; may lie outside of the image. */
  x: number;
  y: number;
  /** How sure the model is that it can be seen there, 0…1, where it says so. */
  score?: number;
}

export interface Detection {
  label: string;
  classIndex: number;
  /** 0…1. */
  score: number;
  /** Source-image pixels, within the image; with an angle it may reach beyond. */
  box: { xmin: number; ymin: number; xmax: number; ymax: number };
  /** Of models of oriented boxes: radians, clockwise, by which the box is turned about its centre. */
  angle?: number;
  keypoints?: Keypoint[];
  /** Of models of masks: which pixels of the box show the object. */
  mask?: Mask;
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
  /** Names of the keypoints that every detection has; empty for models without. */
  readonly keypoints: readonly string[];
  /**
   * How images become the model's input.
   * @internal
   */
  readonly preprocessing: Preprocessing;
  private readonly limits: Limits;
  private readonly decoder: Decoder;
  private readonly reader = new ImageReader();
  private checked = false;
  private disposed = false;

  /**
   * A detector of a loaded model. How heads are recognised is loaded only where neither the model's metadata nor its
   * author says what it sees.
   * @throws FiligreeError `unsupported` when the model is no detector we know, `invalid-model` when its metadata is wrong,
   * `invalid-argument` when a setting is out of range, when nothing says which head the outputs are, or when they do not
   * fit the one that is named
   */
  static async of<M extends ImageModel>(model: M, settings: DetectorSettings = {}): Promise<Detector<M>> {
    const { head } = settings;
    const stated = head === undefined ? readVisionMetadata(model.metadata) : undefined;
    const known = stated ?? (await import('./recognise.ts')).visionOf(model, head);
    const vision = withOverrides(known, settings.labels, settings.preprocessing);
    const { width, height } = vision.preprocessing;
    const shape = model.inputs[0]?.shape.join();
    if (shape !== [1, height, width, 3].join() && shape !== [1, 3, height, width].join()) {
      throw invalid('metadata.vision.preprocessing', `the size of the model's input [${shape}]`, { width, height });
    }
    return new Detector(model, vision, await decoderOf(vision.head, vision.preprocessing, model.outputs), settings);
  }

  private constructor(model: M, vision: VisionMetadata, decoder: Decoder, settings: DetectorSettings) {
    this.model = model;
    this.preprocessing = vision.preprocessing;
    this.limits = checkedLimits(settings, vision);
    this.keypoints = decoder.keypoints ?? [];
    this.labels =
      settings.labels?.length && decoder.classes !== undefined
        ? fitLabels(vision.labels, decoder.classes)
        : vision.labels;
    this.decoder = decoder;
  }

  /**
   * @throws FiligreeError `invalid-argument` when `image` is none or its data does not fit its size, `invalid-model` when what
   * the model finds first shows that its outputs are read wrongly, `disposed` after dispose()
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
   * What the model's outputs say that an image shows.
   * @internal
   */
  find(outputs: Outputs, geometry: Geometry): Detection[] {
    const { iouThreshold, maxResults, classAgnostic, multiLabel } = this.limits;
    const { decode, suppression, overlap } = this.decoder;
    const candidates = decode(outputs, this.limits);
    this.checked ||= checkPlausible(candidates, this.preprocessing, this.model.name);
    const maxCandidates = multiLabel ? 30_000 : undefined; // as many as YOLO's own evaluation looks at
    const options = { iouThreshold, maxResults, perClass: !classAgnostic, maxCandidates, overlap };
    if (suppression === 'none') return this.inImage(candidates, rankCandidates(candidates, maxResults), geometry);
    if (suppression === 'plain') return this.inImage(candidates, suppress(candidates, options), geometry);
    const merged = suppressWeighted(candidates, options);
    return this.inImage(
      merged,
      Array.from({ length: merged.length }, (_, i) => i),
      geometry,
    );
  }

  /** Gives back all memory. May be called again. */
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
    const { boxes, scores, classes, keypoints, keypointScores, keypointCount, angles, mask } = candidates;
    const { imageWidth, imageHeight } = geometry;
    const detections: Detection[] = [];
    for (const i of indices) {
      const [left, top, right, bottom] = boxes.subarray(4 * i, 4 * i + 4);
      const turned = angles && turnedToImage(geometry, { left, top, right, bottom }, angles[i]);
      const topLeft = inputToImage(geometry, left, top);
      const bottomRight = inputToImage(geometry, right, bottom);
      const box = turned?.box ?? {
        xmin: clamp(topLeft.x, imageWidth),
        ymin: clamp(topLeft.y, imageHeight),
        xmax: clamp(bottomRight.x, imageWidth),
        ymax: clamp(bottomRight.y, imageHeight),
      };
      const [x, y] = [(box.xmin + box.xmax) / 2, (box.ymin + box.ymax) / 2];
      const inPadding = turned && !(x >= 0 && y >= 0 && x <= imageWidth && y <= imageHeight);
      if (inPadding || box.xmax <= box.xmin || box.ymax <= box.ymin) continue;
      const classIndex = classes?.[i] ?? 0;
      const detection: Detection = {
        label: this.labels[classIndex] ?? `class ${classIndex}`,
        classIndex,
        score: scores[i],
        box,
        ...(turned && { angle: turned.angle }),
      };
      if (keypoints) {
        detection.keypoints = this.keypoints.map((name, k) => {
          const at = i * keypointCount + k;
          const place = inputToImage(geometry, keypoints[2 * at], keypoints[2 * at + 1]);
          return { name, ...place, ...(keypointScores && { score: keypointScores[at] }) };
        });
      }
      if (mask) detection.mask = mask(i, wholePixels(box), geometry);
      detections.push(detection);
    }
    return detections;
  }
}

/** The pixels that a box touches. */
function wholePixels({ xmin, ymin, xmax, ymax }: Detection['box']): Rectangle {
  const [x, y] = [Math.floor(xmin), Math.floor(ymin)];
  return { x, y, width: Math.ceil(xmax) - x, height: Math.ceil(ymax) - y };
}

function clamp(value: number, most: number): number {
  return Math.min(Math.max(value, 0), most);
}

/** The model's vision with what the caller says instead, checked as if the model said it. */
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
