// A server of one folder, and the headers that tests give pages.
import { createServer } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFile } from 'node:fs/promises';
import path from 'node:path';

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
  /** Scripts of pages that run before their own, by path; an engine whose driver tells less puts one there. */
  first: Map<string, string>;
}

const servers: { close(): void }[] = [];

/**
 * Serves a folder; missing files give a page with status 404.
 * @param answers values that are asked for at their paths, as JSON
 */
export async function serveFolder(
  folder: string,
  headers: Record<string, string> = {},
  answers: Record<string, () => unknown> = {},
): Promise<Site> {
  const requests: string[] = [];
  const first = new Map<string, string>();
  const server = createServer(async (request: { url?: string; headers: IncomingHttpHeaders }, response) => {
    const { pathname } = new URL(request.url!, 'http://localhost');
    requests.push(pathname);
    const file = path.join(folder, pathname.endsWith('/') ? `${pathname}index.html` : pathname);
    const type = types[path.extname(file).slice(1)] ?? 'application/octet-stream';
    if (pathname in answers) {
      response.writeHead(200, { 'content-type': types.json, ...headers }).end(JSON.stringify(answers[pathname]()));
      return;
    }
    try {
      let body: string | Uint8Array = first.get(pathname) ?? (await readFile(file));
      if (type === types.html) {
        const scripts = [...first.keys()].map((name) => `<script src="${name}"></script>`);
        body = `${body}`.replace(/<!doctype html>/i, (doctype) => doctype + scripts.join(''));
      }
      response.writeHead(200, { 'content-type': type, ...headers }).end(body);
    } catch {
      response
        .writeHead(404, { 'content-type': types.html, ...headers })
        .end('<!doctype html><title>Not found</title>');
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.push(server);
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests, first };
}

/** Ends the servers of a test file. */
export function closeServers(): void {
  for (const server of servers.splice(0)) server.close();
}
