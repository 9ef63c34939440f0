// Files and directories that commands make.
import { randomBytes } from 'node:crypto';
import { unlinkSync } from 'node:fs';
import { mkdir, realpath, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { FiligreeError } from '../errors.ts';
import { isDirectory, reasonOf } from './read.ts';

/**
 * Writes a file whole or not at all, also when the process is interrupted: under another name beside it, which then
 * becomes its own. What is there and is not a plain file (a pipe, /dev/null) is written to as it is.
 * @throws FiligreeError `invalid-argument`, naming the file
 */
export async function writeOutput(path: string, data: Uint8Array): Promise<void> {
  let temporary: string | undefined;
  try {
    const existing = await stat(path).catch(() => undefined);
    if (existing && !existing.isFile()) {
      await writeFile(path, data);
      return;
    }
    const target = existing ? await realpath(path) : path; // a link stays a link
    temporary = join(dirname(target), `.${basename(target)}.${randomBytes(4).toString('hex')}.tmp`);
    begun(temporary);
    await writeFile(temporary, data, { flag: 'wx', mode: existing?.mode });
    await rename(temporary, target);
    ended(temporary);
  } catch (cause) {
    if (temporary) {
      await unlink(temporary).catch(() => {});
      ended(temporary);
    }
    throw new FiligreeError('invalid-argument', `${path}: cannot write: ${reasonOf(cause)}`, { cause });
  }
}

/** Files that are being written, and would be left behind. */
const unfinished = new Set<string>();

const interruptions = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

// Signals are heard only while files are written: at other times they end the process at once, in the middle of a
// computation, too.

function begun(path: string): void {
  if (unfinished.size === 0) {
    process.on('exit', removeUnfinished);
    for (const signal of interruptions) process.on(signal, interrupted);
  }
  unfinished.add(path);
}

function ended(path: string): void {
  unfinished.delete(path);
  if (unfinished.size > 0) return;
  process.off('exit', removeUnfinished);
  for (const signal of interruptions) process.off(signal, interrupted);
}

function removeUnfinished(): void {
  for (const path of unfinished) {
    try {
      unlinkSync(path);
    } catch {
      // it is not there yet, or has its own name already
    }
    ended(path);
  }
}

function interrupted(signal: NodeJS.Signals): void {
  removeUnfinished();
  process.kill(process.pid, signal); // nobody listens any more: it ends as it would have
}

/**
 * Makes a directory and those above it, where they are missing.
 * @throws FiligreeError `invalid-argument`, naming the directory
 */
export async function makeDirectory(path: string): Promise<void> {
  try {
    await makeMissing(resolve(path));
  } catch (cause) {
    throw new FiligreeError('invalid-argument', `${path}: cannot make this directory: ${reasonOf(cause)}`, { cause });
  }
}

/** Not mkdir's own `recursive`, which does not return where nothing can be made, as under /proc. */
async function makeMissing(path: string): Promise<void> {
  if (await isDirectory(path)) return;
  const above = dirname(path);
  if (above !== path) await makeMissing(above);
  try {
    await mkdir(path);
  } catch (cause) {
    if (!(await isDirectory(path))) throw cause; // someone else made it meanwhile
  }
}
