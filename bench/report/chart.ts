// Benchmark pages use the charts of pruning reports.
export { chart, escape, figure, legend, narrow, wide } from '../../src/cli/report/chart.ts';
export type { ChartOptions } from '../../src/cli/report/chart.ts';
