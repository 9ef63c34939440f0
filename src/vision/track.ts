// A video in, objects with ids out. Loaded when somebody tracks.
import { FiligreeError } from '../errors.ts';
import { ByteTrack, type TrackedDetection } from './byte-track.ts';
import type { DetectionResult } from './detection.ts';
import type { DetectOptions } from './detector-settings.ts';
import { framesOf, type FrameSource } from './frames.ts';
import type { ImageSource } from './image-source.ts';

export interface TrackOptions {
  /** Called with each frame's objects; the next frame waits until its promise, if it returns one, has settled. */
  onResult: (result: TrackResult) => unknown;
  /** Ends it. */
  signal?: AbortSignal;
  /**
   * Detections from this score (0…1) on are objects; default the detector's. Those below it, to a fifth of it, only keep
   * the id of an object that is half hidden.
   */
  scoreThreshold?: number;
  /** Only these classes are looked for, by label or by index. */
  classes?: readonly (string | number)[];
  /** Steadies boxes and keypoints, which then lag a little behind; default false. */
  smooth?: boolean;
  /** Seconds that an object may be out of sight and get its id back; default 1. */
  patience?: number;
}

export interface TrackResult extends DetectionResult {
  /** Best first. */
  detections: TrackedDetection[];
  /** The frame: to be drawn, before the callback's promise settles. */
  image: ImageSource;
  /** Of the frame, in seconds, as its source counts them. */
  time: number;
}

/** What looks at a frame. */
interface FrameDetector {
  readonly scoreThreshold: number;
  detect(image: ImageSource, options?: DetectOptions): Promise<DetectionResult>;
}

/**
 * Looks at frame after frame until the source ends or the signal aborts, and resolves then.
 * @throws FiligreeError `invalid-argument` for a wrong option or source, and as `detect`; what `onResult` throws
 */
export async function track(detector: FrameDetector, source: FrameSource, options: TrackOptions): Promise<void> {
  const { onResult, signal = new AbortController().signal, classes, smooth, patience } = options;
  const { scoreThreshold = detector.scoreThreshold } = options;
  if (typeof onResult !== 'function') {
    throw new FiligreeError('invalid-argument', 'track: wanted { onResult }, a function that is given each result');
  }
  if (patience !== undefined && !(patience >= 0)) {
    throw new FiligreeError('invalid-argument', `patience: wanted seconds, 0 or more, got ${String(patience)}`);
  }
  const objects = new ByteTrack({
    highScore: Math.max(scoreThreshold - 0.1, scoreThreshold / 2),
    beginScore: scoreThreshold,
    smooth,
    patience,
  });
  for await (const { image, time } of framesOf(source, signal)) {
    const found = await detector.detect(image, { scoreThreshold: scoreThreshold / 5, classes });
    if (signal.aborted) return;
    const detections = objects.next(found.detections, time);
    await onResult({ ...found, detections, image, time });
  }
}
