// Runs runtimes in a real browser: a page of its own for each round of each, isolated, so that threads have shared memory and
// clocks are fine.
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { chromium, firefox, isEngineInstalled, webKit } from '../../test/hosts/engines.ts';
import type { Engine, EnginePage, Launched } from '../../test/hosts/engines.ts';
import { closeServers, isolation, serveFolder } from '../../test/hosts/site.ts';
import type { Site } from '../../test/hosts/site.ts';
import type { PeerResult, RunOptions } from '../../test/peers/index.ts';
import type { Runtime } from './results.ts';

export const browsers = { chromium, firefox, webkit: webKit } as const;
export type BrowserName = keyof typeof browsers;

/** What a page is told, in its address. */
export interface PageOptions extends Required<RunOptions> {
  /** Paths of the model, and of its one input as raw floats. */
  model: string;
  input: string;
}

/** What it answers. */
export interface PageResult {
  /** Milliseconds from the navigation to the first result: scripts, wasm and the model come from this machine. */
  msCold: number;
  msMedian: number;
  msMinimum: number;
  outputs: { shape: number[]; base64: string }[];
}

/** The runtimes that have a page here, and the folders of node_modules that their pages ask for. */
const folders: Partial<Record<Runtime, string>> = {
  litert: '@litertjs/core/wasm',
  'tfjs-tflite': '@tensorflow/tfjs-tflite/wasm',
  onnxruntime: 'onnxruntime-web/dist',
};
export const pageRuntimes: readonly Runtime[] = ['filigree', 'tfjs-tflite', 'litert', 'onnxruntime'];

const root = fileURLToPath(new URL('../../', import.meta.url));

/** A browser with a site of all pages. */
export class BrowserHost {
  private files = 0;
  private readonly browser: Launched<EnginePage>;
  private readonly site: Site;
  private readonly folder: string;

  private constructor(browser: Launched<EnginePage>, site: Site, folder: string) {
    this.browser = browser;
    this.site = site;
    this.folder = folder;
  }

  /** @throws Error when the browser is not installed or `npm run build` has not been run */
  static async start(name: BrowserName): Promise<BrowserHost> {
    const engine: Engine = browsers[name];
    if (!isEngineInstalled(engine)) throw new Error(`--host ${name}: install ${engine.packages}`);
    const folder = await mkdtemp(path.join(tmpdir(), 'filigree-pages-'));
    await build({
      absWorkingDir: root,
      entryPoints: pageRuntimes.map((runtime) => `bench/peers/pages/${runtime}.ts`),
      outdir: folder,
      bundle: true,
      format: 'esm',
      platform: 'browser',
      logLevel: 'error',
    });
    for (const runtime of pageRuntimes) {
      const html = `<!doctype html><title>${runtime}</title><script type="module" src="/${runtime}.js"></script>`;
      writeFileSync(path.join(folder, `${runtime}.html`), html);
      const modules = folders[runtime];
      if (modules) symlinkSync(path.join(root, 'node_modules', modules), path.join(folder, servedAs(runtime)));
    }
    symlinkSync(path.join(root, 'dist'), path.join(folder, 'dist'));
    mkdirSync(path.join(folder, 'inputs'));
    return new BrowserHost(await engine.launch(), await serveFolder(folder, isolation), folder);
  }

  /** What the browser says it is. */
  async version(): Promise<string> {
    const { page } = await this.browser.open(this.site, '/filigree.html');
    const agent = await page.evaluate(() => navigator.userAgent);
    await page.close();
    // WebKit's own comes last: others claim to be it
    const versions = ['Chrome', 'Firefox', 'Version'].map((of) => new RegExp(`${of}/([\\d.]+)`).exec(agent)?.[1]);
    return versions.find((version) => version !== undefined) ?? agent;
  }

  /**
   * As runPeer, in a page. Memory is not measured.
   * @throws Error with what the page says
   */
  async run(runtime: Runtime, file: string, input: Float32Array, options: Required<RunOptions>): Promise<PeerResult> {
    const name = `/inputs/${this.files++}.bin`;
    writeFileSync(path.join(this.folder, name), new Uint8Array(input.buffer, input.byteOffset, input.byteLength));
    // published files lie elsewhere
    const served = `/inputs/${this.files++}-${path.basename(file)}`;
    symlinkSync(path.resolve(file), path.join(this.folder, served));
    const asked: PageOptions = { ...options, model: served, input: name };
    const { page, problems } = await this.browser.open(
      this.site,
      `/${runtime}.html?${encodeURIComponent(JSON.stringify(asked))}`,
    );
    try {
      await page.waitForFunction(() => 'measured' in globalThis);
      const { outputs, ...result } = await page.evaluate(
        () => (globalThis as unknown as { measured: Promise<PageResult> }).measured,
      );
      return {
        ...result,
        outputs: outputs.map(({ shape, base64 }) => {
          const bytes = new Uint8Array(Buffer.from(base64, 'base64'));
          return { shape, data: new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4) };
        }),
      };
    } catch (error) {
      throw new Error([...problems, (error as Error).message].join('; '), { cause: error });
    } finally {
      await page.close();
    }
  }

  async close(): Promise<void> {
    await this.browser.close();
    closeServers();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** The folder that a runtime's page asks for its wasm in. */
const servedAs = (runtime: Runtime) => (runtime === 'tfjs-tflite' ? 'tflite' : runtime);
