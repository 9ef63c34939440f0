// WebKitGTK's MiniBrowser on a screen that nobody sees, by Debian's WebKitWebDriver.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { Builder, Capabilities } from 'selenium-webdriver';
import { patience } from '../patience.ts';
import type { EnginePage, Launched } from './engines.ts';
import { freePort } from './free-port.ts';

const [webDriver, xvfb] = ['/usr/bin/WebKitWebDriver', '/usr/bin/Xvfb'];
export const webKitPrograms = [webDriver, xvfb];

const started = (child: ChildProcess) =>
  new Promise<ChildProcess>((resolve, reject) => child.once('spawn', () => resolve(child)).once('error', reject));

/** A screen that nobody sees, and its name. */
async function startScreen(): Promise<{ display: string; child: ChildProcess }> {
  const options = ['-displayfd', '3', '-screen', '0', '1400x1000x24', '-nolisten', 'tcp'];
  const child = await started(spawn(xvfb, options, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] }));
  // read to its end, which comes with the screen's: a pipe that closes early would end it
  const display = await new Promise<string>((resolve, reject) => {
    let said = '';
    (child.stdio[3] as Readable).on('data', (chunk) => {
      said += chunk;
      if (said.includes('\n')) resolve(`:${said.trim()}`);
    });
    child.once('exit', () => reject(new Error(`${xvfb} has ended`)));
  });
  return { display, child };
}

/** Gathers what goes wrong in a page, since the driver tells no console messages. Runs in the page, before its scripts. */
function watchProblems(): void {
  const problems: string[] = [];
  Object.assign(globalThis, { problems });
  const { error } = console;
  console.error = (...words: unknown[]) => {
    problems.push(words.join(' '));
    error(...words);
  };
  const missing = (target: EventTarget | null) => (target as HTMLImageElement).src ?? (target as HTMLLinkElement).href;
  addEventListener('error', ({ message, target }) => problems.push(message ?? `no ${missing(target)}`), true);
  addEventListener('unhandledrejection', ({ reason }) => problems.push(String(reason)));
  addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
    problems.push(`${violatedDirective}: ${blockedURI}`),
  );
}

/** Starts it with more variables in its environment, each NAME=value. */
export async function launchWebKit(more: readonly string[]): Promise<Launched<EnginePage>> {
  const { display, child: screen } = await startScreen();
  const port = await freePort();
  const environment = Object.fromEntries(more.map((variable) => variable.split('=')));
  const env = { ...process.env, DISPLAY: display, ...environment };
  const service = await started(spawn(webDriver, [`--port=${port}`], { env, stdio: 'ignore' }));
  const end = () => [service, screen].forEach((child) => child.kill());
  process.once('exit', end);
  const url = `http://127.0.0.1:${port}`;
  // there is no word of it when it listens
  while (!(await fetch(`${url}/status`).catch(() => undefined)))
    await new Promise((resolve) => setTimeout(resolve, 50));
  const wanted = new Capabilities().set('browserName', 'MiniBrowser');
  const driver = await new Builder().usingServer(url).withCapabilities(wanted).build();
  await driver.manage().setTimeouts({ script: patience, pageLoad: patience });

  /** Calls a function of the page. Its result crosses as JSON. */
  async function call(work: string): Promise<unknown> {
    const script = `
      const done = arguments[0];
      (async () => JSON.stringify({ result: await (${work}) }))().then(done, (error) =>
        done(JSON.stringify({ error: String(error) + '\\n' + (error?.stack ?? '') })));`;
    const { result, error } = JSON.parse(await driver.executeAsyncScript<string>(script)) as {
      result: unknown;
      error?: string;
    };
    if (error !== undefined) throw new Error(error);
    return result;
  }

  return {
    /** There is one window: a page takes the place of the one before. */
    async open(site, pathname) {
      site.first.set('/watch-problems.js', `(${watchProblems})()`);
      const problems: string[] = [];
      const gather = async () => {
        const foreign = `performance.getEntriesByType('resource').map(({ name }) => name).filter((name) =>
          !name.startsWith(location.origin) && !/^(blob|data):/.test(name)).map((name) => 'request to ' + name)`;
        const found = await call(`(globalThis.problems ?? []).splice(0).concat(${foreign})`);
        problems.push(...(found as string[]));
      };
      const evaluate = async (work: (argument: never) => unknown, argument?: unknown) => {
        const result = await call(`(${work})(${JSON.stringify(argument)})`);
        await gather();
        return result;
      };
      await driver.get(site.origin + pathname);
      await gather();
      const page = {
        evaluate,
        async waitForFunction(work: (argument: never) => unknown, argument?: unknown) {
          while (!(await call(`(${work})(${JSON.stringify(argument)})`)))
            await new Promise((resolve) => setTimeout(resolve, 50));
        },
        close: () => driver.get('about:blank'),
      };
      return { page: page as EnginePage, problems };
    },
    async close() {
      await driver.quit();
      end();
    },
  };
}
