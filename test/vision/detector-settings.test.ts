// What a caller may set on a detector, on a made-up YOLOv8 of 64 × 64 pixels and three classes.
import { describe, expect, it } from 'vitest';
import { foundHeaderBytes } from '../../src/program/kernels/detect.ts';
import { Tensor } from '../../src/tensor.ts';
import { Detector } from '../../src/vision/detector.ts';
import type { DetectOptions, DetectorSettings } from '../../src/vision/detector-settings.ts';
import type { Pixels } from '../../src/vision/preprocessing.ts';
import { visionOf } from '../../src/vision/recognise.ts';
import { fakeModel, type FakeEvents, type FakeModel } from './fake-model.ts';

const cells = 64 + 16 + 4;

/** Rows of x, y, width, height and three scores, in input pixels; all other anchors have scores of 0. */
function model(rows: number[][], metadata: Record<string, unknown> = {}, events: FakeEvents = {}): FakeModel {
  const data = new Float32Array(7 * cells);
  rows.forEach((row, i) => row.forEach((value, k) => (data[k * cells + i] = value)));
  const out = new Tensor('float32', [1, 7, cells], data);
  const description = {
    name: 'three.onnx',
    inputs: [{ name: 'images', dtype: 'float32', shape: [1, 3, 64, 64] }] as const,
    outputs: [{ name: 'out', dtype: 'float32', shape: out.shape }] as const,
    metadata,
  };
  return fakeModel(description, { out }, events);
}

/** 128 × 64: letterboxed, it is 64 × 32 from row 16 on. */
const photo: Pixels = { data: new Uint8Array(128 * 64 * 3), width: 128, height: 64, channels: 3 };

const rows = [
  [20, 32, 20, 20, 0.9, 0.6, 0],
  [22, 32, 20, 20, 0.2, 0.8, 0], // nearly the same place
  [50, 30, 10, 10, 0, 0.1, 0.7],
];

async function detect(settings: DetectorSettings, metadata?: Record<string, unknown>) {
  const { detections } = await (await Detector.of(model(rows, metadata), settings)).detect(photo);
  return detections.map(({ classIndex, score }) => [classIndex, Number(score.toFixed(3))]);
}

describe('settings of a detector', () => {
  it('keep classes apart, or not', async () => {
    expect(await detect({ iouThreshold: 0.5 })).toEqual([
      [0, 0.9],
      [1, 0.8],
      [2, 0.7],
    ]);
    expect(await detect({ iouThreshold: 0.5, classAgnostic: true })).toEqual([
      [0, 0.9],
      [2, 0.7],
    ]);
  });

  it('count a box for each of its classes, if asked', async () => {
    const all = { iouThreshold: 0.9, scoreThreshold: 0.05, multiLabel: true };
    expect(await detect(all)).toEqual([
      [0, 0.9],
      [1, 0.8],
      [2, 0.7],
      [1, 0.6],
      [0, 0.2],
      [1, 0.1],
    ]);
    expect(await detect({ ...all, multiLabel: false })).toEqual([
      [0, 0.9],
      [1, 0.8],
      [2, 0.7],
    ]);
  });

  it('stand in the model’s metadata, too', async () => {
    const vision = { ...visionOf(model([])), iouThreshold: 0.5, classAgnostic: true, maxResults: 1 };
    expect(await detect({}, { vision })).toEqual([[0, 0.9]]);
    expect(await detect({ maxResults: 5 }, { vision })).toEqual([
      [0, 0.9],
      [2, 0.7],
    ]);
    expect(await detect({ maxResults: 5, classAgnostic: false }, { vision })).toEqual([
      [0, 0.9],
      [1, 0.8],
      [2, 0.7],
    ]);
  });

  it('undo the letterbox exactly and clip', async () => {
    const edge = model([[60, 20, 20, 20, 0.9, 0, 0]]);
    const [{ box }] = (await (await Detector.of(edge)).detect(photo)).detections;
    expect(box).toEqual({ xmin: 100, ymin: 0, xmax: 128, ymax: 28 }); // two image pixels an input pixel
  });

  it('name classes and change preprocessing', async () => {
    const fake = model(rows);
    const detector = await Detector.of(fake, {
      labels: ['a', 'b', 'c'],
      preprocessing: { resize: 'stretch', order: 'BGR' },
    });
    const { detections } = await detector.detect(photo);
    expect(detections.map(({ label }) => label)).toEqual(['a', 'b', 'c']);
    expect(fake.seen[0]).toMatchObject({ resize: 'stretch', order: 'BGR', padValue: 114, width: 64, height: 64 });
    expect(detections[2].box).toEqual({ xmin: 90, ymin: 25, xmax: 110, ymax: 35 });
  });

  it('name the head', async () => {
    await expect(Detector.of(model(rows), { head: 'yolov5' })).rejects.toThrow('three.onnx: head "yolov5" needs');
    const vision = { ...visionOf(model([])), head: { type: 'yolo', output: 'nowhere' } };
    // The head that is named counts, not what the artifact says.
    expect(await detect({ head: 'yolov8', iouThreshold: 0.5 }, { vision })).toHaveLength(3);
  });

  it.each([
    [{ classAgnostic: 'yes' }, 'classAgnostic: wanted true or false, got yes'],
    [{ multiLabel: 1 }, 'multiLabel: wanted true or false, got 1'],
    [{ labels: 'person' }, 'labels: wanted a list'],
    [{ labels: ['a', 'b'] }, 'labels: there are 2; the model has 3 classes'],
    [{ preprocessing: { padValue: 300 } }, 'preprocessing.padValue: wanted a number from 0 to 255'],
    [{ preprocessing: { scale: 1 / 255 } }, 'preprocessing.scale: wanted a list'],
    [{ head: 'yolov99' }, 'head: wanted "yolox" or '],
  ])('must make sense (%#)', async (settings, message) => {
    await expect(Detector.of(model(rows), settings as never)).rejects.toThrow(
      expect.objectContaining({ code: 'invalid-argument' }),
    );
    await expect(Detector.of(model(rows), settings as never)).rejects.toThrow(message);
  });

  it('scan scores in place, if the model can', async () => {
    const calls: string[] = [];
    const data = new Float32Array(7 * cells);
    rows.forEach((row, i) => row.forEach((value, k) => (data[k * cells + i] = value)));
    const call: FakeEvents['call'] = (kernel, { y, anchors }, scratch) => {
      calls.push(kernel);
      if (kernel !== 'f32_best_class') return;
      expect([y, anchors]).toEqual([scratch.byteOffset, cells]);
      new Uint32Array(scratch.buffer)[0] = 1;
      const table = y + foundHeaderBytes;
      new Int32Array(scratch.buffer, table)[0] = 2;
      new Int32Array(scratch.buffer, table + 4 * anchors)[0] = 2;
      new Float32Array(scratch.buffer, table + 8 * anchors)[0] = 0.75;
    };
    const fake = model(rows, {}, { call, inPlace: () => data });
    const { detections } = await (await Detector.of(fake)).detect(photo);
    expect(detections.map(({ classIndex, score, box }) => [classIndex, score, box.xmin])).toEqual([[2, 0.75, 90]]);
    expect(calls).toEqual(['f32_image', 'f32_best_class']);
    expect(fake.reads).toEqual({}); // nothing is copied
  });
});

describe('a call of detect', () => {
  const call = async (options: DetectOptions) => {
    const detector = await Detector.of(model(rows), { iouThreshold: 0.5, labels: ['cat', 'dog', 'bird'] });
    const { detections } = await detector.detect(photo, options);
    return detections.map(({ label }) => label);
  };

  it('takes a threshold of its own', async () => {
    expect(await call({})).toEqual(['cat', 'dog', 'bird']);
    expect(await call({ scoreThreshold: 0.75 })).toEqual(['cat', 'dog']);
    expect(await call({ scoreThreshold: 1 })).toEqual([]);
    await expect(call({ scoreThreshold: 2 })).rejects.toMatchObject({ code: 'invalid-argument' });
  });

  it('looks for some classes alone, by name or by index', async () => {
    expect(await call({ classes: ['dog', 'bird'] })).toEqual(['dog', 'bird']);
    expect(await call({ classes: [0, 'bird'] })).toEqual(['cat', 'bird']);
    expect(await call({ classes: [] })).toEqual([]);
    for (const unknown of ['horse', 3, -1, 0.5]) {
      await expect(call({ classes: [unknown] })).rejects.toMatchObject({
        code: 'invalid-argument',
        message: expect.stringContaining('it has 3 classes: "cat", "dog", "bird"'),
      });
    }
  });

  it('counts results of those classes alone', async () => {
    const detector = await Detector.of(model(rows), { iouThreshold: 0.5, maxResults: 1 });
    const { detections } = await detector.detect(photo, { classes: [2] });
    expect(detections.map(({ classIndex }) => classIndex)).toEqual([2]);
  });

  it('does not begin when its signal has aborted', async () => {
    await expect(call({ signal: AbortSignal.abort('enough') })).rejects.toBe('enough');
  });
});
