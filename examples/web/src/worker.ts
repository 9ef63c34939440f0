// All detection runs here, so that the page never waits for it.
import * as comlink from 'comlink';
import { createDetector, Tensor } from 'filigree';
import type { Detection, Detector, LayerProfile, Model } from 'filigree';

export interface Loaded {
  build: string;
  threads: number;
  notes: readonly string[];
}

export interface Found {
  detections: Detection[];
  /** Milliseconds of each slot's inference, in the order of the slots. */
  ms: number[];
}

/** Models that look at the same pictures, e.g. a network and its dense twin. */
let slots: Detector<Model>[] = [];

const api = {
  /**
   * Loads models in place of the present ones.
   * @param sources URL, or bytes of a file, of each
   */
  async load(
    sources: (string | Uint8Array)[],
    threads: number,
    onProgress: (share: number) => void,
  ): Promise<Loaded[]> {
    const shares = sources.map(() => 0);
    const loading = sources.map((source, i) =>
      createDetector(source, {
        threads,
        onProgress: ({ loaded, total }) => {
          shares[i] = total ? loaded / total : 0;
          onProgress(shares.reduce((sum, share) => sum + share, 0) / shares.length);
        },
      }),
    );
    const results = await Promise.allSettled(loading);
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) {
      for (const result of results) if (result.status === 'fulfilled') result.value.dispose();
      throw failed.reason;
    }
    for (const detector of slots) detector.dispose();
    slots = await Promise.all(loading);
    return slots.map(({ model }) => ({
      build: model.info.build,
      threads: model.info.threads,
      notes: model.info.notes,
    }));
  },

  /** Runs every slot on a picture, which is closed. */
  async detect(picture: ImageBitmap): Promise<Found> {
    const found: Found = { detections: [], ms: [] };
    try {
      for (const [i, detector] of slots.entries()) {
        const { detections, speed } = await detector.detect(picture);
        if (i === 0) found.detections = detections;
        found.ms.push(speed.inference);
      }
    } finally {
      picture.close();
    }
    return found;
  },

  /** Times each layer of each slot, on a black picture: times do not depend on what is in it. */
  async profile(): Promise<LayerProfile[][]> {
    const profiles: LayerProfile[][] = [];
    for (const { model } of slots) {
      const inputs = model.inputs.map(({ name, dtype, shape }) => [name, new Tensor(dtype, shape)]);
      profiles.push(await model.profile(Object.fromEntries(inputs), { runs: 15 }));
    }
    return profiles;
  },
};

export type Api = typeof api;
comlink.expose(api);
