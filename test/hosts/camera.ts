// Cameras that see one photo for ever.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll } from 'vitest';

/** Arguments that start Chromium with a camera that sees a JPEG file (not a progressive one), and leave to use it. */
export function cameraOf(jpeg: string): string[] {
  const folder = mkdtempSync(path.join(tmpdir(), 'filigree-camera-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  // a file of Motion JPEG is one JPEG file after the other, and starts again at its end
  const frame = readFileSync(jpeg);
  const video = path.join(folder, 'camera.mjpeg');
  writeFileSync(video, Buffer.concat([frame, frame, frame]));
  return [
    '--use-fake-ui-for-media-stream',
    '--use-fake-device-for-media-stream',
    `--use-file-for-fake-video-capture=${video}`,
  ];
}

/**
 * A script for pages of other browsers, in which a canvas is the camera: it sees a photo of the page's own site. It replaces the method of
 * the prototype: WebKit may collect `navigator.mediaDevices` as garbage, and what was set on it.
 */
export const cameraScript = (url: string) => `
(() => {
  const getUserMedia = async () => {
    const photo = new Image();
    photo.src = '${url}';
    await photo.decode();
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [photo.naturalWidth, photo.naturalHeight];
    const context = canvas.getContext('2d');
    setInterval(() => context.drawImage(photo, 0, 0), 50);
    return canvas.captureStream(20);
  };
  if (navigator.mediaDevices) MediaDevices.prototype.getUserMedia = getUserMedia;
  else Object.defineProperty(navigator, 'mediaDevices', { value: { getUserMedia } });
})();`;
