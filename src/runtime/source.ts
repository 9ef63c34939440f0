import { FiligreeError } from '../errors.ts';

/** A model's source. A string is a path in Node, Deno and Bun, or a URL. */
export type ModelSource = string | URL | Response | Blob | ArrayBuffer | Uint8Array;

export interface SourceOptions {
  /** Aborts the load; the promise rejects with the signal's reason. */
  signal?: AbortSignal;
  /**
   * Called as bytes arrive. `total` comes from the model's own header where the server compresses it or does not declare a
   * length; it is 0 until known.
   */
  onProgress?: (progress: { loaded: number; total: number }) => void;
}

// Node loads its fetch implementation when `Response` is first named, 10 ms of a cold start, so it is checked last.

/** A source's name in messages. */
export function sourceName(source: ModelSource): string {
  if (typeof source === 'string') return shortened(source);
  if (source instanceof URL) return shortened(source.href);
  if (source instanceof Uint8Array || source instanceof ArrayBuffer) return 'model';
  if (typeof File !== 'undefined' && source instanceof File) return source.name;
  if (typeof Response !== 'undefined' && source instanceof Response) return source.url || 'response';
  return 'model';
}

/** A name for messages: `data:` URLs hold the whole file. */
function shortened(name: string): string {
  return name.startsWith('data:') && name.length > 60 ? `${name.slice(0, 60)}…` : name;
}

/**
 * What is wanted of a file that begins with some bytes: up to its end, or, where they do not say that yet, at least beyond
 * them; 0 bytes if it is not wanted.
 */
export type EndOf = (bytes: Uint8Array) => { bytes: number; isEnd: boolean };

/**
 * Reads all bytes of a source.
 * @param end of the wanted part: reading stops when a server sends much more
 * @throws FiligreeError `not-found` for a missing file, an HTTP error or a response that breaks off, `invalid-argument`
 * for a value that is not a source, or a response that was read before, `invalid-model` for one that does not end; the
 * signal's reason when aborted.
 */
export async function readSource(source: ModelSource, options: SourceOptions = {}, end?: EndOf): Promise<Uint8Array> {
  options.signal?.throwIfAborted();
  if (source instanceof Uint8Array) return source;
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  if (typeof source !== 'string' && !(source instanceof URL)) {
    if (typeof Blob !== 'undefined' && source instanceof Blob) return readBlob(source, options);
    if (typeof Response !== 'undefined' && source instanceof Response) return readResponse(source, options, end);
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
  return readResponse(response, options, end);
}

async function readBlob(blob: Blob, { signal }: SourceOptions): Promise<Uint8Array> {
  try {
    return new Uint8Array(await blob.arrayBuffer());
  } catch (error) {
    throw new FiligreeError('not-found', `${sourceName(blob)}: ${(error as Error).message}`, { cause: error }); // it has changed since
  } finally {
    signal?.throwIfAborted();
  }
}

/** The host's file system, if any. Not imported: bundles for browsers cannot resolve `node:`. */
function fileSystem(): typeof import('node:fs') | undefined {
  // `node:fs/promises` would take a millisecond to load, and its handles are slower
  return typeof process === 'undefined' ? undefined : process.getBuiltinModule?.('node:fs');
}

/** True for files: `file:` URLs, and plain strings where there is a file system. */
function isFile(source: string | URL): boolean {
  if (!fileSystem()) return false; // fetch() may accept it
  if (source instanceof URL) return source.protocol === 'file:';
  return source.startsWith('file:') || !/^([a-z][a-z+.-]+:\/\/|data:|blob:)/i.test(source);
}

const pathOf = (source: string | URL) =>
  typeof source === 'string' && source.startsWith('file:') ? new URL(source) : source;

function fileError(source: string | URL, cause: NodeJS.ErrnoException): FiligreeError {
  const { code, message } = cause;
  const why = code === 'ENOENT' ? 'no such file' : code === 'EISDIR' ? 'is a directory' : message;
  return new FiligreeError('not-found', `${String(source)}: ${why}`, { cause });
}

/** Promise of a `node:fs` function's result. @throws FiligreeError `not-found`, or the signal's reason. */
async function called<T>(
  source: string | URL,
  signal: AbortSignal | undefined,
  call: (done: (error: NodeJS.ErrnoException | null, result: T) => void) => void,
): Promise<T> {
  try {
    return await new Promise<T>((resolve, reject) => {
      call((error, result) => (error ? reject(error) : resolve(result)));
    });
  } catch (error) {
    signal?.throwIfAborted();
    throw fileError(source, error as NodeJS.ErrnoException);
  }
}

const readFile = (source: string | URL, signal?: AbortSignal) =>
  called<Uint8Array>(source, signal, (done) => fileSystem()!.readFile(pathOf(source), { signal }, done));

/**
 * Reads a small file synchronously, which is faster than waiting. Undefined when it is not a small file or cannot be
 * read.
 */
export function readSmallFile(source: ModelSource): Uint8Array | undefined {
  try {
    return source instanceof URL && isFile(source) ? fileSystem()!.readFileSync(source) : undefined;
  } catch {
    return undefined; // readSource will report why
  }
}

/** A source whose beginning has been read. */
export interface OpenSource {
  /** Size of the whole source, in bytes. */
  readonly size: number;
  /** The first bytes: all of them, or as many as `head` asked for. */
  readonly head: Uint8Array;
  /** Reads bytes from `from` on into several places in order; only for bytes behind the head. */
  readInto(from: number, places: readonly Uint8Array[]): Promise<void>;
  /** Closes the file. */
  close(): void;
}

/** Bytes of a file that are read first: enough for the header of most models. */
const headBytes = 1 << 17;

/**
 * Opens a source: a file so that the rest can be read straight into place; any other source is read completely.
 * @param head says from the first bytes how many are wanted in memory; called again until enough are read
 * @param end as `readSource`
 * @throws FiligreeError as `readSource`
 */
export async function openSource(
  source: ModelSource,
  options: SourceOptions,
  head: (bytes: Uint8Array, size: number) => number,
  end?: EndOf,
): Promise<OpenSource> {
  options.signal?.throwIfAborted();
  if ((typeof source === 'string' || source instanceof URL) && isFile(source)) {
    const file = await openFile(source, options, head);
    if (file) return file;
  }
  const bytes = await readSource(source, options, end);
  return { size: bytes.length, head: bytes, readInto: () => Promise.reject(new Error()), close() {} };
}

async function openFile(
  source: string | URL,
  { signal }: SourceOptions,
  wanted: (bytes: Uint8Array, size: number) => number,
): Promise<OpenSource | undefined> {
  const fs = fileSystem()!;
  const fd = await called<number>(source, signal, (done) => fs.open(pathOf(source), done));
  const readAt = async (from: number, places: readonly Uint8Array[]): Promise<void> => {
    for (let left = places; left.length > 0;) {
      const read = await called<number>(source, signal, (done) => fs.readv(fd, left.slice(0, maxPlaces), from, done));
      signal?.throwIfAborted();
      if (read === 0) throw new FiligreeError('invalid-model', `${String(source)}: truncated while it was read`);
      from += read;
      left = splitAt(left, read)[1];
    }
  };
  /** Of the file when it was opened: size and time of the last change. */
  let before = '';
  const state = ({ size, mtimeMs }: import('node:fs').Stats) => `${size} ${mtimeMs}`;
  const readInto = async (from: number, places: readonly Uint8Array[]): Promise<void> => {
    const reading: Promise<void>[] = [];
    for (let left = places.filter((place) => place.length > 0); left.length > 0; from += partBytes) {
      const [part, behind] = splitAt(left, partBytes);
      reading.push(readAt(from, part));
      left = behind;
    }
    // After a failure, wait for the other reads: none may write to memory later.
    for (const { status, ...rest } of await Promise.allSettled(reading)) {
      if (status === 'rejected') throw (rest as PromiseRejectedResult).reason;
    }
    if (state(fs.fstatSync(fd)) !== before) {
      throw new FiligreeError('invalid-model', `${String(source)}: changed while it was read; load it again`);
    }
  };
  let open = false;
  try {
    const stat = await called<import('node:fs').Stats>(source, signal, (done) => fs.fstat(fd, done));
    if (stat.isDirectory()) throw fileError(source, { code: 'EISDIR' } as NodeJS.ErrnoException);
    if (!stat.isFile()) return undefined; // a pipe
    const { size } = stat;
    before = state(stat);
    let head = new Uint8Array(0);
    for (let want = Math.min(size, headBytes); head.length < want; want = Math.min(size, wanted(head, size))) {
      const more = new Uint8Array(want);
      more.set(head);
      await readInto(head.length, [more.subarray(head.length)]);
      head = more;
    }
    open = true;
    return { size, head, readInto, close: () => fs.close(fd) };
  } finally {
    if (!open) fs.close(fd);
  }
}

/** The limit of one system call. */
const maxPlaces = 1024;

/** Bytes that one thread reads; half of the time goes into the first touch of each page of memory. */
const partBytes = 4 << 20;

/** Splits places into those for the first `bytes` bytes and the rest. */
function splitAt(places: readonly Uint8Array[], bytes: number): [Uint8Array[], Uint8Array[]] {
  let i = 0;
  for (; i < places.length && bytes >= places[i].length; i++) bytes -= places[i].length;
  const [before, behind] = [places.slice(0, i), places.slice(i)];
  if (bytes > 0 && behind.length > 0) {
    before.push(behind[0].subarray(0, bytes));
    behind[0] = behind[0].subarray(bytes);
  }
  return [before, behind];
}

/** A response may be this much longer than its first bytes say. */
const spareBytes = 8 << 20;

async function readResponse(
  response: Response,
  { signal, onProgress }: SourceOptions,
  end?: EndOf,
): Promise<Uint8Array> {
  const name = response.url || 'response';
  if (!response.ok) {
    throw new FiligreeError('not-found', `${name}: HTTP ${response.status} ${response.statusText}`);
  }
  if (response.bodyUsed || response.body?.locked) {
    throw new FiligreeError(
      'invalid-argument',
      `${name}: its body has been read already; clone() it before, or fetch it again`,
    );
  }
  if (!response.body) return new Uint8Array(await response.arrayBuffer());
  // the declared length is that of the compressed bytes, while those that arrive are not
  const isCompressed = Boolean(response.headers.get('content-encoding'));
  let total = isCompressed ? 0 : Number(response.headers.get('content-length')) || 0;
  const chunks: Uint8Array[] = [];
  let loaded = 0;
  let most = spareBytes;
  const reader = response.body.getReader();
  const cancel = () => void reader.cancel().catch(() => {});
  signal?.addEventListener('abort', cancel); // ends a pending read
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((error: Error) => {
        signal?.throwIfAborted();
        const why = `broke off after ${loaded} bytes: ${error.message}`;
        throw new FiligreeError('not-found', `${name}: ${why}`, { cause: error });
      });
      signal?.throwIfAborted();
      if (done) return joined(chunks);
      chunks.push(value);
      loaded += value.length;
      if (onProgress) {
        if (total === 0 && end) {
          const { bytes, isEnd } = end(joined(chunks));
          if (isEnd) total = bytes;
        }
        onProgress({ loaded, total });
      }
      if (!end || loaded <= most) continue;
      const bytes = joined(chunks);
      const { bytes: wanted } = end(bytes);
      most = wanted + spareBytes;
      if (loaded <= most) continue;
      if (wanted > 0) {
        throw new FiligreeError('invalid-model', `${name}: declares ${wanted} bytes, but continues after ${loaded}`);
      }
      cancel();
      return bytes;
    }
  } catch (error) {
    cancel();
    throw error;
  } finally {
    signal?.removeEventListener('abort', cancel);
  }
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
