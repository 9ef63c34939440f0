// A browser for the tests of a file. With FILIGREE_ENGINES it prints how many tests and assertions each has passed, which
// docs/trust.md sums up.
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { chromium, isEngineInstalled } from './engines.ts';
import type { Engine, EnginePage, Launched, Opened } from './engines.ts';
import { closeServers } from './site.ts';
import type { Site } from './site.ts';

/**
 * Starts a browser before the tests of a file or of a `describe`, and ends it after them.
 * @param more arguments of its command line
 * @param engine which one; one that is not installed is not started
 */
export function useBrowser(more?: readonly string[]): { page(site: Site, pathname?: string): Promise<Opened<Page>> };
export function useBrowser<P extends EnginePage>(
  more: readonly string[],
  engine: Engine<P>,
): { page(site: Site, pathname?: string): Promise<Opened<P>> };
export function useBrowser(more: readonly string[] = [], engine: Engine = chromium) {
  let browser: Launched<EnginePage> | undefined;
  beforeAll(async () => {
    if (isEngineInstalled(engine)) browser = await engine.launch(more);
  });
  let [tests, assertions] = [0, 0];
  afterEach(() => {
    tests++;
    assertions += expect.getState().assertionCalls;
  });
  afterAll(async () => {
    if (process.env.FILIGREE_ENGINES) console.log(`${engine.name}: ${tests} tests, ${assertions} assertions`);
    await browser?.close();
    closeServers();
  });
  return { page: (site: Site, pathname = '/') => browser!.open(site, pathname) };
}
