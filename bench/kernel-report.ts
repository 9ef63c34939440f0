// Results as aligned text.
import type { Peak } from './peak.ts';
import { describeShape } from './shapes.ts';
import type { Result } from './suite.ts';
import type { KernelSummary } from './summary.ts';

type Align = 'left' | 'right';

/** Rows of cells as lines; the first row is a head with a rule below. */
function table(rows: readonly (readonly string[])[], aligns: readonly Align[]): string {
  const widths = aligns.map((_, i) => Math.max(...rows.map((row) => (row[i] ?? '').length)));
  const line = (row: readonly string[]) =>
    aligns
      .map((align, i) => (align === 'left' ? (row[i] ?? '').padEnd(widths[i]) : (row[i] ?? '').padStart(widths[i])))
      .join('  ')
      .trimEnd();
  const [head, ...body] = rows;
  const rule = '-'.repeat(widths.reduce((a, b) => a + b + 2, -2));
  return [line(head), rule, ...body.map(line)].join('\n');
}

const percent = (share: number) => `${(100 * share).toFixed(0)}%`;
const factor = (speedup: number | undefined) =>
  speedup === undefined ? '' : `${speedup.toFixed(speedup < 9.95 ? 2 : 1)}×`;
const number = (value: number | undefined) =>
  value === undefined ? '–' : value.toFixed(value < 9.95 ? 2 : value < 99.5 ? 1 : 0);
const duration = (ms: number) => (ms < 1 ? `${(1000 * ms).toFixed(ms < 0.01 ? 2 : 1)} µs` : `${ms.toFixed(2)} ms`);

const cell = ({ gflops, shareOfPeak, speedup }: Result) =>
  `${number(gflops).padStart(5)} ${percent(shareOfPeak).padStart(4)} ${factor(speedup).padStart(6)}`;

const head = (density: number) => `density ${percent(density)}`;

/** A row per layer and kernel, a column per density. */
function sparseTable(results: readonly Result[]): string {
  const densities = [...new Set(results.map(({ density }) => density))].toSorted((a, b) => a - b);
  const rows: string[][] = [['layer', 'kernel', ...densities.map(head)]];
  for (const layer of new Set(results.map((result) => result.layer))) {
    const here = results.filter((result) => result.layer === layer);
    for (const [i, kernel] of [...new Set(here.map((result) => result.kernel))].entries()) {
      const at = (density: number) => here.find((result) => result.kernel === kernel && result.density === density);
      const cells = densities.map((density) => {
        const result = at(density);
        return result ? cell(result) : '';
      });
      rows.push([i ? '' : describeShape(layer), kernel, ...cells]);
    }
  }
  return table(rows, ['left', 'left', ...densities.map((): Align => 'right')]);
}

/** A row per layer and kernel. */
function denseTable(results: readonly Result[]): string {
  const isCompared = results.some(({ speedup }) => speedup !== undefined);
  const rows = results.map((result) => [
    describeShape(result.layer),
    result.kernel,
    duration(result.ms),
    number(result.gflops),
    number(result.gbps),
    percent(result.shareOfPeak),
    ...(isCompared ? [factor(result.speedup)] : []),
  ]);
  const title = ['layer', 'kernel', 'time', 'GFLOP/s', 'GB/s', 'of peak', ...(isCompared ? ['of best dense'] : [])];
  return table([title, ...rows], ['left', 'left', ...title.slice(2).map((): Align => 'right')]);
}

/** One block per contest. */
export function resultBlocks(results: readonly Result[]): string {
  return [...new Set(results.map(({ contest }) => contest))]
    .map((contest) => {
      const own = results.filter((result) => result.contest === contest);
      const families = [...new Set(own.map(({ family }) => family))].join(', ');
      if (own.some(({ encoding }) => encoding === 'sparse')) {
        const legend = 'GFLOP/s on nonzeros, share of peak, speed-up over the best dense kernel';
        return `${contest} (${families}): ${legend}\n\n${sparseTable(own)}`;
      }
      const legend = own[0].macs > 0 ? 'share of the arithmetic peak' : 'share of a copy loop over as many bytes';
      return `${contest} (${families}): ${legend}\n\n${denseTable(own)}`;
    })
    .join('\n\n\n');
}

/** Geometric means over layers, per kernel and density. */
export function summaryBlock(summary: readonly KernelSummary[]): string {
  const densities = [...new Set(summary.flatMap((kernel) => kernel.densities.map(({ density }) => density)))].toSorted(
    (a, b) => a - b,
  );
  const rows = summary.map(({ kernel, encoding, densities: own, breakEvenDensity }) => [
    kernel,
    String(Math.max(...own.map(({ layers }) => layers))),
    ...densities.map((density) => {
      const at = own.find((point) => point.density === density);
      return at ? `${percent(at.shareOfPeak).padStart(4)} ${factor(at.speedup).padStart(6)}` : '';
    }),
    encoding === 'dense' ? '' : breakEvenDensity == null ? 'never' : percent(breakEvenDensity),
  ]);
  const title = ['kernel', 'layers', ...densities.map(head), 'break-even'];
  const aligns: Align[] = ['left', 'right', ...densities.map((): Align => 'right'), 'right'];
  const legend = 'geometric means over layers: share of peak, speed-up over the best dense kernel';
  return `summary: ${legend}\nbreak-even: the density below which a kernel beats the best dense one\n\n${table([title, ...rows], aligns)}`;
}

/** The machine's peak, and how much it varied during the run. */
export function peakBlock({ gflops, copy, samples }: Peak): string {
  const drift = (pick: (sample: Peak['samples'][number]) => number) => samples.map((s) => number(pick(s))).join(' / ');
  const sizes = copy.map(
    ({ bytes, gbps }) => `${bytes < 2 ** 20 ? `${bytes / 1024} KiB` : `${bytes / 2 ** 20} MiB`} ${number(gbps)}`,
  );
  return [
    `peak ${number(gflops)} GFLOP/s (before / in the middle / after):`,
    `  mul + add       ${drift((sample) => sample.mulAdd)}`,
    ...(samples[0].relaxedMadd ? [`  relaxed madd    ${drift((sample) => sample.relaxedMadd!)}`] : []),
    `  load, mul + add ${drift((sample) => sample.loadMulAdd)}, out of L1`,
    `  copy, GB/s read and written: ${sizes.join(', ')}`,
  ].join('\n');
}
