// The project's targets (targets.json), and whether a report meets them.
import type { Report as KernelReport } from '../kernels.ts';
import type { PeersReport, Runtime, StateResult } from './results.ts';
import { bestPeer, peers, runtimeTitles } from './results.ts';
import list from './targets.json' with { type: 'json' };

interface Target {
  what: string;
  kind: string;
  /** The target: at most, or at least. */
  most?: number;
  least?: number;
  /** For a network: its id, and the peer to compare with, on these states; without a peer, the best one. */
  state?: string;
  over?: string;
  overStates?: string[];
  /** For kernels: which ones, at which density of the weights, on which layers of MobileNetV1. */
  kernel?: string;
  density?: number;
  layers?: string;
}

export interface TargetResult {
  what: string;
  wanted: number;
  comparison: '≤' | '≥';
  /** Absent when this report does not measure it. */
  found?: number;
  /** The same figure from minima. */
  foundByMinima?: number;
  isMet?: boolean;
  /** The peer it was compared with, or the place where it is worst. */
  detail?: string;
}

interface Found {
  found: number;
  foundByMinima?: number;
  detail?: string;
}

/** Other reports that some targets need. */
export interface OtherReports {
  /** Of `npm run bench`. */
  kernels?: KernelReport;
  /** Of the same command with two threads. */
  twoThreads?: PeersReport;
}

export function checkTargets(report: PeersReport, others: OtherReports = {}): TargetResult[] {
  return (list as Target[]).map((target): TargetResult => {
    const { what, most, least } = target;
    const wanted = (most ?? least)!;
    const comparison = most === undefined ? '≥' : '≤';
    const measured = measure(target, report, others);
    if (!measured || !Number.isFinite(measured.found)) return { what, wanted, comparison };
    const isMet = most === undefined ? measured.found >= wanted : measured.found <= wanted;
    return { what, wanted, comparison, isMet, ...measured };
  });
}

function measure(target: Target, report: PeersReport, others: OtherReports): Found | undefined {
  if (target.kind === 'kernels') return others.kernels && kernelShare(target, others.kernels);
  const state = report.states.find(({ id }) => id === target.state);
  const own = state?.runtimes.filigree;
  if (!state || !own) return undefined;
  switch (target.kind) {
    case 'run':
      return target.over ? overPeer(target, report, state) : overBest(report, state);
    case 'cold':
      return report.bare && { found: own.cold.median - report.bare.cold.median };
    case 'memory': {
      const others = peers.flatMap((runtime) => state.runtimes[runtime]?.megabytes?.median ?? []);
      const smallest = Math.min(...others);
      return (
        own.megabytes && {
          found: own.megabytes.median / smallest,
          detail: `${own.megabytes.median.toFixed(0)} of ${smallest.toFixed(0)} MB`,
        }
      );
    }
    case 'threads': {
      const threaded = others.twoThreads?.states.find(({ id }) => id === target.state)?.runtimes.filigree;
      return threaded && { found: own.run.median / threaded.run.median };
    }
    default:
      throw new Error(`targets.json: unknown kind "${target.kind}"`);
  }
}

function overPeer({ over, overStates }: Target, report: PeersReport, state: StateResult): Found {
  const ids = overStates ?? [state.id];
  const compared = report.states.flatMap(({ id, runtimes }) => {
    const result = ids.includes(id) ? runtimes[over as Runtime] : undefined;
    return result && !result.isWrong ? [result.run] : [];
  });
  const { run } = state.runtimes.filigree!;
  return {
    found: run.median / Math.min(...compared.map(({ median }) => median)),
    foundByMinima: run.minimum / Math.min(...compared.map(({ minimum }) => minimum)),
  };
}

function overBest(report: PeersReport, state: StateResult): Found | undefined {
  const best = bestPeer(report, state);
  const { run } = state.runtimes.filigree!;
  return (
    best && {
      found: run.median / best.ms,
      foundByMinima: run.minimum / best.fastest,
      detail: `${runtimeTitles[best.runtime]}${best.state === state ? '' : ', dense'}`,
    }
  );
}

/** The worst layer's share of peak, by the best kernel that matches. */
function kernelShare({ kernel, density, layers }: Target, { results }: KernelReport): Found {
  const matching = results.filter(({ kernel: name, density: d, layer }) => {
    const isOurs = layers === 'depthwise' ? layer.height >= 14 : isPointwiseShape(layer);
    return new RegExp(kernel!).test(name) && d === density && isOurs && layer.networks.mobilenet_v1;
  });
  const best = new Map<string, number>();
  for (const { layer, shareOfPeak } of matching) {
    const name = `${layer.height}² ${layer.inputs}→${layer.outputs}`;
    best.set(name, Math.max(best.get(name) ?? 0, shareOfPeak));
  }
  const [worst] = [...best].toSorted(([, a], [, b]) => a - b);
  return worst ? { found: worst[1], detail: `${worst[0]}, of ${best.size} shapes` } : { found: NaN };
}

/** 56² and smaller: the seven shapes of the table. */
const isPointwiseShape = ({ op, kernel, height }: { op: string; kernel: number; height: number }) =>
  op === 'conv' && kernel === 1 && height >= 7 && height <= 56;

const figure = (value: number) => value.toFixed(value < 10 ? 2 : 0);

/** One line per target. */
export function targetLines(results: readonly TargetResult[]): string {
  const verdict = ({ isMet }: TargetResult) => (isMet === undefined ? 'not measured' : isMet ? 'met' : 'MISSED');
  const rows = results.map((result) => [
    result.what,
    `${result.comparison} ${result.wanted}`,
    result.found === undefined ? '–' : figure(result.found),
    result.foundByMinima === undefined ? '' : figure(result.foundByMinima),
    verdict(result),
    result.detail ?? '',
  ]);
  return [
    '| target | wanted | found | by minima | | |',
    '|---|---|---|---|---|---|',
    ...rows.map((row) => `| ${row.join(' | ')} |`),
  ].join('\n');
}
