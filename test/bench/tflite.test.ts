import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { exportTflite } from '../../bench/tflite/export.ts';
import { reshapedOrder } from '../../bench/tflite/reshape.ts';
import { networks } from '../../models/index.ts';
import type { NetworkName, NetworkOptions, PaddingOptions } from '../../models/index.ts';
import { evaluate } from '../../src/graph/evaluate.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { permuteData, permuteShape } from '../../src/graph/permute.ts';
import { importTflite } from '../../src/import/tflite/index.ts';
import { elementCount, Tensor } from '../../src/tensor.ts';
import { randomFloats, relativeError } from '../kernels/wasm.ts';
import { runPeer } from '../peers/index.ts';

const nhwc = [0, 2, 3, 1];

/** An image for a graph with an NCHW input, and the same image as NHWC. */
function image(graph: Graph): { planes: Tensor; pixels: Tensor } {
  const { shape } = graph.values.get(graph.inputs[0].value)!;
  const data = randomFloats(3)(elementCount(shape));
  return {
    planes: new Tensor('float32', shape, data),
    pixels: new Tensor('float32', permuteShape(shape, nhwc), permuteData(data, shape, nhwc)),
  };
}

const expected = (graph: Graph, planes: Tensor) =>
  Object.values(evaluate(graph, { [graph.inputs[0].name]: planes })).map(({ data }) => data as Float32Array);

const small: [NetworkName, NetworkOptions & PaddingOptions][] = [
  ['mobilenet-v1', { width: 0.25, resolution: 64, classes: 10 }],
  ['mobilenet-v1', { width: 0.25, resolution: 64, classes: 10, padding: 'symmetric', sparsity: { sparsity: 0.8 } }],
  ['mobilenet-v2', { width: 0.25, resolution: 64, classes: 10, padding: 'symmetric' }],
  ['mobilenet-v3-small', { width: 0.25, resolution: 64, classes: 10 }],
  ['ssd-mobilenet-v2', { width: 0.25, resolution: 96, classes: 5, sparsity: { sparsity: 0.8 } }],
  ['yolox-nano', { width: 0.5, resolution: 64, classes: 3 }],
  ['yolov8n', { width: 0.5, resolution: 64, classes: 3 }],
];

describe('TFLite files of graphs', () => {
  it.each(small)('%s %o: comes back as the same network', (name, options) => {
    const graph = networks[name](options);
    const { planes, pixels } = image(graph);
    const sparse = options.sparsity !== undefined;
    const read = importTflite(exportTflite(graph, { sparse }).bytes(), name);
    const outputs = Object.values(evaluate(read, { [read.inputs[0].name]: pixels }));
    expected(graph, planes).forEach((data, k) => {
      // The same sums in f64, rounded after each layer; a hard swish is written out with constants of its own.
      expect(relativeError(outputs[k].data as Float32Array, data)).toBeLessThan(1e-5);
    });
  });

  it.each(small)('%s %o: tfjs-tflite agrees', async (name, options) => {
    const graph = networks[name](options);
    const { planes, pixels } = image(graph);
    const folder = await mkdtemp(path.join(tmpdir(), 'filigree-tflite-'));
    try {
      const file = path.join(folder, 'model.tflite');
      const sparse = options.sparsity !== undefined;
      await writeFile(file, exportTflite(graph, { sparse }).bytes());
      const { outputs } = await runPeer('tfjs-tflite', file, [pixels.data as Float32Array]);
      expected(graph, planes).forEach((data, k) => {
        // It adds in float32.
        expect(relativeError(outputs[k].data, data)).toBeLessThan(1e-4);
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('leaves bytes where they are when whole axes are joined or cut', () => {
    expect(reshapedOrder([1, 85, 8, 8], nhwc, [1, 85, 64])).toEqual([0, 2, 1]);
    expect(reshapedOrder([1, 64, 100], [0, 2, 1], [1, 4, 16, 100])).toEqual([0, 3, 1, 2]);
    expect(reshapedOrder([1, 32, 1, 1], nhwc, [1, 32])).toEqual([0, 1]);
    expect(reshapedOrder([1, 6, 4, 4], nhwc, [1, 2, 48])).toBeUndefined();
  });
});
