// Models with quantised activations run as float32 here. An integer runtime rounds after every layer: both should see the
// same thing in a photo, most of the time.
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { exportTflite } from '../../bench/tflite/export.ts';
import { quantiseTflite } from '../../bench/tflite/quantise.ts';
import { networks } from '../../models/index.ts';
import { compileModel } from '../../src/compile.ts';
import { evaluate } from '../../src/graph/evaluate.ts';
import type { DenseTensor } from '../../src/ops/operator.ts';
import { decodeImage } from '../../src/images/decode.ts';
import { importTflite } from '../../src/import/tflite/index.ts';
import { loadModel } from '../../src/runtime/load.ts';
import type { Pixels } from '../../src/vision/preprocessing.ts';
import { elementCount, Tensor } from '../../src/tensor.ts';
import { createDetector } from '../../src/vision/create.ts';
import { dataPath, describeWithData } from '../data.ts';
import { randomFloats } from '../kernels/wasm.ts';
import { runPeer, runPeerOnEach } from '../peers/index.ts';

/** The image stretched to size × size, RGB bytes: bilinear between pixel centres. */
function stretched({ data, width, height, channels }: Pixels, size: number): Uint8Array {
  const rgb = new Uint8Array(3 * size * size);
  const places = (length: number) =>
    Array.from({ length: size }, (_, i) => {
      const at = Math.min(Math.max(((i + 0.5) * length) / size - 0.5, 0), length - 1);
      const low = Math.floor(at);
      return { low, high: Math.min(low + 1, length - 1), share: at - low };
    });
  const columns = places(width);
  places(height).forEach((row, y) => {
    columns.forEach((column, x) => {
      for (let c = 0; c < 3; c++) {
        const pixel = (line: number, place: number) => data[(line * width + place) * channels + (channels < 3 ? 0 : c)];
        const across = (line: number) =>
          pixel(line, column.low) * (1 - column.share) + pixel(line, column.high) * column.share;
        rgb[(y * size + x) * 3 + c] = Math.round(across(row.low) * (1 - row.share) + across(row.high) * row.share);
      }
    });
  });
  return rgb;
}

const best = (scores: ArrayLike<number>) =>
  Array.from(scores).reduce((most, score, i) => (score > scores[most] ? i : most), 0);

/** Photographs of ImageNet's classes as bytes of size × size pixels. */
async function photographs(count: number, size: number): Promise<Uint8Array[]> {
  const folder = dataPath('imagenet-500/images');
  const names = readdirSync(folder).sort().slice(0, count);
  return Promise.all(
    names.map(async (name) => stretched(await decodeImage(readFileSync(path.join(folder, name)), { name }), size)),
  );
}

/** What Filigree makes of each input of integers, and what tfjs-tflite does. */
async function bothOn(
  file: string,
  inputs: readonly Uint8Array[],
): Promise<{ own: Float32Array; peer: Float32Array }[]> {
  const peers = await runPeerOnEach(
    file,
    inputs.map((bytes) => [Float32Array.from(bytes)]),
  );
  const model = await loadModel(compileModel(readFileSync(file), { name: path.basename(file) }));
  const [input] = model.inputs;
  const [output] = model.outputs;
  expect(input.dtype).toBe('uint8');
  const results = [];
  for (const [i, bytes] of inputs.entries()) {
    const { [output.name]: own } = await model.run({ [input.name]: new Tensor('uint8', input.shape, bytes) });
    results.push({ own: own.data as Float32Array, peer: peers[i][0].data });
  }
  model.dispose();
  return results;
}

const agreeing = (results: readonly { own: Float32Array; peer: Float32Array }[]) =>
  results.filter(({ own, peer }) => best(own) === best(peer)).length;

// Where the two best classes are close, rounding decides. On 100 images the runtimes agree on 87 (the smallest network, of
// which 42 are right), 98 and 95.
describe.each([
  ['zoo/mobilenet_v1_0.25_128_quant.tflite', 128, 15],
  ['models/mobilenet_v2_1.0_224/mobilenet_v2_1.0_224_quant.tflite', 224, 18],
  ['models/mobilenet_v2_1.0_224/tf2_mobilenet_v2_1.0_224_ptq.tflite', 224, 18],
])('%s', (name, size, least) => {
  describeWithData('agrees with the classes of an integer runtime', name, (file) => {
    it('in most of 20 photographs', { timeout: 180_000 }, async () => {
      const results = await bothOn(file, await photographs(20, size));
      expect(results).toHaveLength(20);
      expect(agreeing(results)).toBeGreaterThanOrEqual(least);
    });
  });
});

describeWithData('quantised MobileNetV1 in two files', 'models/mobilenet_v1_1.0_224_quant', (folder) => {
  it('agrees with the classes of an integer runtime', { timeout: 180_000 }, async () => {
    const body = path.join(folder, 'mobilenet_v1_1.0_224_quant_embedding_extractor.tflite');
    const head = path.join(folder, 'mobilenet_quant_v1_224_head_layers.tflite');
    const embeddings = await bothOn(body, await photographs(10, 224));
    const { quantization } = importTflite(readFileSync(body), 'body').outputs[0];
    const { scale, zeroPoint } = quantization!;
    const stored = embeddings.map(({ own }) => Uint8Array.from(own, (v) => Math.round(v / scale) + zeroPoint));
    const ours = await bothOn(head, stored);
    const theirs = await bothOn(
      head,
      embeddings.map(({ peer }) => Uint8Array.from(peer)),
    );
    const pairs = ours.map(({ own }, i) => ({ own, peer: theirs[i].peer }));
    expect(agreeing(pairs)).toBeGreaterThanOrEqual(9);
  });
});

/** Intersection over union of two boxes [ymin, xmin, ymax, xmax]. */
function overlap(a: readonly number[], b: readonly number[]): number {
  const area = ([top, left, bottom, right]: readonly number[]) => Math.max(0, bottom - top) * Math.max(0, right - left);
  const common = area([0, 1, 2, 3].map((i) => (i < 2 ? Math.max(a[i], b[i]) : Math.min(a[i], b[i]))));
  return common / (area(a) + area(b) - common);
}

describeWithData('quantised SSD MobileNetV1', 'zoo/coco_ssd_mobilenet_v1_1.0_quant.tflite', (file) => {
  it('agrees with the objects of an integer runtime', { timeout: 180_000 }, async () => {
    const model = await loadModel(compileModel(readFileSync(file), { name: 'coco_ssd.tflite' }));
    const detector = await createDetector(model, { scoreThreshold: 0.3 });
    let found = 0;
    for (const name of ['000000012748.jpg', '000000519208.jpg', '000000223747.jpg']) {
      const photo = await decodeImage(readFileSync(dataPath('coco-val-160/images', name)), { name });
      const { outputs } = await runPeer('tfjs-tflite', file, [Float32Array.from(stretched(photo, 300))]);
      const [boxes, classes, scores] = outputs.map(({ data }) => data);
      const { detections } = await detector.detect(photo);
      scores.forEach((score, i) => {
        if (score < 0.5) return;
        found++;
        const box = Array.from(boxes.subarray(4 * i, 4 * i + 4), (v) => Math.min(Math.max(v, 0), 1));
        const same = detections.find(({ classIndex, box: { xmin, ymin, xmax, ymax } }) => {
          const own = [ymin / photo.height, xmin / photo.width, ymax / photo.height, xmax / photo.width];
          return classIndex === classes[i] && overlap(own, box) > 0.8;
        });
        expect(same, `${name}: box ${i} of the peer`).toBeDefined();
        // after 36 layers that are rounded there
        expect(Math.abs(same!.score - score), `${name}: score ${i}`).toBeLessThan(0.1);
      });
    }
    expect(found).toBeGreaterThanOrEqual(6);
    detector.dispose();
  });
});

describe('networks in uint8 whose activations are only in the ranges', () => {
  it.each(['mobilenet-v1', 'mobilenet-v2', 'mobilenet-v3-small', 'efficientnet-lite0'] as const)(
    '%s sees what an integer runtime sees',
    { timeout: 180_000 },
    async (name) => {
      const size = 64;
      const graph = networks[name]({ width: 0.25, resolution: size, classes: 40, seed: 5 });
      const float = exportTflite(graph);
      const whole = importTflite(float.bytes(), name);
      const random = randomFloats(11);
      const draw = () => random(3 * size * size, 127).map((v, i) => Math.round(v * Math.sin(i / (100 + v)) + 128));
      const limits = new Map<string, { low: number; high: number }>();
      const note = (value: string, data: ArrayLike<number>) => {
        const own = limits.get(value) ?? { low: 0, high: 0 };
        for (let i = 0; i < data.length; i++) {
          own.low = Math.min(own.low, data[i]);
          own.high = Math.max(own.high, data[i]);
        }
        limits.set(value, own);
      };
      const [input] = whole.inputs;
      const { shape } = whole.values.get(input.value)!;
      for (let i = 0; i < 2; i++) {
        const intermediates = new Map<string, DenseTensor>();
        const image = draw().map((v) => (v - 128) / 127.5);
        expect(image).toHaveLength(elementCount(shape));
        evaluate(whole, { [input.name]: new Tensor('float32', [1, size, size, 3], image) }, { intermediates });
        for (const [value, { data }] of intermediates) note(value, data);
      }
      const quantised = quantiseTflite(float, (tensor) =>
        tensor === input.name ? { low: -128 / 127.5, high: 1 } : (limits.get(tensor) ?? { low: 0, high: 1 }),
      )!;
      const folder = await mkdtemp(path.join(tmpdir(), 'filigree-quantised-'));
      try {
        const file = path.join(folder, `${name}.tflite`);
        await writeFile(file, quantised.model.bytes());
        const results = await bothOn(
          file,
          Array.from({ length: 12 }, () => Uint8Array.from(draw())),
        );
        // 11 or 12 of 12; without clamps at most 1
        expect(agreeing(results)).toBeGreaterThanOrEqual(10);
      } finally {
        await rm(folder, { recursive: true });
      }
    },
  );
});
