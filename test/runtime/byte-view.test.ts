// Inputs that are stored in bytes: tensors and images give the numbers that they give an input in floats.
import { describe, expect, it } from 'vitest';
import { writeArtifact } from '../../src/artifact/write.ts';
import { bufferSlack, paddedPlane } from '../../src/program/layout.ts';
import type { Endpoint, Program } from '../../src/program/program.ts';
import { quadsOf } from '../../src/program/quads.ts';
import { byteOf, fileGrid, realOf } from '../../src/quantisation.ts';
import { loadModel } from '../../src/runtime/load.ts';
import { Tensor } from '../../src/tensor.ts';
import { writeImage } from '../../src/vision/image-input.ts';
import type { Preprocessing } from '../../src/vision/preprocessing.ts';
import { builds, loadKernels, randomFloats } from '../kernels/wasm.ts';

interface Input {
  dtype: 'int8' | 'uint8';
  layout: 'NHWC' | 'NCHW';
  channels: number;
  height: number;
  width: number;
  batch?: number;
  zeroPoint?: number;
}

/** An input in bytes, which the program makes floats of, in the input's own order. */
function byteProgram({ dtype, layout, channels, height, width, batch = 1, zeroPoint }: Input): Program {
  const pixels = height * width;
  const plane = paddedPlane(pixels);
  const quads = quadsOf(channels);
  const quantization = { scale: 0.0173, zeroPoint: zeroPoint ?? (dtype === 'int8' ? -11 : 117) };
  const { scale, zero } = fileGrid(dtype, quantization)!;
  const axes = layout === 'NHWC' ? [0, 2, 3, 1] : [0, 1, 2, 3];
  const ordered = (sizes: readonly number[]) => axes.map((axis) => sizes[axis]);
  const shape = ordered([batch, channels, height, width]);
  const sizes = [batch * quads * plane, batch * channels * plane].map((floats) => 4 * (floats + bufferSlack));
  const end = Math.ceil(sizes[0] / 64) * 64;
  const endpoint = (name: string, buffer: number, planes: number): Endpoint => ({
    name,
    dtype: buffer ? 'float32' : dtype,
    shape,
    strides: ordered([planes * plane, plane, width, 1]),
    at: { buffer, offset: 0 },
    ...(buffer ? {} : { quantization, quads: layout === 'NHWC' ? 3 : 1 }),
  });
  return {
    name: 'bytes',
    buffers: [
      { kind: 'arena', offset: 0, bytes: sizes[0] },
      { kind: 'arena', offset: end, bytes: sizes[1] },
    ],
    arenaBytes: end + sizes[1],
    steps: Array.from({ length: batch }, (_, n) => ({
      kernel: 'i8_to_f32' as const,
      layer: 0,
      arguments: {
        x: { buffer: 0, offset: 4 * n * quads * plane },
        y: { buffer: 1, offset: 4 * n * channels * plane },
        channels,
        pixels,
        xPlane: 4 * plane,
        yPlane: 4 * plane,
        scale,
        zero,
      },
    })),
    layers: [{ name: 'floats', op: 'unary', shape: [...shape], macs: 0, effectiveMacs: 0 }],
    inputs: [endpoint('x', 0, quads)],
    outputs: [endpoint('y', 1, channels)],
    naiveArenaBytes: end + sizes[1],
    notes: [],
    metadata: {},
  };
}

const layouts = ['NHWC', 'NCHW'] as const;
const dtypes = ['int8', 'uint8'] as const;
const cases = layouts.flatMap((layout) => dtypes.map((dtype) => ({ layout, dtype })));

describe.each(builds)('an input in bytes, %s build', async (build) => {
  await loadKernels(build); // switches relaxed SIMD on

  it.each(cases)('takes its own integers, and floats: $dtype, $layout', async ({ layout, dtype }) => {
    for (const channels of [1, 2, 3, 4, 5, 8, 11]) {
      for (const [height, width, batch] of [
        [1, 1, 1],
        [3, 5, 2],
        [4, 4, 1],
      ]) {
        const program = byteProgram({ dtype, layout, channels, height, width, batch });
        const [{ shape, quantization }] = program.inputs;
        const grid = fileGrid(dtype, quantization!)!;
        const model = await loadModel(writeArtifact(program), { build });
        const count = batch * channels * height * width;
        const random = randomFloats(channels + height)(count);

        const bytes = Array.from(random, (v) => Math.floor(127.99 * v + 128));
        const data = dtype === 'int8' ? Int8Array.from(bytes, (q) => q - 128) : Uint8Array.from(bytes);
        const integers = (await model.run({ x: new Tensor(dtype, shape, data) })).y.data as Float32Array;
        expect(Array.from(integers)).toEqual(bytes.map((q) => Math.fround(realOf(q, grid))));

        const reals = random.map((v) => 3 * v);
        // ties, what is out of range, and what is no number
        reals.set([NaN, Infinity, -Infinity, 1e30, 0.5 * grid.scale, 1.5 * grid.scale].slice(0, count));
        const rounded = (await model.run({ x: new Tensor('float32', shape, reals) })).y.data as Float32Array;
        const steps = Math.fround(1 / grid.scale);
        const expected = Array.from(reals, (v) => byteOf(Math.fround(v * steps), { ...grid, scale: 1 }));
        expect(Array.from(rounded)).toEqual(expected.map((q) => Math.fround(realOf(q, grid))));
        model.dispose();
      }
    }
  });

  it.each(cases)('takes images: $dtype, $layout', async ({ layout, dtype }) => {
    for (const channels of [1, 3]) {
      const size = { height: 5, width: 7 };
      const program = byteProgram({ dtype, layout, channels, ...size });
      const grid = fileGrid(dtype, program.inputs[0].quantization!)!;
      const { quads: _, ...stored } = program.inputs[0];
      // the same input in floats: the output's memory
      const floats: Program = { ...program, inputs: [{ ...stored, ...program.outputs[0], name: 'x' }], steps: [] };
      const preprocessing: Preprocessing = {
        ...size,
        resize: 'letterbox',
        padValue: 114,
        order: 'BGR',
        scale: [0.02, 0.015, 0.01],
        offset: [-2, -1.5, -1],
      };
      const image = {
        data: Uint8Array.from(randomFloats(5)(11 * 6 * 4), (v) => 127.5 * v + 127.5),
        width: 11,
        height: 6,
        channels: 4 as const,
      };
      const [actual, exact] = await Promise.all(
        [program, floats].map(async (one) => {
          const model = await loadModel(writeArtifact(one), { build });
          return model.session((session) => {
            writeImage(session, image, preprocessing);
            return session.run(() => session.view(session.outputs[0]).read());
          });
        }),
      );
      const steps = Math.fround(1 / grid.scale);
      const bytes = Array.from(exact, (v) => byteOf(Math.fround(v * steps), { ...grid, scale: 1 }));
      expect(new Set(bytes).size).toBeGreaterThan(10);
      expect(Array.from(actual)).toEqual(bytes.map((q) => Math.fround(realOf(q, grid))));
    }
  });
});

it.each([
  ['an axis that has no channels', { quads: 2 }],
  ['floats', { dtype: 'float32' }],
  ['bytes without a scale', { quantization: undefined }],
  ['a zero point beyond its bytes', { quantization: { scale: 1, zeroPoint: 300 } }],
  ['rows that lie apart', { strides: [99, 8, 1, 16] }],
])('an artifact whose input in bytes has %s is refused', async (_, change) => {
  const program = byteProgram({ dtype: 'uint8', layout: 'NHWC', channels: 5, height: 2, width: 3 });
  const inputs = [{ ...program.inputs[0], ...change } as Endpoint];
  await expect(loadModel(writeArtifact({ ...program, inputs }))).rejects.toThrow(/inputs\[0\]\.quads/);
});

it('an artifact whose output is in bytes is refused', async () => {
  const program = byteProgram({ dtype: 'uint8', layout: 'NHWC', channels: 5, height: 2, width: 3 });
  const file = writeArtifact({ ...program, outputs: [{ ...program.inputs[0], name: 'y' }] });
  await expect(loadModel(file)).rejects.toThrow(/outputs\[0\]\.quads/);
});
