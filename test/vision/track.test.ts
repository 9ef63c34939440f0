// Frames of every kind of source, and objects followed through them, by a detector that is made up.
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Detection, DetectionResult } from '../../src/vision/detection.ts';
import type { DetectOptions } from '../../src/vision/detector-settings.ts';
import { framesOf, type FrameSource } from '../../src/vision/frames.ts';
import { track, type TrackResult } from '../../src/vision/track.ts';
import type { Pixels } from '../../src/vision/preprocessing.ts';

afterEach(() => vi.unstubAllGlobals());

const image: Pixels = { data: new Uint8Array(3), width: 1, height: 1, channels: 3 };

/** Finds one object that moves to the right from call to call, and waits for `work` meanwhile. */
function fakeDetector(work: (call: number) => unknown = () => {}) {
  const calls: DetectOptions[] = [];
  return {
    scoreThreshold: 0.5,
    calls,
    async detect(_: unknown, options: DetectOptions = {}): Promise<DetectionResult> {
      const i = calls.push(options) - 1;
      await work(i);
      const detection: Detection = {
        label: 'dog',
        classIndex: 0,
        score: 0.9,
        box: { xmin: 5 * i, ymin: 0, xmax: 5 * i + 50, ymax: 50 },
      };
      return { detections: [detection], speed: { preprocess: 0, inference: 0, postprocess: 0 } };
    },
  };
}

/** Frames as WebCodecs gives them. */
class FakeVideoFrame {
  closed = 0;
  timestamp: number;
  constructor(timestamp: number) {
    this.timestamp = timestamp;
  }
  close() {
    this.closed++;
  }
}

async function tracked(source: FrameSource, options = {}, detector = fakeDetector()): Promise<TrackResult[]> {
  const results: TrackResult[] = [];
  await track(detector, source, { onResult: (result) => results.push(result), ...options });
  return results;
}

describe('track', () => {
  it('follows objects through an iterable of images, every one, thirty a second', async () => {
    const results = await tracked(Array.from({ length: 10 }, () => image));
    expect(results.map(({ detections }) => detections.map(({ id }) => id))).toEqual(
      Array.from({ length: 10 }, () => [1]),
    );
    expect(results[9].time).toBeCloseTo(0.3, 9);
    expect(results[9].image).toBe(image);
    expect(results[9].detections[0].box.xmin).toBe(45);
  });

  it('takes times with images', async () => {
    async function* frames() {
      for (const time of [0, 0.04, 9]) yield { image, time };
    }
    const results = await tracked(frames());
    expect(results.map(({ time }) => time)).toEqual([0, 0.04, 9]);
    // out of sight for more than a second
    expect(results.map(({ detections }) => detections.map(({ id }) => id))).toEqual([[1], [1], []]);
  });

  it('asks for scores below the threshold, and passes classes on', async () => {
    const detector = fakeDetector();
    await tracked([image], { classes: ['dog'], scoreThreshold: 0.4 }, detector);
    expect(detector.calls).toEqual([{ classes: ['dog'], scoreThreshold: 0.08 }]);
  });

  it('waits for onResult, and passes on what it throws', async () => {
    let inside = 0;
    const onResult = async () => {
      expect(++inside).toBe(1);
      await Promise.resolve();
      inside--;
    };
    await tracked([image, image, image], { onResult });
    const failing = () => {
      throw new Error('no canvas');
    };
    await expect(tracked([image], { onResult: failing })).rejects.toThrow('no canvas');
  });

  it('ends when its signal aborts', async () => {
    const stop = new AbortController();
    function* endless() {
      for (;;) yield image;
    }
    const results: TrackResult[] = [];
    const onResult = (result: TrackResult) => {
      if (results.push(result) === 3) stop.abort();
    };
    await track(fakeDetector(), endless(), { onResult, signal: stop.signal });
    expect(results.length).toBe(3);
    expect(await tracked(endless(), { signal: AbortSignal.abort() })).toEqual([]);
  });

  it('refuses what is wrong', async () => {
    for (const source of [undefined, null, 7, {}]) {
      await expect(tracked(source as never)).rejects.toMatchObject({
        code: 'invalid-argument',
        message: expect.stringMatching(/^track: got .*; wanted a video element/),
      });
    }
    await expect(track(fakeDetector(), [], {} as never)).rejects.toThrow('track: wanted { onResult }');
    await expect(tracked([], { patience: -1 })).rejects.toThrow('patience: wanted seconds');
  });
});

describe('a stream of frames', () => {
  const streamOf = (frames: FakeVideoFrame[], pull = () => {}) => {
    let next = 0;
    return new ReadableStream<unknown>({
      pull(controller) {
        pull();
        if (next < frames.length) controller.enqueue(frames[next++]);
        else controller.close();
      },
    }) as unknown as FrameSource;
  };

  it('gives the newest frame, leaves late ones out, and closes all', async () => {
    const frames = Array.from({ length: 20 }, (_, i) => new FakeVideoFrame(40_000 * i));
    let pulled = 0;
    let go = () => {};
    const allPulled = new Promise<void>((resolve) => (go = resolve));
    const stream = streamOf(frames, () => ++pulled > frames.length && go());
    const results = await tracked(
      stream,
      {},
      fakeDetector((call) => (call === 0 ? allPulled : undefined)),
    );
    const times = results.map(({ time }) => time);
    expect(times.length).toBe(2); // the first, and the last that came while it was looked at
    expect(times[1]).toBeCloseTo(0.76, 9);
    expect(frames.map(({ closed }) => closed)).toEqual(frames.map(() => 1));
  });

  it('closes its frames when it is stopped or fails', async () => {
    const frames = Array.from({ length: 20 }, (_, i) => new FakeVideoFrame(40_000 * i));
    const given: FakeVideoFrame[] = [];
    const stop = new AbortController();
    let cancelled: unknown;
    const stream = new ReadableStream<unknown>({
      async pull(controller) {
        await new Promise((resolve) => setTimeout(resolve));
        given.push(frames[given.length]);
        controller.enqueue(given.at(-1));
      },
      cancel: (reason) => (cancelled = reason),
    }) as unknown as FrameSource;
    await tracked(stream, { signal: stop.signal, onResult: () => stop.abort('enough') });
    expect(cancelled).toBe('enough');
    // one may lie in the stream's own queue
    expect(given.filter(({ closed }) => closed === 0).length).toBeLessThanOrEqual(1);
    const broken = new ReadableStream({ pull: (controller) => controller.error(new Error('no camera')) });
    await expect(tracked(broken as FrameSource)).rejects.toThrow('no camera');
  });

  it('closes frames of an iterable', async () => {
    vi.stubGlobal('VideoFrame', FakeVideoFrame);
    const frames = [new FakeVideoFrame(0), new FakeVideoFrame(20_000)];
    const results = await tracked(frames as never);
    expect(results.map(({ time }) => time)).toEqual([0, 0.02]);
    expect(frames.map(({ closed }) => closed)).toEqual([1, 1]);
  });
});

describe('a video element', () => {
  class FakeVideo extends EventTarget {
    ended = false;
    callbacks = new Map<number, (now: number, metadata: { mediaTime: number }) => void>();
    requestVideoFrameCallback(callback: (now: number, metadata: { mediaTime: number }) => void) {
      this.callbacks.set(this.callbacks.size + 1, callback);
      return this.callbacks.size;
    }
    cancelVideoFrameCallback(handle: number) {
      this.callbacks.delete(handle);
    }
    show(mediaTime: number) {
      const waiting = [...this.callbacks.values()];
      this.callbacks.clear();
      for (const callback of waiting) callback(0, { mediaTime });
      return waiting.length;
    }
  }
  const turn = () => new Promise((resolve) => setTimeout(resolve));

  it('gives frames when somebody waits for them, until it ends', async () => {
    vi.stubGlobal('HTMLVideoElement', FakeVideo);
    const video = new FakeVideo();
    const times: number[] = [];
    const done = (async () => {
      for await (const { image: frame, time } of framesOf(video as never, new AbortController().signal)) {
        expect(frame).toBe(video);
        times.push(time);
        if (time === 1) expect(video.show(2)).toBe(0); // late: nobody waits
      }
    })();
    await turn();
    expect(video.show(1)).toBe(1);
    await turn();
    expect(video.show(3)).toBe(1);
    await turn();
    video.ended = true;
    video.dispatchEvent(new Event('ended'));
    await done;
    expect(times).toEqual([1, 3]);
    expect(video.callbacks.size).toBe(0);
  });

  it('is let go when the signal aborts', async () => {
    vi.stubGlobal('HTMLVideoElement', FakeVideo);
    const video = new FakeVideo();
    const stop = new AbortController();
    const done = tracked(video as never, { signal: stop.signal });
    await turn();
    stop.abort();
    expect(await done).toEqual([]);
    expect(video.callbacks.size).toBe(0);
  });
});
