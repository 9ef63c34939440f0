// Models with a digest: checked, and kept in the host's cache.
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { networks } from '../../models/index.ts';
import { writeArtifact } from '../../src/artifact/write.ts';
import { compileGraph } from '../../src/compile.ts';
import { loadModel } from '../../src/runtime/load.ts';

const graph = networks['mobilenet-v1']({ width: 0.25, resolution: 32, classes: 10 });
const bytes = writeArtifact(compileGraph(graph)) as Uint8Array<ArrayBuffer>;
const sha = (of: Uint8Array, bits = 256) => `sha${bits}-${createHash(`sha${bits}`).update(of).digest('base64')}`;
const integrity = sha(bytes);

let requests = 0;
let served: Uint8Array = bytes;
const server = createServer((_, response) => {
  requests++;
  response.end(served);
});
let url: string;
const folder = mkdtempSync(join(tmpdir(), 'filigree-integrity-'));
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/model.filigree`;
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});
afterEach(() => {
  vi.unstubAllGlobals();
  requests = 0;
  served = bytes;
});

/** The used part of the Cache API; entries in order of insertion. */
function fakeCaches() {
  const entries = new Map<string, Uint8Array<ArrayBuffer>>();
  const cache = {
    match: async (key: string) => (entries.has(key) ? new Response(entries.get(key)) : undefined),
    put: async (key: string, response: Response) => {
      entries.set(key, new Uint8Array(await response.arrayBuffer()));
    },
    delete: async (key: string) => entries.delete(key),
    keys: async () => [...entries.keys()],
  };
  return { entries, caches: { open: async () => cache } };
}

async function load(source: Parameters<typeof loadModel>[0], digest = integrity): Promise<string> {
  const model = await loadModel(source, { integrity: digest });
  model.dispose();
  return model.name;
}

it.each([256, 384, 512])('loads a file whose digest is the one, by SHA-%d', async (bits) => {
  const path = join(folder, 'model.filigree');
  writeFileSync(path, bytes);
  const name = (await loadModel(bytes)).name;
  for (const source of [path, bytes, new Blob([bytes]), new Response(bytes), url]) {
    expect(await load(source, sha(bytes, bits))).toBe(name);
  }
});

it('refuses another file', async () => {
  served = Uint8Array.from(bytes);
  served[served.length - 1] ^= 1;
  await expect(load(url)).rejects.toMatchObject({
    code: 'invalid-model',
    message: `${url}: not the file that integrity names: wanted ${integrity}, got ${sha(served)} (${bytes.length} bytes)`,
  });
});

it.each(['', 'sha256-', 'md5-rL0Y20zC+Fzt72VPzMSk2A==', `sha1-${'a'.repeat(43)}=`])(
  'refuses the digest %j',
  async (digest) => {
    await expect(load(bytes, digest)).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringContaining('integrity: wanted "sha256-"'),
    });
  },
);

it('says where nothing computes digests', async () => {
  vi.stubGlobal('crypto', {});
  await expect(load(bytes)).rejects.toMatchObject({ code: 'environment', message: expect.stringContaining('https') });
});

it('keeps files from a URL, and loads them without the network', async () => {
  const { entries, caches } = fakeCaches();
  vi.stubGlobal('caches', caches);
  await load(url);
  expect([requests, entries.size]).toEqual([1, 1]);
  server.close(); // requests of a connection that is kept alive still come
  await load(new URL(url));
  expect(requests).toBe(1);
  await load(bytes);
  expect(entries.size).toBe(1);
  server.listen(Number(new URL(url).port), '127.0.0.1');
});

it('reloads files that are damaged in the cache', async () => {
  const { entries, caches } = fakeCaches();
  vi.stubGlobal('caches', caches);
  await load(url);
  for (const kept of entries.values()) kept[100] ^= 1;
  await load(url);
  expect(requests).toBe(2);
  await load(url);
  expect(requests).toBe(2);
});

it('keeps eight models', async () => {
  const { entries, caches } = fakeCaches();
  for (let i = 0; i < 9; i++) entries.set(`https://filigree.invalid/${i}`, new Uint8Array(1));
  vi.stubGlobal('caches', caches);
  await load(url);
  expect(entries.size).toBe(8);
  expect([...entries.keys()].at(-1)).toContain(encodeURIComponent(integrity));
});

it.each(['open', 'put'])('does without a cache whose %s fails', async (fails) => {
  const { caches } = fakeCaches();
  const refuse = async () => {
    throw new DOMException('no space', 'QuotaExceededError');
  };
  if (fails === 'open') caches.open = refuse;
  else (await caches.open()).put = refuse;
  vi.stubGlobal('caches', caches);
  await load(url);
  await load(url);
  expect(requests).toBe(2);
});
