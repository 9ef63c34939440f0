// Writes files and makes directories for commands.
import { randomBytes } from 'node:crypto';
import { unlinkSync } from 'node:fs';
import { mkdir, realpath, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { FiligreeError } from '../errors.ts';
import { isDirectory, reasonOf } from './read.ts';

/**
 * Writes a file completely or not at all, even when the process is interrupted: under a temporary name beside it, then
 * renamed. An existing path that is not a plain file (a pipe, /dev/null) is written to directly.
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
    const target = existing ? await realpath(path) : path; // writes through a link
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

/** Temporary files to remove when the process is interrupted. */
const unfinished = new Set<string>();

const interruptions = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

// Signal handlers are installed only while files are written: at other times signals end the process at once, even
// during a computation.

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
      // it does not exist yet, or is renamed already
    }
    ended(path);
  }
}

function interrupted(signal: NodeJS.Signals): void {
  removeUnfinished();
  process.kill(process.pid, signal); // the handler is removed: the signal has its usual effect
}

/**
 * Makes a directory and its missing parents.
 * @throws FiligreeError `invalid-argument`, naming the directory
 */
export async function makeDirectory(path: string): Promise<void> {
  try {
    await makeMissing(resolve(path));
  } catch (cause) {
    throw new FiligreeError('invalid-argument', `${path}: cannot make this directory: ${reasonOf(cause)}`, { cause });
  }
}

/** Used instead of mkdir's `recursive`, which never returns where nothing can be made, as under /proc. */
async function makeMissing(path: string): Promise<void> {
  if (await isDirectory(path)) return;
  const above = dirname(path);
  if (above !== path) await makeMissing(above);
  try {
    await mkdir(path);
  } catch (cause) {
    if (!(await isDirectory(path))) throw cause; // another process has made it
  }
}
