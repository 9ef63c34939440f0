// A camera for Chromium that sees one photo for ever.
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
