import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { exportOnnx } from '../../src/export/onnx/index.ts';
import { evaluate } from '../../src/graph/evaluate.ts';
import { GraphBuilder, inputsOf } from '../graphs.ts';
import { randomFloats, relativeError } from '../kernels/wasm.ts';
import { runPeer } from './index.ts';

const model = path.join(
  import.meta.dirname,
  '../../node_modules/@mediapipe/face_detection/face_detection_full_range_sparse.tflite',
);

describe('peers', () => {
  it('run the sparse face model and agree', async () => {
    const input = randomFloats(1)(192 * 192 * 3);
    const tfjs = await runPeer('tfjs-tflite', model, [input], { iterations: 3 });
    const litert = await runPeer('litert', model, [input]);
    expect(tfjs.outputs.map(({ shape }) => shape)).toEqual([
      [1, 2304, 16],
      [1, 2304, 1],
    ]);
    expect(litert.outputs.map(({ shape }) => shape)).toEqual(tfjs.outputs.map(({ shape }) => shape));
    expect(tfjs.msMedian).toBeGreaterThan(0);
    tfjs.outputs.forEach(({ data }, k) => {
      expect(data.some((v) => v !== 0)).toBe(true);
      // Both add in float32, in orders of their own.
      expect(relativeError(litert.outputs[k].data, data)).toBeLessThan(1e-4);
    });
  });

  it('run an ONNX model', async () => {
    const b = new GraphBuilder();
    const graph = b.finish(b.conv2d(b.input([1, 3, 8, 8]), 4, 3, { activation: { fn: 'silu' } }));
    const inputs = inputsOf(graph);
    const folder = await mkdtemp(path.join(tmpdir(), 'filigree-onnx-'));
    try {
      const file = path.join(folder, 'small.onnx');
      await writeFile(file, exportOnnx(graph));
      const { outputs, msMedian } = await runPeer('onnxruntime', file, [inputs.input0.data as Float32Array], {
        iterations: 3,
      });
      const { output0 } = evaluate(graph, inputs);
      expect(outputs).toMatchObject([{ name: 'output0', shape: [1, 4, 8, 8] }]);
      // It adds in float32, the evaluator in float64.
      expect(relativeError(outputs[0].data, output0.data as Float32Array)).toBeLessThan(1e-5);
      expect(msMedian).toBeGreaterThan(0);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('report their failure', async () => {
    await expect(runPeer('tfjs-tflite', import.meta.filename, [])).rejects.toThrow(/Error/);
    await expect(runPeer('onnxruntime', import.meta.filename, [])).rejects.toThrow(/Error|ERROR/);
  });
});
