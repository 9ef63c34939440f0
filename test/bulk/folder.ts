// A folder of photos for tests of bulk runs, and a looker that finds in each what its first pixel says.
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { JobResult } from '../../src/bulk/job.ts';
import type { Looker, PhotoJobsSettings } from '../../src/bulk/photo-jobs.ts';
import { paint, pngOf } from '../images/pictures.ts';

/** A folder that is removed afterwards. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'filigree-bulk-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** `count` photos 00.png, 01.png, …; in each tenth, the bytes are broken. */
export async function writePhotos(folder: string, count: number): Promise<string[]> {
  const keys = Array.from({ length: count }, (_, i) => `${String(i).padStart(2, '0')}.png`);
  for (const [i, key] of keys.entries()) {
    const png = await pngOf(paint(8 + i, 8, () => [i, 120, 130, 255]));
    writeFileSync(join(folder, key), i % 10 === 9 ? png.subarray(0, png.length / 2) : png);
  }
  return keys;
}

/** Finds one box, as wide as the photo's first byte of red. `looks` counts what was looked at. */
export function redLooker(): { detect: Extract<Looker, { detect: unknown }>['detect']; looks: number[] } {
  const looks: number[] = [];
  return {
    looks,
    async detect({ data }) {
      looks.push(data[0]);
      const box = { xmin: 0.12345, ymin: 0, xmax: data[0], ymax: 4 };
      return { detections: [{ label: 'red', classIndex: 0, score: 0.87654, box }] };
    },
  };
}

export const settingsFor = (base: string): PhotoJobsSettings => ({ base, model: 'ab'.repeat(32), options: { s: 0.5 } });

/** All lines of the whole shards in a folder. */
export function linesIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.jsonl'))
    .toSorted()
    .flatMap((name) => readFileSync(join(folder, name), 'utf8').trimEnd().split('\n'));
}

export const resultsOf = (folder: string): JobResult[] => linesIn(folder).map((line) => JSON.parse(line) as JobResult);

export const jobLines = (keys: readonly string[]) => keys.map((key) => `${JSON.stringify({ key })}\n`).join('');
