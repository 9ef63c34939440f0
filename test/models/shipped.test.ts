// The detectors of objects that come with the package.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import v8 from 'node:v8';
import { describe, expect, it } from 'vitest';
import { decodeImage } from '../../src/images/decode.ts';
import { createDetector } from '../../src/vision/create.ts';
import type { Detection } from '../../src/vision/detection.ts';
import { dataPath, describeWithData } from '../data.ts';

v8.setFlagsFromString('--experimental-wasm-relaxed-simd'); // which Node 20 hides

const people = fileURLToPath(new URL('../../node_modules/@vladmandic/face-api/demo/sample5.jpg', import.meta.url));

async function objectsIn(photograph: string, model: string, build: 'simd' | 'relaxed'): Promise<Detection[]> {
  const artifact = new Uint8Array(readFileSync(new URL(`../../models/${model}.filigree`, import.meta.url)));
  const detector = await createDetector(artifact, { build });
  const { detections } = await detector.detect(await decodeImage(readFileSync(photograph)));
  detector.dispose();
  return detections;
}

/** Intersection over union of two boxes: [xmin, ymin, xmax, ymax]. */
function overlap({ box }: Detection, [xmin, ymin, xmax, ymax]: readonly number[]): number {
  const width = Math.min(box.xmax, xmax) - Math.max(box.xmin, xmin);
  const height = Math.min(box.ymax, ymax) - Math.max(box.ymin, ymin);
  const both = Math.max(0, width) * Math.max(0, height);
  return both / ((box.xmax - box.xmin) * (box.ymax - box.ymin) + (xmax - xmin) * (ymax - ymin) - both);
}

describe.each(['objects', 'objects-small'])('%s', (model) => {
  it.each(['simd', 'relaxed'] as const)('finds the five people of a photograph (%s)', async (build) => {
    const detections = await objectsIn(people, model, build);
    // the small network gives the fifth person 0.497 in floats
    const found = detections.filter(({ label, score }) => label === 'person' && score > 0.47);
    expect(found.length).toBeGreaterThanOrEqual(5);
  });
});

// What the network in floats finds by another runtime, and how far eight bits may take a box and its score from that.
describeWithData('objects on a photograph of a horse', 'coco-val-160', () => {
  it('finds the objects that onnxruntime finds in floats', async () => {
    const detections = await objectsIn(dataPath('coco-val-160/images/000000012748.jpg'), 'objects', 'simd');
    for (const [label, score, box] of [
      ['horse', 0.861, [0, 45, 239, 574]],
      ['person', 0.852, [221, 182, 481, 640]],
      ['person', 0.508, [221, 144, 360, 638]],
    ] as const) {
      const same = detections.filter((one) => one.label === label && overlap(one, box) > 0.9);
      expect(same.map((one) => Math.abs(one.score - score) < 0.15)).toContain(true);
    }
    expect(detections.length).toBe(3);
  });
});
