import { writeFileSync } from 'node:fs';
import { parseHTML } from 'linkedom';
import { describe, expect, it } from 'vitest';
import { essentialSvg, renderReport } from '../../src/cli/report/page.ts';
import type { LayerOutcome, PruningReport } from '../../src/prune/report.ts';

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
    expect(document.querySelector('h1')!.textContent).toBe(`${given.model}, pruned`);
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
