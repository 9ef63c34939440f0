// examples/bench as its README says: built in the clone, and run in every browser.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { DeviceReport } from '../../examples/bench/src/messages.ts';
import { useBrowser } from './browser.ts';
import { engines, isEngineInstalled } from './engines.ts';
import type { EnginePage } from './engines.ts';
import { root } from './project.ts';
import { isolation, serveFolder } from './site.ts';

const folder = path.join(root, 'examples/bench');
const dist = path.join(folder, 'dist');
/** Where screenshots go, for people to look at. */
const pictures = path.join(root, 'node_modules/.cache/filigree/bench');

beforeAll(() => {
  const { build } = (
    JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as { scripts: { build: string } }
  ).scripts;
  const [program, ...args] = build.split(' ');
  expect(program).toBe('node');
  execFileSync(process.execPath, args, { cwd: folder });
  mkdirSync(pictures, { recursive: true });
});

async function measured(page: EnginePage): Promise<DeviceReport> {
  await page.evaluate(() => document.querySelector<HTMLButtonElement>('#quick')!.click());
  await page.waitForFunction(() => !document.querySelector<HTMLElement>('#results')!.hidden);
  return page.evaluate(async () => {
    const { href } = document.querySelector<HTMLAnchorElement>('#download')!;
    return (await (await fetch(href)).json()) as DeviceReport;
  });
}

describe('the page that measures a device', () => {
  const browser = useBrowser();

  it('measures kernels and networks, on one thread and on more', async () => {
    const site = await serveFolder(dist, isolation);
    const query = '?filter=^f32_(spmm_16x2|fill|depthwise)$&networks=mobilenet-v2';
    const { page, problems } = await browser.page(site, `/${query}`);
    const report = await measured(page);
    const { peak, results, networks, device, build } = report;
    expect(peak.gflops).toBeGreaterThan(0);
    expect(Math.max(...peak.samples.map(({ mulAdd }) => mulAdd))).toBeGreaterThan(0);
    expect(peak.samples.every(({ relaxedMadd = 0 }) => relaxedMadd > 0 === (build === 'relaxed'))).toBe(true);
    const kernels = [...new Set(results.map(({ kernel }) => kernel))].toSorted();
    expect(kernels).toEqual(['f32_depthwise', 'f32_fill', 'f32_spmm_16x2']);
    expect(device.isolated).toBe(true);
    const counts = device.cores > 1 ? [1, Math.min(device.cores, 4)] : [1];
    const zeros = ['dense', '70 % unstructured', '90 % unstructured'];
    expect(networks.map(({ threads, zeros: which }) => [threads, which])).toEqual(
      counts.flatMap((threads) => zeros.map((which) => [threads, which])),
    );
    for (const { ms, msAtPeak, effectiveMacs, speedup, zeros: which } of networks) {
      expect(ms.least).toBeGreaterThan(0);
      expect(ms.median).toBeGreaterThanOrEqual(ms.least);
      expect(msAtPeak).toBeCloseTo((2 * effectiveMacs) / peak.gflops / 1e6, 9);
      expect(speedup !== undefined).toBe(which !== 'dense');
    }
    expect(networks[2].effectiveMacs).toBeLessThan(networks[1].effectiveMacs);
    expect(await page.locator('#networks tbody tr').count()).toBe(networks.length);
    expect(await page.locator('#kernels tbody tr').count()).toBe(kernels.length);
    expect(await page.locator('#roofline svg').getAttribute('aria-label')).toContain('roofline');
    await page.screenshot({ path: path.join(pictures, 'wide.png'), fullPage: true });
    await page.setViewportSize({ width: 390, height: 800 });
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.screenshot({ path: path.join(pictures, 'phone.png'), fullPage: true });
    expect(problems).toEqual([]);
  });

  it('names what it cannot measure, stops, and starts again', async () => {
    const site = await serveFolder(dist);
    const { page } = await browser.page(site, '/?filter=^f64_');
    await page.click('#quick');
    await page.waitForFunction(() => document.querySelector('#problem')!.textContent!.includes('no kernel matches'));
    expect(await page.isEnabled('#quick')).toBe(true);
    const { page: other } = await browser.page(site);
    await other.click('#full');
    await other.click('#stop');
    expect(await other.isEnabled('#full')).toBe(true);
    expect(await other.isHidden('#progress')).toBe(true);
  });
});

describe.each(engines.filter(({ onlyThreads }) => !onlyThreads))('in $name', (engine) => {
  const browser = useBrowser([], engine);

  it.runIf(isEngineInstalled(engine))('measures, and says that threads need an isolated page', async () => {
    const { page, problems } = await browser.page(await serveFolder(dist), '/?filter=^f32_fill$&networks=mobilenet-v2');
    const { device, networks, peak, build } = await measured(page);
    expect(build).toBe(engine.build);
    expect(peak.gflops).toBeGreaterThan(0);
    expect(device.isolated).toBe(false);
    expect(networks.map(({ threads, zeros }) => [threads, zeros])).toEqual([
      [1, 'dense'],
      [1, '70 % unstructured'],
      [1, '90 % unstructured'],
    ]);
    expect(networks.every(({ ms }) => ms.least > 0 && ms.median >= ms.least)).toBe(true);
    const text = await page.evaluate(() => document.querySelector('#tiles')!.textContent);
    expect(text).toContain('not isolated');
    expect(problems).toEqual([]);
  });
});
