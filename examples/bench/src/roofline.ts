// Kernels by their arithmetic per byte, under what the device can do at most.
import * as Plot from '@observablehq/plot';
import { describeShape } from '../../../bench/shapes.ts';
import type { DeviceReport } from './messages.ts';

/** An SVG, `width` pixels wide; undefined when no kernel multiplies. */
export function roofline({ peak, results }: DeviceReport, width: number): Element | undefined {
  const points = results.flatMap(({ kernel, layer, density, encoding, operations, bytes, gflops }) => {
    if (gflops === undefined) return [];
    const note = `${kernel}, ${describeShape(layer)}, ${Math.round(100 * density)} % of weights: ${gflops.toFixed(1)} GFLOP/s`;
    return [{ intensity: operations / bytes, gflops, colour: `var(--${encoding})`, note }];
  });
  if (points.length === 0) return undefined;
  const memory = peak.copy.at(-1)!.gbps;
  const xs = points.map(({ intensity }) => intensity);
  const ridge = peak.gflops / memory;
  const [least, most] = [Math.min(...xs, ridge) / 1.5, Math.max(...xs, ridge) * 1.5];
  const lowest = Math.min(...points.map(({ gflops }) => gflops)) / 1.5;
  const start = Math.max(least, lowest / memory);
  const roof = [
    { x: start, y: start * memory },
    { x: ridge, y: peak.gflops },
    { x: most, y: peak.gflops },
  ];
  const svg = Plot.plot({
    width,
    height: Math.min(430, 0.75 * width + 60),
    marginLeft: 46,
    marginBottom: 40,
    style: { background: 'none', fontSize: '12px' },
    x: { type: 'log', label: 'FLOP a byte moved →', domain: [least, most], ticks: 6, tickFormat: '~g', grid: true },
    y: {
      type: 'log',
      label: '↑ GFLOP/s on weights that are not zero',
      domain: [lowest, peak.gflops * 1.35],
      ticks: 5,
      tickFormat: '~g',
      grid: true,
    },
    marks: [
      Plot.line(roof, { x: 'x', y: 'y', stroke: 'var(--ink)', strokeWidth: 1.5 }),
      Plot.dot(points, { x: 'intensity', y: 'gflops', fill: 'colour', fillOpacity: 0.6, r: 3.5, title: 'note' }),
      Plot.text([{ x: most, y: peak.gflops }], {
        x: 'x',
        y: 'y',
        text: () => `${peak.gflops.toFixed(0)} GFLOP/s`,
        textAnchor: 'end',
        dy: -8,
      }),
    ],
  });
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', 'GFLOP/s of kernels against FLOP a byte, under the roofline');
  return svg;
}
