// Does jobs: key → photo → findings. What command line, queues and edge functions share.
import { FiligreeError } from '../errors.ts';
import type { ClassificationResult } from '../vision/classifier.ts';
import type { Detection, DetectionResult } from '../vision/detection.ts';
import type { Pixels } from '../vision/preprocessing.ts';
import { idMaker, type JobSettings } from './job-id.ts';
import type { JobErrorCode, JobResult, PhotoFindings, WrittenDetection } from './job.ts';
import { checkBase, locationOf } from './location.ts';
import { defaultReadLimits, readPhoto, Unavailable } from './read-photo.ts';

/** A detector or a classifier. */
export type Looker =
  | { detect(image: Pixels): Promise<Pick<DetectionResult, 'detections'>> }
  | { classify(image: Pixels): Promise<Pick<ClassificationResult, 'classifications'>> };

export interface PhotoJobsSettings extends JobSettings {
  /** Folder or URL that keys are relative to; see `locationOf`. */
  base?: string;
  /** Bytes of a photo's file. Default: 50 MB. */
  maxBytes?: number;
  /** Of a photo, before it is decoded: 4 bytes of memory each. Default: that of `decodeImage`. */
  maxPixels?: number;
  /** Milliseconds that a server has to send a photo. Default: 60,000. */
  timeout?: number;
}

/** A photo on its way through: decoded, or the reason why not. */
export interface Prepared {
  readonly key: string;
  readonly id: string;
  readonly pixels?: Pixels;
  readonly error?: Error;
}

export class PhotoJobs {
  /** A key's id: see `jobId`. */
  readonly idOf: (key: string) => string;
  private readonly looker: Looker;
  private readonly settings: PhotoJobsSettings;

  /** @throws FiligreeError `invalid-argument` for a base that is neither folder nor URL */
  constructor(looker: Looker, settings: PhotoJobsSettings) {
    if (settings.base !== undefined) checkBase(settings.base);
    this.looker = looker;
    this.settings = settings;
    this.idOf = idMaker(settings);
  }

  /**
   * Does one job. What is wrong with the photo is its result.
   * @throws Unavailable when the photo cannot be read now, and may be later
   */
  async do(key: string): Promise<JobResult> {
    return this.finish(await this.prepare(key));
  }

  /** Reads and decodes a photo. Never rejects. */
  async prepare(key: string): Promise<Prepared> {
    return this.decode(key, this.read(key));
  }

  /** A photo's bytes. @throws FiligreeError, Unavailable */
  async read(key: string): Promise<Uint8Array> {
    const { base, maxBytes, timeout } = this.settings;
    const limits = { bytes: maxBytes ?? defaultReadLimits.bytes, ms: timeout ?? defaultReadLimits.ms };
    return readPhoto(locationOf(key, base), limits);
  }

  /** Decodes a photo once its bytes are there. Never rejects. */
  async decode(key: string, bytes: Promise<Uint8Array>): Promise<Prepared> {
    const id = this.idOf(key);
    try {
      const { decodeImage } = await import('filigree/images');
      return { id, key, pixels: await decodeImage(await bytes, { name: key, maxPixels: this.settings.maxPixels }) };
    } catch (error) {
      return { id, key, error: error as Error };
    }
  }

  /** Looks at a photo. @throws Unavailable */
  async finish({ id, key, pixels, error }: Prepared): Promise<JobResult> {
    if (error instanceof Unavailable) throw error;
    try {
      if (!pixels) throw error;
      return { id, key, ...(await this.look(pixels)) };
    } catch (cause) {
      if (!(cause instanceof FiligreeError) || !isOfPhoto(cause.code)) throw cause;
      return failed(id, key, cause.code, cause.message);
    }
  }

  private async look(pixels: Pixels): Promise<PhotoFindings> {
    const { width, height } = pixels;
    if ('classify' in this.looker) {
      const { classifications } = await this.looker.classify(pixels);
      return {
        width,
        height,
        classifications: classifications.map((found) => ({ ...found, score: rounded(found.score, 1e4) })),
      };
    }
    const { detections } = await this.looker.detect(pixels);
    return { width, height, detections: await Promise.all(detections.map((found) => written(found, width, height))) };
  }
}

/** Errors that say something of a photo or its key. Others are the program's own, and stop it. */
const isOfPhoto = (code: JobErrorCode) => ['invalid-image', 'not-found', 'invalid-argument'].includes(code);

/** The result of a job that cannot be done. */
export function failed(id: string, key: string, code: JobErrorCode, message: string): JobResult {
  return { id, key, error: { code, message: message.replaceAll(/\s+/g, ' ') } };
}

const rounded = (value: number, parts: number) => Math.round(value * parts) / parts;
const pixels = (value: number) => rounded(value, 100);

async function written(
  { mask, box, score, angle, keypoints, ...rest }: Detection,
  width: number,
  height: number,
): Promise<WrittenDetection> {
  const found: WrittenDetection = {
    ...rest,
    score: rounded(score, 1e4),
    box: { xmin: pixels(box.xmin), ymin: pixels(box.ymin), xmax: pixels(box.xmax), ymax: pixels(box.ymax) },
    ...(angle !== undefined && { angle: rounded(angle, 1e4) }),
    ...(keypoints && {
      keypoints: keypoints.map(({ x, y, score: seen, ...point }) => ({
        ...point,
        x: pixels(x),
        y: pixels(y),
        ...(seen !== undefined && { score: rounded(seen, 1e4) }),
      })),
    }),
  };
  if (!mask) return found;
  const { countsOfRuns, runsOfMask } = await import('../evaluate/mask-runs.ts');
  return { ...found, mask: { size: [height, width], counts: countsOfRuns(runsOfMask(mask, height), width * height) } };
}
