// Photos in, faces out: the sparse full-range detector on photographs of groups (npm @vladmandic/face-api, MIT).
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandLine } from './command-line.ts';
import { decodeImage } from '../../src/images/decode.ts';
import type { Detection } from '../../src/vision/detection.ts';
import { jpegOf, paint, pngOf, withOrientation } from '../images/pictures.ts';

const photo = (n: number) => `node_modules/@vladmandic/face-api/demo/sample${n}.jpg`;
const faceModel = (kind: string) => `node_modules/@mediapipe/face_detection/face_detection_${kind}.tflite`;

let directory: string;
let defaultModel: string;

const { filigree, json } = commandLine(() => defaultModel);

interface Report {
  model: string;
  photos: { file: string; width: number; height: number; detections: Detection[]; saved?: string }[];
}

const detect = (...argv: string[]) => json<Report>('detect', ...argv);

/** Whether each point lies in a box of its own, well inside. */
function found(detections: readonly Detection[], points: readonly (readonly [number, number])[]): boolean {
  const boxes = detections.map(({ box }) => box);
  return points.every(([x, y]) => {
    const at = boxes.findIndex(({ xmin, ymin, xmax, ymax }) => {
      const [dx, dy] = [(xmax - xmin) / 4, (ymax - ymin) / 4];
      return x > xmin + dx && x < xmax - dx && y > ymin + dy && y < ymax - dy;
    });
    if (at >= 0) boxes.splice(at, 1);
    return at >= 0;
  });
}

/** The middle of each face, found by eye. */
const faces: Record<number, [x: number, y: number][]> = {
  2: [
    [415, 280],
    [990, 370],
    [1510, 300],
  ],
  4: [
    [385, 330],
    [720, 210],
    [1025, 335],
    [1325, 285],
  ],
  5: [
    [875, 235],
    [1175, 335],
    [1465, 575],
    [735, 550],
    [480, 1030],
  ],
};

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'filigree-detect-'));
  defaultModel = join(directory, 'face-detection.filigree');
  expect((await filigree('compile', faceModel('full_range_sparse'), '-o', defaultModel)).code).toBe(0);
});
afterAll(() => rm(directory, { recursive: true }));

describe('filigree detect', () => {
  it.each([2, 4, 5])('finds every face of sample%i.jpg and nothing else', async (n) => {
    const { photos } = await detect(photo(n));
    const [{ detections }] = photos;
    expect(detections.length).toBe(faces[n].length);
    expect(found(detections, faces[n])).toBe(true);
    for (const { label, score, box, keypoints } of detections) {
      expect(label).toBe('face');
      expect(score).toBeGreaterThan(0.5);
      expect(keypoints!.length).toBe(6);
      const [rightEye, leftEye, , mouth] = keypoints!;
      expect(rightEye.x).toBeLessThan(leftEye.x); // the person's right is the picture's left
      expect(mouth.y).toBeGreaterThan(Math.max(rightEye.y, leftEye.y));
      expect(box.xmax - box.xmin).toBeGreaterThan(100);
    }
    expect(detections.map(({ score }) => score)).toEqual(
      detections.map(({ score }) => score).toSorted((a, b) => b - a),
    );
  });

  it('prints a table', async () => {
    const { code, out, err } = await filigree('detect', photo(5));
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const lines = out.split('\n');
    expect(lines[0]).toBe(`${photo(5)}  1920 × 1398`);
    expect(lines[1]).toMatch(/^label +score +xmin +ymin +xmax +ymax$/);
    for (const line of lines.slice(2, 7)) expect(line).toMatch(/^face +0\.\d{3}( +\d+){4}$/);
    expect(lines[7]).toMatch(/^5 detections; preprocess [\d.]+ ms, inference [\d.]+ ms, postprocess [\d.]+ ms$/);
  });

  it('keeps to the threshold and the number asked for', async () => {
    expect((await detect(photo(5), '--score-threshold', '0.85')).photos[0].detections.length).toBe(3);
    expect((await detect(photo(5), '--max-results', '2')).photos[0].detections.length).toBe(2);
  });

  it('finds each face once in parts of the photo that cut through some', async () => {
    const { photos } = await detect('--tiles', '700', photo(5));
    expect(photos[0].detections.length).toBe(5);
    expect(found(photos[0].detections, faces[5])).toBe(true);
    const { err, code } = await filigree('detect', '--tiles', '10', photo(5));
    expect([code, err]).toEqual([1, 'filigree: tiles.size: wanted a whole number of pixels from 32, got 10\n']);
  });

  it('compiles a .tflite on the fly', async () => {
    const compiled = await detect(photo(4));
    const { photos } = await detect(photo(4), '--model', faceModel('full_range_sparse'));
    expect(photos[0].detections).toEqual(compiled.photos[0].detections);
    expect((await detect(photo(5), '--model', faceModel('short_range'))).photos[0].detections.length).toBeGreaterThan(
      0,
    );
  });

  it('finds the same faces in a photo that lies on its side', async () => {
    // Stored a quarter turn anticlockwise at half the size, with the orientation that turns it back.
    const { data, width, height } = await decodeImage(await readFile(photo(5)));
    const [w, h] = [width / 2, height / 2];
    const lying = paint(h, w, (x, y) => {
      const at = 4 * (2 * x * width + 2 * (w - 1 - y));
      return Array.from(data.subarray(at, at + 4));
    });
    const file = join(directory, 'lying.jpg');
    await writeFile(file, withOrientation(await jpegOf(lying), 6));
    const { photos } = await detect(file);
    expect([photos[0].width, photos[0].height]).toEqual([w, h]);
    const halves = faces[5].map(([x, y]) => [x / 2, y / 2] as const);
    expect(found(photos[0].detections, halves)).toBe(true);

    await writeFile(file, await jpegOf(lying)); // and without it, there is no upright face
    expect(found((await detect(file)).photos[0].detections, halves)).toBe(false);
  });

  it('saves pictures with the boxes drawn in', async () => {
    const picture = join(directory, 'faces.png');
    const { photos } = await detect(photo(4), '--save', picture);
    expect(photos[0].saved).toBe(picture);
    const before = await decodeImage(await readFile(photo(4)));
    const after = await decodeImage(await readFile(picture));
    expect([after.width, after.height]).toEqual([before.width, before.height]);
    const { box } = photos[0].detections[0];
    const pixel = 4 * (Math.round((box.ymin + box.ymax) / 2) * after.width + Math.round(box.xmin));
    expect(Array.from(after.data.subarray(pixel, pixel + 3))).toEqual([240, 228, 66]);
    const corner = 4 * (after.width * after.height - 1);
    expect(after.data.subarray(corner)).toEqual(before.data.subarray(corner));

    const folder = join(directory, 'pictures');
    await mkdir(folder);
    await detect(photo(4), photo(5), '--save', folder);
    expect((await readdir(folder)).toSorted()).toEqual(['sample4.png', 'sample5.png']);
  });

  it('makes the directory for pictures, and gives each a name of its own', async () => {
    const [left, right] = [join(directory, 'left'), join(directory, 'right')];
    const png = await pngOf(paint(8, 8, () => [120, 130, 140, 255]));
    for (const folder of [left, right]) {
      await mkdir(folder);
      await writeFile(join(folder, 'a.png'), png);
    }
    const photos = [left, right].map((folder) => join(folder, 'a.png'));
    const { photos: results } = await detect(...photos, '--save', join(directory, 'new', 'pictures/'));
    const saved = ['a.png', 'a-2.png'].map((name) => join(directory, 'new', 'pictures', name));
    expect(results.map((result) => result.saved)).toEqual(saved);
    await detect(photos[0], '--save', left); // beside the photo, not over it
    expect((await readdir(left)).toSorted()).toEqual(['a-2.png', 'a.png']);
    expect(await readFile(photos[0])).toEqual(Buffer.from(png));
  });

  it('writes no picture over its photo or under the name of another format', async () => {
    const file = join(directory, 'own.png');
    await writeFile(file, await pngOf(paint(8, 8, () => [120, 130, 140, 255])));
    for (const [save, message] of [
      [file, `--save ${file}: is the photo itself`],
      [join(directory, 'out.jpg'), 'pictures are written as PNG; name it .png'],
      ['', 'It must not be empty.'],
    ]) {
      const { code, out, err } = await filigree('detect', file, '--save', save);
      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(err).toContain(message);
    }
    expect(await readdir(directory)).not.toContain('out.jpg');
  });

  it('finds nothing in pictures of nothing, of any size', async () => {
    for (const [width, height] of [
      [1, 1],
      [3, 500],
      [500, 3],
      [64, 64],
    ]) {
      const file = join(directory, 'nothing.png');
      await writeFile(file, await pngOf(paint(width, height, () => [120, 130, 140, 255])));
      expect((await detect(file)).photos[0].detections).toEqual([]);
    }
    expect((await filigree('detect', join(directory, 'nothing.png'))).out).toContain('0 detections; ');
  });

  it('names files that are not photos, in one line, and continues with the others', async () => {
    const text = join(directory, 'notes.txt');
    await writeFile(text, 'Dear all, the photo follows');
    const cut = join(directory, 'cut.jpg');
    await writeFile(cut, (await readFile(photo(4))).subarray(0, 90_000));
    for (const [file, message] of [
      [text, 'not a JPEG, PNG or WebP image; it starts with "Dear all'],
      [cut, 'a JPEG image of 90000 bytes that is broken or cut off (the file ends too early)'],
      [join(directory, 'missing.jpg'), 'no such file or directory'],
      [directory, 'is a directory'],
    ]) {
      const { code, out, err } = await filigree('detect', file);
      expect({ code, out }).toEqual({ code: 1, out: '' });
      expect(err).toMatch(/^filigree: [^\n]+\n$/);
      expect(err).toContain(`${file}: ${message}`);
    }
    const { code, out, err } = await filigree('detect', '--json', photo(4), text, photo(5));
    expect(code).toBe(1);
    expect(err).toMatch(/^filigree: [^\n]+\n$/);
    expect((JSON.parse(out) as Report).photos.map(({ file }) => file)).toEqual([photo(4), photo(5)]);
  });

  it('writes no picture where it cannot, nor half of one', async () => {
    const { code, err } = await filigree('detect', photo(4), '--save', join(directory, 'no', 'where.png'));
    expect(code).toBe(1);
    expect(err).toContain('where.png: cannot write: no such file or directory');
  });
});
