import { FiligreeError } from '../errors.ts';

/** Where a model can come from. A string is a path in Node, Deno and Bun, or a URL. */
export type ModelSource = string | URL | Response | Blob | ArrayBuffer | Uint8Array;

export interface SourceOptions {
  /** Stops the load; the promise rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Called as bytes arrive. `total` is 0 when the server does not say. */
  onProgress?: (progress: { loaded: number; total: number }) => void;
}

// Node loads its fetch implementation when `Response` is first named, 10 ms of a cold start: it is asked for last.

/** What a source is called in messages. */
export function sourceName(source: ModelSource): string {
  if (typeof source === 'string') return shortened(source);
  if (source instanceof URL) return shortened(source.href);
  if (source instanceof Uint8Array || source instanceof ArrayBuffer) return 'model';
  if (typeof File !== 'undefined' && source instanceof File) return source.name;
  if (typeof Response !== 'undefined' && source instanceof Response) return source.url || 'response';
  return 'model';
}

/** `data:` URLs hold the whole file. */
function shortened(name: string): string {
  return name.startsWith('data:') && name.length > 60 ? `${name.slice(0, 60)}…` : name;
}

/**
 * All bytes of a source.
 * @throws FiligreeError `not-found` for a missing file or an HTTP error, `invalid-argument` for what is no source, or a
 * response that has been read; the signal's reason when aborted.
 */
export async function readSource(source: ModelSource, options: SourceOptions = {}): Promise<Uint8Array> {
  options.signal?.throwIfAborted();
  if (source instanceof Uint8Array) return source;
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  if (typeof source !== 'string' && !(source instanceof URL)) {
    if (typeof Blob !== 'undefined' && source instanceof Blob) return new Uint8Array(await source.arrayBuffer());
    if (typeof Response !== 'undefined' && source instanceof Response) return readResponse(source, options);
    throw new FiligreeError(
      'invalid-argument',
      'a model source is a path, URL, Response, Blob, ArrayBuffer or Uint8Array',
    );
  }
  if (isFile(source)) return readFile(source, options.signal);
  let response: Response;
  try {
    response = await fetch(source, { signal: options.signal });
  } catch (error) {
    options.signal?.throwIfAborted();
    throw new FiligreeError('not-found', `${sourceName(source)}: ${(error as Error).message}`, { cause: error });
  }
  return readResponse(response, options);
}

/** The host's files, where it has any. Not imported: bundles for browsers would stumble over `node:`. */
function fileSystem(): typeof import('node:fs/promises') | undefined {
  return typeof process === 'undefined' ? undefined : process.getBuiltinModule?.('node:fs/promises');
}

/** True for what the file system holds: `file:` URLs, and plain strings where there is a file system. */
function isFile(source: string | URL): boolean {
  if (!fileSystem()) return false; // fetch() may know what to do
  if (source instanceof URL) return source.protocol === 'file:';
  return source.startsWith('file:') || !/^([a-z][a-z+.-]+:\/\/|data:|blob:)/i.test(source);
}

async function readFile(source: string | URL, signal?: AbortSignal): Promise<Uint8Array> {
  const fs = fileSystem()!;
  const path = typeof source === 'string' && source.startsWith('file:') ? new URL(source) : source;
  try {
    return await fs.readFile(path, { signal });
  } catch (error) {
    signal?.throwIfAborted();
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'no such file' : code === 'EISDIR' ? 'is a directory' : message;
    throw new FiligreeError('not-found', `${String(source)}: ${why}`, { cause: error });
  }
}

async function readResponse(response: Response, { signal, onProgress }: SourceOptions): Promise<Uint8Array> {
  if (!response.ok) {
    throw new FiligreeError(
      'not-found',
      `${response.url || 'response'}: HTTP ${response.status} ${response.statusText}`,
    );
  }
  if (response.bodyUsed || response.body?.locked) {
    throw new FiligreeError(
      'invalid-argument',
      `${response.url || 'response'}: its body has been read already; clone() it before, or fetch it again`,
    );
  }
  if (!onProgress || !response.body) return new Uint8Array(await response.arrayBuffer());
  const total = Number(response.headers.get('content-length')) || 0;
  const chunks: Uint8Array[] = [];
  let loaded = 0;
  const reader = response.body.getReader();
  for (;;) {
    signal?.throwIfAborted();
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    loaded += value.length;
    onProgress({ loaded, total });
  }
  const bytes = new Uint8Array(loaded);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
