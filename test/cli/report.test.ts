import { writeFileSync } from 'node:fs';
import { parseHTML } from 'linkedom';
import { describe, expect, it } from 'vitest';
import { essentialSvg, renderReport } from '../../src/cli/report/page.ts';
import type { ComparedPhoto } from '../../src/cli/report/compared-photos.ts';
import { averaged, encodeThumbnail } from '../../src/cli/report/thumbnail.ts';
import { decodeImage } from '../../src/images/decode.ts';
import type { LayerOutcome, PruningReport } from '../../src/prune/report.ts';
import type { Detection } from '../../src/vision/detection.ts';

const hostile = `</style><script>alert("1")</script>&'`;

const layers = Array.from({ length: 12 }, (_, i): LayerOutcome => {
  const isDense = i % 3 === 1;
  return {
    name: i === 5 ? hostile : `block_${i}/expand/Conv2D;merged/with`,
    kind: i === 0 ? 'convolution' : isDense ? 'depthwise' : 'pointwise',
    shape: { before: [16 + i, 8, 1, 1], after: [i === 4 ? 12 : 16 + i, 8, 1, 1] },
    ...(isDense ? { remark: 'dense: depthwise' } : { pattern: 'unstructured', error: 0.01 * i }),
    weights: 128 + 8 * i,
    sparsity: { before: 0, after: isDense ? 0 : 0.5 + i / 30 },
    macs: { before: 1e6, after: 4e5 },
    predictedMs: { before: 0.1 + i / 50, after: 0.05 + i / 90 },
    measuredMs: { before: 0.11 + i / 50, after: 0.06 + i / 90 },
    bytes: { before: 4096, after: 2048 },
  };
});

const report: PruningReport = {
  model: `mobilenet ${hostile}`,
  pattern: 'unstructured',
  criterion: 'second-order',
  distribution: 'search',
  target: { speedup: 2 },
  seed: 1,
  calibrationImages: 64,
  layers,
  sparsity: 0.713,
  weights: { before: 3.4e6, after: 1.2e6 },
  macs: { before: 3e8, after: 1.1e8 },
  predictedMs: { before: 12.5, after: 6.1 },
  measuredMs: { before: 13.2, after: 6.4 },
  bytes: { before: 1.4e7, after: 5.2e6 },
  outputError: 0.0213,
  accuracy: { dataset: `labels ${hostile}.csv`, metric: 'top-1', images: 500, before: 0.872, after: 0.861 },
  essential: {
    points: Array.from({ length: 20 }, (_, i) => ({ sparsity: i / 20, error: (i / 20) ** 6 })),
    knee: 0.7,
  },
  seconds: 93.4,
  notes: [`a note ${hostile}`],
};

/** What may be missing is missing. */
const least: PruningReport = {
  ...report,
  layers: layers.map((layer) => ({ ...layer, measuredMs: undefined, error: undefined })),
  measuredMs: undefined,
  accuracy: undefined,
  essential: undefined,
  outputError: undefined,
  notes: [],
};

if (process.env.FILIGREE_PAGES) {
  writeFileSync(`${process.env.FILIGREE_PAGES}/report.html`, renderReport(report));
  writeFileSync(`${process.env.FILIGREE_PAGES}/essential.svg`, essentialSvg(report.essential!, report.model));
}

describe.each([
  ['with everything', report],
  ['with the least', least],
  ['without layers', { ...least, layers: [] }],
])('a page of a pruning report, %s', (_, given) => {
  const page = renderReport(given);
  const { document } = parseHTML(page);

  it('fetches nothing, runs nothing and escapes its inputs', () => {
    expect(page).not.toMatch(/<(link|img|iframe|object|script)\b|\bsrc=|@import|url\((?!#)/);
    expect(page).not.toMatch(/\bNaN\b|undefined|Infinity/);
    const times = given.measuredMs ? '2.06 times as fast' : '2.05 times as fast by prediction';
    // what follows the last slash: the hostile name has one
    expect(document.querySelector('h1')!.textContent).toBe(`script>&': 71.3 % zeros, ${times}`);
    expect(document.querySelectorAll('script').length).toBe(0);
    expect(document.querySelectorAll('style').length).toBe(1);
  });

  it('has a row for each layer', () => {
    const rows = [...document.querySelectorAll('tbody tr')];
    expect(rows.length).toBe(given.layers.length);
    rows.forEach((row, i) => {
      expect(row.textContent).toContain(given.layers[i].name.split(';')[0]);
      expect(row.querySelectorAll('td').length).toBe(document.querySelectorAll('thead th').length);
    });
  });

  it('is drawn for wide and for narrow pages', () => {
    const plots = given.layers.length === 0 ? 0 : given.essential ? 3 : 2;
    expect(document.querySelectorAll('.wide svg').length).toBe(plots);
    expect(document.querySelectorAll('.narrow svg').length).toBe(plots);
    const labels = [...document.querySelectorAll('svg')].map((svg) => svg.getAttribute('aria-label'));
    expect(labels.every((label) => label)).toBe(true);
  });
});

it('shows measured times before predicted ones', () => {
  const figures = (given: PruningReport) =>
    [...parseHTML(renderReport(given)).document.querySelectorAll('.tiles b')].map(({ textContent }) => textContent);
  expect(figures(report)).toEqual(['71.3 %', '2.06×', '2.05×', '86.1 %', '5.20 MB', '110 M', '0.021']);
  expect(figures(least)).toEqual(['71.3 %', '2.05×', '5.20 MB', '110 M']);
  expect(renderReport(report)).toContain('Milliseconds of each layer, measured');
  expect(renderReport(least)).toContain('Milliseconds of each layer, predicted');
});

it('marks the knee, in a picture that stands alone as well', () => {
  const svg = essentialSvg(report.essential!, report.model);
  for (const text of [svg, renderReport(report)]) expect(text).toContain('knee at 70 %');
  expect(svg).toMatch(/^<svg[^>]* xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
  expect(svg.match(/xmlns=/g)!.length).toBe(1);
  expect(svg).not.toMatch(/<script|\bNaN\b|undefined/);
  // well-formed: an XML reader finds one root, and the model's name as text
  const { document } = parseHTML(svg);
  expect(document.querySelector('svg')!.textContent).toContain(report.model);
});

describe('photos', () => {
  const detection = (label: string, extra: Partial<Detection> = {}): Detection => ({
    label,
    classIndex: 3,
    score: 0.91,
    box: { xmin: 20, ymin: 30, xmax: 80, ymax: 90 },
    ...extra,
  });
  const mask = { x: 20, y: 30, width: 3, height: 2, data: Uint8Array.of(1, 1, 0, 0, 0, 1) };
  const photo: ComparedPhoto = {
    name: `street ${hostile}.jpg`,
    width: 200,
    height: 100,
    thumbnail: Uint8Array.of(255, 216, 255),
    before: [detection('dog', { angle: 0.3 }), detection('dog', { mask }), detection(hostile)],
    after: [],
  };
  const page = renderReport(report, [photo, { ...photo, before: [], after: [detection('cat')] }]);
  const { document } = parseHTML(page);
  const panels = [...document.querySelectorAll('.pair > div')];

  it('contain each picture once and say what is found before and after', () => {
    expect(page).not.toMatch(/<(link|img|iframe|object|script)\b|\bsrc=|@import|url\((?!#)|\bNaN\b|undefined/);
    expect(page.match(/href="data:image\/jpeg;base64,\/9j\/"/g)!.length).toBe(2);
    expect([...document.querySelectorAll('use')].map((use) => use.getAttribute('href'))).toEqual([
      '#photo-0',
      '#photo-1',
    ]);
    const words = [`before 2 × dog, ${hostile}`, 'after nothing', 'before nothing', 'after cat'];
    expect(panels.map((panel) => panel.querySelector('p')!.textContent)).toEqual(words);
    expect(panels[0].querySelector('svg')!.getAttribute('aria-label')).toContain(`before pruning: 2 × dog, ${hostile}`);
  });

  it('have boxes in the pixels of the photo', () => {
    expect(panels[0].querySelector('svg')!.getAttribute('viewBox')).toBe('0 0 200 100');
    const counts = panels.map((panel) => panel.querySelectorAll('polygon, rect[fill="none"], path').length);
    expect(counts).toEqual([2 + 3 + 2, 0, 0, 2]); // each outline has a dark edge
    const box = panels[3].querySelector('rect')!;
    expect(['x', 'y', 'width', 'height'].map((name) => box.getAttribute(name))).toEqual(['20', '30', '60', '60']);
    expect(panels[0].querySelector('path')!.getAttribute('d')).toBe('M20 30h2v1h-2zM22 31h1v1h-1z');
  });

  it('are not mentioned without any', () => {
    expect(renderReport(report)).not.toContain('calibration photos</h2>');
  });
});

describe('a thumbnail', () => {
  it('is the mean of the pixels it covers', () => {
    const data = Uint8Array.of(0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110);
    expect([...averaged({ data, width: 4, height: 3, channels: 1 }, 2, 1)]).toEqual([45, 45, 45, 255, 65, 65, 65, 255]);
    const rgb = Uint8Array.of(1, 2, 3, 5, 6, 7);
    expect([...averaged({ data: rgb, width: 2, height: 1, channels: 3 }, 1, 1)]).toEqual([3, 4, 5, 255]);
  });

  it.each([
    [1200, 600, 480, 240],
    [30, 2000, 7, 480],
    [3, 2, 3, 2],
  ])('of %i × %i is a JPEG of %i × %i', async (width, height, columns, rows) => {
    const bytes = await encodeThumbnail({
      data: new Uint8Array(3 * width * height).fill(200),
      width,
      height,
      channels: 3,
    });
    const small = await decodeImage(bytes);
    expect([small.width, small.height]).toEqual([columns, rows]);
    expect(Math.abs(small.data[0] - 200)).toBeLessThan(3);
  });
});
