// Milliseconds of every layer: columns of the sparse network in front of those of its dense twin.
import type { LayerProfile } from 'filigree';

const svg = (name: string, attributes: Record<string, string | number>, ...children: (Node | string)[]): SVGElement => {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  element.append(...children);
  return element;
};

const [height, left, bottom, top] = [200, 40, 24, 10];

/** A tidy step for an axis up to `most` with about four ticks. */
function tickStep(most: number): number {
  const rough = most / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough)!;
}

/** Whether zeros were made: weights rounded to eight bits have a few of their own. */
const isPruned = ({ sparsity = 0 }: LayerProfile) => sparsity >= 0.1;

/** What a layer is, in a line. */
export function describe(layer: LayerProfile, dense: LayerProfile | undefined): string {
  const zeros = layer.sparsity ? `, ${Math.round(100 * layer.sparsity)} % zeros` : '';
  const twin = dense ? `, dense ${dense.ms.toFixed(3)} ms` : '';
  return `${layer.name}: ${layer.op} → ${layer.shape.slice(1).join(' × ')}${zeros}: ${layer.ms.toFixed(3)} ms${twin}`;
}

/** Draws the chart into a figure, in place of what was there. */
export function drawLayers(figure: HTMLElement, [layers, dense]: LayerProfile[][]): void {
  const width = Math.max(280, figure.clientWidth); // a unit is a pixel of the page
  const most = Math.max(...layers.map(({ ms }) => ms), ...(dense ?? []).map(({ ms }) => ms), 1e-3);
  const [plotWidth, plotHeight] = [width - left - 4, height - top - bottom];
  const step = plotWidth / layers.length;
  const y = (ms: number) => top + plotHeight * (1 - ms / most);
  const column = (ms: number, i: number, name: string) =>
    svg('rect', {
      class: name,
      x: left + i * step,
      width: Math.max(step - Math.min(2, step / 4), 0.5),
      y: y(ms),
      height: Math.max(top + plotHeight - y(ms), 0.5),
    });
  const chart = svg('svg', {
    viewBox: `0 0 ${width} ${height}`,
    role: 'img',
    'aria-label': 'Milliseconds of each layer',
  });
  const ticks = tickStep(most);
  for (let ms = 0; ms <= most; ms += ticks) {
    chart.append(svg('line', { class: 'grid', x1: left, x2: width, y1: y(ms), y2: y(ms) }));
    chart.append(svg('text', { x: left - 6, y: y(ms) + 4, 'text-anchor': 'end' }, String(Number(ms.toPrecision(3)))));
  }
  chart.append(svg('text', { x: left, y: height - 6 }, `ms · ${layers.length} layers, first to last`));
  const caption = document.createElement('figcaption');
  caption.textContent = 'Point at a column, or touch it, to see which layer it is.';
  layers.forEach((layer, i) => {
    const twin = dense?.[i];
    const group = svg(
      'g',
      {},
      ...(twin ? [column(twin.ms, i, 'dense')] : []),
      column(layer.ms, i, isPruned(layer) ? 'sparse' : 'other'),
    );
    const hit = svg('rect', { class: 'hit', x: left + i * step, width: step, y: top, height: plotHeight });
    hit.addEventListener('pointerenter', () => (caption.textContent = describe(layer, twin)));
    group.append(hit);
    chart.append(group);
  });
  const legend = document.createElement('div');
  legend.className = 'legend';
  for (const [name, text] of [
    ...(layers.some(isPruned) ? [['sparse', 'pruned layers']] : []),
    ['other', 'dense layers'],
    ...(dense ? [['dense', 'every zero multiplied']] : []),
  ]) {
    const item = document.createElement('span');
    item.className = name;
    item.textContent = text;
    legend.append(item);
  }
  figure.replaceChildren(legend, chart as unknown as Node, caption);
}

/** The same as a table. */
export function fillTable(table: HTMLTableElement, [layers, dense]: LayerProfile[][]): void {
  const row = (kind: 'th' | 'td', cells: string[]) => {
    const line = document.createElement('tr');
    line.append(...cells.map((text) => Object.assign(document.createElement(kind), { textContent: text })));
    return line;
  };
  const head = ['layer', 'op', 'output', 'zeros', 'ms', ...(dense ? ['dense ms'] : [])];
  table.replaceChildren(
    row('th', head),
    ...layers.map((layer, i) =>
      row('td', [
        layer.name,
        layer.op,
        layer.shape.slice(1).join(' × '),
        layer.sparsity === undefined ? '' : `${Math.round(100 * layer.sparsity)} %`,
        layer.ms.toFixed(3),
        ...(dense ? [dense[i]?.ms.toFixed(3) ?? ''] : []),
      ]),
    ),
  );
}
