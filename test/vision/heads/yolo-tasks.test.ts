import { describe, expect, it } from 'vitest';
import { Tensor } from '../../../src/tensor.ts';
import type { EndToEndHead } from '../../../src/vision/heads/end-to-end.ts';
import { maskFrom, prototypesIn } from '../../../src/vision/heads/prototypes.ts';
import { probabilisticOverlap } from '../../../src/vision/heads/turned.ts';
import type { YoloObbHead } from '../../../src/vision/heads/yolo-obb.ts';
import type { YoloPoseHead } from '../../../src/vision/heads/yolo-pose.ts';
import type { YoloSegHead } from '../../../src/vision/heads/yolo-seg.ts';
import { tensorOutputs } from '../../../src/vision/outputs.ts';
import { imageGeometry } from '../../../src/vision/preprocessing.ts';
import { corners, decode, decoderFor, difference, randomOutput, type Box } from './outputs.ts';

/** Float32 against float64 of a few operations. */
const tolerance = 1e-6;

const input = { width: 96, height: 64 };

/** Rows of (1, anchors, width), and the same numbers as (1, width, anchors). */
function rowsOf(output: Tensor, channelsFirst: boolean): { rows: number[][]; out: Tensor } {
  const [, anchors, width] = output.shape;
  const rows = Array.from({ length: anchors }, (_, i) =>
    Array.from(output.data.slice(i * width, (i + 1) * width), Number),
  );
  if (!channelsFirst) return { rows, out: output };
  const across = rows[0].flatMap((_, k) => rows.map((row) => row[k]));
  return { rows, out: new Tensor('float32', [1, width, anchors], across) };
}

const best = (scores: number[]) => ({ score: Math.max(...scores), classIndex: scores.indexOf(Math.max(...scores)) });

describe('poses', () => {
  it.each([
    [true, 'pixels', 3, false, 'after'],
    [false, 'fractions', 2, false, 'after'],
    [false, 'pixels', 2, true, 'before'], // yolov5-face
    [false, 'pixels', 3, true, 'after'], // YOLOv7
  ] as const)(
    'channels first %s, %s, %i numbers, objectness %s, %s the classes',
    (channelsFirst, boxes, values, objectness, place) => {
      const [count, classes] = [5, 2];
      const first = objectness ? 5 : 4;
      const { rows, out } = rowsOf(randomOutput(3, [1, 300, first + classes + count * values], 0, 1), channelsFirst);
      const [unitX, unitY] = boxes === 'pixels' ? [1, 1] : [96, 64];
      const keypointsAt = place === 'before' ? first : first + classes;
      const classesAt = place === 'before' ? first + count * values : first;
      const expected: Box[] = [];
      for (const row of rows) {
        const { score, classIndex } = best(
          row.slice(classesAt, classesAt + classes).map((s) => (objectness ? s * row[4] : s)),
        );
        if (score < 0.7) continue;
        const points = Array.from({ length: count }, (_, k) =>
          row.slice(keypointsAt + k * values, keypointsAt + (k + 1) * values),
        );
        expected.push({
          box: corners(row[0] * unitX, row[1] * unitY, row[2] * unitX, row[3] * unitY),
          score,
          classIndex,
          keypoints: points.flatMap(([x, y]) => [x * unitX, y * unitY]),
          ...(values === 3 && { keypointScores: points.map(([, , s]) => s) }),
        });
      }
      expect(expected.length).toBeGreaterThan(20);
      expect(expected.length).toBeLessThan(250);
      const head: YoloPoseHead = {
        type: 'yolo-pose',
        output: 'out',
        channelsFirst,
        objectness,
        boxes,
        keypoints: { count, values },
        place,
      };
      expect(difference(decode(head, input, { out }, 0.7), expected)).toBeLessThan(tolerance);
    },
  );

  it('may have keypoints in pixels beside boxes in fractions', () => {
    const row = (...keypoints: number[]) => [0.5, 0.25, 0.5, 0.5, 0.75, ...keypoints];
    const out = new Tensor(
      'float32',
      [1, 2, 9],
      Float32Array.from([...row(48, 3, 2, 60), ...row(0.5, -0.25, 1.5, 0.75)]),
    );
    const head: YoloPoseHead = {
      type: 'yolo-pose',
      output: 'out',
      channelsFirst: false,
      objectness: false,
      boxes: 'fractions',
      keypoints: { count: 2, values: 2 },
      place: 'after',
    };
    const box = [24, 0, 72, 32]; // of 96 × 64 pixels
    expect(decode(head, input, { out }, 0.7)).toEqual([
      { box, score: 0.75, classIndex: 0, keypoints: [48, 3, 2, 60] },
      { box, score: 0.75, classIndex: 0, keypoints: [48, -16, 144, 48] },
    ]);
  });

  it('have the names of a body, a face, or the file', () => {
    const named = (count: number, names?: string[]) => {
      const head: YoloPoseHead = {
        type: 'yolo-pose',
        output: 'out',
        channelsFirst: false,
        objectness: false,
        boxes: 'pixels',
        keypoints: { count, values: 2, names },
        place: 'after',
      };
      return decoderFor(head, input, { out: randomOutput(1, [1, 3, 5 + 2 * count]) }).keypoints!;
    };
    expect(named(17).slice(0, 3)).toEqual(['nose', 'left eye', 'right eye']);
    expect(named(5)[4]).toBe('right mouth corner');
    expect(named(2)).toEqual(['keypoint 0', 'keypoint 1']);
    expect(named(2, ['tip', 'tail'])).toEqual(['tip', 'tail']);
    expect(() =>
      decode(
        {
          type: 'yolo-pose',
          output: 'out',
          channelsFirst: false,
          objectness: false,
          boxes: 'pixels',
          keypoints: { count: 17, values: 3 },
          place: 'after',
        },
        input,
        { out: randomOutput(1, [1, 3, 55]) },
        0.5,
      ),
    ).toThrow('keypoints: wanted less than 51');
  });
});

describe('masks', () => {
  const head: YoloSegHead = {
    type: 'yolo-seg',
    output: 'out',
    channelsFirst: true,
    objectness: false,
    boxes: 'pixels',
    prototypes: 'p',
    prototypesFirst: true,
  };
  const prototypes = randomOutput(5, [1, 8, 16, 24]);
  const geometry = imageGeometry({ width: 200, height: 100 }, { ...input, resize: 'letterbox' });

  /** Sums at the prototypes' resolution, then interpolated at every image pixel's centre. */
  function plainMask(
    coefficients: number[],
    { x, y, width, height }: { x: number; y: number; width: number; height: number },
  ): number[] {
    const sums = Array.from({ length: 16 * 24 }, (_, at) =>
      coefficients.reduce((sum, c, k) => sum + c * Number(prototypes.data[k * 16 * 24 + at]), 0),
    );
    const { destination: to } = geometry;
    return Array.from({ length: width * height }, (_, at) => {
      const u = (((x + (at % width) + 0.5) * to.width) / 200 + to.x) / 4 - 0.5;
      const v = (((y + Math.floor(at / width) + 0.5) * to.height) / 100 + to.y) / 4 - 0.5;
      const [cu, cv] = [Math.min(Math.max(u, 0), 23), Math.min(Math.max(v, 0), 15)];
      const [u0, v0] = [Math.floor(cu), Math.floor(cv)];
      const at2 = (i: number, j: number) => sums[Math.min(j, 15) * 24 + Math.min(i, 23)];
      const top = at2(u0, v0) * (1 - cu + u0) + at2(u0 + 1, v0) * (cu - u0);
      const bottom = at2(u0, v0 + 1) * (1 - cu + u0) + at2(u0 + 1, v0 + 1) * (cu - u0);
      return top * (1 - cv + v0) + bottom * (cv - v0);
    });
  }

  it.each([
    [true, true, false],
    [false, false, true],
  ])(
    'are sums of prototypes within the box: channels first %s and %s, objectness %s',
    (channelsFirst, prototypesFirst, objectness) => {
      const first = objectness ? 5 : 4;
      const { rows, out } = rowsOf(randomOutput(4, [1, 60, first + 3 + 8], 0, 1), channelsFirst);
      const p = prototypesFirst
        ? prototypes
        : new Tensor(
            'float32',
            [1, 16, 24, 8],
            Array.from({ length: 16 * 24 * 8 }, (_, i) => Number(prototypes.data[(i % 8) * 384 + Math.floor(i / 8)])),
          );
      const own: YoloSegHead = { ...head, channelsFirst, prototypesFirst, objectness };
      const decoder = decoderFor(own, input, { out, p });
      expect(decoder.classes).toBe(3);
      const found = decoder.decode(tensorOutputs({ out, p }), {
        scoreThreshold: objectness ? 0.6 : 0.9,
        multiLabel: false,
      });
      expect(found.length).toBeGreaterThan(3);
      const within = { x: 13, y: 7, width: 90, height: 61 };
      const anchors = rows
        .map((row, i) => ({ i, score: Math.max(...row.slice(first, first + 3)) * (objectness ? row[4] : 1) }))
        .filter(({ score }) => score >= (objectness ? 0.6 : 0.9));
      anchors.forEach(({ i }, at) => {
        const mask = found.mask!(at, within, geometry);
        const plain = plainMask(rows[i].slice(first + 3), within);
        expect(mask).toMatchObject(within);
        plain.forEach((sum, pixel) => {
          // float32 sums of eight: what is this near to 0 may be on either side
          if (Math.abs(sum) > 1e-5) expect(mask.data[pixel]).toBe(sum > 0 ? 1 : 0);
        });
        expect(mask.data.some((v) => v === 1) && mask.data.some((v) => v === 0)).toBe(true);
      });
    },
  );

  it('of one pixel, and of none', () => {
    const layout = prototypesIn({ name: 'p', dtype: 'float32', shape: [1, 8, 16, 24] }, true);
    const mask = (width: number, height: number) =>
      maskFrom(
        prototypes.data as Float32Array,
        layout,
        [1, 1, 1, 1, 1, 1, 1, 1],
        { x: 199, y: 99, width, height },
        geometry,
      ).data;
    expect(mask(1, 1)[0]).toBe(
      plainMask([1, 1, 1, 1, 1, 1, 1, 1], { x: 199, y: 99, width: 1, height: 1 })[0] > 0 ? 1 : 0,
    );
    expect(mask(0, 0)).toHaveLength(0);
  });

  it('need prototypes of rank 4', () => {
    const out = randomOutput(4, [1, 15, 60], 0, 1);
    expect(() => decoderFor(head, input, { out, p: randomOutput(1, [1, 8, 16]) })).toThrow(
      'prototypes of masks of rank 4',
    );
    expect(() => decoderFor(head, input, { out, p: randomOutput(1, [1, 32, 4, 4]) })).toThrow(
      'prototypes: wanted less than 11',
    );
  });
});

describe('oriented boxes', () => {
  const head: YoloObbHead = { type: 'yolo-obb', output: 'out', channelsFirst: true, boxes: 'pixels' };

  it('have an angle behind the scores', () => {
    const { rows, out } = rowsOf(randomOutput(6, [1, 200, 4 + 3 + 1], 0, 1), true);
    const expected = rows
      .map((row): Box => ({ box: corners(row[0], row[1], row[2], row[3]), ...best(row.slice(4, 7)), angle: row[7] }))
      .filter(({ score }) => score >= 0.9);
    expect(expected.length).toBeGreaterThan(20);
    expect(difference(decode(head, input, { out }, 0.9), expected)).toBeLessThan(tolerance);
  });

  it('overlap as Ultralytics counts it', () => {
    // batch_probiou of ultralytics 8.4 for these boxes (x, y, w, h, angle), to six digits
    const cases: [number[], number[], number][] = [
      [[30, 30, 20, 10, 0.3], [33, 31, 18, 12, 0.5], 0.760744],
      [[30, 30, 20, 10, 0], [30, 30, 20, 10, 1.5707963], 0.552786],
      [[10, 10, 8, 4, 0.2], [40, 40, 8, 4, 0.2], -0.0],
      [[30, 30, 20, 10, -0.7], [28, 32, 20, 12, -0.6], 0.79853],
      [[50, 40, 6, 30, 2.0], [51, 41, 5, 28, 1.9], 0.763606],
    ];
    for (const [a, b, wanted] of cases) {
      const boxes = Float32Array.from([a, b].flatMap(([x, y, w, h]) => corners(x, y, w, h)));
      const overlap = probabilisticOverlap(
        { length: 2, boxes, scores: new Float32Array(2), keypointCount: 0, angles: Float32Array.of(a[4], b[4]) },
        0,
        1,
      );
      expect(overlap).toBeCloseTo(wanted, 3); // √(1 − e^−d) magnifies the rounding of float32 boxes near 1
    }
  });
});

describe('objects that the network chose', () => {
  const rows = [
    [10, 20, 30, 40, 0.9, 2, 11, 12, 0.5, 13, 14, 0.75],
    [1, 2, 3, 4, 0.2, 0, 1, 1, 1, 1, 1, 1], // under the threshold
    [50, 5, 60, 25, 0.5, 1, 51, 6, 0.25, 52, 7, 1],
    [0, 0, 0, 0, Number.NaN, 0, 0, 0, 0, 0, 0, 0],
  ];
  const tensor = (width: number) =>
    new Tensor(
      'float32',
      [1, rows.length, width],
      rows.flatMap((row) => row.slice(0, width)),
    );
  const head: EndToEndHead = { type: 'end-to-end', output: 'out', boxes: 'pixels' };

  it('are read row by row', () => {
    expect(decode(head, input, { out: tensor(6) }, 0.5)).toEqual([
      { box: [10, 20, 30, 40], score: Math.fround(0.9), classIndex: 2 },
      { box: [50, 5, 60, 25], score: 0.5, classIndex: 1 },
    ]);
    expect(decoderFor(head, input, { out: tensor(6) }).suppression).toBe('none');
    expect(decoderFor(head, input, { out: tensor(6) }).classes).toBeUndefined();
    expect(() => decode(head, input, { out: tensor(7) }, 0.5)).toThrow('wanted 6 numbers an object, found 7');
  });

  it('with keypoints, with angles, and as fractions', () => {
    const [pose] = decode({ ...head, keypoints: { count: 2, values: 3 } }, input, { out: tensor(12) }, 0.6);
    expect(pose).toMatchObject({ keypoints: [11, 12, 13, 14], keypointScores: [0.5, 0.75] });
    const [turned] = decode({ ...head, angle: true }, input, { out: tensor(7) }, 0.6);
    expect(turned).toMatchObject({ box: [-5, 0, 25, 40], angle: 11 }); // x, y, w, h
    const [fraction] = decode({ ...head, boxes: 'fractions' }, input, { out: tensor(6) }, 0.6);
    expect(fraction.box).toEqual([960, 1280, 2880, 2560]);
  });

  it('with masks', () => {
    const out = new Tensor(
      'float32',
      [1, 2, 14],
      [...rows[1].slice(0, 6), ...Array(8).fill(9), ...rows[0].slice(0, 6), 1, 0, 0, 0, 0, 0, 0, 0],
    );
    const p = randomOutput(5, [1, 8, 16, 24]);
    const decoder = decoderFor({ ...head, prototypes: 'p', prototypesFirst: true }, input, { out, p });
    const found = decoder.decode(tensorOutputs({ out, p }), { scoreThreshold: 0.5, multiLabel: false });
    const geometry = imageGeometry({ width: 24, height: 16 }, { ...input, resize: 'stretch' });
    const { data } = found.mask!(0, { x: 0, y: 0, width: 24, height: 16 }, geometry);
    expect([...data]).toEqual(Array.from(p.data.slice(0, 384), Number).map((v) => (v > 0 ? 1 : 0)));
  });
});
