// The page: starts a measurement in a worker, shows how far it is, and then what was found.
import type { Peak } from '../../../bench/peak.ts';
import type { DeviceReport, FromWorker, Settings } from './messages.ts';
import { roofline } from './roofline.ts';

const element = <E extends HTMLElement = HTMLElement>(id: string) => document.getElementById(id) as E;
const starts = [element<HTMLButtonElement>('quick'), element<HTMLButtonElement>('full')];
const stop = element<HTMLButtonElement>('stop');
const bar = element<HTMLProgressElement>('bar');

let worker: Worker | undefined;

const percent = (share: number) => `${Math.round(100 * share)} %`;
const short = (value: number) => value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);

function setRunning(isRunning: boolean): void {
  for (const button of starts) button.disabled = isRunning;
  stop.hidden = !isRunning;
  element('progress').hidden = !isRunning;
}

function end(): void {
  worker?.terminate();
  worker = undefined;
  setRunning(false);
}

function start(settings: Settings): void {
  setRunning(true);
  element('problem').textContent = '';
  element('results').hidden = true;
  const fail = (message: string) => {
    end();
    element('problem').textContent = `This device could not be measured: ${message}`;
  };
  worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  worker.addEventListener('error', ({ message }) => fail(message || 'the worker did not start'));
  worker.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => {
    if (data.kind === 'progress') {
      bar.max = data.total;
      bar.value = data.done;
      element('what').textContent = data.what;
    } else if (data.kind === 'failed') fail(data.message);
    else {
      end();
      show(data.report);
    }
  });
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker's has none
  worker.postMessage(settings);
}

function table(id: string, head: readonly string[], rows: readonly (readonly string[])[]): void {
  const target = element<HTMLTableElement>(id);
  target.replaceChildren();
  const headRow = target.createTHead().insertRow();
  for (const text of head) {
    const cell = document.createElement('th');
    cell.scope = 'col';
    cell.textContent = text;
    headRow.append(cell);
  }
  const body = target.createTBody();
  for (const row of rows) {
    const cells = body.insertRow();
    for (const text of row) cells.insertCell().textContent = text;
  }
}

/** The best of a loop over all samples. */
const best = (peak: Peak, of: 'mulAdd' | 'relaxedMadd' | 'loadMulAdd') =>
  Math.max(...peak.samples.map((sample) => sample[of] ?? 0));

function tiles({ peak, build, device }: DeviceReport): [string, string][] {
  const fused = best(peak, 'relaxedMadd');
  return [
    [`${short(peak.gflops)} GFLOP/s`, 'peak of one thread'],
    [`${short(best(peak, 'mulAdd'))} GFLOP/s`, 'multiply, then add'],
    fused > 0 ? [`${short(fused)} GFLOP/s`, 'fused multiply-add'] : ['–', 'no relaxed SIMD here'],
    [`${short(peak.copy.at(-1)!.gbps)} GB/s`, 'copy in memory, read and written'],
    [
      build,
      `build; ${device.cores} cores, ${device.isolated ? 'threads allowed' : 'no threads: the page is not isolated'}`,
    ],
  ];
}

function show(report: DeviceReport): void {
  const items = tiles(report).map(([figure, text]) => {
    const item = document.createElement('li');
    const strong = document.createElement('b');
    strong.textContent = figure;
    item.append(strong, text);
    return item;
  });
  element('tiles').replaceChildren(...items);
  table(
    'networks',
    ['network', 'zeros', 'ms, least', 'threads', 'median', 'at the peak', 'of it', 'against dense'],
    report.networks.map(({ network, zeros, threads, ms, msAtPeak, speedup }) => [
      network,
      zeros,
      short(ms.least),
      String(threads),
      short(ms.median),
      short(msAtPeak / threads),
      percent(msAtPeak / threads / ms.least),
      speedup === undefined ? '' : `${speedup.toFixed(2)}×`,
    ]),
  );
  const densities = [...new Set(report.summary.flatMap((row) => row.densities.map(({ density }) => density)))].toSorted(
    (a, b) => a - b,
  );
  table(
    'kernels',
    ['kernel', ...densities.map((density) => `${percent(density)} kept`)],
    report.summary.map(({ kernel, densities: own }) => [
      kernel,
      ...densities.map((density) => {
        const at = own.find((point) => point.density === density);
        if (!at) return '';
        return at.speedup === undefined
          ? percent(at.shareOfPeak)
          : `${percent(at.shareOfPeak)}, ${at.speedup.toFixed(2)}×`;
      }),
    ]),
  );
  element('results').hidden = false;
  const place = element('roofline');
  place.replaceChildren(roofline(report, Math.min(place.clientWidth, 960)) ?? '');
  offer(report);
}

let offered: string | undefined;
let copied = async () => {};

function offer(report: DeviceReport): void {
  const text = JSON.stringify(report);
  if (offered) URL.revokeObjectURL(offered);
  offered = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  element<HTMLAnchorElement>('download').href = offered;
  const copy = element<HTMLButtonElement>('copy');
  copy.textContent = 'Copy as JSON';
  copied = async () => {
    try {
      await navigator.clipboard.writeText(text);
      copy.textContent = 'Copied';
    } catch {
      copy.textContent = 'Not allowed: download it instead';
    }
  };
}

/** `?filter=spmm&networks=mobilenet-v2` measures less. */
function settings(quick: boolean): Settings {
  const query = new URLSearchParams(location.search);
  const filter = query.get('filter');
  const networks = query.get('networks');
  return {
    quick,
    ...(filter !== null && { filter }),
    ...(networks !== null && { networks: networks.split(',').filter((name) => name) }),
  };
}

element('device').textContent = navigator.userAgent;
starts.forEach((button, i) => button.addEventListener('click', () => start(settings(i === 0))));
stop.addEventListener('click', end);
element('copy').addEventListener('click', () => copied());
