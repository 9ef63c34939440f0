// Pages of benchmarks draw as reports of pruning do.
export { chart, escape, figure, legend, narrow, wide } from '../../src/cli/report/chart.ts';
export type { ChartOptions } from '../../src/cli/report/chart.ts';
