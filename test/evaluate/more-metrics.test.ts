// Poses and masks against pycocotools: pycocotools-more-cases.py wrote the cases.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { cocoMetrics, type ScoredDetection } from '../../src/evaluate/average-precision.ts';
import { readInstances } from '../../src/evaluate/instances.ts';
import {
  countsOfRuns,
  countsOfText,
  maskOverlap,
  runsArea,
  runsOfCounts,
  runsOfMask,
  runsOfPolygons,
} from '../../src/evaluate/mask-runs.ts';
import { detectedOf, moreMetrics, type Measure } from '../../src/evaluate/more-metrics.ts';
import type { Detection } from '../../src/vision/detection.ts';

interface Case {
  dataset: object;
  results: {
    image_id: number;
    category_id: number;
    score: number;
    keypoints: number[];
    segmentation: { counts: string };
  }[];
  stats: number[];
}
const cases = JSON.parse(readFileSync(new URL('pycocotools-more-cases.json', import.meta.url), 'utf8')) as {
  poses: Case;
  shapes: Case;
  polygons: { polygons: number[][]; counts: number[]; text: string }[];
};

const [width, height] = [90, 70];

function measured({ dataset, results }: Case, detected: (result: Case['results'][number]) => Partial<ScoredDetection>) {
  const { annotations, images, categories } = readInstances(JSON.stringify(dataset), 'cases.json');
  const found = results.map((result): ScoredDetection => {
    const { image_id: image, category_id: category, score } = result;
    return { image, category, score, box: [0, 0, width, height], ...detected(result) };
  });
  const ids = [images, categories].map((list) => list.map(({ id }) => id));
  const measure: Measure = (objects, detections, comparison) =>
    cocoMetrics(objects, detections, ids[0], ids[1], comparison);
  return moreMetrics(annotations, found, measure);
}

describe('poses', () => {
  it('have the average precision that pycocotools finds', () => {
    const { keypoints, masks } = measured(cases.poses, ({ keypoints: numbers }) => ({
      keypoints: numbers.filter((_, i) => i % 3 < 2),
    }));
    const [ap, ap50, ap75, apMedium, apLarge, ar, , , arMedium, arLarge] = cases.poses.stats;
    expect(masks).toBeUndefined();
    expect(ap).toBeGreaterThan(0.1);
    const wanted = { ap, ap50, ap75, apMedium, apLarge, ar100: ar, arMedium, arLarge };
    for (const [name, value] of Object.entries(wanted)) expect(keypoints![name as 'ap'], name).toBeCloseTo(value, 10);
  });
});

describe('masks', () => {
  it('have the average precision that pycocotools finds', () => {
    const { masks, keypoints } = measured(cases.shapes, ({ segmentation }) => ({
      mask: runsOfCounts(countsOfText(segmentation.counts)),
    }));
    expect(keypoints).toBeUndefined();
    const names = 'ap ap50 ap75 apSmall apMedium apLarge ar1 ar10 ar100 arSmall arMedium arLarge'.split(' ');
    expect(cases.shapes.stats[0]).toBeGreaterThan(0.1);
    names.forEach((name, i) => expect(masks![name as 'ap'], name).toBeCloseTo(cases.shapes.stats[i], 10));
  });

  it('of polygons are pycocotools’ to the pixel', () => {
    expect(cases.polygons.length).toBeGreaterThan(20);
    for (const { polygons, counts, text } of cases.polygons) {
      const wanted = runsOfCounts(counts);
      expect([...runsOfPolygons(polygons, width, height)]).toEqual([...wanted]);
      expect([...runsOfCounts(countsOfText(text))]).toEqual([...wanted]);
    }
  });

  it('go back to run lengths', () => {
    for (const { counts } of cases.polygons) {
      const own = countsOfRuns(runsOfCounts(counts), width * height);
      expect([...runsOfCounts(own)]).toEqual([...runsOfCounts(counts)]);
      expect(own.reduce((sum, count) => sum + count, 0)).toBe(width * height);
    }
    expect(countsOfRuns(Uint32Array.of(2, 5), 9)).toEqual([2, 3, 4]);
  });

  it('of detections lie in the image', () => {
    const mask = { x: 2, y: 1, width: 2, height: 3, data: Uint8Array.of(1, 0, 1, 1, 0, 1) };
    // an image 5 pixels high: column 2 has rows 1 and 2, column 3 rows 2 and 3
    expect([...runsOfMask(mask, 5)]).toEqual([11, 13, 17, 19]);
    expect([...runsOfMask({ ...mask, y: 0, width: 1, height: 5, data: new Uint8Array(5).fill(1) }, 5)]).toEqual([
      10, 15,
    ]);
    const full = { x: 0, y: 0, width: 3, height: 5, data: new Uint8Array(15).fill(1) };
    expect([...runsOfMask(full, 5)]).toEqual([0, 15]);
    expect(runsArea(runsOfMask(mask, 5))).toBe(4);
    expect(maskOverlap(runsOfMask(mask, 5), runsOfMask(full, 5), false)).toBe(2 / 17);
    expect(maskOverlap(runsOfMask(mask, 5), runsOfMask(full, 5), true)).toBe(0.5);
    const detection: Detection = {
      label: 'a',
      classIndex: 0,
      score: 0.5,
      box: { xmin: 2, ymin: 1, xmax: 4, ymax: 4 },
      mask,
    };
    expect(detectedOf(detection, 5)).toEqual({ box: [2, 1, 2, 3], score: 0.5, mask: Uint32Array.of(11, 13, 17, 19) });
  });

  it('and keypoints of another form are refused by name', () => {
    const dataset = (more: object) =>
      JSON.stringify({
        images: [{ id: 1, file_name: 'a', width, height }],
        categories: [{ id: 1, name: 'a' }],
        annotations: [{ image_id: 1, category_id: 1, bbox: [0, 0, 1, 1], ...more }],
      });
    const read = (more: object) => () => readInstances(dataset(more), 'own.json');
    expect(read({ keypoints: [1, 2, 3] })).toThrow('annotations[0].keypoints: wanted 51 numbers');
    expect(read({ segmentation: [[1, 2, 3, 4]] })).toThrow(
      'annotations[0].segmentation[0]: wanted x and y of three corners',
    );
    expect(read({ segmentation: 5 })).toThrow('annotations[0].segmentation: wanted polygons or an RLE, found 5');
    expect(read({ segmentation: { counts: 5 } })).toThrow('segmentation.counts: wanted a text or a list');
  });
});
