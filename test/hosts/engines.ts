// The browsers that tests drive, each a row: Chromium from npm, Firefox and WebKitGTK from Debian.
import { existsSync } from 'node:fs';
import chromiumBinary from '@sparticuz/chromium';
import { chromium as playwrightChromium, firefox as playwrightFirefox } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import type { Site } from './site.ts';
import { patience } from '../patience.ts';
import { launchWebKit, webKitPrograms } from './webkit.ts';

/** What tests do with a page in every engine; `Page` of Playwright has it. */
export interface EnginePage {
  /** Runs a function in the page. Its argument and result are plain data. */
  evaluate<Result, Argument>(work: (argument: Argument) => Result, argument: Argument): Promise<Awaited<Result>>;
  evaluate<Result>(work: () => Result): Promise<Awaited<Result>>;
  /** Waits until a function of the page gives something true. */
  waitForFunction<Argument>(work: (argument: Argument) => unknown, argument: Argument): Promise<unknown>;
  waitForFunction(work: () => unknown): Promise<unknown>;
  close(): Promise<void>;
}

/** A page, and what goes wrong in it: errors, console errors and requests to other origins. */
export interface Opened<P extends EnginePage = EnginePage> {
  page: P;
  problems: string[];
}

export interface Launched<P extends EnginePage> {
  open(site: Site, pathname: string): Promise<Opened<P>>;
  close(): Promise<void>;
}

export interface Engine<P extends EnginePage = EnginePage> {
  name: string;
  /** Programs that it needs and npm does not bring. */
  programs: string[];
  /** Where those come from. */
  packages: string;
  /** The build of the kernels that it runs. */
  build: 'simd' | 'relaxed';
  /** Why an isolated page has one thread, where it has. */
  oneThread?: string;
  /** Service workers of isolated pages say that they are not isolated. */
  bareServiceWorkers?: boolean;
  /** A stream may show nothing at first (seen once in seven times). */
  blankStart?: boolean;
  /** A worker that starts workers may stand still when garbage is collected, whoever starts them (docs/trust.md): it is asked again. */
  mayHang?: boolean;
  /** Only what takes threads is tested in it: it is another row in all else. */
  onlyThreads?: boolean;
  /** What `track` can follow there. */
  streams: ('camera' | 'frames' | 'video')[];
  /** What `launch` is given where tests collect garbage: the page has `gc` or `TestUtils.gc` then; WebKit's neither. */
  collecting: string[];
  /** Command lines of the processes that run pages. Others hold what drivers ask for. */
  pageProcess: RegExp;
  /** @param more arguments of its command line; WebKit's are variables of its environment */
  launch(more?: readonly string[]): Promise<Launched<P>>;
}

function drivenByPlaywright(browser: Browser): Launched<Page> {
  return {
    async open(site, pathname) {
      const page = await browser.newPage();
      page.setDefaultTimeout(patience);
      const problems: string[] = [];
      page.on('pageerror', (error) => problems.push(String(error)));
      page.on('console', (message) => {
        if (message.type() === 'error') problems.push(`${message.text()} ${message.location().url}`);
      });
      page.on('request', (request) => {
        const url = request.url();
        if (!url.startsWith(site.origin) && !/^(blob|data):/.test(url)) problems.push(`request to ${url}`);
      });
      await page.goto(site.origin + pathname);
      return { page, problems };
    },
    close: () => browser.close(),
  };
}

export const chromium: Engine<Page> = {
  name: 'Chromium',
  pageProcess: /--type=renderer/,
  programs: [],
  packages: 'npm',
  build: 'relaxed',
  streams: ['camera', 'frames', 'video'],
  collecting: ['--js-flags=--expose-gc'],
  async launch(more = []) {
    const browser = await playwrightChromium.launch({
      timeout: patience,
      executablePath: await chromiumBinary.executablePath(),
      args: ['--no-sandbox', '--no-zygote', '--headless=shell', ...more],
    });
    return drivenByPlaywright(browser);
  },
};

export const firefox: Engine<Page> = {
  name: 'Firefox',
  pageProcess: / -isForBrowser /,
  programs: ['/usr/bin/firefox-esr'],
  packages: "Debian's firefox-esr",
  build: 'relaxed',
  bareServiceWorkers: true,
  blankStart: true,
  mayHang: true,
  streams: ['camera', 'video'],
  collecting: [],
  async launch(more = []) {
    const browser = await playwrightFirefox.launch({
      timeout: patience,
      channel: 'moz-firefox', // Mozilla's own, by WebDriver BiDi
      executablePath: firefox.programs[0],
      args: [...more],
      firefoxUserPrefs: {
        'dom.testing.testutils.enabled': true,
        // Playwright asks for the body of each response to be kept, 200 MB of them by default, 20 MB at least
        'remote.network.maxTotalDataSize': 2e7,
      },
    });
    return drivenByPlaywright(browser);
  },
};

/** As Debian ships it: its JavaScriptCore has shared memory switched off, also in isolated pages, and relaxed SIMD. */
export const webKit: Engine = {
  name: 'WebKit',
  pageProcess: /WebKitWebProcess/,
  programs: webKitPrograms,
  packages: "Debian's webkit2gtk-driver and xvfb",
  build: 'simd',
  oneThread: 'this host has no shared memory',
  bareServiceWorkers: true,
  streams: ['camera', 'video'],
  collecting: [],
  launch: (more = []) => launchWebKit(more),
};

/** The same with shared memory, as Safari has it in isolated pages, and relaxed SIMD: not enough of it for us. */
export const webKitShared: Engine = {
  ...webKit,
  name: 'WebKit with switches on',
  oneThread: undefined,
  onlyThreads: true,
  launch: (more = []) => launchWebKit(['JSC_useSharedArrayBuffer=1', 'JSC_useWasmRelaxedSIMD=1', ...more]),
};

export const engines: Engine[] = [chromium, firefox, webKit, webKitShared];

/**
 * Whether a browser that npm does not bring may be skipped: not where CI wants everything.
 * @throws Error there
 */
export function isEngineInstalled({ name, programs, packages }: Engine): boolean {
  if (programs.every((program) => existsSync(program))) return true;
  if (process.env.FILIGREE_REQUIRE_DATA) throw new Error(`${name} is missing: install ${packages}`);
  return false;
}
