// The plots of a pruning report.
import * as Plot from '@observablehq/plot';
import { chart, draw, escape, figure, legend } from './chart.ts';
import { colours } from './style.ts';
import type { EssentialSparsity, LayerOutcome, PruningReport } from '../../prune/report.ts';

const percent = (share: number) => `${(100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`;

/** The first of the names that a converter has joined by semicolons; cut at the front where space is short. */
export const layerName = (name: string): string => name.split(';')[0] || '(unnamed)';
const short = (name: string, letters: number) => (name.length > letters ? `…${name.slice(1 - letters)}` : name);

const isKind = (kind: string) => /^(pointwise|convolution|depthwise|grouped|linear)$/.test(kind);
const kindColour = (kind: string) => (isKind(kind) ? `var(--${kind})` : 'var(--muted)');

interface Bar {
  key: string;
  length: number;
  color: string;
  note: string;
}

interface Row {
  key: string;
  name: string;
  note: string;
}

/** Bars of layers from top to bottom; two bars of one layer overlap, and the first is the thicker. */
function layerBars(
  label: string,
  rows: readonly Row[],
  [behind, before]: readonly [behind: readonly Bar[], before: readonly Bar[]],
  x: Plot.ScaleOptions,
): string {
  return chart(label, (width) => ({
    height: rows.length * 16 + 40,
    marginLeft: width > 500 ? 230 : 132,
    marginRight: 14,
    marginTop: 22,
    style: { fontSize: '11px', background: 'none', overflow: 'visible' },
    x: { axis: 'top', ticks: width > 500 ? 8 : 4, grid: true, ...x },
    y: { axis: null, domain: rows.map(({ key }) => key), padding: 0.15 },
    marks: [
      Plot.barX(behind, { x: 'length', y: 'key', fill: 'color', title: 'note' }),
      Plot.barX(before, { x: 'length', y: 'key', fill: 'color', title: 'note', insetTop: 3, insetBottom: 3 }),
      Plot.text(rows, {
        frameAnchor: 'left',
        y: 'key',
        text: ({ name }: Row) => short(name, width > 500 ? 38 : 21),
        textAnchor: 'end',
        dx: -6,
        fill: 'currentColor',
        title: 'note',
      }),
    ],
  }));
}

const rowsOf = (layers: readonly LayerOutcome[], note: (layer: LayerOutcome) => string): Row[] =>
  layers.map((layer, i) => ({ key: String(i), name: layerName(layer.name), note: note(layer) }));

/** Milliseconds of each layer before and after: measured, or else predicted. */
export function timeFigure({ layers, measuredMs }: PruningReport): string {
  if (layers.length === 0) return '';
  const isMeasured = measuredMs !== undefined && layers.every((layer) => layer.measuredMs);
  const timeOf = (layer: LayerOutcome) => (isMeasured ? layer.measuredMs! : layer.predictedMs);
  const note = (layer: LayerOutcome) => {
    const { before, after } = timeOf(layer);
    return `${layerName(layer.name)}: ${before.toFixed(3)} → ${after.toFixed(3)} ms`;
  };
  const bars = (when: 'before' | 'after'): Bar[] =>
    layers.map((layer, i) => {
      return { key: String(i), length: timeOf(layer)[when], color: `var(--${when})`, note: note(layer) };
    });
  const longest = Math.max(...layers.map((layer) => Math.max(timeOf(layer).before, timeOf(layer).after)));
  const title = `Milliseconds of each layer, ${isMeasured ? 'measured' : 'predicted'}`;
  return figure(
    title,
    isMeasured
      ? 'Measured layer by layer on the machine that pruned.'
      : 'As the cost model predicts them for its own machine.',
    legend([
      ['before', 'var(--before)'],
      ['after', 'var(--after)'],
    ]),
    layerBars(title, rowsOf(layers, note), [bars('before'), bars('after')], {
      label: 'ms',
      domain: [0, longest || 1],
    }),
  );
}

/** Zeros over all weights of each layer; for layers that lost channels, over the weights that are left. */
export function sparsityFigure({ layers }: PruningReport): string {
  if (layers.length === 0) return '';
  const note = ({ name, sparsity, pattern, remark }: LayerOutcome) =>
    [`${layerName(name)}: ${percent(sparsity.after)} zeros`, pattern, remark].filter((part) => part).join(', ');
  const bars = layers.map((layer, i): Bar => {
    return { key: String(i), length: layer.sparsity.after, color: kindColour(layer.kind), note: note(layer) };
  });
  const kinds = [...new Set(layers.map(({ kind }) => kind))];
  return figure(
    'Zeros of each layer',
    'Point at a bar for the pattern, or for why a layer stayed dense.',
    legend(kinds.map((kind) => [kind, kindColour(kind)] as const)),
    layerBars('Zeros of each layer', rowsOf(layers, note), [bars, []], {
      label: null,
      tickFormat: '%',
      domain: [0, 1],
    }),
  );
}

function essentialOptions({ points, knee }: EssentialSparsity, width: number) {
  const sorted = points.toSorted((a, b) => a.sparsity - b.sparsity);
  const noted = sorted.map((point) => {
    return { ...point, note: `${percent(point.sparsity)} zeros: error ${point.error.toPrecision(3)}` };
  });
  const most = Math.max(...sorted.map(({ error }) => error));
  return {
    width,
    height: width > 500 ? 380 : 280,
    marginLeft: 54,
    marginBottom: 40,
    marginTop: 24,
    marginRight: 20,
    x: { label: 'zeros →', tickFormat: '%', domain: [0, 1], ticks: width > 500 ? 10 : 5, grid: true },
    y: { label: '↑ error of the outputs', domain: [0, most || 1], ticks: 6, grid: true },
    marks: [
      Plot.ruleX([knee], { stroke: 'var(--after)', strokeDasharray: '4 3' }),
      Plot.text([knee], {
        x: (d: number) => d,
        frameAnchor: 'top',
        text: (d: number) => `knee at ${percent(d)}`,
        fill: 'var(--after)',
        textAnchor: knee > 0.5 ? 'end' : 'start',
        dx: knee > 0.5 ? -6 : 6,
        dy: 4,
      }),
      Plot.line(noted, { x: 'sparsity', y: 'error', stroke: 'var(--curve)', strokeWidth: 2 }),
      Plot.dot(noted, { x: 'sparsity', y: 'error', fill: 'var(--curve)', r: 3, title: 'note' }),
    ],
  };
}

const essentialTitle = 'Essential sparsity';

/** Error against sparsity, with the knee marked. */
export function essentialFigure({ essential }: PruningReport): string {
  if (!essential || essential.points.length === 0) return '';
  return figure(
    essentialTitle,
    'Relative error of the network’s outputs on the calibration images, every layer with the same share of zeros. Beyond the knee ' +
      'more zeros cost more than they save.',
    chart('Error against the share of zeros', (width) => essentialOptions(essential, width)),
  );
}

/** The same as a separate SVG file, which follows its reader's light or dark mode. `model` is the title. */
export function essentialSvg(essential: EssentialSparsity, model: string): string {
  const [width, height, head] = [800, 400, 34];
  const svg = draw('Error against the share of zeros', {
    ...essentialOptions(essential, width),
    height,
    style: { background: 'var(--paper)', color: 'var(--ink)', fontFamily: 'system-ui, sans-serif', fontSize: '12px' },
  });
  const opening = svg.slice(0, svg.indexOf('>') + 1);
  const taller = opening
    .replace(/ xmlns="[^"]*"/, '')
    .replace('<svg', '<svg xmlns="http://www.w3.org/2000/svg"')
    .replace(`viewBox="0 0 ${width} ${height}"`, `viewBox="0 0 ${width} ${height + head}"`)
    .replace(`height="${height}"`, `height="${height + head}"`);
  const rules = `${colours('svg')} svg g[aria-label$='grid'] { stroke: var(--rule); stroke-opacity: 1; } text { white-space: pre; }`;
  const title = escape(`${essentialTitle}: ${model}`);
  return (
    `${taller}<style>${rules}</style>` +
    `<text x="12" y="24" fill="currentColor" font-size="16" font-weight="600" text-anchor="start">${title}</text>` +
    `<g transform="translate(0 ${head})">${svg.slice(opening.length, svg.lastIndexOf('</svg>'))}</g></svg>\n`
  );
}
