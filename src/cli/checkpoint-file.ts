// A checkpoint in a file.
import { readFile, unlink } from 'node:fs/promises';
import type { Checkpoint } from '../sparsity/index.ts';
import { writeOutput } from './files.ts';

/** Milliseconds between saves, for tests: FILIGREE_CHECKPOINT_MS. */
const interval = Number(process.env.FILIGREE_CHECKPOINT_MS ?? 2000);

export function fileCheckpoint(path: string): Checkpoint {
  return {
    name: path,
    interval,
    load: () => readFile(path).catch(() => undefined),
    save: (bytes) => writeOutput(path, bytes),
    remove: () => unlink(path).catch(() => {}),
  };
}
