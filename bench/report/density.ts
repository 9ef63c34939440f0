// Speed-up by density, of kernels (npm run bench) and of whole networks (npm run bench:sweep).
import * as Plot from '@observablehq/plot';
import type { Report as KernelReport } from '../kernels.ts';
import { geometricMean } from '../measure.ts';
import { chart, figure, legend } from './chart.ts';

/** The part of a sweep over densities about whole networks. */
export interface Sweep {
  build: string;
  networks: { network: string; pattern: string; zeros: number; ms: number; denseMs: number }[];
}

interface Line {
  name: string;
  color: string;
  points: { density: number; speedup: number; note: string }[];
}

const palette = [
  'var(--c1)',
  'var(--c2)',
  'var(--c3)',
  'var(--c4)',
  'var(--c5)',
  'var(--c6)',
  'var(--c7)',
  'var(--c8)',
];

function lineChart(label: string, lines: readonly Line[]): string {
  const points = lines.flatMap(({ name, color, points }) => points.map((point) => ({ ...point, name, color })));
  const most = Math.max(...points.map(({ speedup }) => speedup), 2);
  return chart(label, (width) => ({
    height: width > 500 ? 400 : 300,
    marginLeft: 46,
    marginBottom: 40,
    marginTop: 24,
    marginRight: 20,
    x: {
      label: 'weights that are not zero →',
      tickFormat: '%',
      domain: [0, 1],
      ticks: width > 500 ? 10 : 5,
      grid: true,
    },
    y: {
      type: 'log',
      label: '↑ times faster than dense',
      domain: [Math.min(0.5, ...points.map(({ speedup }) => speedup)), most * 1.1],
      ticks: [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50],
      tickFormat: '~g',
      grid: true,
    },
    marks: [
      Plot.ruleY([1], { stroke: 'var(--ink)', strokeDasharray: '4 3' }),
      Plot.line(
        Array.from({ length: 99 }, (_, i) => (i + 1) / 100).filter((density) => 1 / density <= most * 1.1),
        { x: (d: number) => d, y: (d: number) => 1 / d, stroke: 'var(--muted)', strokeDasharray: '2 3' },
      ),
      Plot.line(points, { x: 'density', y: 'speedup', z: 'name', stroke: 'color', strokeWidth: 2, sort: 'density' }),
      Plot.dot(points, { x: 'density', y: 'speedup', fill: 'color', r: 3, title: 'note' }),
    ],
  }));
}

const note = (name: string, density: number, speedup: number) =>
  `${name}, ${(100 * density).toFixed(0)} % kept: ${speedup.toFixed(2)} times as fast`;

function draw(title: string, caption: string, lines: readonly Line[]): string {
  const key = [...lines.map(({ name, color }) => [name, color] as const), ['in proportion', 'var(--muted)'] as const];
  return figure(title, caption, legend(key), lineChart(title, lines));
}

/** Geometric means over layers, of kernels that compete with a dense one. */
export function kernelDensityFigure(report: KernelReport | undefined): string {
  const sparse = (report?.results ?? []).filter(({ encoding, speedup }) => encoding === 'sparse' && speedup);
  const names = [...new Set(sparse.map(({ kernel }) => kernel))];
  const lines = names.map((name, i): Line => {
    const own = sparse.filter(({ kernel }) => kernel === name);
    const densities = [...new Set(own.map(({ density }) => density))];
    const points = densities.map((density) => {
      const speedup = geometricMean(own.filter((result) => result.density === density).map(({ speedup }) => speedup!));
      return { density, speedup, note: note(name, density, speedup) };
    });
    return { name, color: palette[i % palette.length], points };
  });
  if (lines.length === 0) return '';
  const caption = 'Geometric means over the layers of real networks, over the best dense kernel in the same loop.';
  return draw('Speed-up of kernels against density', caption, lines);
}

export function sweepFigure(sweep: Sweep | undefined): string {
  const groups = [...new Set((sweep?.networks ?? []).map(({ network, pattern }) => `${network}, ${pattern}`))];
  const lines = groups.map((name, i): Line => {
    const own = sweep!.networks.filter(({ network, pattern }) => `${network}, ${pattern}` === name);
    const points = own.map(({ zeros, ms, denseMs }) => {
      const [density, speedup] = [1 - zeros, denseMs / ms];
      return { density, speedup, note: note(name, density, speedup) };
    });
    return { name, color: palette[i % palette.length], points };
  });
  if (lines.length === 0) return '';
  const caption = 'Whole networks as the cost model compiles them, over the same with every layer dense.';
  return draw('Speed-up of networks against density', caption, lines);
}
