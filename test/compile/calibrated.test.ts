// compileModel with int8: { calibrate }: the ranges are those of a calibration by hand, on images and on tensors.
import { beforeAll, describe, expect, it } from 'vitest';
import { Calibration, compileModel, exportOnnx, importModel, writeArtifact } from '../../src/compile.ts';
import type { CalibrationSample } from '../../src/compile.ts';
import { loadModel } from '../../src/runtime/load.ts';
import { Tensor } from '../../src/tensor.ts';
import { choosePreprocessing } from '../../src/vision/classifier-metadata.ts';
import type { Pixels } from '../../src/vision/preprocessing.ts';
import { runImage } from '../../src/vision/run-image.ts';
import { GraphBuilder } from '../graphs.ts';
import { randomFloats, relativeError } from '../kernels/wasm.ts';

const size = { width: 32, height: 24 };
let onnx: Uint8Array;
let input: string;

beforeAll(() => {
  const g = new GraphBuilder(7);
  const x = g.input([1, 3, size.height, size.width]);
  const a = g.conv2d(x, 96, 3, { activation: { fn: 'clamp', alpha: 0, beta: Infinity } });
  const b = g.conv2d(a, 96, 1, { activation: { fn: 'clamp', alpha: 0, beta: Infinity } });
  onnx = exportOnnx(g.finish(g.conv2d(b, 64, 1), g.conv2d(b, 48, 1)));
  [{ name: input }] = importModel(onnx, 'network').inputs;
});

const images = [1, 2, 3].map((seed): Pixels => {
  const data = Uint8Array.from(randomFloats(seed)(40 * 30 * 3), (v) => 128 + 120 * v);
  return { data, width: 40, height: 30, channels: 3 };
});

/** What `calibrate` has to find: each sample run by hand. */
async function byHand(share: number): Promise<Uint8Array> {
  const calibration = new Calibration(importModel(onnx, 'model'));
  using model = await loadModel(writeArtifact(calibration.program));
  const preprocessing = choosePreprocessing('mobilenet', size);
  for (const image of images) calibration.observe((await runImage(model, image, preprocessing)).outputs);
  return compileModel(onnx, { int8: { ranges: calibration.ranges({ share }) } });
}

describe('a model without a head, compiled to eight bits', () => {
  it('has the ranges of the images, less the rarest numbers', async () => {
    const compiled = await compileModel(onnx, { int8: { calibrate: images, preprocessing: 'mobilenet' } });
    expect(compiled).toEqual(await byHand(0.9999));
    expect(compiled).not.toEqual(await byHand(1));
    expect(compiled).not.toEqual(compileModel(onnx));
  });

  it('takes images as they are decoded, and the share that is asked for', async () => {
    async function* decoded() {
      for (const image of images) yield Promise.resolve(image);
    }
    const int8 = { calibrate: decoded(), preprocessing: 'mobilenet', share: 1 } as const;
    expect(await compileModel(onnx, { int8 })).toEqual(await byHand(1));
  });

  it('takes inputs by name, and stays near the floats', async () => {
    const inputs = [4, 5].map((seed) => ({ [input]: new Tensor('float32', [1, 3, 24, 32], randomFloats(seed)(2304)) }));
    using rounded = await loadModel(await compileModel(onnx, { int8: { calibrate: inputs } }));
    using floats = await loadModel(compileModel(onnx));
    const [found, wanted] = [await rounded.run(inputs[0]), await floats.run(inputs[0])];
    for (const [name, { data }] of Object.entries(wanted)) {
      const error = relativeError(found[name].data as Float32Array, data as Float32Array);
      expect(error).toBeGreaterThan(0);
      expect(error).toBeLessThan(4 / 127); // two layers, each of inputs and weights in steps of 1/127 of the largest
    }
  });

  it.each([
    ['no images', { calibrate: [] }, /model: int8\.calibrate has no images/],
    ['no preprocessing', { calibrate: images }, /does not say how photos become its input.*int8\.preprocessing/],
    [
      'a wrong share',
      { calibrate: images, preprocessing: 'none', share: 2 },
      /share: wanted a number from 0.5 to 1, got 2/,
    ],
    [
      'something else than images',
      { calibrate: [7 as never as CalibrationSample], preprocessing: 'none' },
      /image: got/,
    ],
  ] as const)('refuses %s', async (_, int8, message) => {
    await expect(compileModel(onnx, { int8 })).rejects.toThrow(
      expect.objectContaining({ code: 'invalid-argument', message: expect.stringMatching(message) }),
    );
  });
});
