// Networks that go out as ONNX: onnxruntime-web, and the file compiled again, agree. Dense and with zeros.
import { beforeAll, describe, expect, it } from 'vitest';
import { imageRanges, networks, sparsityPatterns } from '../../../models/index.ts';
import type { NetworkName, NetworkOptions, SparsityPattern } from '../../../models/index.ts';
import { compileModel } from '../../../src/compile.ts';
import { exportOnnx } from '../../../src/export/onnx/index.ts';
import { optimise } from '../../../src/passes/index.ts';
import { loadModel } from '../../../src/runtime/load.ts';
import { Tensor } from '../../../src/tensor.ts';
import { inputsOf } from '../../graphs.ts';
import { relativeError } from '../../kernels/wasm.ts';
import type { PeerOutput } from '../../peers/index.ts';
import { runOnnxModels } from '../../peers/onnxruntime.ts';

const names = Object.keys(networks) as NetworkName[];
const patterns = Object.keys(sparsityPatterns) as SparsityPattern[];
const sparse = patterns.flatMap((pattern) => [0.5, 0.8, 0.95].map((sparsity) => ({ sparsity, pattern })));

const cases = names.flatMap((name) =>
  [undefined, ...sparse].map((sparsity) => {
    const options: NetworkOptions = { width: 0.35, resolution: 64, classes: 7, sparsity };
    const graph = networks[name](options);
    // Half of them go out as passes leave them.
    if (sparsity && sparsity.sparsity !== 0.8) optimise(graph);
    const [low, high] = imageRanges[name];
    const inputs = Object.fromEntries(
      Object.entries(inputsOf(graph)).map(([input, { shape, data }]) => {
        const pixels = Float32Array.from(data as Float32Array, (v) => low + ((v + 3) / 6) * (high - low));
        return [input, new Tensor('float32', shape, pixels)];
      }),
    );
    const zeros = sparsity ? `${100 * sparsity.sparsity} % zeros, ${sparsity.pattern}` : 'dense';
    return { title: `${name}, ${zeros}`, network: name, model: exportOnnx(graph), inputs };
  }),
);

/** Boxes and the scores after them differ in scale, so the tolerance applies to each separately. */
function parts(network: NetworkName, shape: readonly number[], data: Float32Array): Float32Array[] {
  if (!network.startsWith('yolo')) return [data];
  const isBox = network.startsWith('yolox')
    ? (i: number) => i % shape[2] < 4
    : (i: number) => Math.floor(i / shape[2]) % shape[1] < 4;
  return [data.filter((_, i) => isBox(i)), data.filter((_, i) => !isBox(i))];
}

describe('networks as ONNX', () => {
  let peers: (PeerOutput[] | Error)[];
  beforeAll(async () => {
    peers = await runOnnxModels(cases);
  });

  it.each(cases.map((one, i) => ({ ...one, i })))('$title', async ({ network, model, inputs, i }) => {
    const peer = peers[i];
    if (peer instanceof Error) throw peer;
    const loaded = await loadModel(compileModel(model));
    const found = await loaded.run(inputs);
    loaded.dispose();
    expect(Object.keys(found)).toEqual(peer.map(({ name }) => name));
    for (const { name, shape, data } of peer) {
      expect(found[name!].shape).toEqual(shape);
      expect(new Set(data).size, 'different numbers').toBeGreaterThan(Math.min(data.length, 1000) / 4);
      const results = parts(network, shape, found[name!].data as Float32Array);
      for (const [k, part] of parts(network, shape, data).entries()) {
        // Sums of float32 in another order.
        expect(relativeError(results[k], part), `${name}, part ${k}`).toBeLessThan(1e-4);
      }
    }
  });
});
