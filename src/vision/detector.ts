// A detector: photo in, boxes in the photo's own pixels out.
import { FiligreeError } from '../errors.ts';
import type { Candidates } from './candidates.ts';
import { invalid } from './fields.ts';
import { headTypes } from './heads.ts';
import { ImageReader, type ImageSource } from './image-source.ts';
import { readVisionMetadata, type VisionMetadata } from './metadata.ts';
import type { ImageModel } from './model.ts';
import { suppress, suppressWeighted } from './nms.ts';
import { inputToImage, type Geometry } from './preprocessing.ts';
import { recogniseVision } from './recognise.ts';

export interface DetectorSettings {
  /** Detections below this score (0…1) are left out. Default: what the model's metadata says. */
  scoreThreshold?: number;
  /** Boxes that overlap by more than this (intersection over union, 0…1) become one. Default: the model's. */
  iouThreshold?: number;
  /** Detections at most; default 100. */
  maxResults?: number;
}

export interface Keypoint {
  name: string;
  /** Source-image pixels; may lie outside of the image. */
  x: number;
  y: number;
}

export interface Detection {
  label: string;
  classIndex: number;
  /** 0…1. */
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
  /** Names of the keypoints that every detection has; empty for models without. */
  readonly keypoints: readonly string[];
  private readonly vision: VisionMetadata;
  private readonly settings: Required<DetectorSettings>;
  private readonly decode: ReturnType<(typeof headTypes)[keyof typeof headTypes]['decoder']>;
  private readonly reader = new ImageReader();
  private disposed = false;

  /**
   * @throws FiligreeError `unsupported` when the model is no detector we know, `invalid-model` when its metadata is
   * wrong, `invalid-argument` when a setting is out of range
   */
  constructor(model: M, settings: DetectorSettings = {}) {
    const vision = readVisionMetadata(model.metadata) ?? recogniseVision(model.inputs, model.outputs);
    if (!vision) {
      const shapes = model.outputs.map(({ name, shape }) => `${name} [${shape.join(', ')}]`).join(', ');
      throw new FiligreeError(
        'unsupported',
        `${model.name}: no detector that Filigree knows: it has no metadata.vision, and its outputs are ${shapes}`,
      );
    }
    const { width, height } = vision.preprocessing;
    const shape = model.inputs[0]?.shape.join();
    if (shape !== [1, height, width, 3].join() && shape !== [1, 3, height, width].join()) {
      throw invalid('metadata.vision.preprocessing', `the size of the model's input [${shape}]`, { width, height });
    }
    const head = headTypes[vision.head.type];
    this.model = model;
    this.vision = vision;
    this.settings = checkedSettings(settings, vision);
    this.labels = vision.labels;
    this.keypoints = head.keypoints;
    this.decode = head.decoder(vision.head, vision.preprocessing, model.outputs);
  }

  /**
   * @throws FiligreeError `invalid-argument` when `image` is none or its data does not fit its size, `disposed` after
   * dispose()
   */
  async detect(image: ImageSource): Promise<DetectionResult> {
    if (this.disposed) throw new FiligreeError('disposed', 'detect: the detector is disposed');
    const start = performance.now();
    const pixels = await this.reader.read(image);
    const read = performance.now();
    const { outputs, geometry, speed } = await this.model.runImage(pixels, this.vision.preprocessing);
    const ran = performance.now();
    const detections = this.detections(this.decode(outputs, this.settings.scoreThreshold), geometry);
    return {
      detections,
      speed: {
        preprocess: read - start + speed.preprocess,
        inference: speed.inference,
        postprocess: performance.now() - ran,
      },
    };
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

  private detections(candidates: Candidates, geometry: Geometry): Detection[] {
    if (headTypes[this.vision.head.type].suppression === 'weighted') {
      const merged = suppressWeighted(candidates, this.settings);
      return this.inImage(
        merged,
        Array.from({ length: merged.length }, (_, i) => i),
        geometry,
      );
    }
    return this.inImage(candidates, suppress(candidates, this.settings), geometry);
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
      if (box.xmax <= box.xmin || box.ymax <= box.ymin) continue; // in the padding
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

function checkedSettings(settings: DetectorSettings, vision: VisionMetadata): Required<DetectorSettings> {
  const {
    scoreThreshold = vision.scoreThreshold,
    iouThreshold = vision.iouThreshold,
    maxResults = defaultMaxResults,
  } = settings;
  for (const [name, value] of Object.entries({ scoreThreshold, iouThreshold })) {
    if (!(value >= 0 && value <= 1)) {
      throw new FiligreeError('invalid-argument', `${name}: wanted a number from 0 to 1, got ${String(value)}`);
    }
  }
  if (!Number.isInteger(maxResults) || maxResults < 1) {
    throw new FiligreeError('invalid-argument', `maxResults: wanted a whole number from 1, got ${String(maxResults)}`);
  }
  return { scoreThreshold, iouThreshold, maxResults };
}
