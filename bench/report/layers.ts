// Shows where the time goes: the floor, and the time above it, by network and by layer.
import * as Plot from '@observablehq/plot';
import { stateTitle } from '../peers/markdown.ts';
import type { LayerFloor, PeersReport, StateResult } from '../peers/results.ts';
import { chart, escape, figure, legend } from './chart.ts';

type Measured = StateResult & Required<Pick<StateResult, 'floor'>>;

const measured = ({ states }: PeersReport) => states.filter((state): state is Measured => state.floor !== undefined);

/** Kinds of layers, by their kernels. */
export const layerKinds = {
  pointwise: '1×1 convolutions and linear layers',
  shifted: 'k×k convolutions',
  depthwise: 'depthwise',
  other: 'all else',
} as const;

export type LayerKind = keyof typeof layerKinds;

export function layerKind({ kernels, effectiveMacs }: LayerFloor): LayerKind {
  if (kernels.some((kernel) => kernel.includes('depthwise'))) return 'depthwise';
  if (kernels.some((kernel) => kernel.includes('_conv_'))) return 'shifted';
  return effectiveMacs > 0 ? 'pointwise' : 'other';
}

export const kindColor = (kind: LayerKind) => `var(--${kind})`;

/** Every network's time in parts of the whole. */
export function whereFigure(report: PeersReport): string {
  const parts = measured(report).flatMap((state) => {
    const { layers, ms, measuredMs } = state.floor;
    const above = Object.keys(layerKinds).map((kind) => {
      const own = layers.filter((layer) => layerKind(layer) === kind);
      return { kind, ms: own.reduce((sum, layer) => sum + Math.max(0, layer.ms - layer.floorMs), 0) };
    });
    const all = [{ kind: 'floor', ms }, ...above];
    const total = all.reduce((sum, part) => sum + part.ms, 0);
    return all.map(({ kind, ms }) => ({
      state: stateTitle(state),
      color: `var(--${kind})`,
      share: ms / total,
      note: `${kind}: ${ms.toFixed(2)} of ${measuredMs.toFixed(2)} ms`,
    }));
  });
  const states = measured(report).map(stateTitle);
  const body = chart('Share of the floor in the time of every network', (width) => ({
    height: states.length * (width > 500 ? 26 : 40) + 34,
    marginLeft: width > 500 ? 330 : 8,
    marginRight: 16,
    marginTop: width > 500 ? 2 : 14,
    x: { label: null, tickFormat: '%', domain: [0, 1] },
    y: { axis: null, domain: states, padding: width > 500 ? 0.25 : 0.55 },
    marks: [
      Plot.barX(parts, Plot.stackX({ x: 'share', y: 'state', fill: 'color', title: 'note', order: null })),
      width > 500
        ? Plot.text(states, {
            frameAnchor: 'left',
            y: (d: string) => d,
            text: (d: string) => d,
            textAnchor: 'end',
            dx: -8,
          })
        : Plot.text(states, {
            frameAnchor: 'left',
            y: (d: string) => d,
            text: (d: string) => d,
            textAnchor: 'start',
            dy: -17,
          }),
    ],
  }));
  return figure(
    'Where the time goes',
    'The floor is each layer’s multiply-adds on nonzeros at this machine’s peak, or its weights once at memory bandwidth. ' +
      'The rest is what layers of each kind take beyond it.',
    legend([
      ['floor', 'var(--floor)'],
      ...Object.entries(layerKinds).map(([kind, title]) => [title, kindColor(kind as LayerKind)] as const),
    ]),
    body,
  );
}

function layerBars(state: Measured): string {
  const rows = state.floor.layers.map((layer, i) => {
    const { name, ms, floorMs, gflops, sparsity, kernels } = layer;
    const zeros = sparsity ? `, ${(100 * sparsity).toFixed(0)} % zeros` : '';
    const rate = gflops > 0 ? `, ${gflops.toFixed(1)} GFLOP/s` : '';
    return {
      key: String(i),
      name,
      ms,
      floorMs,
      color: kindColor(layerKind(layer)),
      note: `${name}: ${ms.toFixed(3)} ms, floor ${floorMs.toFixed(3)} ms${rate}${zeros}; ${kernels.join(', ')}`,
    };
  });
  const longest = Math.max(...rows.map(({ ms, floorMs }) => Math.max(ms, floorMs)));
  const short = (name: string, letters: number) => (name.length > letters ? `…${name.slice(1 - letters)}` : name);
  return chart(`Time of every layer of ${stateTitle(state)} and its floor`, (width) => ({
    height: rows.length * 15 + 40,
    marginLeft: width > 500 ? 230 : 132,
    marginRight: 14,
    marginTop: 22,
    style: { fontSize: '11px', background: 'none', overflow: 'visible' },
    x: { axis: 'top', label: 'ms', domain: [0, longest], ticks: width > 500 ? 8 : 4, grid: true },
    y: { axis: null, domain: rows.map(({ key }) => key), padding: 0.2 },
    marks: [
      Plot.barX(rows, { x: 'ms', y: 'key', fill: 'color', title: 'note' }),
      Plot.tickX(
        rows.filter(({ floorMs }) => floorMs > 0),
        { x: 'floorMs', y: 'key', stroke: 'var(--ink)', strokeWidth: 2 },
      ),
      Plot.text(rows, {
        frameAnchor: 'left',
        y: 'key',
        text: ({ name }: { name: string }) => short(name, width > 500 ? 38 : 21),
        textAnchor: 'end',
        dx: -6,
        title: 'note',
      }),
    ],
  }));
}

/** One network at a time, selected by name; without scripts, the first. */
export function layersFigure(report: PeersReport): string {
  const states = measured(report);
  if (states.length === 0) return '';
  const options = states.map((state) => `<option value="${state.id}">${escape(stateTitle(state))}</option>`);
  const panels = states.map((state, i) => {
    const { ms, measuredMs } = state.floor;
    const share = `${measuredMs.toFixed(2)} ms layer by layer, ${ms.toFixed(2)} ms the floor`;
    return `<div class="panel" id="layers-${state.id}"${i === 0 ? '' : ' hidden'}><p>${share}</p>${layerBars(state)}</div>`;
  });
  return figure(
    'Layer by layer',
    'Bars are measured times, each layer by itself; the line across a bar is the layer’s floor. Point at a bar for its kernels.',
    `<p><label>Network <select id="layers-of">${options.join('')}</select></label></p>`,
    legend(Object.entries(layerKinds).map(([kind, title]) => [title, kindColor(kind as LayerKind)] as const)),
    ...panels,
  );
}

export const layersScript = `
const choice = document.getElementById('layers-of');
choice?.addEventListener('change', () => {
  for (const panel of document.querySelectorAll('.panel')) panel.hidden = panel.id !== 'layers-' + choice.value;
});`;
