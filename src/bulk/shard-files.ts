// Files of results. A shard is written line by line under a name of its own, and renamed when whole:
//
//   00012.3f9a01bc.part   results of a run that is at it, or was
//   00012.jsonl           all results of shard 12, in the order of its jobs
//
// A run takes over what others have left: it copies the whole lines of their part into its own and removes theirs. Should such a run
// still live, its next rename fails and it stops; what both write is the same.
import * as nodeFiles from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FiligreeError } from '../errors.ts';
import { reasonOf } from '../files/read.ts';
import type { JobResult } from './job.ts';

/** What is used of `node:fs/promises`. */
export type Files = Pick<typeof nodeFiles, 'open' | 'readFile' | 'readdir' | 'rename' | 'unlink'>;

export type ResultFormat = 'jsonl' | 'parquet';

/** Makes one file of a shard's results. */
export type Convert = (results: readonly JobResult[]) => Promise<Uint8Array>;

const nameOf = (shard: number) => String(shard).padStart(5, '0');

export class ShardFiles {
  readonly folder: string;
  readonly format: ResultFormat;
  private readonly run: string;
  private readonly files: Files;
  private readonly convert: Convert | undefined;

  /** @param run a name that no other run has */
  constructor(
    folder: string,
    run: string,
    { format = 'jsonl' as ResultFormat, files = nodeFiles as Files, convert = undefined as Convert | undefined } = {},
  ) {
    this.folder = folder;
    this.run = run;
    this.format = format;
    this.files = files;
    this.convert = convert;
  }

  pathOf(shard: number): string {
    return join(this.folder, `${nameOf(shard)}.${this.format}`);
  }

  /** Shards that are whole, and files that runs have left, by shard. */
  async list(): Promise<{ whole: Set<number>; parts: Map<number, string[]> }> {
    const whole = new Set<number>();
    const parts = new Map<number, string[]>();
    for (const name of await this.files.readdir(this.folder)) {
      const [, shard, kind] = /^(\d{5,})\.(?:([\da-f]+\.(?:part|tmp))|jsonl|parquet)$/.exec(name) ?? [];
      if (shard === undefined) continue;
      if (kind) parts.set(Number(shard), [...(parts.get(Number(shard)) ?? []), name]);
      else if (name.endsWith(`.${this.format}`)) whole.add(Number(shard));
    }
    return { whole, parts };
  }

  /**
   * Opens a shard, with the results that others have left.
   * @param ids of its jobs, in order
   * @throws FiligreeError `environment` when the disk is full or refuses
   */
  async claim(shard: number, ids: readonly string[]): Promise<OpenShard> {
    return this.guarded(async () => {
      const left = (await this.list()).parts.get(shard) ?? [];
      let best: string[] = [];
      for (const name of left.filter((name) => name.endsWith('.part'))) {
        const lines = wholeLines(await this.files.readFile(join(this.folder, name), 'utf8').catch(goneIsEmpty), ids);
        if (lines.length > best.length) best = lines;
      }
      const own = join(this.folder, `${nameOf(shard)}.${this.run}.part`);
      const rewritten = `${own.slice(0, -'.part'.length)}.tmp`;
      const handle = await this.files.open(rewritten, 'w');
      try {
        if (best.length > 0) await handle.writeFile(`${best.join('\n')}\n`);
        await this.files.rename(rewritten, own); // over this run's own of before, when its worker has died
        for (const name of left) {
          if (join(this.folder, name) !== own) await this.files.unlink(join(this.folder, name)).catch(goneIsEmpty);
        }
      } catch (error) {
        await handle.close().catch(() => {});
        throw error;
      }
      const errors = best.filter((line) => (JSON.parse(line) as JobResult).error).length;
      return new OpenShard(this, handle, { part: own, shard, all: ids.length }, best.length, errors);
    });
  }

  /** Removes what runs have left of shards that are whole. */
  async clean(): Promise<void> {
    const { whole, parts } = await this.list();
    for (const [shard, names] of parts) {
      if (!whole.has(shard)) continue;
      for (const name of names) await this.files.unlink(join(this.folder, name)).catch(goneIsEmpty);
    }
  }

  /**
   * Renames a whole part into place; for other formats, the file that is made of it.
   * @internal
   */
  async publish(part: string, shard: number): Promise<void> {
    if (!this.convert) await this.files.rename(part, this.pathOf(shard));
    else {
      const lines = (await this.files.readFile(part, 'utf8')).trimEnd().split('\n');
      const made = await this.convert(lines.map((line) => JSON.parse(line) as JobResult));
      const temporary = `${part.slice(0, -'.part'.length)}.tmp`;
      const handle = await this.files.open(temporary, 'w');
      try {
        await handle.writeFile(made);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await this.files.rename(temporary, this.pathOf(shard));
      await this.files.unlink(part);
    }
    // the name itself is on disk when its folder is
    const folder = await this.files.open(dirname(part), 'r').catch(() => undefined); // Windows opens no folders
    await folder?.sync().catch(() => {});
    await folder?.close();
  }

  /**
   * Says of an error of the file system what it means for the run.
   * @internal
   */
  async guarded<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (typeof code !== 'string' || !/^E[A-Z]/.test(code)) throw cause;
      const why =
        code === 'ENOENT'
          ? 'another run has taken it over; let that one go on, or end it and run this command again'
          : `cannot write: ${reasonOf(cause)}; no result is lost: mend that, and run the same command again to go on`;
      throw new FiligreeError('environment', `${this.folder}: ${why}`, { cause });
    }
  }
}

/** A shard that is being written. After an error it is not to be used any more. */
export class OpenShard {
  /** Results so far. */
  count: number;
  /** Of these, errors. */
  errors: number;
  private readonly shards: ShardFiles;
  private readonly handle: nodeFiles.FileHandle;
  private readonly place: { part: string; shard: number; all: number };

  /** @internal */
  constructor(
    shards: ShardFiles,
    handle: nodeFiles.FileHandle,
    place: { part: string; shard: number; all: number },
    count: number,
    errors: number,
  ) {
    this.shards = shards;
    this.handle = handle;
    this.place = place;
    this.count = count;
    this.errors = errors;
  }

  /** Writes one result, which survives a kill of this process from then on. @throws FiligreeError `environment` */
  async append(result: JobResult): Promise<void> {
    await this.shards.guarded(() => this.handle.writeFile(`${JSON.stringify(result)}\n`));
    this.count++;
    if (result.error) this.errors++;
  }

  /** Puts the whole shard in place; from then on it survives a power cut. @throws FiligreeError `environment` */
  async finish(): Promise<void> {
    const { part, shard, all } = this.place;
    if (this.count !== all) throw new Error(`shard ${shard}: ${this.count} of ${all} results`);
    await this.shards.guarded(async () => {
      await this.handle.sync();
      await this.handle.close();
      await this.shards.publish(part, shard);
    });
  }

  async close(): Promise<void> {
    await this.handle.close().catch(() => {});
  }
}

function goneIsEmpty(error: NodeJS.ErrnoException): string {
  if (error.code !== 'ENOENT') throw error;
  return '';
}

/** Lines of a part up to the first that is torn, or is not the result of the job in its place. */
function wholeLines(text: string, ids: readonly string[]): string[] {
  const lines = text.split('\n');
  lines.pop(); // what follows the last line's end
  const end = lines.findIndex((line, i) => i >= ids.length || idIn(line) !== ids[i]);
  return end < 0 ? lines : lines.slice(0, end);
}

/** The id of a line that is a whole result. */
function idIn(line: string): unknown {
  try {
    return (JSON.parse(line) as { id?: unknown } | null)?.id;
  } catch {
    return undefined;
  }
}
