// examples/web as someone serves it: built by Vite, then driven in Chromium.
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { isolation, serveFolder, strictPolicy, useBrowser } from './browser.ts';
import { jpegFile, project, root } from './project.ts';

let site: string;
/** Where screenshots go, for people to look at. */
const pictures = path.join(root, 'node_modules/.cache/filigree/web');

beforeAll(async () => {
  const folder = project();
  const source = path.join(root, 'examples/web');
  cpSync(source, folder, {
    recursive: true,
    filter: (file) => !/node_modules|dist|public\/(models|samples)/.test(path.relative(source, file)),
  });
  const modules = path.join(folder, 'node_modules');
  for (const name of ['@mediapipe', '@vladmandic', 'fflate', 'flatbuffers', 'pbf']) {
    symlinkSync(path.join(root, 'node_modules', name), path.join(modules, name));
  }
  for (const name of ['comlink', 'vite']) {
    symlinkSync(path.join(root, 'test/hosts/node_modules', name), path.join(modules, name));
  }
  const run = (...script: string[]) =>
    promisify(execFile)(process.execPath, script, { cwd: folder, env: { ...process.env, NODE_ENV: 'production' } });
  await run('prepare.mjs');
  await run('node_modules/vite/bin/vite.js', 'build');
  site = path.join(folder, 'dist');
  mkdirSync(pictures, { recursive: true });
});

const ready = (page: Page) => page.waitForSelector('#chart svg');
const status = (page: Page) => page.textContent('#count');

async function drop(page: Page, file: string, name: string, type: string): Promise<void> {
  const base64 = readFileSync(file, 'base64');
  await page.evaluate(
    ([bytes, fileName, mime]) => {
      const data = new DataTransfer();
      data.items.add(new File([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], fileName, { type: mime }));
      document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));
    },
    [base64, name, type],
  );
}

/** Pixels of the canvas that differ from the photo's: boxes and labels. */
const painted = (page: Page) =>
  page.evaluate(async () => {
    const canvas = document.querySelector('canvas')!;
    const { width, height } = canvas;
    const data = canvas.getContext('2d')!.getImageData(0, 0, width, height).data;
    let yellow = 0;
    for (let i = 0; i < data.length; i += 4) {
      yellow += Number(data[i] === 240 && data[i + 1] === 228 && data[i + 2] === 66);
    }
    return { width, height, yellow };
  });

describe('the page', () => {
  const browser = useBrowser();

  it('shows the sample, accepts a dropped photo and a dropped model, and rejects other files', async () => {
    const server = await serveFolder(site, { ...strictPolicy, ...isolation });
    const { page, problems } = await browser.page(server);
    await page.setViewportSize({ width: 1400, height: 900 });
    await ready(page);
    expect(await status(page)).toBe('5 faces');
    expect((await painted(page)).yellow).toBeGreaterThan(1000);
    await page.screenshot({ path: path.join(pictures, 'wide.png'), fullPage: true });
    expect(await page.textContent('#verdict')).toMatch(/\d\.\d × as fast/);
    expect(await page.locator('#chart g').count()).toBeGreaterThan(50);

    await page.click('#samples button:nth-child(2)');
    await page.waitForFunction(() => document.getElementById('count')!.textContent === '3 faces');
    await drop(page, jpegFile, 'group.jpg', 'image/jpeg');
    await page.waitForFunction(() => document.getElementById('count')!.textContent === '5 faces');
    expect(await painted(page)).toMatchObject({ width: 1920, height: 1398 });

    await drop(page, path.join(root, 'package.json'), 'notes.txt', 'text/plain');
    await page.waitForSelector('#problem:not([hidden])');
    expect(await page.textContent('#problem')).toContain('notes.txt');
    await drop(page, path.join(root, 'package.json'), 'broken.filigree', '');
    await page.waitForFunction(() => document.getElementById('problem')!.textContent!.includes('.filigree model'));

    await drop(page, path.join(root, 'dist/models/face-detection.filigree'), 'mine.filigree', '');
    await page.waitForFunction(() => document.getElementById('note')!.textContent!.startsWith('mine.filigree'));
    expect(await page.locator('#model option').allTextContents()).toContain('mine.filigree');
    expect(problems).toEqual([]);
    await page.close();
  });

  it('finds objects with another model, on a phone, in the dark, by keyboard', async () => {
    const server = await serveFolder(site, strictPolicy);
    const { page, problems } = await browser.page(server);
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.setViewportSize({ width: 390, height: 844 });
    await ready(page);
    await page.screenshot({ path: path.join(pictures, 'phone.png'), fullPage: true });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
    await page.focus('#model');
    await page.keyboard.press('ArrowDown');
    await page.waitForFunction(() => document.getElementById('note')!.textContent!.startsWith('Objects'));
    expect(await status(page)).not.toContain('face');
    await page.screenshot({ path: path.join(pictures, 'phone-objects.png'), fullPage: true });
    expect(problems).toEqual([]);
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
    expect(await status(page)).toBe('5 faces');
    // the service worker sends what gives a page threads
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    expect(problems).toEqual([]);
    await page.close();
  });
});
