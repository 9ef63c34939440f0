import { readFile, stat } from 'node:fs/promises';
import { FiligreeError } from '../errors.ts';

/** Reads a file. @throws FiligreeError `not-found`, naming the file */
export async function readInput(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new FiligreeError('not-found', `${path}: ${reasonOf(cause)}`, { cause });
  }
}

export async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** Why a file operation failed, in words. */
export function reasonOf(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'no such file or directory';
  if (code === 'EISDIR') return 'is a directory';
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied';
  if (code === 'ENOTDIR') return 'a part of the path is not a directory';
  if (code === 'EEXIST') return 'a file is in the way';
  return message.replace(/^[A-Z]+: (.*?)(, \w+( '.*')?)?$/, '$1'); // ENOSPC: no space left on device, write
}
