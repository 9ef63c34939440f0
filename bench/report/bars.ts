// Bars of runtimes: latency of every network, cold start, memory, size.
import * as Plot from '@observablehq/plot';
import { measuredRuntimes, stateTitle } from '../peers/markdown.ts';
import type { PeersReport, Runtime, StateResult } from '../peers/results.ts';
import { runtimeTitles } from '../peers/results.ts';
import { chart, figure, legend } from './chart.ts';

export const runtimeColor = (runtime: Runtime) => `var(--${runtime})`;

const milliseconds = (ms: number) => `${ms.toFixed(ms < 9.95 ? 2 : ms < 99.5 ? 1 : 0)} ms`;

interface Bar {
  key: string;
  label: string;
  length: number;
  color: string;
  note: string;
  isWrong?: boolean;
}

const bold = 600;

/** Rows from top to bottom; a row without a bar is a heading. */
function barChart(label: string, rows: readonly (Bar | { key: string; heading: string })[], rowHeight = 21): string {
  const bars = rows.filter((row) => 'length' in row);
  const headings = rows.filter((row) => 'heading' in row);
  const longest = Math.max(...bars.map(({ length }) => length));
  const names = new Map(bars.map(({ key, label }) => [key, label]));
  return chart(label, (width) => ({
    height: rows.length * rowHeight + 8,
    marginLeft: 128,
    marginRight: bars.some(({ isWrong }) => isWrong) ? (width > 500 ? 150 : 125) : 62,
    marginTop: 2,
    marginBottom: 6,
    x: { axis: null, domain: [0, longest] },
    y: { axis: null, domain: rows.map(({ key }) => key), padding: 0.22 },
    marks: [
      Plot.barX(bars, { x: 'length', y: 'key', fill: 'color', title: 'note' }),
      Plot.barX(
        bars.filter(({ isWrong }) => isWrong),
        { x: 'length', y: 'key', fill: 'url(#wrong)' },
      ),
      Plot.text(bars, { x: 'length', y: 'key', text: 'note', textAnchor: 'start', dx: 5, fill: 'currentColor' }),
      Plot.text(bars, {
        frameAnchor: 'left',
        y: 'key',
        text: ({ key }: Bar) => names.get(key)!,
        textAnchor: 'end',
        dx: -8,
        fill: 'currentColor',
      }),
      Plot.text(headings, {
        frameAnchor: 'left',
        y: 'key',
        text: 'heading',
        textAnchor: 'start',
        dx: -126,
        dy: 4,
        fontWeight: bold,
        fill: 'currentColor',
      }),
    ],
  }));
}

function latencyRows(state: StateResult, columns: readonly Runtime[]): (Bar | { key: string; heading: string })[] {
  const slowest = Math.max(...Object.values(state.runtimes).map(({ run }) => run.median));
  const bars = columns.flatMap((runtime): Bar[] => {
    const result = state.runtimes[runtime];
    if (!result) return [];
    const time = milliseconds(result.run.median);
    return [
      {
        key: `${state.id} ${runtime}`,
        label: runtimeTitles[runtime],
        length: result.run.median / slowest,
        color: runtimeColor(runtime),
        note: result.isWrong ? `${time}, wrong by ${result.errorFromReference!.toFixed(2)}` : time,
        isWrong: result.isWrong,
      },
    ];
  });
  return [{ key: state.id, heading: stateTitle(state) }, ...bars];
}

/** Medians of every network. Each network has its own scale. */
export function latencyFigure(report: PeersReport): string {
  const columns = measuredRuntimes(report);
  const rows = report.states.flatMap((state) => latencyRows(state, columns));
  return figure(
    'Milliseconds of a run',
    'Medians; every network’s bars are scaled to its slowest runtime. Peers without sparsity are measured on the dense ' +
      'network. Hatched: the outputs are wrong, by this share of their length (‖difference‖ / ‖right outputs‖).',
    legend([
      ...columns.map((r) => [runtimeTitles[r], runtimeColor(r)] as const),
      ['wrong outputs', 'var(--muted)', 'hatched'],
    ]),
    barChart('Milliseconds of a run of every network in every runtime', rows),
  );
}

/** Start, memory and size of the runtimes, on one network. */
export function footprintFigures(report: PeersReport): string {
  const columns = measuredRuntimes(report);
  const complete = (state: StateResult) => columns.every((runtime) => state.runtimes[runtime]);
  const state = report.states.find((s) => s.id === 'mobilenet-v2') ?? report.states.find(complete) ?? report.states[0];
  const rows = (of: (runtime: Runtime) => number | undefined, unit: string, digits = 0, bare?: number): Bar[] => [
    ...(bare === undefined
      ? []
      : [
          { key: 'bare', label: 'Node alone', length: bare, color: 'var(--muted)', note: `${bare.toFixed(0)} ${unit}` },
        ]),
    ...columns.flatMap((runtime) => {
      const length = of(runtime);
      if (length === undefined) return [];
      const note = `${length.toFixed(digits)} ${unit}`;
      return [{ key: runtime, label: runtimeTitles[runtime], length, color: runtimeColor(runtime), note }];
    }),
  ];
  const cold = rows((runtime) => state.runtimes[runtime]?.cold.median, 'ms', 0, report.bare?.cold.median);
  const memory = rows((runtime) => state.runtimes[runtime]?.megabytes?.median, 'MB', 0, report.bare?.megabytes.median);
  const size = rows((runtime) => {
    const bytes = report.sizes[runtime];
    return bytes && (bytes.wasmBrotli + bytes.jsBrotli) / 1000;
  }, 'kB');
  const name = stateTitle(state);
  return [
    figure(
      'To the first result',
      `From starting Node’s process, ${name}.`,
      barChart('Cold start of every runtime', cold),
    ),
    figure('Peak memory', `Resident, of the whole process, ${name}.`, barChart('Peak memory of every runtime', memory)),
    figure('Download', 'WebAssembly and JavaScript, compressed with brotli.', barChart('Size of every runtime', size)),
  ].join('');
}
