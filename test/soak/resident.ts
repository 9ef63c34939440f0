// Memory of processes, as Linux tells it.
import { readFileSync, readdirSync } from 'node:fs';

/**
 * Bytes that the descendants of a process hold, shared ones divided among those that share them; undefined elsewhere. Pages of programs'
 * own files are left out: their share is smaller while others run the same program, by 85 MB for a second Firefox.
 * @param which descendants count, by their command lines
 */
export function residentBytes(pid: number, which: RegExp): number | undefined {
  const children = new Map<number, number[]>();
  for (const name of list('/proc').filter((entry) => /^\d+$/.test(entry))) {
    // PID (NAME) STATE PARENT …, and the name may hold anything
    const [, parent] = /\) \S (\d+)[^)]*$/.exec(text(`/proc/${name}/stat`)) ?? [];
    if (parent) children.set(Number(parent), [...(children.get(Number(parent)) ?? []), Number(name)]);
  }
  if (children.size === 0) return undefined;
  const all = (of: number): number[] => (children.get(of) ?? []).flatMap((child) => [child, ...all(child)]);
  const counted = all(pid).filter((child) => which.test(text(`/proc/${child}/cmdline`).replaceAll('\0', ' ')));
  const kilobytes = counted.flatMap((child) => {
    const found = text(`/proc/${child}/smaps_rollup`).matchAll(/^Pss_(?:Anon|Shmem):\s+(\d+)/gm);
    return [...found].map(([, count]) => Number(count));
  });
  return 1024 * kilobytes.reduce((sum, more) => sum + more, 0);
}

/** What ends in between is left out. */
function text(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
