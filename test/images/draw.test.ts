import { describe, expect, it } from 'vitest';
import { drawOnPixels } from '../../src/images/draw.ts';
import { hersheyGlyph } from '../../src/images/hershey.ts';
import type { Detection } from '../../src/vision/detection.ts';
import { layoutDetections } from '../../src/vision/draw.ts';
import type { Pixels } from '../../src/vision/preprocessing.ts';

const face = (xmin: number, ymin: number, xmax: number, ymax: number, score = 0.93): Detection => ({
  label: 'face',
  classIndex: 0,
  score,
  box: { xmin, ymin, xmax, ymax },
  keypoints: [{ name: 'nose tip', x: (xmin + xmax) / 2, y: (ymin + ymax) / 2 }],
});

const halfEm = (text: string, size: number) => 0.5 * size * text.length;

describe('layoutDetections', () => {
  it('scales lines and text with the picture', () => {
    const sizes = [64, 640, 6400].map((side) => {
      const shapes = layoutDetections([face(0.2 * side, 0.3 * side, 0.6 * side, 0.8 * side)], side, side, halfEm);
      const [, outline] = shapes;
      const text = shapes.find(({ kind }) => kind === 'text');
      if (outline.kind !== 'outline' || text?.kind !== 'text') throw new Error('no outline or no text');
      expect(text.text).toBe('face 0.93');
      return [outline.line, Math.round(text.size)];
    });
    expect(sizes).toEqual([
      [1.5, 8],
      [2, 14],
      [20, 142],
    ]);
  });

  it.each([
    ['above the box', face(100, 100, 200, 200), 'above'],
    ['inside at the top edge', face(100, 3, 200, 200), 'inside'],
    ['within the right edge', face(620, 100, 640, 120), 'above'],
    ['within the bottom edge', face(0, 2, 640, 480), 'inside'],
    ['below a small box at the top edge', face(600, 3, 630, 43), 'below'],
  ])('puts the label %s', (_, detection, where) => {
    const shapes = layoutDetections([detection], 640, 480, halfEm);
    const tab = shapes.find(({ kind }) => kind === 'fill');
    if (tab?.kind !== 'fill') throw new Error('no label');
    if (where === 'above') expect(tab.y + tab.height).toBeLessThanOrEqual(detection.box.ymin);
    else if (where === 'inside') expect(tab.y).toBe(detection.box.ymin);
    else expect(tab.y).toBeGreaterThanOrEqual(detection.box.ymax);
    expect(Math.min(tab.x, tab.y)).toBeGreaterThanOrEqual(0);
    expect(tab.x + tab.width).toBeLessThanOrEqual(640);
    expect(tab.y + tab.height).toBeLessThanOrEqual(480);
  });

  it('draws the best last, and only the selected objects', () => {
    const two = [face(0, 50, 50, 90, 0.9), face(10, 50, 60, 90, 0.8)];
    const outlines = layoutDetections(two, 100, 100, halfEm).flatMap((s) => (s.kind === 'outline' ? [s.x] : []));
    expect(outlines).toEqual([10, 10, 0, 0]);
    const bare = layoutDetections(two, 100, 100, halfEm, { labels: false, keypoints: false });
    expect(new Set(bare.map(({ kind }) => kind))).toEqual(new Set(['outline']));
    expect(two.map(({ score }) => score)).toEqual([0.9, 0.8]); // unchanged
  });
});

describe('labels', () => {
  const labels = (detections: Detection[], width: number, height: number) => {
    const shapes = layoutDetections(detections, width, height, halfEm);
    const texts = shapes.flatMap((shape) => (shape.kind === 'text' ? [shape] : []));
    return shapes.flatMap((shape) => (shape.kind === 'fill' ? [shape] : [])).map((tab, i) => ({ tab, ...texts[i] }));
  };
  const shared = (
    a: { x: number; y: number; width: number; height: number },
    { box: { xmin, ymin, xmax, ymax } }: Detection,
  ) =>
    Math.max(0, Math.min(a.x + a.width, xmax) - Math.max(a.x, xmin)) *
    Math.max(0, Math.min(a.y + a.height, ymax) - Math.max(a.y, ymin));

  it('keep off other boxes and other labels, the best at its first choice', () => {
    // Two small faces side by side; the label of either is wider than both.
    const two = [face(60, 60, 75, 78, 0.6), face(80, 60, 95, 78, 0.9)];
    const [best, other] = labels(two, 160, 120);
    expect([best.text, other.text]).toEqual(['face 0.90', 'face 0.60']);
    expect(best.tab.x).toBeCloseTo(80 - 1.5 / 2);
    expect(best.tab.y + best.tab.height).toBeLessThanOrEqual(60);
    expect(other.tab.x + other.tab.width).toBeLessThanOrEqual(best.tab.x);
    for (const { tab } of [best, other]) for (const detection of two) expect(shared(tab, detection)).toBe(0);
  });

  it('say less, in smaller letters, where there is less room', () => {
    // Between two boxes there are 12 pixels, of which the line takes 0.75; a label of 10 pixels' letters is 12.5 high.
    const [label] = labels([face(50, 66, 80, 90), face(50, 44, 80, 54, 0.1), face(0, 91, 160, 160, 0.1)], 160, 160);
    expect(label.text).toBe('face 0.93');
    expect(label.size).toBeLessThan(10);
    expect(label.tab.y).toBeGreaterThanOrEqual(54);
    expect(label.tab.y + label.tab.height).toBeLessThanOrEqual(66);
    // 30 pixels wide, the score alone fits.
    expect(labels([face(2, 2, 28, 26)], 30, 60).map(({ text }) => text)).toEqual(['0.93']);
  });

  it('are left out where they would hide their object', () => {
    expect(labels([face(4, 4, 26, 20)], 30, 24)).toEqual([]);
    const crowd = Array.from({ length: 100 }, (_, i) => {
      const [x, y] = [16 * (i % 10), 16 * Math.floor(i / 10)];
      return face(x + 1, y + 1, x + 15, y + 15, 0.5 + i / 250);
    });
    const crowded = labels(crowd, 160, 160);
    for (const { tab } of crowded) {
      for (const detection of crowd) expect(shared(tab, detection)).toBeLessThanOrEqual(0.4 * 14 * 14);
    }
    expect(crowded.length).toBeLessThan(50);
  });
});

const grey = (width: number, height: number): Pixels => ({
  data: new Uint8Array(width * height).fill(100),
  width,
  height,
  channels: 1,
});

describe('drawOnPixels', () => {
  it('paints the box, leaves its inside and the source alone', () => {
    const source = grey(320, 240);
    const drawn = drawOnPixels(source, [face(60, 80, 160, 200)], { keypoints: false });
    expect(drawn.channels).toBe(4);
    const pixel = (x: number, y: number) => Array.from(drawn.data.subarray(4 * (y * 320 + x), 4 * (y * 320 + x) + 4));
    for (const [x, y] of [
      [59, 140],
      [160, 140],
      [110, 199],
      [110, 200],
    ])
      expect(pixel(x, y)[0]).toBeGreaterThan(150);
    // The line is 1.5 px wide, centred on x = 60: three quarters of pixel 60 are of the class's colour (240, 228, 66),
    // over 1.275 px of shadow at one half, which covers the pixel: 50 · ¼ + 240 · ¾ = 192.5,
    // which a byte array rounds to even.
    expect(pixel(60, 140)[0]).toBe(192);
    expect(pixel(110, 140)).toEqual([100, 100, 100, 255]);
    expect(pixel(300, 10)).toEqual([100, 100, 100, 255]);
    expect(source.data.every((value) => value === 100)).toBe(true);
  });

  it('marks keypoints and writes text', () => {
    const drawn = drawOnPixels(grey(320, 240), [face(60, 80, 160, 200)]);
    const centre = 4 * (140 * 320 + 110);
    expect(Array.from(drawn.data.subarray(centre, centre + 3))).toEqual([240, 228, 66]);
    const without = drawOnPixels(grey(320, 240), [face(60, 80, 160, 200)], { labels: false });
    let dark = 0;
    for (let i = 0; i < drawn.data.length; i += 4) if (drawn.data[i] < 60 && without.data[i] >= 60) dark++;
    expect(dark).toBeGreaterThan(80); // nine letters of black strokes
    expect(dark).toBeLessThan(400);
  });

  it('survives boxes of any place and size', () => {
    const wild = [face(-50, -50, 500, 500), face(5, 5, 5.1, 5.1), face(19, 19, 20, 20), face(1e6, 1e6, 2e6, 2e6)];
    const drawn = drawOnPixels(grey(20, 20), wild);
    expect(drawn.data.length).toBe(20 * 20 * 4);
    for (let i = 3; i < drawn.data.length; i += 4) expect(drawn.data[i]).toBe(255);
  });
});

describe('hersheyGlyph', () => {
  it('has every ASCII character and stands in for others', () => {
    for (let code = 33; code < 127; code++) {
      const { advance, strokes } = hersheyGlyph(String.fromCharCode(code));
      expect(advance).toBeGreaterThan(0);
      expect(strokes.length).toBeGreaterThan(0);
      for (const stroke of strokes) {
        expect(stroke.length % 2).toBe(0);
        expect(stroke.every((value) => Number.isInteger(value) && value >= -4 && value <= 30)).toBe(true);
      }
    }
    expect(hersheyGlyph('é')).toEqual(hersheyGlyph('?'));
    expect(hersheyGlyph(' ').strokes).toEqual([]);
    // A capital I is one stroke from the top to the baseline.
    expect(hersheyGlyph('I').strokes).toEqual([[4, 1, 4, 22]]);
  });
});

describe('drawOnPixels', () => {
  const grey: Pixels = { data: new Uint8Array(64 * 64).fill(100), width: 64, height: 64, channels: 1 };
  const drawn = (more: Partial<Detection>) => {
    const { data } = drawOnPixels(grey, [{ ...face(10, 20, 50, 40), keypoints: [], ...more }], { labels: false });
    return (x: number, y: number) => data[4 * (64 * y + x)];
  };

  it('turns boxes about their centres', () => {
    const at = drawn({ angle: Math.PI / 2 }); // 40 × 20 around (30, 30): 20 wide and 40 high
    for (const [x, y] of [
      [20, 30],
      [39, 30],
      [30, 10],
      [30, 49],
    ])
      expect(at(x, y), `${x}, ${y}`).not.toBe(100);
    for (const [x, y] of [
      [10, 30],
      [49, 30],
      [30, 30],
    ])
      expect(at(x, y), `${x}, ${y}`).toBe(100);
  });

  it('tints masks, and what lies outside of the picture not at all', () => {
    const at = drawn({ mask: { x: 60, y: 62, width: 8, height: 4, data: new Uint8Array(32).fill(1).fill(0, 0, 2) } });
    expect([at(60, 62), at(61, 62)]).toEqual([100, 100]);
    expect(at(62, 62)).toBe(Math.round(100 + (240 - 100) * 0.4));
    expect(at(63, 63)).toBe(at(62, 62));
    expect(at(59, 63)).toBe(100);
  });

  it('joins the keypoints of a body that are seen', () => {
    const keypoints = Array.from({ length: 17 }, (_, i) => ({ name: `${i}`, x: 5, y: 5, score: 0 }));
    keypoints[7] = { name: '7', x: 14, y: 50, score: 0.9 };
    keypoints[9] = { name: '9', x: 54, y: 50, score: 0.9 };
    const at = drawn({ keypoints });
    expect(at(34, 50)).not.toBe(100);
    expect(at(34, 54)).toBe(100);
    expect(at(5, 5)).toBe(100);
  });
});
