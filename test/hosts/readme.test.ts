// What README.md and the guides say to paste, pasted: into new projects that have installed the package.
import { execFile } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, readdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { brotliCompressSync } from 'node:zlib';
import { build as vite } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { networks } from '../../models/index.ts';
import { exportOnnx } from '../../src/compile.ts';
import type { Detection } from '../../src/index.ts';
import { patience } from '../patience.ts';
import { useBrowser } from './browser.ts';
import { cameraOf, cameraScript } from './camera.ts';
import { firefox, isEngineInstalled, webKit } from './engines.ts';
import type { EnginePage } from './engines.ts';
import { isInstalled, project, root } from './project.ts';
import { bundleForWorkerd, workerd } from './workerd.ts';
import { serveFolder, strictPolicy } from './site.ts';

const run = promisify(execFile);
const hostModules = path.join(root, 'test/hosts/node_modules');
const samples = path.join(root, 'examples/web/public/samples');
const players = path.join(samples, 'players.jpg');

/** The code blocks of a page in a language, in order. */
function snippets(page: string, language: string): string[] {
  const text = readFileSync(path.join(root, page), 'utf8');
  return [...text.matchAll(/```(\w+)\n(.*?)```/gs)].filter(([, name]) => name === language).map(([, , code]) => code);
}
const readme = {
  html: snippets('README.md', 'html'),
  js: snippets('README.md', 'js'),
  sh: snippets('README.md', 'sh'),
};

/** A project with the package, its dependencies, and photo.jpg. */
function newProject(files: Record<string, string | Uint8Array>): string {
  const folder = project({ 'photo.jpg': readFileSync(players), ...files });
  for (const name of ['@jsquash', 'commander', 'fflate', 'flatbuffers', 'pbf']) {
    symlinkSync(path.join(root, 'node_modules', name), path.join(folder, 'node_modules', name));
  }
  return folder;
}

it('README.md has one page, a script and a worker', () => {
  expect([readme.html.length, readme.js.length]).toEqual([1, 2]);
});

/** Waits until boxes around persons are on the canvas, whose size is the picture's. */
async function expectPersons(page: EnginePage): Promise<void> {
  const yellow = () =>
    page.evaluate(() => {
      const canvas = document.querySelector('canvas')!;
      if (canvas.width !== 960 || canvas.height !== 640) return 0;
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, 960, 640);
      let count = 0;
      for (let i = 0; i < data.length; i += 4) {
        count += Number(data[i] === 240 && data[i + 1] === 228 && data[i + 2] === 66);
      }
      return count;
    });
  await expect.poll(yellow, { timeout: patience }).toBeGreaterThan(1000);
}

/** Builds a page as README.md says, with photo.jpg beside it. @returns the folder */
async function builtPage(html: string): Promise<string> {
  const page = `<!doctype html><link rel="icon" href="data:,">\n${html}`;
  const folder = newProject({ 'index.html': page, 'public/photo.jpg': readFileSync(players) });
  await vite({ root: folder, logLevel: 'error' });
  return path.join(folder, 'dist');
}

describe('in a project with Vite', () => {
  const browser = useBrowser(cameraOf(players));

  it.each([
    ['README.md', readme.html[0]],
    ['docs/guides/page.md', snippets('docs/guides/page.md', 'html')[0]],
    ['docs/guides/video.md', snippets('docs/guides/video.md', 'html')[0]],
  ])('the page of %s draws what it finds', async (_, html) => {
    const opened = await browser.page(await serveFolder(await builtPage(html)));
    await expectPersons(opened.page);
    expect(opened.problems).toEqual([]);
    await opened.page.close();
  });

  it('the worker of docs/guides/worker.md answers its page', async () => {
    const [worker, script] = snippets('docs/guides/worker.md', 'js');
    const before = `
      const video = document.createElement('video');
      video.srcObject = await navigator.mediaDevices.getUserMedia({ video: true });
      await video.play();
      document.body.append(video);
    `;
    const html = '<!doctype html><link rel="icon" href="data:,"><body><script type="module" src="/page.js"></script>';
    const folder = newProject({ 'index.html': html, 'page.js': before + script, 'worker.js': worker });
    await vite({ root: folder, logLevel: 'error' });
    const { page, problems } = await browser.page(await serveFolder(path.join(folder, 'dist')), '/');
    const found = await page.waitForEvent('console', { timeout: patience });
    expect(await found.args()[0].evaluate((list: Detection[]) => list.map(({ label }) => label))).toContain('person');
    expect(problems).toEqual([]);
    await page.close();
  });

  it('the page of README.md downloads as little as README.md says, under a strict policy', async () => {
    const folder = newProject({ 'index.html': readme.html[0].replaceAll('  import', 'import') });
    await vite({ root: folder, logLevel: 'error' });
    const site = await serveFolder(path.join(folder, 'dist'), strictPolicy);
    const { page } = await browser.page(site);
    await expectPersons(page);
    const files = site.requests.filter((name) => /\.(js|wasm)$/.test(name));
    const bytes = files.map((name) => brotliCompressSync(readFileSync(path.join(folder, 'dist', name))).length);
    const kilobytes = bytes.reduce((a, b) => a + b) / 1000;
    const [, said] = /downloads (\d+) kB/.exec(readFileSync(path.join(root, 'README.md'), 'utf8'))!;
    expect(Math.abs(kilobytes - Number(said)), `${kilobytes.toFixed(1)} kB: ${files.join(' ')}`).toBeLessThan(3);
    await page.close();
  });
});

describe.each([[firefox.name, firefox] as const, [webKit.name, webKit] as const])('in %s', (_, engine) => {
  const browser = useBrowser<EnginePage>([], engine);
  const pages = ['README.md', 'docs/guides/page.md', 'docs/guides/video.md'].filter(
    (page) => page !== 'docs/guides/video.md' || engine.streams.includes('camera'), // it follows a camera's stream
  );

  it.skipIf(!isEngineInstalled(engine)).each(pages)('the page of %s draws what it finds', async (page) => {
    const site = await serveFolder(await builtPage(snippets(page, 'html')[0]));
    site.first.set('/camera.js', cameraScript('/photo.jpg'));
    const opened = await browser.page(site);
    await expectPersons(opened.page);
    expect(opened.problems).toEqual([]);
    await opened.page.close();
  });
});

describe('the script of', () => {
  const hosts = {
    Node: [process.execPath],
    Deno: [path.join(hostModules, '.bin/deno'), 'run', '--no-prompt', '--allow-read'],
    Bun: [path.join(hostModules, '.bin/bun')],
  };
  const pages = [
    ['README.md', readme.js[0]],
    ['docs/guides/node.md', snippets('docs/guides/node.md', 'js')[0]],
  ];
  for (const [name, [program, ...options]] of Object.entries(hosts)) {
    it.skipIf(!isInstalled(program)).each(pages)(`%s prints what is in photo.jpg, in ${name}`, async (_, script) => {
      const folder = newProject({ 'script.mjs': script });
      const { stdout } = await run(program, [...options, 'script.mjs'], { cwd: folder });
      expect(stdout.match(/person/g)?.length).toBe(3);
      expect(stdout).toContain('sports ball');
    });
  }
});

const deno = path.join(hostModules, '.bin/deno');
it.skipIf(!isInstalled(deno))('Deno without --allow-read is told to give it', async () => {
  const folder = newProject({ 'script.mjs': readme.js[0] });
  const { stderr } = await run(deno, ['run', '--no-prompt', 'script.mjs'], { cwd: folder }).then(
    () => expect.unreachable(),
    (error: { stderr: string }) => error,
  );
  expect(stderr).toContain('run again with the --allow-read flag');
  expect(stderr).not.toContain('not where the package expects it');
});

describe('the worker of', () => {
  const children: ChildProcess[] = [];
  afterAll(() => children.forEach((child) => child.kill()));

  it.skipIf(!isInstalled(workerd)).each([
    ['README.md', readme.js[1]],
    ['docs/guides/edge.md', snippets('docs/guides/edge.md', 'js')[0]],
  ])('%s answers a photo in workerd', async (_, worker) => {
    const folder = newProject({ 'worker.js': worker });
    const { url, child } = await bundleForWorkerd(folder);
    children.push(child);
    const response = await fetch(url, { method: 'POST', body: readFileSync(players) });
    const { detections } = (await response.json()) as { detections: Detection[] };
    expect(detections.map(({ label }) => label).toSorted()).toEqual(['person', 'person', 'person', 'sports ball']);
  });

  it('both have the same settings of wrangler, by which models are data', () => {
    const [settings] = snippets('README.md', 'jsonc');
    expect(snippets('docs/guides/edge.md', 'jsonc')).toEqual([settings]);
    const { main, rules } = JSON.parse(settings) as { main: string; rules: { type: string; globs: string[] }[] };
    expect(main).toBe('worker.js'); // where `bundleForWorkerd` has it
    expect(rules).toMatchObject([{ type: 'Data', globs: ['**/*.filigree'] }]);
  });
});

describe('commands of README.md', () => {
  it('a clone finds what is in a photo', async () => {
    const command = readme.sh.find((block) => block.includes('npm run detect'))!;
    const [, photo] = /^npm install && npm run detect -- (\S+)\n$/.exec(command)!;
    const { stdout } = await run('npm', ['run', '--silent', 'detect', '--', photo], { cwd: root });
    expect(stdout.match(/^car /gm)?.length).toBeGreaterThan(5);
  });

  it.each(['README.md', 'docs/guides/pruning.md', 'docs/guides/fine-tuning.md', 'docs/guides/models.md'])(
    'a network of one’s own is pruned, compiled and run, as %s says',
    async (page) => {
      const bytes = exportOnnx(networks.yolov8n({ width: 0.125, resolution: 64, classes: 3 }));
      const folder = newProject({ 'yolov8n.onnx': bytes, 'model.onnx': bytes });
      mkdirSync(path.join(folder, 'photos'));
      for (const file of readdirSync(samples).filter((name) => name.endsWith('.jpg')))
        copyFileSync(path.join(samples, file), path.join(folder, 'photos', file));
      const commands = snippets(page, 'sh').flatMap((block) => block.trim().split('\n'));
      const ours = commands.filter((command) => command.startsWith('npx filigree'));
      expect(ours.length).toBeGreaterThan(1);
      for (const command of ours) {
        const [, , ...options] = command.split(' ');
        // what training would make of it
        if (options.includes('tuned.onnx'))
          copyFileSync(path.join(folder, 'sparse.onnx'), path.join(folder, 'tuned.onnx'));
        const main = path.join(folder, 'node_modules/filigree/dist/cli/main.js');
        const { stdout } = await run(process.execPath, [main, ...options], { cwd: folder });
        if (options[0] === 'prune') expect(stdout).toMatch(/of the pruned layers/);
      }
    },
  );
});

beforeAll(() => {
  process.env.BROWSERSLIST_IGNORE_OLD_DATA = 'true';
});
