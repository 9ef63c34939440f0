// Reads job files: one job a line, of any length. The file is read in one pass to find its jobs, and a shard at a time to do them.
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { FiligreeError } from '../errors.ts';
import { reasonOf } from '../files/read.ts';
import { IdTable } from './id-table.ts';
import { maxLine, parseJob } from './job.ts';

export interface Line {
  /** From 1. */
  readonly number: number;
  /** Byte of the file that it begins at. */
  readonly start: number;
  readonly text: string;
  /** What is wrong with it as text. */
  readonly fault?: string;
}

/** A range of a job file that holds the jobs of one shard. */
export interface ShardRange {
  readonly start: number;
  readonly line: number;
  readonly count: number;
  /** Lines within that are no jobs, or are jobs of an earlier line. */
  readonly skipped: readonly number[];
}

export interface JobFile {
  readonly path: string;
  readonly jobs: number;
  readonly refused: number;
  readonly shards: readonly ShardRange[];
  /** SHA-256, in hexadecimal. */
  readonly digest: string;
}

/** Bytes of a line beyond which the rest of it is not kept. */
const maxLineBytes = 4 * maxLine;

/** @throws FiligreeError `not-found`, naming the file */
export async function* linesOf(path: string, start = 0, number = 1, hash?: Hash): AsyncGenerator<Line> {
  let parts: Buffer[] = [];
  let length = 0; // of the line, whose parts hold no more than the limit
  let at = start;
  const line = (): Line => {
    const bytes = Buffer.concat(parts);
    const from = { number: number++, start: at };
    at += length + 1;
    const isLong = length > maxLineBytes;
    const bom = from.start === 0 && bytes.subarray(0, 3).equals(Buffer.of(0xef, 0xbb, 0xbf)) ? 3 : 0;
    const size = length;
    [parts, length] = [[], 0];
    if (isLong) return { ...from, text: '', fault: `${size} bytes; a job has at most ${maxLine} characters` };
    try {
      return { ...from, text: utf8.decode(bytes.subarray(bom)).replace(/\r$/, '') };
    } catch {
      return { ...from, text: '', fault: 'not UTF-8' };
    }
  };
  const keep = (part: Buffer) => {
    if (length <= maxLineBytes) parts.push(part);
    length += part.length;
  };
  const stream = createReadStream(path, { start });
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      hash?.update(chunk);
      let from = 0;
      for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
        keep(chunk.subarray(from, end));
        yield line();
        from = end + 1;
      }
      keep(chunk.subarray(from));
    }
    if (length > 0) yield line();
  } catch (cause) {
    if (cause instanceof FiligreeError || !(cause as NodeJS.ErrnoException).code) throw cause;
    throw new FiligreeError('not-found', `${path}: ${reasonOf(cause)}`, { cause });
  } finally {
    stream.destroy();
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Finds the jobs of a file. What is wrong with a line is reported, and the others go on. Blank lines are no jobs.
 * @param idOf a key's id; a second job of the same id is refused
 * @param check throws FiligreeError for keys that are not allowed
 * @throws FiligreeError `not-found`, naming the file
 */
export async function readJobFile(
  path: string,
  shardSize: number,
  idOf: (key: string) => string,
  check: (key: string) => void,
  onRefused: (error: FiligreeError, line: number) => void,
): Promise<JobFile> {
  const hash = createHash('sha256');
  const seen = new IdTable();
  const shards: ShardRange[] = [];
  let refused = 0;
  let current = { start: 0, line: 1, count: 0, skipped: [] as number[] };
  for await (const { number, start, text, fault } of linesOf(path, 0, 1, hash)) {
    if (current.count === shardSize) {
      shards.push(current);
      current = { start, line: number, count: 0, skipped: [] };
    }
    if (!fault && text.trim() === '') continue;
    const what = fault ?? faultOf(text, number, idOf, check, seen);
    if (what === undefined) current.count++;
    else {
      refused++;
      current.skipped.push(number);
      onRefused(new FiligreeError('invalid-argument', `${path}, line ${number}: ${what}`), number);
    }
  }
  if (current.count > 0) shards.push(current);
  const jobs = shards.reduce((sum, { count }) => sum + count, 0);
  return { path, jobs, refused, shards, digest: hash.digest('hex') };
}

function faultOf(
  text: string,
  number: number,
  idOf: (key: string) => string,
  check: (key: string) => void,
  seen: IdTable,
): string | undefined {
  try {
    const key = parseJob(text);
    check(key);
    const earlier = seen.add(idOf(key), number);
    return earlier === undefined ? undefined : `the same job as line ${earlier}; it is done once`;
  } catch (error) {
    if (!(error instanceof FiligreeError)) throw error;
    return error.message.replace(/^job: /, '');
  }
}

/** Keys of a shard's jobs. @throws FiligreeError when the file is not as it was */
export async function keysOf(path: string, { start, line, count, skipped }: ShardRange): Promise<string[]> {
  const keys: string[] = [];
  const skip = new Set(skipped);
  for await (const { number, text } of linesOf(path, start, line)) {
    if (skip.has(number) || text.trim() === '') continue;
    keys.push(parseJob(text));
    if (keys.length === count) return keys;
  }
  throw new FiligreeError('invalid-argument', `${path}: has changed since this run began`);
}
