// Draws a program: layers with their kernels, and the flow between them.
import { FiligreeError } from '../../errors.ts';
import type { Program } from '../../program/program.ts';
import { kernelList } from '../layer-report.ts';
import type { LayerReport } from '../layer-report.ts';
import { formatPercent } from '../table.ts';
import { dataFlow } from './data-flow.ts';
import type { End } from './data-flow.ts';

/**
 * A program in Graphviz's language, one layer or flow per line. Layers that skip zeros are green; layers that multiply
 * by all weights are yellow.
 */
export function toDot(program: Program, layers: readonly LayerReport[], predictedMs: readonly number[]): string {
  const flows = dataFlow(program);
  const drawn = new Set(flows.flatMap(({ from, to }) => [nameOf(from), nameOf(to)]));
  const lines = [
    ...[...program.inputs, ...program.outputs].map(({ name, dtype, shape }, i) => {
      const end = i < program.inputs.length ? { input: name } : { output: name };
      return node(end, [name, `${dtype} ${shape.join('×')}`], 'shape=ellipse');
    }),
    ...layers.flatMap((layer, i) => {
      if (!drawn.has(nameOf({ layer: i })) && layer.kernels.length === 0) return [];
      const { name, op, shape, kernels, sparsity, sparse } = layer;
      const zeros = sparsity === undefined ? [] : [`${formatPercent(sparsity)} zeros`];
      const cost = [...zeros, `${predictedMs[i].toFixed(3)} ms`].join(', ');
      const colour = sparse ? '#d3f2d3' : sparsity === undefined ? '#ffffff' : '#fdf0c4';
      const label = [name, `${op} ${shape.join('×')}`, kernelList(kernels), cost];
      return [node({ layer: i }, label, `fillcolor="${colour}"`)];
    }),
    ...flows.map(({ from, to }) => `${quote(nameOf(from))} -> ${quote(nameOf(to))}`),
  ];
  const style = [
    'node [shape=box, style=filled, fillcolor="#ffffff", fontname="Helvetica", fontsize=10]',
    'edge [color="#707070"]',
  ];
  return `digraph ${quote(program.name)} {\n${[...style, ...lines].map((line) => `  ${line}\n`).join('')}}\n`;
}

/** Layers, inputs and outputs need distinct names in the drawing. */
function nameOf(end: End): string {
  if ('layer' in end) return `layer ${end.layer}`;
  return 'input' in end ? `input ${end.input}` : `output ${end.output}`;
}

function node(end: End, label: readonly string[], style: string): string {
  return `${quote(nameOf(end))} [label="${label.map(escape).join('\\n')}", ${style}]`;
}

const escape = (text: string) => text.replaceAll(/["\\]/g, '\\$&').replaceAll(/\s+/g, ' ');
const quote = (text: string) => `"${escape(text)}"`;

/** The part of @viz-js/viz that is used here. */
interface Graphviz {
  instance(): Promise<{ renderString(dot: string, options: { format: string }): string }>;
}

/**
 * Graphviz's drawing as SVG.
 * @throws FiligreeError `environment` when the package `@viz-js/viz` is not installed
 */
export async function drawSvg(dot: string): Promise<string> {
  let graphviz: Graphviz;
  try {
    // hidden from bundlers: few who compile also draw
    const name = '@viz-js/viz';
    graphviz = (await import(/* @vite-ignore */ /* webpackIgnore: true */ name)) as Graphviz;
  } catch (cause) {
    const todo = 'npm install @viz-js/viz, or write a .dot file';
    throw new FiligreeError('environment', `drawing an SVG needs the package @viz-js/viz: ${todo}`, { cause });
  }
  return (await graphviz.instance()).renderString(dot, { format: 'svg' });
}
