import { ModelBuilder } from '../import/tflite/model.ts';

/**
 * A 1×1 convolution of `x` (1, 4, 4, 8) to `y` of the same shape with one weight in eight: y[o] = (o + 1)·x[(o + 1) mod 8] + 0.5.
 */
export function sparseModel(): Uint8Array {
  const model = new ModelBuilder();
  const weights = new Float32Array(64);
  for (let o = 0; o < 8; o++) weights[8 * o + ((o + 1) % 8)] = o + 1;
  const x = model.input('x', [1, 4, 4, 8]);
  const filter = model.floats([8, 1, 1, 8], weights);
  const bias = model.floats([8], new Float32Array(8).fill(0.5));
  const options = { Conv2D: { padding: 1, strideWidth: 1, strideHeight: 1 } };
  model.output('y', 'CONV_2D', [x, filter, bias], [[1, 4, 4, 8]], options);
  return model.bytes();
}
