// A pruning report as one HTML page, without scripts or external files.
import { basename } from 'node:path';
import { formatBytes, formatCount, formatMs, formatPercent } from '../../quantities.ts';
import { escape } from './chart.ts';
import { factLine, figureTiles, htmlPage } from './document.ts';
import { essentialFigure, layerName, sparsityFigure, timeFigure } from './figures.ts';
import { photosFigure } from './photos.ts';
import type { ComparedPhoto } from './compared-photos.ts';
import type { BeforeAndAfter, LayerOutcome, PruningReport } from '../../prune/report.ts';

export { essentialSvg } from './figures.ts';

const targets: Record<string, (value: number) => string> = {
  sparsity: (value) => `${formatPercent(value)} zeros`,
  latencyMs: (ms) => `at most ${formatMs(ms)}`,
  speedup: (times) => `${times} times as fast`,
  macs: (macs) => `at most ${formatCount(macs)} MACs`,
  bytes: (bytes) => `at most ${formatBytes(bytes)}`,
  masks: (count) => `masks of ${count} layers`,
};

function facts(report: PruningReport): string {
  const { pattern, criterion, distribution, target, seed, calibrationImages, seconds } = report;
  const texts = [
    `pattern ${pattern}`,
    `criterion ${criterion}`,
    `distribution ${distribution}`,
    ...Object.entries(target).map(([kind, value]) => `asked for ${targets[kind]?.(value) ?? `${kind} ${value}`}`),
    calibrationImages > 0 ? `${calibrationImages} calibration images` : 'no calibration images',
    `seed ${seed}`,
    `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`,
  ];
  return factLine(texts);
}

/** The results, in large figures. */
function tiles(report: PruningReport): string {
  const { sparsity, weights, macs, bytes, accuracy, outputError } = report;
  const times = (title: string, ms: BeforeAndAfter): [string, string] => [
    `${(ms.before / ms.after).toFixed(2)}×`,
    `as fast, ${title}: ${formatMs(ms.before)} → ${formatMs(ms.after)}`,
  ];
  const items: [figure: string, text: string][] = [
    [
      formatPercent(sparsity),
      `zeros in the pruned layers; ${formatCount(weights.after)} of ${formatCount(weights.before)} weights are left`,
    ],
    ...(report.measuredMs ? [times('measured', report.measuredMs)] : []),
    times('predicted', report.predictedMs),
  ];
  if (accuracy) {
    const { metric, dataset, images, before, after } = accuracy;
    const points = `${(100 * (after - before)).toFixed(1)}`.replace('-', '−');
    items.push([
      metric === 'AP' ? (100 * after).toFixed(1) : formatPercent(after),
      `${metric} on ${images} images of ${dataset}, ${(100 * before).toFixed(1)} before (${points})`,
    ]);
  }
  items.push(
    [formatBytes(bytes.after), `of constants in the file, ${formatBytes(bytes.before)} before`],
    [formatCount(macs.after), `multiply-accumulates, ${formatCount(macs.before)} before`],
  );
  if (outputError !== undefined) {
    items.push([outputError.toPrecision(2), 'relative error of the outputs on the calibration images']);
  }
  return figureTiles(items);
}

const shapeOf = ({ shape: { before, after } }: LayerOutcome): string => {
  const [old, now] = [before, after].map((shape) => shape.join('×'));
  return old === now ? now : `${old} → ${now}`;
};

const change = (pair: BeforeAndAfter | undefined, format: (value: number) => string): string => {
  if (!pair) return '–';
  const [before, after] = [format(pair.before), format(pair.after)];
  return before === after ? after : `${before} → ${after}`;
};

function layersTable({ layers }: PruningReport): string {
  const isMeasured = layers.some(({ measuredMs }) => measuredMs);
  const hasErrors = layers.some(({ error }) => error !== undefined);
  const columns: [title: string, isText: boolean, cell: (layer: LayerOutcome) => string][] = [
    [
      'layer',
      true,
      ({ name, pattern, remark }) =>
        `${escape(layerName(name))}<small>${escape([pattern, remark].filter((text) => text).join('; '))}</small>`,
    ],
    ['kind', false, ({ kind }) => escape(kind)],
    ['shape', false, (layer) => shapeOf(layer)],
    ['weights', false, ({ weights }) => formatCount(weights)],
    ['zeros', false, ({ sparsity }) => change(sparsity, formatPercent)],
    ...(hasErrors
      ? [['error', false, ({ error }: LayerOutcome) => error?.toPrecision(2) ?? '–'] as [string, false, () => string]]
      : []),
    ['predicted ms', false, ({ predictedMs }) => change(predictedMs, (ms) => ms.toFixed(3))],
    ...(isMeasured
      ? [
          ['measured ms', false, ({ measuredMs }: LayerOutcome) => change(measuredMs, (ms) => ms.toFixed(3))] as [
            string,
            false,
            () => string,
          ],
        ]
      : []),
    ['MACs', false, ({ macs }) => change(macs, formatCount)],
    ['bytes', false, ({ bytes }) => change(bytes, formatBytes)],
  ];
  const cell = (tag: 'td' | 'th', isText: boolean, content: string) =>
    `<${tag}${isText ? ' class="text"' : ''}>${content}</${tag}>`;
  const head = columns.map(([title, isText]) => cell('th', isText, title)).join('');
  const rows = layers.map(
    (layer) => `<tr>${columns.map(([, isText, of]) => cell('td', isText, of(layer))).join('')}</tr>`,
  );
  return `<div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>${rows.join('\n')}</tbody></table></div>`;
}

/** What was won, in a line: "yolox_nano: 50 % zeros, 1.31 times as fast". */
function title({ model, sparsity, measuredMs, predictedMs }: PruningReport): string {
  const { before, after } = measuredMs ?? predictedMs;
  const times = `${(before / after).toFixed(2)} times as fast`;
  return `${basename(model)}: ${formatPercent(sparsity)} zeros, ${measuredMs ? times : `${times} by prediction`}`;
}

/**
 * A self-contained HTML page: a pruning run's results, in figures, photos, plots and a table of layers.
 * @param photos what a detector finds in photos, before and after
 */
export function renderReport(report: PruningReport, photos: readonly ComparedPhoto[] = []): string {
  const { notes } = report;
  const list = notes.map((note) => `<li>${escape(note)}</li>`).join('');
  return htmlPage(title(report), [
    facts(report),
    tiles(report),
    list && `<ul class="notes">${list}</ul>`,
    photosFigure(photos),
    essentialFigure(report),
    layersOf(report),
  ]);
}

/** Plots and a table of every layer, folded: most readers want the results. */
function layersOf(report: PruningReport): string {
  const { layers } = report;
  if (layers.length === 0) return '';
  const dense = layers.filter(({ pattern }) => pattern === undefined).length;
  const summary = `${layers.length} layers: ${layers.length - dense} pruned, ${dense} dense`;
  return `<details>
<summary><h2>${summary}</h2></summary>
${timeFigure(report)}
${sparsityFigure(report)}
<p class="facts">Errors are those of what a layer computes before its activation: ‖y − ŷ‖² / ‖y‖² over the calibration images.</p>
${layersTable(report)}
</details>`;
}
