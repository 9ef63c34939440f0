// examples/web as its README says: built in a clone by Vite, then driven in Chromium.
import { readFileSync, readdirSync, statSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { readHeader } from '../../src/artifact/read.ts';
import { useBrowser } from './browser.ts';
import { cameraOf } from './camera.ts';
import { cloneExample } from './clone.ts';
import { chromium, firefox, isEngineInstalled, webKit } from './engines.ts';
import type { Engine, EnginePage } from './engines.ts';
import { jpegFile, root } from './project.ts';
import { isolation, serveFolder, strictPolicy } from './site.ts';

let site: string;
let readme: string;
/** Where screenshots go, for people to look at. */
const pictures = path.join(root, 'node_modules/.cache/filigree/web');
const samples = path.join(root, 'examples/web/public/samples');
const players = path.join(samples, 'players.jpg');
const fullRange = path.join(root, 'node_modules/@mediapipe/face_detection/face_detection_full_range.tflite');
const sparseFaces = path.join(root, 'node_modules/@mediapipe/face_detection/face_detection_full_range_sparse.tflite');

beforeAll(async () => {
  const example = cloneExample('web');
  readme = example.readme;
  await example.run('build');
  site = path.join(example.folder, 'dist');
  mkdirSync(pictures, { recursive: true });
});

const ready = (page: EnginePage) => page.waitForFunction(() => document.querySelector('#chart svg'));
/** Texts of all elements. */
const texts = (page: EnginePage, selector: string): Promise<string[]> =>
  page.evaluate((of) => [...document.querySelectorAll(of)].map((element) => element.textContent), selector);
const counts = (page: EnginePage) => texts(page, '#comparison .count');
const says = (page: EnginePage, selector: string, text: string) =>
  page.waitForFunction(([at, words]) => document.querySelector(at)?.textContent?.includes(words), [
    selector,
    text,
  ] as const);

async function drop(
  page: EnginePage,
  place: string,
  files: { file: string; name: string; type?: string }[],
): Promise<void> {
  const dropped = files.map(({ file, name, type = '' }) => ({ base64: readFileSync(file, 'base64'), name, type }));
  await page.evaluate(
    ([selector, list]) => {
      const data = new DataTransfer();
      for (const { base64, name, type } of list) {
        data.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], name, { type }));
      }
      const event = new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true });
      document.querySelector(selector)!.dispatchEvent(event);
    },
    [place, dropped] as const,
  );
}

/** Of each picture: its size, and pixels of the colour of boxes around faces and persons. */
const painted = (page: EnginePage, place = '#comparison') =>
  page.evaluate(
    (selector) =>
      [...document.querySelectorAll<HTMLCanvasElement>(`${selector} canvas`)].map((canvas) => {
        const { width, height } = canvas;
        const { data } = canvas.getContext('2d')!.getImageData(0, 0, width, height);
        let yellow = 0;
        for (let i = 0; i < data.length; i += 4) {
          yellow += Number(data[i] === 240 && data[i + 1] === 228 && data[i + 2] === 66);
        }
        return { width, height, yellow };
      }),
    place,
  );

/** What a screen reader would miss: fields and buttons without a name, pictures without a text, ids that are there twice. */
const unnamed = (page: Page) =>
  page.evaluate(() => {
    const nameOf = (element: Element) =>
      element.getAttribute('aria-label') ??
      ((element as HTMLInputElement).labels?.[0]?.textContent ||
        element.textContent ||
        element.querySelector('img')?.alt);
    const fields = [
      ...document.querySelectorAll('button, input, select, a, progress, video, canvas:not([aria-hidden])'),
    ];
    const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
    return [
      ...fields.filter((element) => !nameOf(element)?.trim()).map((element) => element.outerHTML),
      ...[...document.querySelectorAll('img')].filter((image) => !image.hasAttribute('alt')).map(({ src }) => src),
      ...ids.filter((id, i) => ids.indexOf(id) !== i),
    ];
  });

it('is one folder of 3 MB', () => {
  const files = readdirSync(site, { recursive: true, encoding: 'utf8' }).map((file) => path.join(site, file));
  const bytes = files.reduce((sum, file) => sum + (statSync(file).isFile() ? statSync(file).size : 0), 0);
  expect(bytes).toBeLessThan(3e6);
  const [, said] = /of (\d\.\d) MB/.exec(readme)!;
  expect(bytes / 1e6).toBeCloseTo(Number(said), 1);
});

const everywhere: Engine<EnginePage>[] = [chromium, firefox, webKit];

describe.each(everywhere.map((engine) => [engine.name, engine] as const))('the page in %s', (_, engine) => {
  const browser = useBrowser<EnginePage>([], engine);

  it.skipIf(!isEngineInstalled(engine))(
    'compares on the same picture, takes photos and networks, and complains of what is neither',
    async () => {
      const server = await serveFolder(site, { ...strictPolicy, ...isolation });
      const { page, problems } = await browser.page(server);
      if ('setViewportSize' in page) await (page as Page).setViewportSize({ width: 1400, height: 900 });
      await ready(page);
      expect(await counts(page)).toEqual(['3 faces', '3 faces']);
      for (const { yellow } of await painted(page)) expect(yellow).toBeGreaterThan(500);
      expect((await texts(page, '#chart g')).length).toBeGreaterThan(50);
      const [early] = await texts(page, '.verdict');
      expect(early).toMatch(/^Measuring: \d+ (of 20 )?pairs of runs|zeros/);
      await page.waitForFunction(() => /zeros/.test(document.querySelector('.verdict')!.textContent!));
      expect((await texts(page, '.verdict'))[0]).toMatch(/ × as (fast|long) as multiplying zeros$|the same speed$/);
      if (engine === chromium)
        await (page as Page).screenshot({ path: path.join(pictures, 'wide.png'), fullPage: true });

      await drop(page, '#look', [{ file: jpegFile, name: 'group.jpg', type: 'image/jpeg' }]);
      await says(page, '#comparison .count', '5 faces');
      expect((await painted(page)).map(({ width, height }) => [width, height])).toEqual([
        [1920, 1398],
        [1920, 1398],
      ]);
      await drop(page, '#look', [{ file: path.join(root, 'package.json'), name: 'notes.txt', type: 'text/plain' }]);
      await says(page, '#problem', 'notes.txt');
      await drop(page, '#look', [{ file: path.join(root, 'package.json'), name: 'broken.filigree' }]);
      await says(page, '#problem', '.filigree model');

      await drop(page, '#look', [{ file: sparseFaces, name: 'mine.tflite' }]);
      await says(page, '#note', 'mine.tflite');
      expect(await counts(page)).toEqual(['5 faces', '5 faces']);
      expect(await texts(page, '#model option')).toContain('mine.tflite');
      // a network without zeros has no twin
      await drop(page, '#look', [{ file: fullRange, name: 'dense.tflite' }]);
      await says(page, '#note', 'dense.tflite');
      expect(await counts(page)).toEqual(['5 faces']);
      expect(problems).toEqual([]);
      await page.close();
    },
  );
});

describe('the page', () => {
  const browser = useBrowser(cameraOf(players));

  it('finds objects, on a phone, in the dark, by keyboard', async () => {
    const server = await serveFolder(site, strictPolicy);
    const { page, problems } = await browser.page(server);
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.setViewportSize({ width: 390, height: 844 });
    await ready(page);
    await page.screenshot({ path: path.join(pictures, 'phone.png'), fullPage: true });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
    await page.focus('#model');
    await page.keyboard.press('ArrowDown');
    await says(page, '#note', 'Objects');
    expect(await counts(page)).toEqual([expect.stringMatching(/^\d+ cars/)]);
    expect(await unnamed(page)).toEqual([]);
    await page.screenshot({ path: path.join(pictures, 'phone-objects.png'), fullPage: true });

    // every control is reached by the tabulator, and the samples work by the space bar
    const controls = await page.locator('button:visible, select:visible, input, a:visible, summary:visible').count();
    const reached = new Set<string>();
    await page.focus('#copy');
    for (let i = 0; i < 2 * controls; i++) {
      reached.add(await page.evaluate(() => document.activeElement!.id || document.activeElement!.outerHTML));
      await page.keyboard.press('Tab');
    }
    for (const id of ['copy', 'model', 'camera', 'file', 'network', 'photos', 'folder', 'sample-network', 'amount'])
      expect(reached).toContain(id);
    await page.focus('#samples button:nth-child(4)');
    await page.keyboard.press('Space');
    await says(page, '#comparison .count', 'dog');
    expect(problems).toEqual([]);
    await page.close();
  });

  it('watches the camera, and stops', async () => {
    const { page, problems } = await browser.page(await serveFolder(site, strictPolicy));
    await ready(page);
    await page.selectOption('#model', '1');
    await says(page, '#note', 'Objects');
    await page.click('#camera');
    await says(page, '#comparison .count', 'sports ball');
    expect(await page.getAttribute('#camera', 'aria-pressed')).toBe('true');
    expect(await painted(page)).toEqual([{ width: 960, height: 640, yellow: expect.any(Number) }]);
    await page.click('#camera');
    expect(await page.getAttribute('#camera', 'aria-pressed')).toBe('false');
    expect(problems).toEqual([]);
    await page.close();
  });

  it('prunes a network on photos, shows it beside the dense one, and offers it with its masks', async () => {
    const { page, problems } = await browser.page(await serveFolder(site, { ...strictPolicy, ...isolation }));
    await page.setViewportSize({ width: 1400, height: 900 });
    expect(await page.isDisabled('#start')).toBe(true);
    await drop(page, '#prune', [{ file: path.join(root, 'package.json'), name: 'notes.txt', type: 'text/plain' }]);
    await says(page, '#prune-problem', 'neither a photo nor');
    await drop(page, '#prune', [
      { file: fullRange, name: 'faces.tflite' },
      { file: path.join(samples, 'crew.jpg'), name: 'crew.jpg', type: 'image/jpeg' },
      { file: players, name: 'players.jpg', type: 'image/jpeg' },
    ]);
    await says(page, '#photo-count', '2 photos');
    await page.click('#viewfinder-toggle');
    await page.click('#take');
    await says(page, '#photo-count', '3 photos');
    await page.click('#viewfinder-toggle');
    await page.check('input[value=speed]');
    expect(await page.textContent('#amount-text')).toBe('1.5 × the speed');
    await page.check('input[value=zeros]');
    await page.fill('#amount', '40');
    expect(await page.textContent('#amount-text')).toBe('40 % zeros');

    await page.click('#start');
    await page.waitForFunction(() => /photo|Layer/.test(document.getElementById('pruning-text')!.textContent!));
    await page.click('#cancel');
    expect(await page.isVisible('#pruning')).toBe(false);
    await page.click('#start');
    await page.waitForSelector('#outcome:not([hidden])');
    expect(await page.textContent('#prune-problem')).toBe('');
    expect(await page.locator('#pruned-comparison .count').allTextContents()).toEqual(['3 faces', '3 faces']);
    for (const { yellow } of await painted(page, '#pruned-comparison')) expect(yellow).toBeGreaterThan(500);
    expect(await page.textContent('#facts')).toContain('40 %');
    await page.waitForFunction(() =>
      / × as |same/.test(document.querySelector('#pruned-comparison .verdict')!.textContent!),
    );
    await page.screenshot({ path: path.join(pictures, 'pruned.png'), fullPage: true });
    await page.click('#next-photo');
    expect(await page.textContent('#photo-number')).toBe('Photo 2 of 3');
    expect(await unnamed(page)).toEqual([]);

    const files: Record<string, Uint8Array> = {};
    for (const link of await page.locator('#downloads a').all()) {
      const [download] = await Promise.all([page.waitForEvent('download'), link.click()]);
      files[download.suggestedFilename()] = new Uint8Array(readFileSync((await download.path())!));
    }
    expect(Object.keys(files)).toEqual(['faces-pruned.filigree', 'faces-masks.safetensors']);
    const { metadata } = readHeader(files['faces-pruned.filigree'], 'faces-pruned.filigree');
    expect(metadata.program).toContain('spmm');
    expect(new TextDecoder().decode(files['faces-masks.safetensors'].subarray(8, 200))).toContain('second-order');
    expect(problems).toEqual([]);
    await page.close();
  });

  it('loads a network to try from jsDelivr, and only when it is asked for', async () => {
    const { page, problems } = await browser.page(await serveFolder(site));
    const asked: string[] = [];
    await page.route('https://cdn.jsdelivr.net/**', (route) => {
      asked.push(route.request().url());
      return route.fulfill({ path: fullRange, headers: { 'access-control-allow-origin': '*' } });
    });
    await ready(page);
    expect(asked).toEqual([]);
    await page.click('#sample-network');
    await says(page, '#network-name', '1.08 MB');
    const { devDependencies } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
      devDependencies: Record<string, string>;
    };
    expect(asked).toEqual([expect.stringContaining(`face_detection@${devDependencies['@mediapipe/face_detection']}/`)]);
    expect(problems.filter((problem) => !problem.startsWith('request to https://cdn.jsdelivr.net'))).toEqual([]);
    await page.close();
  });

  it('works offline after its first load', async () => {
    const server = await serveFolder(site, strictPolicy);
    const { page, problems } = await browser.page(server);
    await ready(page);
    await page.evaluate(() => navigator.serviceWorker.ready);
    await page.context().setOffline(true);
    await page.reload();
    await ready(page);
    expect(await counts(page)).toEqual(['3 faces', '3 faces']);
    // the service worker sends what gives a page threads
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    expect(problems).toEqual([]);
    await page.close();
  });
});
