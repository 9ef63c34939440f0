// TFLite_Detection_PostProcess against tfjs-tflite, which runs it itself.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { builder } from 'flatbuffers/js/flexbuffers.js';
import { afterAll, describe, expect, it } from 'vitest';
import { compileGraph, compileModel } from '../../../src/compile.ts';
import { readFlexMap } from '../../../src/import/tflite/flexbuffer.ts';
import { importTflite } from '../../../src/import/tflite/index.ts';
import { loadModel } from '../../../src/runtime/load.ts';
import { Tensor } from '../../../src/tensor.ts';
import { Detector } from '../../../src/vision/detector.ts';
import { readVisionMetadata } from '../../../src/vision/metadata.ts';
import { randomFloats } from '../../kernels/wasm.ts';
import { fakeModel } from '../../vision/fake-model.ts';
import { runPeer } from '../../peers/index.ts';
import { withZip, writeMetadata } from './metadata-writer.ts';
import { ModelBuilder } from './model.ts';
import { writeTflite } from './writer.ts';

const temporary = mkdtempSync(path.join(tmpdir(), 'filigree-detection-'));
afterAll(() => rmSync(temporary, { recursive: true }));

const usual = {
  max_detections: 10,
  max_classes_per_detection: 1,
  detections_per_class: 100,
  use_regular_nms: false,
  nms_score_threshold: 0.25,
  nms_iou_threshold: 0.4,
  num_classes: 4,
  y_scale: 10,
  x_scale: 8,
  h_scale: 5,
  w_scale: 4,
};

/** A FlexBuffer's map of 32-bit numbers, as TensorFlow writes it. (The flatbuffers package mixes widths up.) */
function flexbuffer(options: Record<string, number | boolean>): Uint8Array {
  const names = Object.keys(options).sort();
  const keys = names.map((name) => `${name}\0`).join('');
  const padded = (keys.length + 3) & ~3;
  const keyVector = padded + 4;
  const map = keyVector + 4 * names.length + 12;
  const bytes = new Uint8Array(map + 5 * names.length + 3);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode(keys));
  view.setUint32(padded, names.length, true);
  view.setUint32(map - 12, map - 12 - keyVector, true);
  view.setUint32(map - 8, 4, true);
  view.setUint32(map - 4, names.length, true);
  let at = 0;
  names.forEach((name, i) => {
    const value = options[name];
    const whole = typeof value === 'boolean' || (Number.isInteger(value) && !name.endsWith('scale'));
    view.setUint32(keyVector + 4 * i, keyVector + 4 * i - at, true);
    at += name.length + 1;
    if (whole) view.setInt32(map + 4 * i, Number(value), true);
    else view.setFloat32(map + 4 * i, value, true);
    bytes[map + 4 * names.length + i] = ((typeof value === 'boolean' ? 26 : whole ? 1 : 3) << 2) | 2;
  });
  bytes.set([5 * names.length, (9 << 2) | 2, 1], map + 5 * names.length);
  return bytes;
}

const count = 48;
const random = randomFloats(17);

/** An "image" of 24 × 18 that is 48 rows of nine: four of a box's numbers, five of scores (the background first). */
function detector(
  options: Record<string, number | boolean>,
  change: (model: ModelBuilder) => void = () => {},
  metadata?: Record<string, Uint8Array>,
) {
  const model = new ModelBuilder();
  const image = model.input('image', [1, 12, 12, 3]);
  const shape = (...numbers: number[]) => model.integers([numbers.length], numbers);
  const [rows] = model.apply('rows', 'RESHAPE', [image, shape(1, count, 9)], [[1, count, 9]]);
  const [boxes] = model.apply('boxes', 'SLICE', [rows, shape(0, 0, 0), shape(1, count, 4)], [[1, count, 4]]);
  const [scores] = model.apply('scores', 'SLICE', [rows, shape(0, 0, 4), shape(1, count, 5)], [[1, count, 5]]);
  const anchors = model.floats(
    [count, 4],
    random(4 * count).map((v, i) => (i % 4 < 2 ? 0.5 + 0.4 * v : 0.3 + 0.1 * v)),
  );
  const found = [[1, 10, 4], [1, 10], [1, 10], [1]].map((s, k) => model.add({ name: `found ${k}`, shape: s }));
  const op = 'CUSTOM TFLite_Detection_PostProcess';
  model.operators.push({ op, inputs: [boxes, scores, anchors], outputs: found, customOptions: flexbuffer(options) });
  model.outputs.push(...found);
  change(model);
  return writeTflite({ ...model, metadata });
}

/** 12 · 12 · 3 is 48 · 9: rows of box numbers around 0, scores from 0 to 1. */
const image = Float32Array.from({ length: count * 9 }, (_, i) => (i % 9 < 4 ? random(1)[0] : (random(1)[0] + 1) / 2));

interface Expected {
  box: number[];
  classIndex: number;
  score: number;
}

describe.each([
  ['fast suppression', {}],
  ['regular suppression', { use_regular_nms: true }],
  ['few detections', { max_detections: 3 }],
  ['a threshold that lets everything through', { nms_score_threshold: 1e-8 }],
])('detection post-processing with %s', (_, changes) => {
  it('agrees with the peers', async () => {
    const options = { ...usual, ...changes };
    const bytes = detector(options);
    const file = path.join(temporary, 'detector.tflite');
    writeFileSync(file, bytes);
    const model = await loadModel(compileModel(bytes, { name: 'detector.tflite' }));
    const outputs = await model.run({ image: new Tensor('float32', [1, 12, 12, 3], image) });
    // A picture of the input's size, so that image and input pixels are the same.
    const pixels = { data: new Uint8Array(12 * 12 * 3), width: 12, height: 12, channels: 3 } as const;
    const fake = fakeModel(model, outputs);
    const scoreThreshold = options.nms_score_threshold < 0.01 ? { scoreThreshold: 0.001 } : {};
    const { detections } = await (await Detector.of(fake, scoreThreshold)).detect(pixels);

    const peer = (await runPeer('tfjs-tflite', file, [image])).outputs;
    const of = (length: number) => peer.filter(({ data }) => data.length === length);
    const boxes = of(4 * options.max_detections)[0];
    const perDetection = of(options.max_detections);
    const scores = perDetection.find(({ data }) => data.some((v) => v % 1 !== 0))!.data;
    const classes = perDetection.find(({ data }) => data.every((v) => v % 1 === 0))!.data;
    const found = of(1)[0].data[0];
    const expected: Expected[] = Array.from({ length: found }, (__, i) => ({
      box: [...boxes.data.subarray(4 * i, 4 * i + 4)],
      classIndex: classes[i],
      score: scores[i],
    }));

    expect(found).toBeGreaterThan(2);
    expect(detections).toHaveLength(found);
    detections.forEach(({ box, classIndex, score }, i) => {
      expect(classIndex).toBe(expected[i].classIndex);
      expect(score).toBeCloseTo(expected[i].score, 6); // both float32
      const [ymin, xmin, ymax, xmax] = expected[i].box.map((v) => Math.min(Math.max(12 * v, 0), 12)); // ours are clipped
      expect(box.xmin).toBeCloseTo(xmin, 4); // pixels; float32 of a few operations
      expect(box.ymin).toBeCloseTo(ymin, 4);
      expect(box.xmax).toBeCloseTo(xmax, 4);
      expect(box.ymax).toBeCloseTo(ymax, 4);
    });
    model.dispose();
  });
});

/** What a file's model sees, once it is compiled. */
const visionIn = (file: Uint8Array) => readVisionMetadata(compileGraph(importTflite(file, 'd.tflite')).metadata)!;

describe('importing it', () => {
  it('ends the graph before it, and notes how to continue', () => {
    const graph = importTflite(detector(usual), 'd.tflite');
    expect(graph.outputs.map(({ name }) => name)).toEqual(['boxes', 'scores']);
    expect(graph.metadata).toEqual({
      detectionPostProcess: {
        boxes: 'boxes',
        scores: 'scores',
        options: { ...usual, use_regular_nms: 0, nms_iou_threshold: Math.fround(0.4) },
        anchors: expect.toSatisfy((anchors: number[]) => anchors.length === 4 * count),
      },
    });
    const { metadata } = compileGraph(graph);
    expect(Object.keys(metadata)).toEqual(['vision']);
    const vision = readVisionMetadata(metadata)!;
    expect(vision).toMatchObject({
      head: { boxes: 'boxes', scores: 'scores', activation: 'none', background: 1, coding: 'yxhw' },
      preprocessing: { width: 12, height: 12, resize: 'stretch' },
      scoreThreshold: 0.25,
      maxResults: 10,
      classAgnostic: true,
      labels: [],
    });
    expect(vision.head).toMatchObject({ scales: [0.125, 0.1, 0.25, 0.2] });
    expect(vision.iouThreshold).toBeCloseTo(0.4, 6);
    expect(graph.notes.join()).toContain('the graph ends before operator 3 (CUSTOM (TFLite_Detection_PostProcess))');
  });

  it('takes labels and normalisation from the file', () => {
    const TFLITE_METADATA = writeMetadata({
      normalization: { mean: [128], std: [64] },
      outputFiles: [[], [{ name: 'labelmap.txt', type: 3 }], [], []],
    });
    const labels = { name: 'labelmap.txt', data: '???\nant\nbee\ncat\ndog\n' };
    const file = withZip(
      detector(usual, () => {}, { TFLITE_METADATA }),
      [labels],
    );
    const vision = visionIn(file);
    expect(vision.labels).toEqual(['ant', 'bee', 'cat', 'dog']);
    expect(vision.preprocessing).toMatchObject({ scale: [1 / 64, 1 / 64, 1 / 64], offset: [-2, -2, -2] });
  });

  it('treats bytes of a quantised input as those of the image', () => {
    const bytes = detector(usual, (model) => {
      model.tensors[0] = { ...model.tensors[0], type: 'uint8', quantization: { scales: [1 / 128], zeroPoints: [128] } };
    });
    const { scale, offset } = visionIn(bytes).preprocessing;
    expect([scale[0], offset[0]]).toEqual([1 / 128, -1]);
  });

  it.each([
    [{ ...usual, num_classes: 3 }, 'unsupported', 'scores [1,48,5] of 3 classes'],
    [{ ...usual, num_classes: 0 }, 'invalid-model', 'option num_classes is 0'],
    [{ ...usual, y_scale: -1 }, 'invalid-model', 'option y_scale is -1'],
    [{ max_detections: 10 }, 'invalid-model', 'option num_classes is undefined'],
  ])('refuses options that mean nothing (%#)', (options, code, message) => {
    expect(() => importTflite(detector(options), 'd.tflite')).toThrow(expect.objectContaining({ code }));
    expect(() => importTflite(detector(options), 'd.tflite')).toThrow(message);
  });

  it('refuses operators after it', () => {
    const bytes = detector(usual, (model) => {
      model.output('late', 'NEG', [model.outputs[1]], [[1, 10]]);
    });
    expect(() => importTflite(bytes, 'd.tflite')).toThrow('"found 1" is what was detected; nothing may follow');
  });
});

describe('flexbuffers', () => {
  const options = { a: 1, b: -2, flag: true, big: 1e9, negative: -40_000, half: 0.5, other: 7 };

  it('are read as they were written', () => {
    expect(Object.fromEntries(readFlexMap(flexbuffer(options)))).toEqual({ ...options, flag: 1 });
  });

  it.each([
    ['8', { a: 1, b: -2, c: 127 }],
    ['16', { a: 1, b: -2, c: 1000 }],
    ['64', { a: 1, b: -2, c: 2 ** 40, third: 1 / 3, long: -1e12 }],
  ])('of %s bits', (_, numbers) => {
    const b = builder();
    b.startMap();
    for (const [key, value] of Object.entries(numbers)) {
      b.addKey(key);
      if (Number.isInteger(value)) b.addInt(value);
      else b.addFloat(value);
    }
    b.addKey('text');
    b.add('left out');
    b.end();
    expect(Object.fromEntries(readFlexMap(b.finish()))).toEqual(numbers);
  });

  it('damaged anywhere give an error or other numbers, never more', () => {
    const bytes = flexbuffer(options);
    for (let length = 0; length < bytes.length; length++) {
      try {
        expect(readFlexMap(bytes.subarray(0, length)).size).toBeLessThan(256);
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
      }
    }
    for (let i = 0; i < bytes.length; i++) {
      for (const value of [0, 1, 127, 255]) {
        const damaged = bytes.slice();
        damaged[i] = value;
        try {
          expect(readFlexMap(damaged).size).toBeLessThan(256);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
      }
    }
  });
});
