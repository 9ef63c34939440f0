// A report as tables in Markdown.
import type { PeersReport, Runtime, RuntimeResult, StateResult } from './results.ts';
import { bestPeer, runtimes, runtimeTitles } from './results.ts';

const milliseconds = (ms: number) => ms.toFixed(ms < 9.95 ? 2 : ms < 99.5 ? 1 : 0);

export const stateTitle = ({ title, zeros }: StateResult) => (zeros ? `${title}, ${zeros}` : title);

export function measuredRuntimes({ states }: PeersReport): Runtime[] {
  return runtimes.filter((runtime) => states.some((state) => state.runtimes[runtime] || state.failures[runtime]));
}

function table(rows: readonly (readonly string[])[]): string {
  const [head, ...body] = rows.map((row) => `| ${row.join(' | ')} |`);
  return [head, `|${rows[0].map(() => '---|').join('')}`, ...body].join('\n');
}

function latencyCell(result: RuntimeResult | undefined, failure: string | undefined): string {
  if (!result) return failure ? 'fails' : '–';
  const time = `${milliseconds(result.run.median)} (${milliseconds(result.run.minimum)})`;
  return result.isWrong ? `~~${time}~~ wrong by ${result.errorFromReference!.toFixed(2)}` : time;
}

/** Milliseconds of a run; a wrong runtime's time is struck out, beside its distance from the right outputs. */
function latencyTable(report: PeersReport): string {
  const columns = measuredRuntimes(report);
  const rows = report.states.map((state) => {
    const best = bestPeer(report, state);
    const own = state.runtimes.filigree!.run.median;
    const suffix = best && best.state !== state ? ', dense' : '';
    const ratio = best ? `${(own / best.ms).toFixed(2)} (${runtimeTitles[best.runtime]}${suffix})` : '–';
    return [
      stateTitle(state),
      ...columns.map((runtime) => latencyCell(state.runtimes[runtime], state.failures[runtime])),
      ratio,
    ];
  });
  return table([['ms of a run', ...columns.map((runtime) => runtimeTitles[runtime]), 'over the best peer'], ...rows]);
}

function memoryAndStartTable(report: PeersReport): string {
  const columns = measuredRuntimes(report);
  const rows = report.states.map((state) => [
    stateTitle(state),
    ...columns.map((runtime) => {
      const result = state.runtimes[runtime];
      return result ? `${result.cold.median.toFixed(0)} · ${result.megabytes.median.toFixed(0)}` : '–';
    }),
  ]);
  return table([['first result, ms · peak MB', ...columns.map((runtime) => runtimeTitles[runtime])], ...rows]);
}

function sizeTable({ sizes }: PeersReport): string {
  const kilobytes = (bytes: number) => (bytes / 1000).toFixed(bytes < 99_500 ? 1 : 0);
  const rows = runtimes.flatMap((runtime) => {
    const size = sizes[runtime];
    if (!size) return [];
    const cells = [size.wasm, size.wasmBrotli, size.js, size.jsBrotli].map(kilobytes);
    return [[`${runtimeTitles[runtime]} ${size.version}`, ...cells]];
  });
  return table([['kB', 'wasm', 'brotli', 'JavaScript', 'brotli'], ...rows]);
}

function floorTable({ states, peak }: PeersReport): string {
  const rows = states.flatMap((state) => {
    const { floor } = state;
    if (!floor) return [];
    const macs = floor.layers.reduce((sum, { effectiveMacs }) => sum + effectiveMacs, 0);
    const { median } = state.runtimes.filigree!.run;
    return [
      [
        stateTitle(state),
        (macs / 1e6).toFixed(0),
        milliseconds(floor.ms),
        milliseconds(median),
        `${((100 * floor.ms) / median).toFixed(0)} %`,
      ],
    ];
  });
  const head = [
    '',
    'effective MMACs',
    `floor at ${peak!.gflops.toFixed(1)} GFLOP/s, ms`,
    'measured, ms',
    'of the floor',
  ];
  return table([head, ...rows]);
}

export function markdownTables(report: PeersReport): string {
  const { machine, node, v8, threads, rounds, bare, peak } = report;
  const where = `${machine.cpu}, ${machine.cores} cores; Node ${node} (V8 ${v8}), ${threads === 1 ? 'one thread' : `${threads} threads`}, ${rounds} rounds; ${report.date}`;
  const blocks = [
    where,
    latencyTable(report),
    `${memoryAndStartTable(report)}\n\nBare Node: ${bare.cold.median.toFixed(0)} ms · ${bare.megabytes.median.toFixed(0)} MB`,
    sizeTable(report),
  ];
  if (peak) blocks.push(floorTable(report));
  return blocks.join('\n\n') + '\n';
}
