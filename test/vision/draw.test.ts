import { describe, expect, it } from 'vitest';
import type { Detection } from '../../src/vision/detection.ts';
import { drawDetections } from '../../src/vision/draw.ts';

/** A 2-D context that records its calls. */
function recorder(width: number, height: number) {
  const calls: string[] = [];
  const note =
    (name: string) =>
    (...values: unknown[]) =>
      void calls.push(`${name} ${values.map((v) => (typeof v === 'number' ? Math.round(v) : v)).join(' ')}`);
  const context = {
    canvas: { width, height },
    font: '',
    measureText: (text: string) => ({ width: 50 * text.length }), // at 100 pixels: half an em each
    ...Object.fromEntries(
      'save restore strokeRect fillRect fillText beginPath arc fill moveTo lineTo closePath stroke rect'
        .split(' ')
        .map((name) => [name, note(name)]),
    ),
  };
  return { context: context as unknown as CanvasRenderingContext2D, calls };
}

const detection: Detection = {
  label: 'dog',
  classIndex: 1,
  score: 0.876,
  box: { xmin: 100, ymin: 100, xmax: 300, ymax: 200 },
  keypoints: [{ name: 'nose', x: 150, y: 160 }],
};

describe('drawDetections', () => {
  it('draws box, keypoint, label and leaves the context as it was', () => {
    const { context, calls } = recorder(640, 480);
    drawDetections(context, [detection]);
    // Text of 640 / 45 = 14.2 px, eight letters of half an em and half an em of margin: 64 wide, 1.25 em high.
    expect(calls).toEqual([
      'save ',
      'strokeRect 100 100 200 100',
      'strokeRect 100 100 200 100',
      'beginPath ',
      'arc 150 160 4 0 6',
      'fill ',
      'beginPath ',
      'arc 150 160 3 0 6',
      'fill ',
      'fillRect 99 81 64 18',
      'fillText dog 0.88 103 95',
      'restore ',
    ]);
  });

  it('draws turned boxes, limbs between keypoints that are seen, and masks', () => {
    const { context, calls } = recorder(640, 480);
    const turned = { ...detection, keypoints: [], angle: Math.PI / 2 };
    drawDetections(context, [turned], { labels: false });
    const outline = [
      'beginPath ',
      'moveTo 250 50',
      'lineTo 250 250',
      'lineTo 150 250',
      'lineTo 150 50',
      'closePath ',
      'stroke ',
    ];
    expect(calls.splice(0)).toEqual(['save ', ...outline, ...outline, 'restore ']);
    const body = Array.from({ length: 17 }, (_, i) => ({
      name: `${i}`,
      x: 10 * i,
      y: 0,
      score: i === 7 || i === 9 ? 0.9 : 0.1,
    }));
    drawDetections(context, [{ ...detection, keypoints: body }], { labels: false });
    expect(calls.splice(0).filter((call) => /^(moveTo|lineTo)/.test(call))).toEqual([
      'moveTo 70 0',
      'lineTo 90 0',
      'moveTo 70 0',
      'lineTo 90 0',
    ]);
    const mask = { x: 100, y: 100, width: 4, height: 2, data: Uint8Array.of(1, 1, 0, 1, 0, 0, 0, 1) };
    drawDetections(context, [{ ...detection, keypoints: [], mask }], { labels: false });
    expect(calls.filter((call) => call.startsWith('rect'))).toEqual([
      'rect 100 100 2 1',
      'rect 103 100 1 1',
      'rect 103 101 1 1',
    ]);
    expect(calls.indexOf('rect 103 101 1 1')).toBeLessThan(calls.indexOf('strokeRect 100 100 200 100')); // under the boxes
    calls.length = 0;
    drawDetections(context, [{ ...detection, keypoints: [], mask }], { labels: false, masks: false });
    expect(calls).not.toContain('fill ');
  });

  it('leaves out the parts that options exclude, and draws nothing for no objects', () => {
    const { context, calls } = recorder(640, 480);
    drawDetections(context, [detection], { labels: false, keypoints: false });
    drawDetections(context, []);
    expect(calls.map((call) => call.split(' ')[0])).toEqual([
      'save',
      'strokeRect',
      'strokeRect',
      'restore',
      'save',
      'restore',
    ]);
  });
});
