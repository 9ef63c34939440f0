// A project that has installed the package, as hosts and bundlers find it, with a model and a photo to run it on.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect } from 'vitest';
import { decodeImage } from '../../src/images/decode.ts';
import type { Classification, Detection } from '../../src/index.ts';
import type { Pixels } from '../../src/vision/preprocessing.ts';
import { overlap } from '../overlap.ts';

export const root = fileURLToPath(new URL('../../', import.meta.url));
export const modelFile = path.join(root, 'dist/models/face-detection.filigree');
export const jpegFile = path.join(root, 'node_modules/@vladmandic/face-api/demo/sample5.jpg');

/** A folder with `node_modules/filigree`, the scenario, and files of the test; removed afterwards. */
export function project(files: Record<string, string | Uint8Array> = {}): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'filigree-host-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  // a copy: tools treat a linked package as a source of the project
  for (const part of ['package.json', 'dist']) {
    cpSync(path.join(root, part), path.join(folder, 'node_modules/filigree', part), { recursive: true });
  }
  for (const name of ['scenario.mjs', 'watch.mjs']) {
    cpSync(path.join(root, 'test/hosts', name), path.join(folder, name));
  }
  cpSync(modelFile, path.join(folder, 'face.filigree'));
  for (const [name, content] of Object.entries({ 'package.json': '{ "type": "module" }', ...files })) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), content);
  }
  return folder;
}

/** The photo with five faces at a third of its size, so that it crosses to hosts quickly. */
export async function photo(): Promise<Pixels & { data: Uint8Array<ArrayBuffer> }> {
  const image = await decodeImage(readFileSync(jpegFile));
  const [width, height] = [Math.floor(image.width / 3), Math.floor(image.height / 3)];
  const data = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = image.channels * (3 * y * image.width + 3 * x);
      data.set(image.data.subarray(from, from + 3), 3 * (y * width + x));
    }
  }
  return { data, width, height, channels: 3 };
}

/** What this Node finds in it, by the package as built. */
export const facesIn = (pixels: Pixels): Promise<Detection[]> => foundIn(pixels, modelFile);
export const objectsIn = (pixels: Pixels): Promise<Detection[]> => foundIn(pixels, 'objects');

async function foundIn(pixels: Pixels, model: string): Promise<Detection[]> {
  const { createDetector } = (await import(path.join(root, 'dist/index.js'))) as typeof import('../../src/index.ts');
  const detector = await createDetector(model, { build: 'simd' });
  const { detections } = await detector.detect(pixels);
  detector.dispose();
  return detections;
}

export interface Failure {
  code: string;
  message: string;
}

/** What scenario.mjs reports. */
export interface Report {
  runs: {
    build: string;
    threads: number;
    notes: string[];
    detections: Detection[];
    again: Detection[];
    disposed?: Failure;
    ms: number;
  }[];
  /** What a model on threads says when one has died, and how many of its workers were ended then. */
  death?: { failure?: Failure; ended: number };
  /** What is found in the photo's file, by path, URL, bytes and Blob; where the host has files. */
  photos?: Detection[][];
  /** What a detector in a worker of its own finds in the photo's file and in its pixels, the ids it gives, what it says. */
  worker?: { found: Detection[][]; ids: number[][]; failure: Failure; disposed: Failure };
  /** Results of the package's models, by name; on a host without them, its message. */
  named?: Record<string, Detection[]> | Failure;
  /** What the package's classifier says of the photo. */
  classified?: Classification[];
  failures: Record<'notModel' | 'aborted' | 'missingModel' | 'missingWasm' | 'notWasm', Failure | undefined>;
}

/** The same faces: boxes within half a pixel, scores within 1e-3: builds differ in how multiply-adds round. */
export function expectSameFaces(found: readonly Detection[], wanted: readonly Detection[]): void {
  expect(found.length).toBe(wanted.length);
  found.forEach(({ label, score, box }, i) => {
    expect(label).toBe(wanted[i].label);
    expect(Math.abs(score - wanted[i].score)).toBeLessThan(1e-3);
    for (const side of ['xmin', 'ymin', 'xmax', 'ymax'] as const) {
      expect(Math.abs(box[side] - wanted[i].box[side])).toBeLessThan(0.5);
    }
  });
}

/**
 * The same objects. `objects` rounds to eight bits: where builds differ in the last bit of a sum, an input of the next layer is now
 * and then a whole step larger (docs/numerics.md says by how much results differ). So what either is sure of, with a score of 0.1 over
 * the threshold of 0.4, the other finds too: the same kind, nine tenths of the box. For photos whose objects are well seen.
 */
export function expectSameObjects(found: readonly Detection[], wanted: readonly Detection[]): void {
  for (const [some, others] of [
    [found, wanted],
    [wanted, found],
  ]) {
    const left = [...others];
    for (const detection of some.filter(({ score }) => score >= 0.5)) {
      const at = left.findIndex((other) => other.label === detection.label && overlap(other, detection) >= 0.9);
      expect(at, `${JSON.stringify(detection)} in ${JSON.stringify(others)}`).toBeGreaterThanOrEqual(0);
      left.splice(at, 1);
    }
  }
}

/** What must hold of a report from any host. */
export function expectReport({ runs, failures }: Report, wanted: readonly Detection[]): void {
  expect(wanted.length).toBe(5);
  for (const { detections, again, disposed } of runs) {
    expectSameFaces(detections, wanted);
    expect(again).toEqual(detections);
    expect(disposed?.code).toBe('disposed');
  }
  expect(failures.notModel).toMatchObject({ code: 'invalid-model' });
  expect(failures.aborted).toMatchObject({ code: 'AbortError' });
}

/** Of one that has run on one thread, on two, and maybe on as many as there are. */
export function expectThreads({ runs, death }: Report): void {
  expect(runs.slice(0, 2).map(({ threads }) => threads)).toEqual([1, 2]);
  expect(death?.failure).toMatchObject({
    code: 'environment',
    message: expect.stringContaining('a thread has failed'),
  });
  expect(death!.ended).toBeGreaterThanOrEqual(2);
  for (const { notes, detections } of runs) {
    expect(notes).toEqual(runs[0].notes); // of compilation
    expect(detections).toEqual(runs[0].detections);
  }
}

/** Of one that has been asked for two threads where there are none: a note says why. */
export function expectOneThread({ runs }: Report, why: string): void {
  expect(runs.map(({ threads }) => threads)).toEqual([1, 1]);
  expect(runs[1].notes.slice(0, -1)).toEqual(runs[0].notes); // of compilation
  expect(runs[1].notes.at(-1)).toBe(`runs on one thread: ${why}`);
  expect(runs[1].detections).toEqual(runs[0].detections);
}

/** And of one that can ask for files. */
export function expectFileFailures({ failures }: Report): void {
  expect(failures.missingModel).toMatchObject({ code: 'not-found', message: expect.stringContaining('missing') });
  expect(failures.missingWasm).toMatchObject({ code: 'not-found', message: expect.stringContaining('missing') });
  expect(failures.notWasm).toMatchObject({ code: 'environment', message: expect.stringContaining('WebAssembly') });
}

/**
 * Whether a runtime that npm has no build of for this machine may be skipped: not where CI wants everything.
 * @throws Error there
 */
export function isInstalled(file: string): boolean {
  if (existsSync(file)) return true;
  if (process.env.FILIGREE_REQUIRE_DATA) throw new Error(`${file} is missing: npm install`);
  return false;
}
