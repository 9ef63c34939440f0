// examples/react and examples/svelte as their READMEs say: built in a clone, then used in Chromium.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { useBrowser } from './browser.ts';
import { cameraOf } from './camera.ts';
import { cloneExample } from './clone.ts';
import { root } from './project.ts';
import { serveFolder } from './site.ts';

const photo = path.join(root, 'examples/web/public/samples/players.jpg');

const said = (page: Page, what: string) =>
  page.waitForFunction((text) => document.querySelector('[role=status]')!.textContent!.includes(text), what);

/** How much of the canvas has the colour of boxes around persons. */
const yellow = (page: Page) =>
  page.evaluate(() => {
    const canvas = document.querySelector('canvas')!;
    const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let i = 0; i < data.length; i += 4) {
      count += Number(data[i] === 240 && data[i + 1] === 228 && data[i + 2] === 66);
    }
    return count;
  });

describe('a component in', () => {
  const browser = useBrowser(cameraOf(photo));
  const sites: Record<string, string> = {};
  beforeAll(async () => {
    for (const name of ['react', 'svelte']) {
      const example = cloneExample(name);
      await example.run('build');
      sites[name] = path.join(example.folder, 'dist');
    }
  });

  it('React finds what the camera sees', async () => {
    const { page, problems } = await browser.page(await serveFolder(sites.react));
    await said(page, 'person');
    expect(await yellow(page)).toBeGreaterThan(1000);
    expect(problems).toEqual([]);
    await page.close();
  });

  it('Svelte finds objects in a photo, and reports files that are not photos', async () => {
    const { page, problems } = await browser.page(await serveFolder(sites.svelte));
    await page.setInputFiles('input', photo);
    await said(page, 'sports ball');
    expect(await yellow(page)).toBeGreaterThan(1000);
    await page.setInputFiles('input', path.join(root, 'package.json'));
    await page.waitForFunction(() => !document.querySelector('[role=status]')!.textContent!.includes('ball'));
    expect(problems).toEqual([]);
    await page.close();
  });

  it('has at most 40 lines', () => {
    for (const file of ['react/src/Camera.tsx', 'svelte/src/Photo.svelte']) {
      const lines = readFileSync(path.join(root, 'examples', file), 'utf8')
        .trim()
        .split('\n');
      expect(lines.filter((line) => line.trim() !== '').length, file).toBeLessThanOrEqual(40);
    }
  });
});
