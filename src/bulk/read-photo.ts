// Reads a photo's bytes, and tells what is gone for good from what may be there later.
import { FiligreeError } from '../errors.ts';
import type { Location } from './location.ts';

/** A photo that may be there later: brokers do the job again. Others are final. */
export class Unavailable extends Error {
  override name = 'Unavailable';
}

export interface ReadLimits {
  /** Of a file. */
  bytes: number;
  /** Milliseconds for a server to send it. */
  ms: number;
}

export const defaultReadLimits: ReadLimits = { bytes: 50e6, ms: 60_000 };

/**
 * @throws FiligreeError `not-found` when there is no such photo, `invalid-image` when it is too large a file; Unavailable when a
 * server, a disk or the network fails
 */
export async function readPhoto(location: Location, limits: ReadLimits = defaultReadLimits): Promise<Uint8Array> {
  return 'path' in location ? readPath(location.path, limits) : readUrl(location.url, limits);
}

async function readPath(path: string, limits: ReadLimits): Promise<Uint8Array> {
  const { readFile, stat } = await import('node:fs/promises');
  try {
    const found = await stat(path);
    // opening a pipe waits for whoever writes to it, and a device may never end
    if (!found.isFile()) throw new FiligreeError('not-found', `${path}: is not a file`);
    if (found.size > limits.bytes) throw tooLarge(path, found.size, limits.bytes);
    return await readFile(path);
  } catch (cause) {
    if (cause instanceof FiligreeError) throw cause;
    const { code, message } = cause as NodeJS.ErrnoException;
    const final: Record<string, string> = {
      ENOENT: 'no such file',
      ENOTDIR: 'a part of the path is not a directory',
      EACCES: 'permission denied',
      EPERM: 'permission denied',
      ENAMETOOLONG: 'the name is too long',
      ELOOP: 'its links lead in a circle',
    };
    if (code && Object.hasOwn(final, code)) throw new FiligreeError('not-found', `${path}: ${final[code]}`, { cause });
    throw new Unavailable(`${path}: ${message}`, { cause }); // EIO, EMFILE, a network file system that is away
  }
}

/** Statuses that ask to come again. */
const isPassing = (status: number) => status >= 500 || status === 408 || status === 425 || status === 429;

async function readUrl(url: string, limits: ReadLimits): Promise<Uint8Array> {
  const signal = AbortSignal.timeout(limits.ms);
  try {
    const response = await fetch(url, { signal });
    if (!response.ok) {
      await response.body?.cancel();
      const what = `${url}: HTTP ${response.status} ${response.statusText}`.trimEnd();
      throw isPassing(response.status) ? new Unavailable(what) : new FiligreeError('not-found', what);
    }
    return await collect(response, url, limits.bytes);
  } catch (cause) {
    if (cause instanceof FiligreeError || cause instanceof Unavailable) throw cause;
    const { message, cause: deeper } = cause as Error & { cause?: Error };
    const why = signal.aborted ? `did not arrive in ${limits.ms / 1000} s` : (deeper?.message ?? message);
    throw new Unavailable(`${url}: ${why}`, { cause });
  }
}

/** A body, refused as soon as it has more than `most` bytes. */
async function collect(response: Response, url: string, most: number): Promise<Uint8Array> {
  const stated = Number(response.headers.get('content-length') ?? 0);
  if (stated > most) {
    await response.body?.cancel();
    throw tooLarge(url, stated, most);
  }
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of (response.body ?? []) as unknown as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > most) throw tooLarge(url, length, most); // which ends the loop and cancels the body
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

const tooLarge = (name: string, bytes: number, most: number) =>
  new FiligreeError('invalid-image', `${name}: ${bytes} bytes or more; photos of at most ${most} bytes are read`);
