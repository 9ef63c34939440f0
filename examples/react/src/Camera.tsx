import { useEffect, useRef, useState } from 'react';
import { createDetector, drawDetections } from 'filigree';

/** The camera's picture, with a box around everything that is found in it. */
export function Camera() {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [status, setStatus] = useState('Starting…');
  useEffect(() => {
    const stop = new AbortController();
    watch(canvas.current!, setStatus, stop.signal).catch((error: Error) => {
      if (!stop.signal.aborted) setStatus(error.message);
    });
    return () => stop.abort();
  }, []);
  return (
    <figure>
      <canvas ref={canvas} style={{ maxWidth: '100%' }} />
      <figcaption role="status">{status}</figcaption>
    </figure>
  );
}

async function watch(canvas: HTMLCanvasElement, tell: (status: string) => void, signal: AbortSignal): Promise<void> {
  const detector = await createDetector('objects', { worker: true, signal });
  const video = document.createElement('video');
  const stream = await navigator.mediaDevices.getUserMedia({ video: true });
  try {
    await Object.assign(video, { srcObject: stream, muted: true, playsInline: true }).play();
    [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
    const context = canvas.getContext('2d')!;
    const onResult: Parameters<typeof detector.track>[1]['onResult'] = ({ detections }) => {
      context.drawImage(video, 0, 0);
      drawDetections(context, detections);
      tell(detections.map(({ label, id }) => `${label} ${id}`).join(', ') || 'Nothing found');
    };
    await detector.track(video, { signal, onResult });
  } finally {
    for (const track of stream.getTracks()) track.stop();
    detector.dispose();
  }
}
