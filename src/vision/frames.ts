// Frames of a video, one after the other, as fast as whoever takes them: what comes too late is left out.
import { FiligreeError } from '../errors.ts';
import type { HostClass } from '../runtime/host-types.ts';
import type { ImageSource } from './image-source.ts';

/** A frame and when it is, in seconds from any moment on. */
export interface TimedFrame {
  image: ImageSource;
  time: number;
}

/** A `ReadableStream` of `VideoFrame`s, as `MediaStreamTrackProcessor` and transforms around `VideoDecoder` have it. */
export interface FrameStream {
  readonly locked: boolean;
  getReader(): { releaseLock(): void };
}

/**
 * Where frames come from. Of a video element, a camera (`MediaStream`) and a stream of `VideoFrame`s those are left out
 * that come while the one before is looked at; of an iterable none is. Frames without a time are 30 a second.
 */
export type FrameSource =
  | HostClass<'HTMLVideoElement'>
  | HostClass<'MediaStream'>
  | FrameStream
  | AsyncIterable<ImageSource | TimedFrame>
  | Iterable<ImageSource | TimedFrame>;

/**
 * The frames of a source, until it ends or the signal aborts. `VideoFrame`s are closed when the next one is asked for.
 * @throws FiligreeError `invalid-argument` for what is no source of frames
 */
export async function* framesOf(source: FrameSource, signal: AbortSignal): AsyncGenerator<TimedFrame> {
  if (isOf<HTMLVideoElement>(source, 'HTMLVideoElement')) return yield* videoFrames(source, signal);
  if (isOf<MediaStream>(source, 'MediaStream')) return yield* cameraFrames(source, signal);
  if (typeof (source as FrameStream | null)?.getReader === 'function') {
    return yield* streamFrames(source as unknown as ReadableStream<VideoFrame>, signal);
  }
  if (typeof source === 'object' && source !== null && (Symbol.asyncIterator in source || Symbol.iterator in source)) {
    return yield* iterableFrames(source as AsyncIterable<ImageSource | TimedFrame>, signal);
  }
  throw new FiligreeError(
    'invalid-argument',
    `track: got ${(source as object | undefined)?.constructor?.name ?? String(source)}; wanted a video element, a ` +
      'MediaStream of a camera, a ReadableStream of VideoFrames, or an iterable of images',
  );
}

function isOf<T>(value: unknown, className: string): value is T {
  const Class = (globalThis as Record<string, unknown>)[className];
  return typeof Class === 'function' && value instanceof Class;
}

/** Frames that a video shows; none while it is paused. */
async function* videoFrames(video: HTMLVideoElement, signal: AbortSignal): AsyncGenerator<TimedFrame> {
  for (;;) {
    const time = await nextShown(video, signal);
    if (time === undefined) return;
    yield { image: video, time };
  }
}

/** When the next frame is, once it is shown; undefined at the end. */
function nextShown(video: HTMLVideoElement, signal: AbortSignal): Promise<number | undefined> {
  return new Promise((resolve) => {
    const over = new AbortController();
    const settle = (time?: number) => {
      over.abort();
      resolve(time);
    };
    if (signal.aborted || video.ended) return settle();
    signal.addEventListener('abort', () => settle(), { signal: over.signal });
    video.addEventListener('ended', () => settle(), { signal: over.signal });
    if ('requestVideoFrameCallback' in video) {
      const handle = video.requestVideoFrameCallback((_, { mediaTime, presentationTime }) =>
        // WebKitGTK's media time of a stream stands still
        settle(video.srcObject ? presentationTime / 1000 : mediaTime),
      );
      over.signal.addEventListener('abort', () => video.cancelVideoFrameCallback(handle));
      return;
    }
    // Firefox before 132
    const old = (video as HTMLVideoElement).currentTime;
    const look = () => {
      if (over.signal.aborted) return;
      const { currentTime, videoWidth } = video as HTMLVideoElement;
      if (currentTime !== old && videoWidth > 0) settle(currentTime);
      else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });
}

/** A video element that nobody sees plays it. */
async function* cameraFrames(stream: MediaStream, signal: AbortSignal): AsyncGenerator<TimedFrame> {
  const video = document.createElement('video');
  video.muted = true;
  video.playsInline = true;
  video.srcObject = stream;
  const stopped = new AbortController();
  const stop = () => stopped.abort();
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { signal: stopped.signal });
  for (const track of stream.getVideoTracks()) {
    track.addEventListener('ended', stop, { signal: stopped.signal });
  }
  try {
    await video.play();
    yield* videoFrames(video, stopped.signal);
  } finally {
    stop();
    video.pause();
    video.srcObject = null;
  }
}

/** Reads on while a frame is looked at, and keeps the newest one only. */
async function* streamFrames(stream: ReadableStream<VideoFrame>, signal: AbortSignal): AsyncGenerator<TimedFrame> {
  const reader = stream.getReader();
  let newest: VideoFrame | undefined;
  let over = false;
  let failure: { cause: unknown } | undefined;
  let wake = () => {};
  const read = async () => {
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        newest?.close();
        newest = value;
        wake();
      }
    } catch (cause) {
      failure = { cause };
    }
    over = true;
    wake();
  };
  const stop = () => void reader.cancel(signal.reason).catch(() => {});
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  const reading = read();
  try {
    for (;;) {
      if (!newest && !over) {
        await new Promise<void>((resolve) => (wake = resolve));
        continue;
      }
      const frame = newest;
      newest = undefined;
      if (!frame) break;
      try {
        if (!signal.aborted) yield { image: frame, time: frame.timestamp / 1e6 };
      } finally {
        frame.close();
      }
    }
    if (failure && !signal.aborted) throw failure.cause;
  } finally {
    signal.removeEventListener('abort', stop);
    if (!over) await reader.cancel().catch(() => {});
    await reading;
    (newest as VideoFrame | undefined)?.close();
    reader.releaseLock();
  }
}

async function* iterableFrames(
  source: AsyncIterable<ImageSource | TimedFrame> | Iterable<ImageSource | TimedFrame>,
  signal: AbortSignal,
): AsyncGenerator<TimedFrame> {
  let time = 0;
  for await (const frame of source) {
    const isTimed = typeof frame === 'object' && frame !== null && 'image' in frame && 'time' in frame;
    const image = isTimed ? frame.image : frame;
    const isFrame = isOf<VideoFrame>(image, 'VideoFrame');
    if (isTimed) ({ time } = frame);
    else if (isFrame) time = image.timestamp / 1e6;
    try {
      if (signal.aborted) return;
      yield { image, time };
    } finally {
      if (isFrame) image.close();
    }
    time += 1 / 30;
  }
}
