// The roofline: speed of layers by their arithmetic per byte.
import * as Plot from '@observablehq/plot';
import { stateTitle } from '../peers/markdown.ts';
import type { PeersReport } from '../peers/results.ts';
import { chart, figure, legend } from './chart.ts';
import { kindColor, layerKind, layerKinds } from './layers.ts';
import type { LayerKind } from './layers.ts';

export function rooflineFigure({ peak, states }: PeersReport): string {
  if (!peak) return '';
  const points = states.flatMap((state) =>
    (state.floor?.layers ?? []).flatMap((layer) => {
      const { effectiveMacs, activationBytes, weightBytes, gflops, name } = layer;
      if (effectiveMacs === 0 || gflops === 0 || activationBytes === undefined) return [];
      const intensity = (2 * effectiveMacs) / (activationBytes + weightBytes);
      const kind = layerKind(layer);
      const note = `${stateTitle(state)}, ${name}: ${gflops.toFixed(1)} GFLOP/s at ${intensity.toFixed(1)} FLOP a byte`;
      return [{ intensity, gflops, color: kindColor(kind), kind, note }];
    }),
  );
  if (points.length === 0) return '';
  const { gflops, memoryGbps } = peak;
  const xs = points.map(({ intensity }) => intensity);
  const [least, most] = [Math.min(...xs, gflops / memoryGbps) / 1.5, Math.max(...xs) * 1.5];
  const lowest = Math.min(...points.map((point) => point.gflops)) / 1.5;
  const ridge = gflops / memoryGbps;
  const start = Math.max(least, lowest / memoryGbps);
  const roof = [
    { x: start, y: start * memoryGbps },
    { x: ridge, y: gflops },
    { x: most, y: gflops },
  ];
  const label = `${gflops.toFixed(0)} GFLOP/s peak`;
  const body = chart('GFLOP/s of layers against FLOP a byte, under the roofline', (width) => ({
    height: width > 500 ? 430 : 320,
    marginLeft: 46,
    marginBottom: 40,
    marginRight: 20,
    marginTop: 24,
    x: {
      type: 'log',
      label: 'FLOP a byte moved →',
      domain: [least, most],
      ticks: width > 500 ? 8 : 4,
      tickFormat: '~g',
      grid: true,
    },
    y: {
      type: 'log',
      label: '↑ GFLOP/s on nonzeros',
      domain: [lowest, gflops * 1.35],
      ticks: 5,
      tickFormat: '~g',
      grid: true,
    },
    marks: [
      Plot.line(roof, { x: 'x', y: 'y', stroke: 'var(--ink)', strokeWidth: 1.5 }),
      Plot.dot(points, {
        x: 'intensity',
        y: 'gflops',
        fill: 'color',
        fillOpacity: 0.65,
        r: width > 500 ? 4 : 3,
        title: 'note',
      }),
      Plot.text([{ x: most, y: gflops }], { x: 'x', y: 'y', text: () => label, textAnchor: 'end', dy: -8 }),
    ],
  }));
  const kinds = (Object.keys(layerKinds) as LayerKind[]).filter((kind) => points.some((point) => point.kind === kind));
  return figure(
    'Roofline',
    'Layers of all networks above. Bytes: weights, and activations read and written once. The flat roof is the best of three ' +
      `loops of multiply-adds, measured in the same process; the sloping one a copy in memory, ${memoryGbps.toFixed(0)} GB/s. ` +
      'Layers above it find their data in the caches.',
    legend(kinds.map((kind) => [layerKinds[kind], kindColor(kind)] as const)),
    body,
  );
}
