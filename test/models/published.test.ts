// Published TFLite models against another runtime's outputs, in every build. The peer runs here and now.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import v8 from 'node:v8';
import { describe, expect, it } from 'vitest';
import { compileModel } from '../../src/compile.ts';
import { loadModel } from '../../src/runtime/load.ts';
import type { Model } from '../../src/runtime/model.ts';
import { Tensor, elementCount } from '../../src/tensor.ts';
import { wasmBuilds } from '../../src/runtime/probe.ts';
import { randomFloats, relativeError } from '../kernels/wasm.ts';
import { runPeer } from '../peers/index.ts';
import type { PeerOutput } from '../peers/index.ts';
import { faceModels, objectronSsd } from './published.ts';

v8.setFlagsFromString('--experimental-wasm-relaxed-simd');

const ways = wasmBuilds.flatMap((build) => [1, 2].map((threads) => ({ build, threads })));

// of the largest magnitude: f32 sums in other orders through a hundred layers
const tolerance = 1e-4;

/** Three inputs of an NHWC image model: noise, a smooth gradient, and blobs on black. */
function inputsFor(shape: readonly number[]): Float32Array[] {
  const [, height, width, channels] = shape;
  const noise = randomFloats(21)(elementCount(shape));
  const gradient = new Float32Array(elementCount(shape));
  const blobs = new Float32Array(elementCount(shape)).fill(-1);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++) {
        const at = (y * width + x) * channels + c;
        gradient[at] = Math.sin((3 * x) / width + c) * Math.cos((2 * y) / height);
        const inside = Math.hypot((x % 60) - 30, (y % 70) - 35) < 20 + 3 * c;
        if (inside) blobs[at] = 0.8 - 0.3 * c;
      }
    }
  }
  return [noise, gradient, blobs];
}

/** The output of ours that a peer's stands for: of the same number of elements, in the same place among those. */
function matching(model: Model, peers: PeerOutput[], index: number): string {
  const names = model.outputs.map((o) => o.name);
  const { name } = peers[index];
  if (name && names.includes(name)) return name;
  const alike = model.outputs.filter((o) => elementCount(o.shape) === peers[index].data.length);
  const before = peers.slice(0, index).filter((p) => p.data.length === peers[index].data.length).length;
  return alike[before].name;
}

describe.each([
  ['the sparse face model', () => faceModels.sparse],
  ['the dense face model', () => faceModels.dense],
  ['the short-range face model', () => faceModels.short],
  ['the SSD MobileNetV2', objectronSsd],
])('%s', (_, fileOf) => {
  it('gives the outputs of tfjs-tflite in every build, on one thread and on two, on three inputs', async () => {
    const file = fileOf();
    const artifact = compileModel(readFileSync(file), { name: path.basename(file) });
    const models = await Promise.all(ways.map((way) => loadModel(artifact, way)));
    const [{ name, shape }] = models[0].inputs;
    for (const data of inputsFor(shape)) {
      const { outputs: expected } = await runPeer('tfjs-tflite', file, [data]);
      expect(expected.length).toBe(models[0].outputs.length);
      for (const model of models) {
        const outputs = await model.run({ [name]: new Tensor('float32', shape, data) });
        expected.forEach(({ data: wanted }, i) => {
          const ours = outputs[matching(model, expected, i)];
          expect(wanted.some((v) => v !== 0)).toBe(true);
          expect(
            relativeError(ours.data as Float32Array, wanted),
            `${model.info.build}, ${model.info.threads}, output ${i}`,
          ).toBeLessThan(tolerance);
        });
      }
    }
    for (const model of models) model.dispose();
  });
});

describe('the sparse face model', () => {
  it('runs its 46 sparse layers sparse', async () => {
    const model = await loadModel(compileModel(readFileSync(faceModels.sparse), { name: 'face' }));
    const [{ name, shape }] = model.inputs;
    const layers = await model.profile({ [name]: new Tensor('float32', shape, inputsFor(shape)[0]) }, { runs: 1 });
    const sparse = layers.filter(({ sparsity = 0 }) => sparsity > 0.6);
    expect(sparse.length).toBe(46);
    for (const { name: layer, kernels } of sparse) expect(kernels.join(), layer).toContain('spmm');
    model.dispose();
  });

  it('needs a fraction of the memory that unshared activations would', async () => {
    const model = await loadModel(compileModel(readFileSync(faceModels.sparse), { name: 'face' }));
    const { activations, activationsUnshared } = model.info.memory;
    expect(activations).toBeLessThan(activationsUnshared / 4);
  });
});
