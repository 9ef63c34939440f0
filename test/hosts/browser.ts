// A real Chromium from npm, and a server of one folder for it.
import { createServer } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import chromium from '@sparticuz/chromium';
import { chromium as playwright } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
import { patience } from '../patience.ts';

const types: Record<string, string> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript',
  mjs: 'text/javascript',
  css: 'text/css',
  json: 'application/json',
  wasm: 'application/wasm',
  svg: 'image/svg+xml',
  jpg: 'image/jpeg',
  png: 'image/png',
  webmanifest: 'application/manifest+json',
};

/** Lets a page's scripts come from its origin only, and compile WebAssembly; nothing inline, nothing from blobs. */
export const strictPolicy = {
  'content-security-policy': "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'",
};
/** What gives a page shared memory. */
export const isolation = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};

export interface Site {
  origin: string;
  /** Paths that were asked for. */
  requests: string[];
}

const servers: { close(): void }[] = [];

/** Serves a folder; missing files give a page with status 404. */
export async function serveFolder(folder: string, headers: Record<string, string> = {}): Promise<Site> {
  const requests: string[] = [];
  const server = createServer(async (request: { url?: string; headers: IncomingHttpHeaders }, response) => {
    const { pathname } = new URL(request.url!, 'http://localhost');
    requests.push(pathname);
    const file = path.join(folder, pathname.endsWith('/') ? `${pathname}index.html` : pathname);
    try {
      const body = await readFile(file);
      const type = types[path.extname(file).slice(1)] ?? 'application/octet-stream';
      response.writeHead(200, { 'content-type': type, ...headers }).end(body);
    } catch {
      response
        .writeHead(404, { 'content-type': types.html, ...headers })
        .end('<!doctype html><title>Not found</title>');
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.push(server);
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

/** A browser for the tests of a file, with more arguments if need be. */
export function useBrowser(more: readonly string[] = []): {
  page(site: Site, pathname?: string): Promise<{ page: Page; problems: string[] }>;
} {
  let browser: Browser;
  beforeAll(async () => {
    browser = await playwright.launch({
      timeout: patience,
      executablePath: await chromium.executablePath(),
      args: ['--no-sandbox', '--no-zygote', '--headless=shell', ...more],
    });
  });
  afterAll(async () => {
    await browser?.close();
    for (const server of servers.splice(0)) server.close();
  });
  return {
    /** Opens a page. `problems` gathers its errors, console errors and requests to other origins. */
    async page(site, pathname = '/') {
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
  };
}
