import path from 'node:path';
import { describe, expect, it } from 'vitest';
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

  it('report their failure', async () => {
    await expect(runPeer('tfjs-tflite', import.meta.filename, [])).rejects.toThrow(/Error/);
  });
});
