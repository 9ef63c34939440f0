// Published models keep their results, and lose what only their file format needed.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { importTflite } from '../../src/import/tflite/index.ts';
import { optimise } from '../../src/passes/index.ts';
import { cloneGraph, expectSameResults, ops } from '../graphs.ts';

const folder = new URL('../../node_modules/@mediapipe/face_detection/', import.meta.url);

describe.each(['face_detection_full_range_sparse.tflite', 'face_detection_short_range.tflite'])('%s', (file) => {
  it('keeps its results', () => {
    const graph = importTflite(readFileSync(new URL(file, folder)), file);
    const result = cloneGraph(graph);
    optimise(result, { check: true });
    expectSameResults(result, graph);
    expect(ops(result).length).toBeLessThan(ops(graph).length);
    // Every activation is fused, and no image is padded by a copy: what pads are left add channels.
    expect(ops(result)).not.toContain('unary');
    for (const { op, attributes } of result.nodes) {
      if (op === 'pad')
        expect(attributes).toMatchObject({ before: [0, 0, 0, 0], after: [0, expect.any(Number), 0, 0] });
    }
  });
});
