// A report as tables in Markdown.
import type { PeersReport, Runtime, RuntimeResult, StateResult } from './results.ts';
import { bestPeer, hostTitle, runtimes, runtimeTitles } from './results.ts';

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

/** Milliseconds of a run, medians (minima); a wrong runtime's time is struck out, beside its distance from the right outputs. */
function latencyTable(report: PeersReport): string {
  const columns = measuredRuntimes(report);
  const rows = report.states.map((state) => {
    const best = bestPeer(report, state);
    const own = state.runtimes.filigree!.run;
    const suffix = best && best.state !== state ? ', dense' : '';
    const ratio = best
      ? `${(own.median / best.ms).toFixed(2)} (${(own.minimum / best.fastest).toFixed(2)}) ${runtimeTitles[best.runtime]}${suffix}`
      : '–';
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
      return result ? `${result.cold.median.toFixed(0)} · ${result.megabytes?.median.toFixed(0) ?? '–'}` : '–';
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

/** The networks in README.md's table; docs/benchmarks.md has all. */
const readmeStates: readonly string[] = [
  'face-sparse',
  'objectron-ssd',
  'mobilenet-v1-90',
  'mobilenet-v2',
  'mobilenet-v2-90',
  'yolox-nano',
  'yolov8n',
  'yolov8n-80',
];

/** For README.md: medians of some networks, and one network's other costs, in one table. */
export function readmeTable(report: PeersReport): string {
  const states = report.states.filter(({ id }) => readmeStates.includes(id));
  const { title, rows } = footprint(report);
  const own = rows.map(([what, ...cells]) => [`${title}: ${what}`, ...cells, '']);
  return [conditions(report), table([...latencyRows({ ...report, states }), ...own])].join('\n\n');
}

/** For docs/benchmarks.md: the same of all networks in two tables, and a table for each browser. */
export function benchmarksTable(report: PeersReport, pages: readonly PeersReport[] = []): string {
  const { title, titles, rows } = footprint(report);
  return [
    conditions(report),
    table(latencyRows(report)),
    `${title} from the start of the process (${bareNode(report)}), and what a page downloads in brotli, JavaScript and WebAssembly, ours with its detector:`,
    table([['', ...titles], ...rows]),
    ...pages.flatMap((page) => [conditions(page), table(latencyRows(page))]),
  ].join('\n\n');
}

const threadsText = ({ threads }: PeersReport) => (threads === 1 ? 'one thread' : `${threads} threads`);

const bareNode = ({ bare }: PeersReport) =>
  bare ? `bare Node: ${bare.cold.median.toFixed(0)} ms, ${bare.megabytes.median.toFixed(0)} MB` : 'a page';

function conditions(report: PeersReport): string {
  const where = `${report.machine.cpu}, ${hostTitle(report)}, ${threadsText(report)}`;
  return `Milliseconds of a run (${where}; medians):`;
}

function latencyRows(report: PeersReport): string[][] {
  const columns = measuredRuntimes(report);
  const rows = report.states.map((state) => {
    const best = bestPeer(report, state);
    const cells = columns.map((runtime) => {
      const result = state.runtimes[runtime];
      if (!result) return '–';
      return result.isWrong ? '*wrong*' : milliseconds(result.run.median);
    });
    return [stateTitle(state), ...cells, best ? (state.runtimes.filigree!.run.median / best.ms).toFixed(2) : '–'];
  });
  return [['', ...columns.map((runtime) => runtimeTitles[runtime]), 'over the best peer'], ...rows];
}

/** The costs of one network besides time. */
function footprint(report: PeersReport): { title: string; titles: string[]; rows: string[][] } {
  const columns = measuredRuntimes(report);
  const state = report.states.find(({ id }) => id === 'mobilenet-v2') ?? report.states[0];
  const of = (unit: (runtime: Runtime) => number | undefined) =>
    columns.map((runtime) => unit(runtime)?.toFixed(0) ?? '–');
  const download = (runtime: Runtime) => {
    const size = report.sizes[runtime];
    return size && (size.wasmBrotli + size.jsBrotli) / 1000;
  };
  return {
    title: stateTitle(state),
    titles: columns.map((runtime) => runtimeTitles[runtime]),
    rows: [
      ['start to first result, ms', ...of((runtime) => state.runtimes[runtime]?.cold.median)],
      ['peak memory, MB', ...of((runtime) => state.runtimes[runtime]?.megabytes?.median)],
      ['download, kB', ...of(download)],
    ],
  };
}

/** Markers around the tables in README.md and docs/benchmarks.md. */
export const readmeMarkers = ['<!-- bench:peers -->', '<!-- end of bench:peers -->'] as const;

/** A page with the table between its markers replaced. @throws Error when it has no markers. */
export function insertTable(readme: string, text: string): string {
  const [start, end] = readmeMarkers.map((marker) => readme.indexOf(marker));
  if (start < 0 || end < start) throw new Error(`the page lacks ${readmeMarkers.join(' or ')}`);
  return `${readme.slice(0, start + readmeMarkers[0].length)}\n\n${text}\n\n${readme.slice(end)}`;
}

export function markdownTables(report: PeersReport): string {
  const { machine, node, v8, browser, rounds, peak } = report;
  const host = browser ? `${browser.name} ${browser.version}` : `Node ${node} (V8 ${v8})`;
  const where = `${machine.cpu}, ${machine.cores} cores; ${host}, ${threadsText(report)}, ${rounds} rounds; ${report.date}`;
  const blocks = [
    where,
    latencyTable(report),
    `${memoryAndStartTable(report)}\n\n(${bareNode(report)})`,
    sizeTable(report),
  ];
  if (peak) blocks.push(floorTable(report));
  return blocks.join('\n\n') + '\n';
}
