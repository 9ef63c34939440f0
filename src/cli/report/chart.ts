// Charts as SVG, drawn by Observable Plot on a simulated document. Colours are CSS variables, so that one page serves
// light and dark. Every chart is drawn for a wide and for a narrow page, and CSS shows the one that fits.
//
// Only the command line depends on Plot and linkedom, in a part that is loaded when a page is drawn.
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom/worker';

const { document } = parseHTML('<!doctype html><html><body></body></html>');

export type ChartOptions = Plot.PlotOptions & { width: number };

export const wide = 980;
export const narrow = 340;

export const escape = (text: string) =>
  text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]!);

/** `label` describes the chart to people who cannot see it. */
export function draw(label: string, options: ChartOptions): string {
  const svg = Plot.plot({
    document: document as unknown as Document,
    style: { fontSize: '12px', background: 'none', overflow: 'visible' },
    ...options,
  });
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', label);
  // the page contains this style once
  svg.querySelector('style')?.remove();
  return svg.outerHTML;
}

/** Two drawings of a chart, for wide and for narrow pages. */
export function chart(label: string, options: (width: number) => Omit<ChartOptions, 'width'>): string {
  const [large, small] = [wide, narrow].map((width) => draw(label, { width, ...options(width) }));
  return `<div class="wide">${large}</div><div class="narrow">${small}</div>`;
}

export function figure(title: string, caption: string, ...content: string[]): string {
  return `<figure><h3>${escape(title)}</h3>${content.join('')}<figcaption>${caption}</figcaption></figure>`;
}

/** Coloured words that explain the colours. `hatched` ones look like wrong results. */
export function legend(entries: readonly (readonly [label: string, color: string, style?: 'hatched'])[]): string {
  const items = entries.map(
    ([label, color, style]) =>
      `<span><i style="--key: ${color}"${style ? ` class="${style}"` : ''}></i>${escape(label)}</span>`,
  );
  return `<p class="legend">${items.join('')}</p>`;
}
