// run.json: what the results in a folder are results of. A run goes on only with the same.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FiligreeError } from '../errors.ts';
import { reasonOf } from '../files/read.ts';
import { writeOutput } from '../files/write.ts';
import type { ResultFormat } from './shard-files.ts';

export interface Manifest {
  readonly version: 1;
  readonly jobs: { readonly file: string; readonly sha256: string; readonly count: number; readonly refused: number };
  readonly model: { readonly name: string; readonly sha256: string };
  /** Those that ids are made of. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly base?: string;
  readonly shardSize: number;
  readonly shards: number;
  readonly format: ResultFormat;
}

const nameOf = (folder: string) => join(folder, 'run.json');

/** The manifest of a folder; undefined when there is none. @throws FiligreeError `invalid-argument` when it is none of ours */
export async function readManifest(folder: string): Promise<Manifest | undefined> {
  const path = nameOf(folder);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new FiligreeError('not-found', `${path}: ${reasonOf(cause)}`, { cause });
  }
  try {
    const found = JSON.parse(text) as Manifest | null;
    if (
      found?.version === 1 &&
      Number.isSafeInteger(found.shardSize) &&
      found.shardSize > 0 &&
      found.jobs &&
      found.model
    ) {
      return found;
    }
  } catch {
    // said below
  }
  throw new FiligreeError('invalid-argument', `${path}: does not describe a run; name another folder for the results`);
}

/** Writes a folder's manifest, or compares it with the one there. @throws FiligreeError `invalid-argument`, naming what differs */
export async function agree(folder: string, earlier: Manifest | undefined, manifest: Manifest): Promise<void> {
  if (!earlier) {
    await writeOutput(nameOf(folder), new TextEncoder().encode(`${JSON.stringify(manifest, null, 2)}\n`));
    return;
  }
  const different = [
    ['job file', earlier.jobs.sha256, manifest.jobs.sha256],
    ['model', earlier.model.sha256, manifest.model.sha256],
    ['options', earlier.options, manifest.options],
    ['base', earlier.base, manifest.base],
    ['format', earlier.format, manifest.format],
    // as when a key became forbidden or allowed since
    ['number of jobs', earlier.jobs.count, manifest.jobs.count],
  ].filter(([, before, now]) => JSON.stringify(before) !== JSON.stringify(now));
  if (different.length === 0) return;
  throw new FiligreeError(
    'invalid-argument',
    `${folder}: holds results of another run (${different.map(([what]) => what).join(', ')}: not the same); name another folder, or remove this one`,
  );
}
