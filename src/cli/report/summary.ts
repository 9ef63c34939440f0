// The results of a bulk run as one HTML page.
import * as Plot from '@observablehq/plot';
import type { Histogram, ResultSummary } from '../../bulk/summary.ts';
import { formatPercent } from '../../quantities.ts';
import { chart, escape, figure } from './chart.ts';
import { factLine, figureTiles, htmlPage } from './document.ts';

/** Classes that the plot shows; the table has all. */
const plotted = 30;

/** A self-contained HTML page: classes, scores, sizes and errors of a bulk run's results. */
export function renderSummary(summary: ResultSummary, { model, jobs }: { model: string; jobs: string }): string {
  const { photos, withFindings, found, kind, errors } = summary;
  const failed = errors.reduce((sum, { count }) => sum + count, 0);
  const looked = photos - failed;
  const isDetector = kind === 'detections';
  return htmlPage(`${jobs}: ${whole(photos)} photos`, [
    factLine([`model ${model}`, `${summary.classes.length} classes found`]),
    figureTiles([
      [whole(photos), 'photos have a result'],
      [whole(found), isDetector ? 'objects found' : 'photos classified'],
      ...(isDetector
        ? ([
            [
              looked > 0 ? formatPercent(withFindings / looked) : '–',
              'of the photos that could be read show something',
            ],
          ] as const)
        : []),
      [
        whole(failed),
        `photos have an error for their result${photos > 0 ? ` (${formatPercent(failed / photos)})` : ''}`,
      ],
    ]),
    classFigure(summary),
    histogramFigure(
      'Scores',
      isDetector
        ? 'Of all detections. What lies below the threshold was left out.'
        : 'Of the best class of each photo.',
      summary.scores,
      (from) => from.toFixed(2),
      'score →',
    ),
    isDetector
      ? histogramFigure(
          'Objects in a photo',
          'The last bar holds all photos with more.',
          summary.perPhoto,
          (from) => String(from),
          'objects →',
        )
      : '',
    isDetector
      ? histogramFigure(
          'Sizes of boxes',
          'Side of a square of the same area, as a share of the photo’s longer side.',
          summary.boxSizes,
          (from) => formatShare(2 ** from),
          'share of the longer side →',
        )
      : '',
    histogramFigure(
      'Sizes of photos',
      'Megapixels, of the photos that could be read.',
      summary.photoSizes,
      (from) => String(Number((2 ** from).toPrecision(2))),
      'megapixels →',
    ),
    errorTable(summary),
    classTable(summary),
  ]);
}

const whole = (count: number) => count.toLocaleString('en');

const formatShare = (share: number) => `${Number((100 * share).toPrecision(2))} %`;

function classFigure({ classes }: ResultSummary): string {
  if (classes.length === 0) return '';
  const shown = classes.slice(0, plotted).map(({ label, count, meanScore }, i) => {
    return { key: String(i), label, count, note: `${label}: ${count}, mean score ${meanScore.toFixed(2)}` };
  });
  const caption =
    classes.length > plotted ? `The ${plotted} most frequent; the table below has all.` : 'How often each was found.';
  return figure(
    'Classes',
    caption,
    chart('How often each class was found', (width) => ({
      height: shown.length * 18 + 40,
      marginLeft: width > 500 ? 170 : 110,
      marginRight: 14,
      marginTop: 22,
      x: { axis: 'top', ticks: width > 500 ? 8 : 4, grid: true, label: null, tickFormat: whole },
      y: { axis: null, domain: shown.map(({ key }) => key), padding: 0.15 },
      marks: [
        Plot.barX(shown, { x: 'count', y: 'key', fill: 'var(--curve)', title: 'note' }),
        Plot.text(shown, {
          frameAnchor: 'left',
          y: 'key',
          text: ({ label }: { label: string }) => shortened(label, width > 500 ? 22 : 14),
          textAnchor: 'end',
          dx: -6,
          fill: 'currentColor',
          title: 'note',
        }),
      ],
    })),
  );
}

const shortened = (text: string, most: number) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

/** Bars of a histogram, from the first bin that is not empty to the last. */
function histogramFigure(
  title: string,
  caption: string,
  { start, step, counts }: Histogram,
  format: (from: number) => string,
  label: string,
): string {
  const first = counts.findIndex((count) => count > 0);
  if (first < 0) return '';
  const last = counts.findLastIndex((count) => count > 0);
  const bars = counts.slice(first, last + 1).map((count, i) => {
    const from = start + (first + i) * step;
    return { bin: format(from), count, note: `from ${format(from)}: ${count}` };
  });
  return figure(
    title,
    escape(caption),
    chart(title, (width) => ({
      height: 220,
      marginLeft: 54,
      marginBottom: 40,
      marginTop: 16,
      x: {
        domain: bars.map(({ bin }) => bin),
        label,
        padding: 0.1,
        tickFormat: (bin: string, i: number) => (i % Math.ceil(bars.length / (width > 500 ? 14 : 5)) === 0 ? bin : ''),
      },
      y: { label: null, grid: true, ticks: 5, tickFormat: whole },
      marks: [Plot.barY(bars, { x: 'bin', y: 'count', fill: 'var(--curve)', title: 'note' })],
    })),
  );
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (tag: 'td' | 'th', texts: readonly string[]) =>
    texts.map((text, i) => `<${tag}${i === 0 ? ' class="text"' : ''}>${escape(text)}</${tag}>`).join('');
  const body = rows.map((row) => `<tr>${cells('td', row)}</tr>`).join('\n');
  return `<div class="scroll"><table><thead><tr>${cells('th', head)}</tr></thead><tbody>${body}</tbody></table></div>`;
}

function classTable({ classes }: ResultSummary): string {
  if (classes.length === 0) return '';
  const rows = classes.map(({ label, count, meanScore }) => [label, whole(count), meanScore.toFixed(3)]);
  return `<h2>All classes</h2>${table(['class', 'count', 'mean score'], rows)}`;
}

function errorTable({ errors }: ResultSummary): string {
  if (errors.length === 0) return '';
  const rows = errors.map(({ code, count, example }) => [
    `${code}, for example: ${shortened(example, 200)}`,
    whole(count),
  ]);
  return `<h2>Errors</h2>${table(['code', 'photos'], rows)}`;
}
