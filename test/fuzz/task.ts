// What the fuzzing thread and the one that watches it say to each other.
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { TargetName } from './targets.ts';

export interface Task {
  target: TargetName;
  seed: number;
  corpus: Uint8Array[];
  /** Int32s: whether an input runs, executions, the input's length; then the input. */
  shared: SharedArrayBuffer;
  /** Stop after this many executions, or at this time (ms since 1970). */
  runs: number;
  until: number;
  /** Run the corpus once, smallest first, and say which inputs bring something new. */
  minimise: boolean;
}

export interface Counts {
  executions: number;
  results: number;
  refused: number;
  /** Characters of the target's sources, and those that have run. */
  covered: number;
  all: number;
}

export type Report =
  | { kind: 'new'; input: Uint8Array }
  | { kind: 'fault'; input: Uint8Array; error: string }
  | ({ kind: 'done' } & Counts);

export const headerBytes = 16;

const root = fileURLToPath(new URL('./corpus/', import.meta.url));

export function corpusFolder(target: TargetName): string {
  const folder = `${root}${target}/`;
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** The committed inputs of a target, by file name. */
export function readCorpus(target: TargetName): { file: string; input: Uint8Array }[] {
  const folder = corpusFolder(target);
  return readdirSync(folder)
    .sort()
    .map((file) => ({ file, input: Uint8Array.from(readFileSync(folder + file)) }));
}
