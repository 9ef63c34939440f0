import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { encodePng } from '../../src/images.ts';
import { Tensor } from '../../src/tensor.ts';
import { Detector } from '../../src/vision/detector.ts';
import { decodeBlaze, blazeAnchors, faceKeypoints, type MediapipeHead } from '../../src/vision/heads/mediapipe.ts';
import type { Pixels } from '../../src/vision/preprocessing.ts';
import { recogniseVision } from '../../src/vision/recognise.ts';
import { fakeModel, standingClock, type FakeEvents, type FakeModel } from './fake-model.ts';

const full = { size: 192, anchors: 2304 };
const short = { size: 128, anchors: 896 };

function faceShapes({ size, anchors }: typeof full) {
  return {
    inputs: [{ name: 'input', dtype: 'float32', shape: [1, size, size, 3] }],
    outputs: [
      { name: 'regressors', dtype: 'float32', shape: [1, anchors, 16] },
      { name: 'classificators', dtype: 'float32', shape: [1, anchors, 1] },
    ],
  } as const;
}

/** Logits of −50 everywhere but at the anchors given: [anchor, logit, x, y, w, h, …keypoints]. */
function faceOutputs({ anchors }: typeof full, ...faces: number[][]): Record<string, Tensor> {
  const regressors = new Float32Array(anchors * 16).fill(1);
  const logits = new Float32Array(anchors).fill(-50);
  for (const [anchor, logit, ...values] of faces) {
    logits[anchor] = logit;
    regressors.set(values, anchor * 16);
  }
  return {
    regressors: new Tensor('float32', [1, anchors, 16], regressors),
    classificators: new Tensor('float32', [1, anchors, 1], logits),
  };
}

function faceModel(outputs: Record<string, Tensor>, shapes = full, metadata = {}, events: FakeEvents = {}): FakeModel {
  return fakeModel({ name: 'face.filigree', ...faceShapes(shapes), metadata }, outputs, events);
}

const photo: Pixels = { data: new Uint8Array(640 * 480 * 3), width: 640, height: 480, channels: 3 };

const bytes = (channels: number) => new Uint8ClampedArray(640 * 480 * channels);

describe('decodeBlaze', () => {
  it('adds offsets in input pixels to the anchor, x before y', () => {
    const vision = recogniseVision(faceShapes(full).inputs, faceShapes(full).outputs)!;
    const anchors = blazeAnchors(vision.head as MediapipeHead, 192, 192);
    const keypoints = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
    const tensors = faceOutputs(full, [49, 0, 4, -2, 20, 10, ...keypoints]); // anchor centre (6, 6)
    const faces = decodeBlaze(
      tensors.regressors.data as Float32Array,
      tensors.classificators.data as Float32Array,
      anchors,
      192,
      192,
      0.5,
    );
    expect(faces.length).toBe(1);
    expect([...faces.boxes]).toEqual([0, -1, 20, 9]);
    expect([...faces.scores]).toEqual([0.5]);
    expect([...faces.keypoints!]).toEqual(keypoints.map((value) => value + 6));
  });

  it('clips logits, and leaves out NaN', () => {
    const anchors = Float32Array.from([0.5, 0.5, 1, 1, 0.5, 0.5, 1, 1, 0.5, 0.5, 1, 1]);
    const regressors = new Float32Array(48).fill(2);
    const decode = (threshold: number, ...logits: number[]) =>
      [...decodeBlaze(regressors, logits, anchors, 10, 10, threshold).scores].map((score) => score.toPrecision(3));
    expect(decode(0.5, 1e6, Number.NaN, -1e6)).toEqual(['1.00']);
    expect(decode(0, 1e6, Number.NaN, -1e6)).toEqual(['1.00', '3.78e-44']); // e⁻¹⁰⁰ as float32 holds it
    expect(decode(0.9, 2, 2.2, 3)).toEqual(['0.900', '0.953']); // sigmoid(2) is 0.881
  });
});

describe('recogniseVision', () => {
  it('knows the face models by their shapes', () => {
    for (const shapes of [full, short]) {
      const { inputs, outputs } = faceShapes(shapes);
      const vision = recogniseVision(inputs, [outputs[1], outputs[0]])!; // in any order
      expect(vision.head).toMatchObject({ boxes: 'regressors', scores: 'classificators' });
      expect(vision.preprocessing).toMatchObject({ width: shapes.size, height: shapes.size, resize: 'letterbox' });
      const { scale, offset } = vision.preprocessing;
      expect([offset[0], 255 * scale[0] + offset[0]]).toEqual([-1, 1]); // black and white
    }
  });

  it('knows nothing else', () => {
    const { inputs, outputs } = faceShapes(full);
    expect(recogniseVision(inputs, [outputs[0]])).toBeUndefined();
    expect(recogniseVision(inputs, [outputs[0], { ...outputs[1], shape: [1, 2304, 2] }])).toBeUndefined();
    expect(recogniseVision([{ ...inputs[0], dtype: 'uint8' }], outputs)).toBeUndefined();
    expect(recogniseVision([{ ...inputs[0], shape: [1, 3, 192, 192] }], outputs)).toBeUndefined();
  });
});

describe('Detector', () => {
  // 640 × 480 becomes 192 × 144 from row 24 on: an input pixel is 10/3 image pixels.
  // Anchor (12, 24) is number 24·48 + 12, its centre at (50, 98).
  const anchor = 24 * 48 + 12;
  const face = [anchor, 3, 10, -2, 30, 36, ...Array.from({ length: 12 }, (_, i) => i)];

  it('gives boxes and keypoints in source-image pixels', async () => {
    const { detections } = await (await Detector.of(faceModel(faceOutputs(full, face)))).detect(photo);
    expect(detections).toHaveLength(1);
    const [{ label, classIndex, score, box, keypoints }] = detections;
    expect({ label, classIndex }).toEqual({ label: 'face', classIndex: 0 });
    expect(score).toBeCloseTo(1 / (1 + Math.exp(-3)), 6); // float32
    // Centre (60, 96), 30 × 36: 45…75 by 78…114, less 24 rows, times 10/3. Exact but for float32 boxes.
    expect(box.xmin).toBeCloseTo(150, 3);
    expect(box.xmax).toBeCloseTo(250, 3);
    expect(box.ymin).toBeCloseTo(180, 3);
    expect(box.ymax).toBeCloseTo(300, 3);
    expect(keypoints!.map(({ name }) => name)).toEqual(faceKeypoints);
    expect(keypoints![2].x).toBeCloseTo((54 * 10) / 3, 3);
    expect(keypoints![2].y).toBeCloseTo(((103 - 24) * 10) / 3, 3);
  });

  it('reports the time of each part', async () => {
    const { now, events } = standingClock();
    const detector = await Detector.of(faceModel(faceOutputs(full, face), full, {}, events));
    const clock = vi.spyOn(performance, 'now').mockImplementation(now);
    try {
      expect((await detector.detect(photo)).speed).toEqual({ preprocess: 1, inference: 2, postprocess: 0 });
    } finally {
      clock.mockRestore();
    }
  });

  it('merges one face seen by two anchors, and sorts by score', async () => {
    const again = [anchor + 1, 3, 6, -2, 30, 36]; // the same place, from the next anchor
    const other = [40 * 48 + 40, 4, 0, 0, 20, 20];
    const { detections } = await (await Detector.of(faceModel(faceOutputs(full, face, again, other)))).detect(photo);
    expect(detections.map(({ score }) => score.toFixed(3))).toEqual(['0.982', '0.953']);
    expect(detections[1].box.xmin).toBeCloseTo(150, 3);
  });

  it('clips boxes to the image and drops those in the padding', async () => {
    const edge = [24 * 48, 3, 0, 0, 40, 20]; // centre (2, 98)
    const padding = [20, 5, 0, 0, 10, 10]; // row 0 is padding
    const { detections } = await (await Detector.of(faceModel(faceOutputs(full, edge, padding)))).detect(photo);
    expect(detections).toHaveLength(1);
    expect(detections[0].box.xmin).toBe(0);
    expect(detections[0].box.xmax).toBeCloseTo(220 / 3, 3);
  });

  it('keeps to its settings', async () => {
    const other = [40 * 48 + 40, 4, 0, 0, 20, 20];
    const model = faceModel(faceOutputs(full, face, other));
    const count = async (settings: object) =>
      (await (await Detector.of(model, settings)).detect(photo)).detections.length;
    expect(await count({ scoreThreshold: 0.97 })).toBe(1);
    expect(await count({ scoreThreshold: 0.99 })).toBe(0);
    expect(await count({ maxResults: 1 })).toBe(1);
    for (const bad of [{ scoreThreshold: 2 }, { iouThreshold: Number.NaN }, { maxResults: 0 }, { maxResults: 1.5 }]) {
      const name = Object.keys(bad)[0];
      await expect(Detector.of(model, bad)).rejects.toThrow(expect.objectContaining({ code: 'invalid-argument' }));
      await expect(Detector.of(model, bad)).rejects.toThrow(name);
    }
  });

  it('reads grey, RGBA and ImageData equally, and refuses other values', async () => {
    const detector = await Detector.of(faceModel(faceOutputs(full, face)));
    const sources = [
      { ...photo, data: bytes(1), channels: 1 as const },
      { data: bytes(4), width: 640, height: 480 },
    ];
    for (const source of sources) {
      expect((await detector.detect(source as Pixels)).detections[0].box.xmin).toBeCloseTo(150, 3);
    }
    for (const source of [null, 7, { ...photo, data: bytes(1) }, { ...photo, width: NaN }]) {
      await expect(detector.detect(source as Pixels)).rejects.toMatchObject({ code: 'invalid-argument' });
    }
  });

  it('reads photos from files, by path, URL, bytes or Blob', async () => {
    const { detections } = await (await Detector.of(faceModel(faceOutputs(full, face)))).detect(photo);
    const file = join(mkdtempSync(join(tmpdir(), 'filigree-photo-')), 'photo.png');
    const png = await encodePng(photo);
    writeFileSync(file, png);
    const detector = await Detector.of(faceModel(faceOutputs(full, face)));
    for (const source of [file, pathToFileURL(file), png, png.buffer, new Blob([png])]) {
      expect((await detector.detect(source)).detections).toEqual(detections);
    }
    const text = new TextEncoder().encode('no image');
    for (const source of [text, text.buffer, new Blob([text])]) {
      await expect(detector.detect(source)).rejects.toMatchObject({
        code: 'invalid-image',
        message: expect.stringMatching(/^image: not a JPEG, PNG or WebP image/),
      });
    }
    await expect(detector.detect('missing.jpg')).rejects.toMatchObject({
      code: 'not-found',
      message: 'missing.jpg: no such file',
    });
  });

  it('is disposed once, and says so afterwards', async () => {
    const model = faceModel(faceOutputs(full));
    const detector = await Detector.of(model);
    detector.dispose();
    detector.dispose();
    expect(model.disposals).toBe(1);
    await expect(detector.detect(photo)).rejects.toMatchObject({ code: 'disposed' });
  });

  it('refuses a model it does not know', async () => {
    const model = { ...faceModel({}), outputs: [{ name: 'prob', dtype: 'float32' as const, shape: [1, 1000] }] };
    await expect(Detector.of(model)).rejects.toThrow('face.filigree: a classifier, not a detector');
    await expect(Detector.of(model)).rejects.toThrow('prob [1, 1000]');
  });
});

describe('metadata.vision', () => {
  const known = recogniseVision(faceShapes(short).inputs, faceShapes(short).outputs)!;
  const detector = (vision: unknown) => Detector.of(faceModel({}, short, { vision }));

  it('survives JSON', async () => {
    expect((await detector(JSON.parse(JSON.stringify(known)))).labels).toEqual(['face']);
  });

  it.each([
    [null, 'metadata.vision: wanted an object, found null'],
    [{ ...known, task: 'paint' }, 'metadata.vision.task: wanted "detect", found "paint"'],
    [{ ...known, head: { type: 'constructor' } }, 'metadata.vision.head.type: wanted "mediapipe" or "yolo"'],
    [{ ...known, head: { ...known.head, strides: [8, 0] } }, 'metadata.vision.head.strides[1]: wanted a number from 1'],
    [{ ...known, head: { ...known.head, strides: [] } }, 'metadata.vision.head.strides: wanted a list'],
    [
      { ...known, head: { ...known.head, strides: [8] } },
      'output "regressors": wanted shape [1, 512, 16], found [1,896,16]',
    ],
    [
      { ...known, head: { ...known.head, boxes: 'nope' } },
      'wanted one of the outputs regressors, classificators, found "nope"',
    ],
    [
      { ...known, preprocessing: { ...known.preprocessing, height: 64 } },
      'metadata.vision.preprocessing: wanted the size',
    ],
    [{ ...known, labels: 'face' }, 'metadata.vision.labels: wanted a list'],
    [{ ...known, iouThreshold: '0.3' }, 'metadata.vision.iouThreshold: wanted a number from 0 to 1, found "0.3"'],
    [
      { ...known, preprocessing: { ...known.preprocessing, scale: [1] } },
      'metadata.vision.preprocessing.scale: wanted three',
    ],
    [
      { ...known, preprocessing: { ...known.preprocessing, width: 1e9 } },
      'metadata.vision.preprocessing.width: wanted',
    ],
    [
      { ...known, preprocessing: { ...known.preprocessing, order: 'GRB' } },
      'order: wanted "RGB" or "BGR", found "GRB"',
    ],
  ])('names the wrong field (%#)', async (vision, message) => {
    await expect(detector(vision)).rejects.toThrow(message);
    await expect(detector(vision)).rejects.toThrow(expect.objectContaining({ code: 'invalid-model' }));
  });
});
