// New projects that import the package and are built with no configuration of ours, then opened in Chromium.
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { build as esbuild } from 'esbuild';
import { createServer, build as vite } from 'vite';
import webpack from 'webpack';
import { beforeAll, describe, expect, it } from 'vitest';
import { useBrowser } from './browser.ts';
import { patience } from '../patience.ts';
import { jpegFile, modelFile, project } from './project.ts';
import { isolation, serveFolder, strictPolicy } from './site.ts';
import type { Site } from './site.ts';

const byName = "'faces'";
/** A page's script. @param model the model of its detector @param imported what it imports besides */
const main = (model: string, imported = '', options = '{ threads: 2 }') => `
import { createDetector } from 'filigree';
${imported}
const detector = await createDetector(${model}, ${options});
const photo = await (await fetch('/photo.jpg')).blob();
const { detections } = await detector.detect(photo);
const { build, threads, notes } = detector.model.info;
document.title = [detections.length + ' faces', build, threads, ...notes.filter((note) => note.includes('thread'))].join(', ');
detector.dispose();
`;
const html = (script: string) =>
  `<!doctype html><link rel="icon" href="/icon.svg"><script type="module" src="${script}"></script>`;

/** Nothing but scripts of its own and WebAssembly, and shared memory. */
const headers = { ...strictPolicy, ...isolation };

/** A project with its static files in `assets`. */
function newProject(assets: string, script = main(byName)): string {
  const folder = project({ 'main.js': script, 'index.html': html('/main.js') });
  addAssets(path.join(folder, assets));
  return folder;
}

function addAssets(folder: string): void {
  mkdirSync(folder, { recursive: true });
  copyFileSync(modelFile, path.join(folder, 'face.filigree'));
  copyFileSync(jpegFile, path.join(folder, 'photo.jpg'));
  writeFileSync(path.join(folder, 'icon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
}

describe('a page built with', () => {
  const browser = useBrowser();
  beforeAll(() => {
    process.env.BROWSERSLIST_IGNORE_OLD_DATA = 'true';
  });

  async function expectFaces(site: Site, wanted = '5 faces, relaxed, 2'): Promise<void> {
    const { page, problems } = await browser.page(site);
    const isOver = async () => problems.length > 0 || (await page.title()) !== '';
    await expect.poll(isOver, { timeout: patience }).toBe(true);
    expect(problems).toEqual([]);
    expect(await page.title()).toBe(wanted);
    await page.close();
  }

  /** And the model that the bundler has taken along is downloaded on the first visit alone. */
  async function expectFacesTwice(site: Site): Promise<void> {
    const { page, problems } = await browser.page(site);
    const downloads = () => site.requests.filter((request) => request.includes('.filigree'));
    for (let visit = 1; visit <= 2; visit++) {
      await expect
        .poll(async () => problems.length > 0 || (await page.title()) !== '', { timeout: patience })
        .toBe(true);
      expect(problems).toEqual([]);
      expect(await page.title()).toBe('5 faces, relaxed, 2');
      expect(downloads().length).toBe(1);
      await page.reload();
    }
    await page.close();
  }

  it('Vite', async () => {
    const folder = newProject('public');
    await vite({ root: folder, logLevel: 'error' });
    await expectFacesTwice(await serveFolder(path.join(folder, 'dist'), headers));
  });

  async function expectFacesWhileDeveloping(folder: string): Promise<void> {
    const server = await createServer({
      root: folder,
      logLevel: 'error',
      server: { port: 0, host: '127.0.0.1', headers: isolation },
    });
    await server.listen();
    await expectFaces({ origin: server.resolvedUrls!.local[0].replace(/\/$/, ''), requests: [], first: new Map() });
    await server.close();
  }

  it("Vite's development server", async () => {
    const folder = newProject('public');
    await expectFacesWhileDeveloping(folder);
  });

  it('webpack', async () => {
    const folder = newProject('dist');
    await bundleByWebpack(folder);
    await expectFacesTwice(await serveFolder(path.join(folder, 'dist'), headers));
  });

  const inWorker = main(byName, '', '{ threads: 2, worker: true }');

  it('Vite, with a worker for the detector', async () => {
    const folder = newProject('public', inWorker);
    await vite({ root: folder, logLevel: 'error' });
    await expectFacesTwice(await serveFolder(path.join(folder, 'dist'), headers));
  });

  it("Vite's development server, with a worker for the detector", async () => {
    const folder = newProject('public', inWorker);
    await expectFacesWhileDeveloping(folder);
  });

  it('webpack, with a worker for the detector', async () => {
    const folder = newProject('dist', inWorker);
    await bundleByWebpack(folder);
    await expectFacesTwice(await serveFolder(path.join(folder, 'dist'), headers));
  });

  it('esbuild, with a worker for the detector', async () => {
    const folder = newProject('dist', main("'/face.filigree'", '', '{ threads: 2, worker: true }'));
    await bundleByEsbuild(folder, false);
    writeFileSync(path.join(folder, 'dist/index.html'), html('/main.js'));
    for (const worker of ['filigree-worker.js', 'detector-worker.js']) {
      copyFileSync(path.join(folder, 'node_modules/filigree/dist/browser', worker), path.join(folder, 'dist', worker));
    }
    await expectFaces(await serveFolder(path.join(folder, 'dist'), headers));
  });

  it('Vite, with a model imported as a URL', async () => {
    const imported = "import model from 'filigree/models/face-detection.filigree?url';";
    const folder = newProject('public', main('model', imported));
    await vite({ root: folder, logLevel: 'error' });
    await expectFaces(await serveFolder(path.join(folder, 'dist'), headers));
  });

  const bytes = "import model from 'filigree/models/face-detection.filigree' with { type: 'bytes' };";
  it.each([
    ['', main("'/face.filigree'"), false],
    [', split', main("'/face.filigree'"), true],
    [', with the model in the script', main('model', bytes), false],
  ])('esbuild%s', async (_, script, splitting) => {
    const folder = newProject('dist', script);
    await bundleByEsbuild(folder, splitting);
    writeFileSync(path.join(folder, 'dist/index.html'), html('/main.js'));
    // esbuild takes no files along: what a page without `worker-src blob:` puts beside its scripts
    const worker = 'filigree-worker.js';
    copyFileSync(path.join(folder, 'node_modules/filigree/dist/browser', worker), path.join(folder, 'dist', worker));
    await expectFaces(await serveFolder(path.join(folder, 'dist'), headers));
  });

  it('esbuild, which bundles no model, and says what to write', async () => {
    const folder = newProject(
      'dist',
      `${main(byName)}`.replace('await createDetector', 'await tryDetector') + tryDetector,
    );
    await bundleByEsbuild(folder, false);
    writeFileSync(path.join(folder, 'dist/index.html'), html('/main.js'));
    const { page } = await browser.page(await serveFolder(path.join(folder, 'dist')));
    await expect.poll(() => page.title(), { timeout: patience }).not.toBe('');
    const title = await page.title();
    expect(title).toContain('not-found faces: the model is not where the package expects it');
    expect(title).toContain("import model from 'filigree/models/face-detection.filigree' with { type: 'bytes' }");
    await page.close();
  });
});

async function bundleByWebpack(folder: string): Promise<void> {
  const stats = await promisify(webpack as never as (options: object, done: (...of: never[]) => void) => void)({
    context: folder,
    entry: './main.js',
    mode: 'production',
    output: { path: path.join(folder, 'dist') },
  });
  expect((stats as unknown as { compilation: { errors: unknown[]; warnings: unknown[] } }).compilation.errors).toEqual(
    [],
  );
  writeFileSync(path.join(folder, 'dist/index.html'), html('/main.js'));
}

/** Shows an error in place of faces. */
const tryDetector = `
async function tryDetector(...given) {
  try {
    return await createDetector(...given);
  } catch (error) {
    document.title = error.code + ' ' + error.message;
    throw error;
  }
}`;

const bundleByEsbuild = (folder: string, splitting: boolean) =>
  esbuild({
    absWorkingDir: folder,
    entryPoints: ['main.js'],
    bundle: true,
    format: 'esm',
    splitting,
    outdir: 'dist',
    logLevel: 'error',
  });
