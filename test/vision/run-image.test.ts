// An image straight into a model's input.
import { expect, it, vi } from 'vitest';
import { writeArtifact } from '../../src/artifact/write.ts';
import { lowerGraph } from '../../src/compile/lower-graph.ts';
import type { FiligreeError } from '../../src/errors.ts';
import { defaultCostModel } from '../../src/lower/cost.ts';
import { loadModel } from '../../src/runtime/load.ts';
import { runImage } from '../../src/vision/run-image.ts';
import { oneNode } from '../program.ts';

/** The prototype of every memory. */
const { Memory } = WebAssembly;

const model = (...shapes: number[][]) =>
  loadModel(writeArtifact(lowerGraph(oneNode('unary', { fn: 'abs' }, shapes, []), defaultCostModel)));

const failure = (promise: Promise<unknown>): Promise<FiligreeError> =>
  promise.then(
    () => expect.unreachable(),
    (error: FiligreeError) => error,
  );

const preprocessing = (size: number) =>
  ({
    width: size,
    height: size,
    resize: 'stretch',
    padValue: 0,
    scale: [1, 1, 1],
    offset: [0, 0, 0],
    order: 'RGB',
  }) as const;

it('refuses an image whose bytes do not fit its size', async () => {
  using small = await model([1, 3, 2, 2]);
  const pixels = { data: new Uint8Array(12), width: 2000, height: 2000, channels: 3 } as const;
  expect((await failure(runImage(small, pixels, preprocessing(2)))).message).toMatch(/need 12000000 bytes/);
});

it('refuses inputs that are not images of the size of the preprocessing', async () => {
  const pixels = { data: new Uint8Array(12), width: 2, height: 2, channels: 3 } as const;
  for (const [shape, message] of [
    [[1, 3, 4, 4], "preprocessing is for 2 × 2 pixels, the model's input has 4 × 4"],
    [[1, 2, 2, 2], 'wanted an image: [1, H, W, C] or [1, C, H, W] with 3 channels, or 1 of grey'],
    [[2, 3, 2, 2], 'wanted an image'],
  ] as const) {
    using other = await model([...shape]);
    const { code, message: found } = await failure(runImage(other, pixels, preprocessing(2)));
    expect([code, found]).toEqual(['invalid-argument', expect.stringContaining(message)]);
  }
});

it.each([[[1, 1, 1, 6]], [[1, 1, 6, 1]]])('writes an image into a grey input of shape %s', async (shape) => {
  using grey = await model(shape);
  // red, green, blue, white, black, a mixture
  const rgb = [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 200, 100, 50];
  const luma = [76, 150, 29, 255, 0, 124]; // Image.fromarray(rgb).convert('L') of Pillow
  const rgba = luma.flatMap((_, i) => [...rgb.slice(3 * i, 3 * i + 3), 9 * i]);
  const own = {
    ...preprocessing(2),
    width: 6,
    height: 1,
    scale: [0.5, 7, 9],
    offset: [1, 100, 200],
    order: 'BGR',
  } as const;
  for (const [channels, bytes] of [
    [1, luma],
    [3, rgb],
    [4, rgba],
  ] as const) {
    const image = { data: Uint8Array.from(bytes), width: 6, height: 1, channels };
    const { y0 } = (await runImage(grey, image, own)).outputs;
    expect([...y0.data]).toEqual(luma.map((v) => 0.5 * v + 1));
  }
});

it('refuses an image that does not fit into memory, and takes the next', async () => {
  using picture = await model([1, 3, 8, 8]);
  const image = (side: number) => ({
    data: new Uint8Array(3 * side * side).fill(7),
    width: side,
    height: side,
    channels: 3 as const,
  });
  const run = (side: number) => runImage(picture, image(side), preprocessing(8));
  const before = await run(8);
  const grow = vi.spyOn(Memory.prototype, 'grow').mockImplementation(() => {
    throw new RangeError('WebAssembly.Memory.grow(): Unable to grow instance memory');
  });
  const { code, message } = await failure(run(900));
  expect([code, message]).toEqual([
    'environment',
    expect.stringMatching(/^no memory for .*: \d+ MiB more are needed$/),
  ]);
  grow.mockRestore();
  expect((await run(8)).outputs).toEqual(before.outputs);
  const { y0 } = (await run(900)).outputs;
  expect(y0.data.every((v) => Math.abs(Number(v) - 7) < 1e-4)).toBe(true); // weights of a float32 resize
});
