// Models with quantised activations run as float32 here. An integer runtime rounds after every layer: both should see the
// same thing in a photo, most of the time.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { compileModel } from '../../src/compile.ts';
import { decodeImage } from '../../src/images/decode.ts';
import { loadModel } from '../../src/runtime/load.ts';
import type { Pixels } from '../../src/vision/preprocessing.ts';
import { Tensor } from '../../src/tensor.ts';
import { dataPath, describeWithData } from '../data.ts';
import { runPeerOnEach } from '../peers/index.ts';

const size = 224;

/** The image stretched to size × size, RGB bytes: bilinear between pixel centres. */
function stretched({ data, width, height, channels }: Pixels): Uint8Array {
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

/** On 100 images, the two agree on 98 and 95. */
const images = 20;

describeWithData('quantised MobileNetV2', 'models/mobilenet_v2_1.0_224', (models) => {
  it.each(['mobilenet_v2_1.0_224_quant.tflite', 'tf2_mobilenet_v2_1.0_224_ptq.tflite'])(
    '%s sees what an integer runtime sees',
    async (name) => {
      const file = path.join(models, name);
      const folder = dataPath('imagenet-500/images');
      const photos = readdirSync(folder).sort().slice(0, images);
      const pixels = await Promise.all(
        photos.map(async (photo) =>
          stretched(await decodeImage(readFileSync(path.join(folder, photo)), { name: photo })),
        ),
      );
      const peers = await runPeerOnEach(
        file,
        pixels.map((bytes) => [Float32Array.from(bytes)]),
      );
      const model = await loadModel(compileModel(readFileSync(file), { name }));
      const [input] = model.inputs;
      const [output] = model.outputs;
      expect(input).toMatchObject({ dtype: 'uint8', shape: [1, size, size, 3] });
      let agreed = 0;
      for (const [i, bytes] of pixels.entries()) {
        const { [output.name]: scores } = await model.run({ [input.name]: new Tensor('uint8', input.shape, bytes) });
        if (best(scores.data as Float32Array) === best(peers[i][0].data)) agreed++;
      }
      model.dispose();
      expect(pixels).toHaveLength(images);
      // Where the two best classes are close, rounding decides.
      expect(agreed).toBeGreaterThanOrEqual(18);
    },
  );
});
