// The HTML report: one file that fetches nothing.
import type { Report as KernelReport } from '../kernels.ts';
import { bestPeer, runtimeTitles } from '../peers/results.ts';
import type { PeersReport } from '../peers/results.ts';
import type { OtherReports } from '../peers/targets.ts';
import { checkTargets } from '../peers/targets.ts';
import { stateTitle } from '../peers/markdown.ts';
import { footprintFigures, latencyFigure } from './bars.ts';
import { factLine, htmlPage } from '../../src/cli/report/document.ts';
import { escape } from './chart.ts';
import type { Sweep } from './density.ts';
import { kernelDensityFigure, sweepFigure } from './density.ts';
import { layersFigure, layersScript, whereFigure } from './layers.ts';
import { rooflineFigure } from './roofline.ts';
import { style } from './style.ts';

export interface ReportParts extends OtherReports {
  kernels?: KernelReport;
  sweep?: Sweep;
}

/** The pattern over the bar of a wrong result. */
const patterns = `<svg width="0" height="0" aria-hidden="true" style="position: absolute"><defs>
<pattern id="wrong" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
<rect width="3.5" height="7" fill="var(--paper)" /></pattern></defs></svg>`;

/** Best and worst against the peers, as large figures. */
function headline(report: PeersReport): string {
  const tiles = report.states.flatMap((state) => {
    const best = bestPeer(report, state);
    const own = state.runtimes.filigree;
    if (!best || !own || state.caution) return [];
    const ratio = best.ms / own.run.median;
    const than = `${runtimeTitles[best.runtime]}${best.state === state ? '' : ', dense'}`;
    return [`<li><b>${ratio.toFixed(2)}×</b> <span>${escape(stateTitle(state))}<br>over ${escape(than)}</span></li>`];
  });
  return tiles.length === 0 ? '' : `<h2>Times as fast as the best peer</h2><ul class="tiles">${tiles.join('')}</ul>`;
}

function wrongs({ states }: PeersReport): string {
  const items = states.flatMap((state) =>
    Object.entries(state.runtimes).flatMap(([runtime, { isWrong, errorFromReference }]) => {
      if (!isWrong) return [];
      const name = runtimeTitles[runtime as keyof typeof runtimeTitles];
      const why = state.caution ? ` (${state.caution})` : '';
      const by = `relative error ${errorFromReference!.toFixed(2)}`;
      return [`<li><b>${escape(name)}</b> on ${escape(stateTitle(state))}${escape(why)}: ${by}</li>`];
    }),
  );
  if (items.length === 0) return '';
  return `<h3>Wrong outputs</h3><p>Where runtimes disagree, the reference evaluator (plain loops, float64 sums) says who is wrong.
Wrong results count for nothing in comparisons.</p><ul>${items.join('')}</ul>`;
}

function targetsTable(report: PeersReport, others: OtherReports): string {
  const rows = checkTargets(report, others).map(({ what, wanted, comparison, found, foundByMinima, isMet, detail }) => {
    const verdict = isMet === undefined ? 'not measured' : isMet ? 'met' : 'missed';
    const figure = (value: number | undefined, absent: string) => value?.toFixed(value < 10 ? 2 : 0) ?? absent;
    return `<tr class="${verdict.replace(' ', '-')}"><td>${escape(what)}</td><td>${comparison} ${wanted}</td><td>${figure(found, '–')}</td><td>${figure(foundByMinima, '')}</td><td>${verdict}</td><td>${escape(detail ?? '')}</td></tr>`;
  });
  return `<details open><summary>Targets</summary><div class="scroll"><table><thead><tr><th>target</th><th>wanted</th><th>found</th><th>by minima</th><th></th><th></th></tr></thead>
<tbody>${rows.join('')}</tbody></table></div></details>`;
}

/** The whole page. */
export function renderReport(report: PeersReport, { sweep, ...others }: ReportParts = {}): string {
  const { machine, node, v8, browser, threads, rounds, date, peak } = report;
  const facts = [
    `${machine.cpu}, ${machine.cores} cores`,
    browser ? `${browser.name} ${browser.version}` : `Node ${node.replace(/^v/, '')} (V8 ${v8})`,
    threads === 1 ? 'one thread' : `${threads} threads`,
    `${rounds} rounds, a process for each, in turns`,
    ...(peak ? [`peak ${peak.gflops.toFixed(0)} GFLOP/s (${peak.build} build)`] : []),
    date.slice(0, 10),
  ];
  return htmlPage(
    'Filigree and its peers',
    [
      patterns,
      factLine(facts),
      headline(report),
      '<h2>Runtimes</h2>',
      latencyFigure(report),
      wrongs(report),
      `<div class="three">${footprintFigures(report)}</div>`,
      '<h2>Against the machine</h2>',
      whereFigure(report),
      rooflineFigure(report),
      layersFigure(report),
      kernelDensityFigure(others.kernels),
      sweepFigure(sweep),
      '<h2>What we want to reach</h2>',
      targetsTable(report, others),
      '<p class="facts">Made by <code>npm run bench:peers -- --html report.html</code></p>',
      `<script>${layersScript}</script>`,
    ],
    style,
  );
}
