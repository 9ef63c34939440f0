// Loads models with a known digest: checks them on arrival and, where the host has a Cache API, keeps them for the next
// visit.
import { FiligreeError } from '../errors.ts';
import type { ModelSource } from './source.ts';

/** One cache per origin, for all models that its pages load with a digest. */
const cacheName = 'filigree-models';

/** Maximum number of models kept; the oldest goes first. */
const maxKept = 8;

/**
 * The bytes of a source with this digest: from the cache, or else read, checked and cached.
 * @param read reads the source's bytes
 * @throws FiligreeError `invalid-argument` for a malformed digest, `invalid-model` for bytes with another digest,
 * `environment` where digests cannot be computed, and as `read`
 */
export async function readVerified(
  source: ModelSource,
  name: string,
  integrity: string,
  read: (source: ModelSource) => Promise<Uint8Array>,
): Promise<Uint8Array> {
  const [, bits] = /^sha(256|384|512)-[A-Za-z0-9+/]{43,86}={0,2}$/.exec(integrity) ?? [];
  if (!bits) {
    throw new FiligreeError(
      'invalid-argument',
      `integrity: wanted "sha256-" and the digest in base64, as "openssl dgst -sha256 -binary FILE | base64" prints it; ` +
        `got ${JSON.stringify(integrity)}`,
    );
  }
  // pages loaded by http have none
  if (typeof crypto === 'undefined' || !crypto.subtle) {
    throw new FiligreeError(
      'environment',
      `${name}: integrity cannot be checked here: pages compute digests only when loaded by https or from localhost`,
    );
  }
  const digest = async (bytes: Uint8Array) => {
    const sum = new Uint8Array(await crypto.subtle.digest(`SHA-${bits}`, bytes as BufferSource));
    return `sha${bits}-${btoa(String.fromCharCode(...sum))}`;
  };
  const isUrl = typeof source === 'string' || source instanceof URL;
  const cache = isUrl ? await openCache() : undefined;
  const key = `https://filigree.invalid/${encodeURIComponent(integrity)}`;
  const kept = await cache?.match(key).catch(() => undefined);
  if (kept) {
    const bytes = new Uint8Array(await kept.arrayBuffer());
    if ((await digest(bytes)) === integrity) return bytes;
    await cache!.delete(key);
  }
  const bytes = await read(source);
  const found = await digest(bytes);
  if (found !== integrity) {
    throw new FiligreeError(
      'invalid-model',
      `${name}: not the file that integrity names: wanted ${integrity}, got ${found} (${bytes.length} bytes)`,
    );
  }
  if (cache) await keep(cache, key, bytes).catch(() => {}); // no space, or not allowed: it is downloaded again next time
  return bytes;
}

/** The cache, where the host has one and the page may use it. */
async function openCache(): Promise<Cache | undefined> {
  try {
    return typeof caches === 'undefined' ? undefined : await caches.open(cacheName);
  } catch {
    return undefined;
  }
}

async function keep(cache: Cache, key: string, bytes: Uint8Array): Promise<void> {
  const headers = { 'content-type': 'application/octet-stream', 'content-length': String(bytes.length) };
  await cache.put(key, new Response(bytes as BodyInit, { headers }));
  const keys = await cache.keys();
  await Promise.all(keys.slice(0, -maxKept).map((old) => cache.delete(old)));
}
