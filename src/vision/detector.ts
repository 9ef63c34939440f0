// A detector: takes a photo, returns boxes in the photo's own pixels.
import { FiligreeError } from '../errors.ts';
import { ofClasses, type Candidates } from './candidates.ts';
import { invalid } from './fields.ts';
import { decoderOf } from './heads/index.ts';
import type { Decoder } from './heads/head-type.ts';
import { runOnImage } from './image-input.ts';
import { ImageReader, type ImageSource } from './image-source.ts';
import { fitLabels } from './labels.ts';
import type { Detection, DetectionResult } from './detection.ts';
import { checkedLimits, checkScoreThreshold, classIndices, withOverrides, type Limits } from './checked-settings.ts';
import type { DetectorSettings, DetectOptions } from './detector-settings.ts';
import { readVisionMetadata, type VisionMetadata } from './metadata.ts';
import type { ImageModel } from './model.ts';
import { rankCandidates, suppress, suppressWeighted } from './nms.ts';
import type { Outputs } from './outputs.ts';
import { OutputsInPlace } from './outputs-in-place.ts';
import type { FrameSource } from './frames.ts';
import { checkPlausible } from './plausible.ts';
import { inputToImage, turnedToImage } from './preprocessing.ts';
import type { Geometry, Pixels, Preprocessing, Rectangle } from './preprocessing.ts';
import type { TrackOptions } from './track.ts';

/** What a call looks for. */
interface Wanted {
  scoreThreshold?: number;
  classes?: ReadonlySet<number>;
}

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
  private readonly limits: Limits;
  private readonly decoder: Decoder;
  private readonly reader = new ImageReader();
  private checked = false;
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
   * Finds objects in an image.
   * @param options for this call only
   * @throws FiligreeError `invalid-argument` when `image` is not an image or its data does not fit its size, when a class is
   * unknown or the threshold is not a number from 0 to 1, `not-found` when there is no such photo, `invalid-image` when it
   * cannot be decoded, `invalid-model` when what the model finds first shows that its outputs are read wrongly, `disposed`
   * after dispose(); the signal's reason
   */
  async detect(image: ImageSource, options: DetectOptions = {}): Promise<DetectionResult> {
    if (this.disposed) throw new FiligreeError('disposed', 'detect: the detector is disposed');
    const { signal, tiles, scoreThreshold = this.limits.scoreThreshold } = options;
    checkScoreThreshold(scoreThreshold);
    const classes = options.classes && classIndices(options.classes, this.labels);
    const start = performance.now();
    const pixels = await this.reader.read(image, signal);
    const read = performance.now();
    const look = async (part: Pixels) => {
      signal?.throwIfAborted();
      return this.detectInPixels(part, { scoreThreshold, classes });
    };
    const size = Math.max(this.preprocessing.width, this.preprocessing.height);
    const result = tiles
      ? await (await import('./tiles.ts')).detectInTiles(pixels, size, tiles === true ? {} : tiles, this.limits, look)
      : await look(pixels);
    result.speed.preprocess += read - start;
    return result;
  }

  /**
   * Looks at frame after frame of a video, camera or stream, and gives each object an id that stays the same (ByteTrack).
   * Frames that come while one is looked at are left out. Resolves when the source ends or the signal aborts.
   * @example
   * const stop = new AbortController();
   * await detector.track(video, { signal: stop.signal, onResult: ({ detections }) => draw(detections) });
   * @throws FiligreeError `invalid-argument` for what is no source of frames, and as `detect`; what `onResult` throws
   */
  async track(source: FrameSource, options: TrackOptions): Promise<void> {
    const { track } = await import('./track.ts');
    return track(this, source, options);
  }

  private async detectInPixels(pixels: Pixels, wanted: Wanted): Promise<DetectionResult> {
    const { result, speed } = await runOnImage(this.model, pixels, this.preprocessing, (session, geometry) => {
      const ran = performance.now();
      const detections = this.find(new OutputsInPlace(session), geometry, wanted);
      return { detections, postprocess: performance.now() - ran };
    });
    const { detections, postprocess } = result;
    return { detections, speed: { ...speed, postprocess } };
  }

  /** Detections below this score are left out, unless a call says otherwise. */
  get scoreThreshold(): number {
    return this.limits.scoreThreshold;
  }

  /**
   * Decodes the model's outputs into detections in the image's pixels.
   * @internal
   */
  find(
    outputs: Outputs,
    geometry: Geometry,
    { scoreThreshold = this.limits.scoreThreshold, classes }: Wanted = {},
  ): Detection[] {
    const { iouThreshold, maxResults, classAgnostic, multiLabel } = this.limits;
    const { decode, suppression, overlap } = this.decoder;
    const all = decode(outputs, { ...this.limits, scoreThreshold });
    this.checked ||= checkPlausible(all, this.preprocessing, this.model.name);
    const candidates = classes ? ofClasses(all, classes) : all;
    const maxCandidates = multiLabel ? 30_000 : undefined; // the limit of YOLO's own evaluation
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
