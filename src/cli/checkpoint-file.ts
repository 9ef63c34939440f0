// Keeps a checkpoint in a file.
import { readFile, unlink } from 'node:fs/promises';
import type { Checkpoint } from '../prune.ts';
import { writeOutput } from '../files/write.ts';

export function fileCheckpoint(path: string): Checkpoint {
  return {
    name: path,
    load: () => readFile(path).catch(() => undefined),
    save: (bytes) => writeOutput(path, bytes),
    remove: () => unlink(path).catch(() => {}),
  };
}
