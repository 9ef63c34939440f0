// examples/web follows objects through frames that its page hands in one by one.
import { expect, it } from 'vitest';
import { Follower } from '../../examples/web/src/follower.ts';
import type { Detector, Model } from '../../src/index.ts';
import { track } from '../../src/vision/track.ts';

/** A detector that finds one object where the frame says. */
const detector = {
  scoreThreshold: 0.5,
  ended: false,
  detect: async (at: unknown) => {
    const x = at as number;
    const box = { xmin: x, ymin: 0, xmax: x + 100, ymax: 100 };
    const detections = [{ label: 'dog', classIndex: 0, score: 0.9, box }];
    return { detections, speed: { preprocess: 0, inference: 1, postprocess: 0 } };
  },
  async track(...[source, options]: Parameters<Detector['track']>) {
    await track(this as never, source, options);
    this.ended = true;
  },
};

it('an object keeps its id from frame to frame, until the video ends', async () => {
  const follower = new Follower(detector as unknown as Detector<Model>);
  const ids: number[] = [];
  for (const x of [1, 5, 10]) {
    const { detections } = await follower.next(x as unknown as ImageBitmap);
    expect(detections.map(({ label }) => label)).toEqual(['dog']);
    ids.push(detections[0].id);
  }
  expect(new Set(ids).size).toBe(1);
  follower.end();
  await expect.poll(() => detector.ended).toBe(true);
});

it('a detector that fails says so', async () => {
  const failing = { ...detector, detect: () => Promise.reject(new Error('no memory')) };
  const follower = new Follower(failing as unknown as Detector<Model>);
  await expect(follower.next(1 as unknown as ImageBitmap)).rejects.toThrow('no memory');
});
