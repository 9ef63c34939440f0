import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { seededNumbers } from '../import/tflite/seeded.ts';
import { runPeer } from './index.ts';

const model = path.join(
  import.meta.dirname,
  '../../node_modules/@mediapipe/face_detection/face_detection_full_range_sparse.tflite',
);

describe('peers', () => {
  it('run the sparse face model and agree', async () => {
    const input = seededNumbers(192 * 192 * 3, 1);
    const tfjs = await runPeer('tfjs-tflite', model, [input], { iterations: 3 });
    const litert = await runPeer('litert', model, [input]);
    expect(tfjs.outputs.map(({ shape }) => shape)).toEqual([
      [1, 2304, 16],
      [1, 2304, 1],
    ]);
    expect(litert.outputs.map(({ shape }) => shape)).toEqual(tfjs.outputs.map(({ shape }) => shape));
    expect(tfjs.msMedian).toBeGreaterThan(0);
    tfjs.outputs.forEach(({ data }, k) => {
      const largest = data.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
      expect(largest).toBeGreaterThan(0);
      // Both add in float32, in orders of their own.
      litert.outputs[k].data.forEach((v, i) => {
        if (!(Math.abs(v - data[i]) <= 1e-4 * largest)) throw new Error(`output ${k}[${i}]: ${v} and ${data[i]}`);
      });
    });
  });

  it('report their failure', async () => {
    await expect(runPeer('tfjs-tflite', import.meta.filename, [])).rejects.toThrow(/Error/);
  });
});
