// The tables of models/README.md.
import { criteria, patterns, sparsities } from './cells.ts';
import type { PatternName } from './cells.ts';
import type { NetworkName } from './networks.ts';
import { networks } from './networks.ts';
import { isDone } from './store.ts';
import type { CellFailure, CellResult, DenseResult, SpeedResult, WireResult } from './store.ts';

export interface Results {
  dense: readonly DenseResult[];
  cells: readonly (CellResult | CellFailure)[];
  speed: readonly SpeedResult[];
  wire: readonly WireResult[];
}

const percent = (share: number) => (100 * share).toFixed(1);

function table(rows: readonly (readonly string[])[], textColumns = 1): string {
  const [head, ...body] = rows.map((row) => `| ${row.join(' | ')} |`);
  const rule = rows[0].map((_, i) => (i < textColumns ? '---' : '---:'));
  return [head, `|${rule.join('|')}|`, ...body].join('\n');
}

const patternTitles: Record<PatternName, string> = {
  unstructured: 'unstructured',
  group2: 'groups of 2',
  'group2+': 'groups of 2, rearranged',
  group4: 'groups of 4',
  'group4+': 'groups of 4, rearranged',
  'N:M': '11:16, 2:4, 5:16',
  channel: 'channels',
};
const distributionTitles = { uniform: 'uniform', erk: 'ERK', search: 'searched' } as const;

/** Results by id, the latest of each. */
const latest = <T extends { id: string }>(lines: readonly T[]) => new Map(lines.map((line) => [line.id, line]));

/** Accuracy and speed-up of every cell of a network: rows are patterns and distributions. */
export function networkTable(network: NetworkName, { dense, cells, speed }: Results): string {
  const own = [...latest(cells.filter((cell) => cell.network === network)).values()];
  if (own.length === 0) return '';
  const times = latest(speed);
  const rows = patterns.flatMap((pattern) =>
    (['uniform', 'erk', 'search'] as const).flatMap((distribution) => {
      const row = own.filter((cell) => cell.pattern === pattern && cell.distribution === distribution);
      if (!row.some(isDone)) return [];
      const texts = sparsities.flatMap((sparsity) => {
        const at = (criterion: string) =>
          row.find((cell) => cell.sparsity === sparsity && cell.criterion === criterion);
        const found = criteria.map(at);
        const speedups = found.flatMap((cell) => {
          const timed = cell && times.get(cell.id);
          return timed ? [timed.denseMs / timed.ms] : [];
        });
        const all = [...speedups].sort((a, b) => a - b);
        const range =
          all.length === 0
            ? '–'
            : all[0].toFixed(2) === all.at(-1)!.toFixed(2)
              ? `${all[0].toFixed(2)}×`
              : `${all[0].toFixed(2)}–${all.at(-1)!.toFixed(2)}×`;
        return [...found.map((cell) => (cell && isDone(cell) ? percent(cell.accuracy) : '–')), range];
      });
      return [[`${patternTitles[pattern]}, ${distributionTitles[distribution]}`, ...texts]];
    }),
  );
  const { title, metric } = networks[network];
  const full = dense.findLast((line) => line.network === network);
  const head = sparsities.flatMap((sparsity) => [
    `${Math.round(100 * sparsity)} %: random`,
    'magnitude',
    'second-order',
    'speed-up',
  ]);
  const caption = full ? `${title}, ${metric}; dense ${percent(full.accuracy)}` : `${title}, ${metric}`;
  return `**${caption}**\n\n${table([['', ...head], ...rows])}`;
}

/** The number of a network's cells that are not as requested, and the reasons. */
export function failures({ cells }: Results): string {
  const failed = [...latest(cells).values()].filter((cell) => !isDone(cell)) as CellFailure[];
  return failed.map(({ id, failure }) => `- ${id}: ${failure}`).join('\n');
}

const typeTitles = { f32: 'f32', f16: 'f16', int8: 'int8, a scale a row', int4: 'int4, a scale for 16' } as const;

export function wireTable({ wire }: Results): string {
  const names = (Object.keys(networks) as NetworkName[]).filter((name) => wire.some(({ network }) => network === name));
  if (names.length === 0) return '';
  const rows = Object.entries(typeTitles).map(([type, title]) => {
    const texts = names.flatMap((name) => {
      const line = wire.findLast(({ network, weights }) => network === name && weights === type);
      if (!line) return ['–', '–'];
      const megabytes = (bytes: number) => (bytes / 1e6).toFixed(2);
      return [percent(line.accuracy), `${megabytes(line.bytes)} (${megabytes(line.brotli)}) MB`];
    });
    return [title, ...texts];
  });
  const head = names.flatMap((name) => [`${networks[name].title}, ${networks[name].metric}`, 'file (brotli)']);
  return table([['weights saved as', ...head], ...rows]);
}

export function tables(results: Results): string {
  return (Object.keys(networks) as NetworkName[])
    .map((network) => networkTable(network, results))
    .filter((text) => text !== '')
    .join('\n\n');
}

/** The text with the part between `<!-- NAME -->` and `<!-- end of NAME -->` replaced. */
export function between(text: string, name: string, content: string): string {
  const markers = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
  const [start, end] = markers.map((marker) => text.indexOf(marker));
  if (start < 0 || end < start) throw new Error(`the README lacks ${markers.join(' or ')}`);
  return `${text.slice(0, start + markers[0].length)}\n\n${content}\n\n${text.slice(end)}`;
}
