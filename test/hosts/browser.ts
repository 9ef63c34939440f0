// A browser for the tests of a file.
import type { Page } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
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
  afterAll(async () => {
    await browser?.close();
    closeServers();
  });
  return { page: (site: Site, pathname = '/') => browser!.open(site, pathname) };
}
