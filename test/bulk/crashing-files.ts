// A file system that dies: from its n-th operation on, nothing happens any more, as when the process is killed there.
import * as files from 'node:fs/promises';
import type { Files } from '../../src/bulk/shard-files.ts';

/** Before the operation, after it, or in the middle of what it writes. */
export type Moment = 'before' | 'after' | 'torn';

export class Crash extends Error {}

/** @param at counts from 0; Infinity never dies. `fail` is the error that operations end with instead of a death */
export function crashingFiles(
  at: number,
  moment: Moment,
  fail?: () => Error,
): Files & { operations: number; release(): Promise<void> } {
  let operations = 0;
  const opened: files.FileHandle[] = [];
  const step = async <T>(act: () => Promise<T>, half?: () => Promise<unknown>): Promise<T> => {
    const n = operations++;
    if (n < at) return act();
    if (n === at && moment === 'after') await act();
    if (n === at && moment === 'torn') await half?.();
    throw fail?.() ?? new Crash(`at operation ${n}`);
  };
  const wrapped = (handle: files.FileHandle) =>
    ({
      writeFile: (data: string | Uint8Array) =>
        step(
          () => handle.writeFile(data),
          () => handle.writeFile(data.slice(0, data.length / 2)),
        ),
      sync: () => step(async () => {}), // which takes most of the time here, and shows only in a power cut
      close: () => step(async () => {}),
    }) as unknown as files.FileHandle;
  return {
    open: (async (path: string, flags: string) =>
      step(async () => {
        opened.push(await files.open(path, flags));
        return wrapped(opened.at(-1)!);
      })) as Files['open'],
    readFile: ((path: string, encoding: 'utf8') => step(() => files.readFile(path, encoding))) as Files['readFile'],
    readdir: ((path: string) => step(() => files.readdir(path))) as unknown as Files['readdir'],
    rename: (from, to) => step(() => files.rename(from, to)),
    unlink: (path) => step(() => files.unlink(path)),
    /** Closes what was opened, as the end of a process does. */
    release: async () => {
      for (const handle of opened.splice(0)) await handle.close();
    },
    get operations() {
      return operations;
    },
  };
}
