/** A camera that runs: frames of its video until it is stopped. */
export interface Camera {
  video: HTMLVideoElement;
  /** Resolves when there is a next frame. */
  next(): Promise<void>;
  stop(): void;
}

/** @param video where to show it; nowhere if not given */
export async function startCamera(video = document.createElement('video')): Promise<Camera> {
  if (!navigator.mediaDevices) throw new Error('This page has no camera: it must come from https or localhost.');
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' }, audio: false });
  Object.assign(video, { srcObject: stream, muted: true, playsInline: true });
  await video.play();
  return {
    video,
    next: () =>
      new Promise((resolve) => {
        if ('requestVideoFrameCallback' in video) video.requestVideoFrameCallback(() => resolve());
        else requestAnimationFrame(() => resolve());
      }),
    stop() {
      for (const track of stream.getTracks()) track.stop();
      video.srcObject = null;
    },
  };
}
