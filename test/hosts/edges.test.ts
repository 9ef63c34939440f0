// Edge runtimes: code comes by import only. Cloudflare's workerd, the binary itself, and Vercel's edge-runtime.
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { EdgeRuntime } from 'edge-runtime';
import { build } from 'esbuild';
import type { Plugin } from 'esbuild';
import { afterEach, beforeAll, expect, it } from 'vitest';
import type { Detection } from '../../src/index.ts';
import type { Report } from './project.ts';
import { bundleForWorkerd, workerd } from './workerd.ts';
import { expectOneThread, expectReport, isInstalled, photo, project, facesIn } from './project.ts';

const handler = `
import * as filigree from 'filigree';
import model from './face.filigree';
import { scenario } from './scenario.mjs';

export async function respond(request) {
  const { searchParams } = new URL(request.url);
  const [width, height] = [Number(searchParams.get('width')), Number(searchParams.get('height'))];
  const photo = { data: new Uint8Array(await request.arrayBuffer()), width, height, channels: 3 };
  const report = await scenario(filigree, { model: () => new Uint8Array(model), photo, threads: [1, 2] });
  const named = await filigree.createDetector('objects').catch(({ code, message }) => ({ code, message }));
  return Response.json({ ...report, named });
}
`;

let body: Uint8Array<ArrayBuffer>;
let query: string;
let wanted: Detection[];
beforeAll(async () => {
  const { data, width, height } = await photo();
  body = data;
  query = `?width=${width}&height=${height}`;
  wanted = await facesIn({ data, width, height, channels: 3 });
});

const children: ChildProcess[] = [];
afterEach(() => children.splice(0).forEach((child) => child.kill()));

it.skipIf(!isInstalled(workerd))('finds the same faces in workerd', async () => {
  const folder = project({ 'worker.js': `${handler}\nexport default { fetch: respond };` });
  const { url, child } = await bundleForWorkerd(folder);
  children.push(child);
  const response = await fetch(url + query, { method: 'POST', body });
  expect(response.status).toBe(200);
  const report = (await response.json()) as Report;
  expectReport(report, wanted);
  expectOneThread(report, 'edge functions have no threads');
  expect(report.runs[0].build).toBe('relaxed');
  expect(report.named).toMatchObject({
    code: 'environment',
    message: expect.stringContaining("import model from 'filigree/models/objects.filigree'"),
  });
});

/** Compiles `.wasm?module` imports, as Vercel does when it deploys. */
const modules: Plugin = {
  name: 'modules',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\.wasm\?module$/ }, ({ path: file, resolveDir }) => ({
      path: path.join(resolveDir, file.replace('?module', '')),
      namespace: 'module',
    }));
    onLoad({ filter: /.*/, namespace: 'module' }, ({ path: file }) => ({
      contents: `export default new WebAssembly.Module(Uint8Array.from(atob("${readFileSync(file, 'base64')}"), (c) => c.charCodeAt(0)));`,
    }));
  },
};

it('finds the same faces in edge-runtime', async () => {
  const folder = project({
    'function.js': `${handler}\naddEventListener('fetch', (event) => event.respondWith(respond(event.request)));`,
  });
  const { outputFiles } = await build({
    absWorkingDir: folder,
    entryPoints: ['function.js'],
    bundle: true,
    format: 'iife',
    target: 'es2022',
    conditions: ['edge-light', 'browser'],
    loader: { '.filigree': 'binary' },
    plugins: [modules],
    write: false,
    logLevel: 'error',
  });
  const runtime = new EdgeRuntime({ initialCode: outputFiles[0].text });
  const response = await runtime.dispatchFetch('http://localhost/' + query, { method: 'POST', body });
  const report = (await response.json()) as Report;
  expectReport(report, wanted);
  expectOneThread(report, 'edge functions have no threads');
  expect(report.named).toMatchObject({
    code: 'environment',
    message: expect.stringContaining("new URL('filigree/models/objects.filigree', import.meta.url)"),
  });
});
