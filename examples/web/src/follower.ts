import type { Detector, Model, TrackResult } from 'filigree';

interface Waiting {
  resolve(result: TrackResult): void;
  reject(error: unknown): void;
}

/** Follows objects through frames that are handed in one by one. */
export class Follower {
  private give: (picture: ImageBitmap | undefined) => void = () => {};
  private arriving = this.fresh();
  private waiting: Waiting | undefined;

  constructor(detector: Detector<Model>) {
    const onResult = (result: TrackResult) => this.waiting?.resolve(result);
    detector.track(this.frames(), { onResult, smooth: true }).catch((error: unknown) => this.waiting?.reject(error));
  }

  /** What is in the next frame. One at a time. */
  next(picture: ImageBitmap): Promise<TrackResult> {
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
      this.give(picture);
    });
  }

  end(): void {
    this.give(undefined);
  }

  private fresh(): Promise<ImageBitmap | undefined> {
    return new Promise((resolve) => (this.give = resolve));
  }

  private async *frames(): AsyncGenerator<{ image: ImageBitmap; time: number }> {
    for (;;) {
      const image = await this.arriving;
      if (!image) return;
      this.arriving = this.fresh();
      yield { image, time: performance.now() / 1000 };
    }
  }
}
