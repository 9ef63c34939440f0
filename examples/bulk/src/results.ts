// A folder of results: lines are added to NNNNN.part, which is renamed to NNNNN.jsonl when it has a thousand.
import { mkdir, open, readFile, readdir, rename, truncate, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { JobResult } from 'filigree/bulk';

const perFile = 1000;
const nameOf = (number: number, kind: string) => `${String(number).padStart(5, '0')}.${kind}`;

/** Ids of all results in a folder, also of those in files that are not full. */
export async function idsIn(folder: string): Promise<Set<string>> {
  const names = await readdir(folder).catch(() => []);
  const ids = new Set<string>();
  for (const name of names.filter((file) => /^\d{5,}\.(jsonl|part)$/.test(file))) {
    const lines = (await readFile(join(folder, name), 'utf8')).split('\n');
    lines.pop(); // what follows the last end of a line: nothing, or a line that is torn
    for (const line of lines) ids.add((JSON.parse(line) as JobResult).id);
  }
  return ids;
}

/** Adds results, each id once. One process at a time may. */
export class Results {
  private readonly folder: string;
  private readonly ids: Set<string>;
  private number: number;
  private count: number;
  private file: FileHandle;

  static async open(folder: string): Promise<Results> {
    await mkdir(folder, { recursive: true });
    const names = await readdir(folder);
    const numbers = names.map((name) => Number(/^(\d{5,})\.jsonl$/.exec(name)?.[1] ?? -1));
    const number = Math.max(-1, ...numbers) + 1;
    const path = join(folder, nameOf(number, 'part'));
    const text = await readFile(path, 'utf8').catch(() => '');
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    if (whole.length < text.length) await truncate(path, Buffer.byteLength(whole));
    return new Results(folder, await idsIn(folder), number, whole.split('\n').length - 1, await open(path, 'a'));
  }

  private constructor(folder: string, ids: Set<string>, number: number, count: number, file: FileHandle) {
    this.folder = folder;
    this.ids = ids;
    this.number = number;
    this.count = count;
    this.file = file;
  }

  get size(): number {
    return this.ids.size;
  }

  /** Adds results that are not there yet. When it returns, they are on disk. */
  async add(results: readonly JobResult[]): Promise<void> {
    const fresh = results.filter(({ id }) => !this.ids.has(id) && this.ids.add(id));
    for (const result of fresh) {
      await this.file.appendFile(`${JSON.stringify(result)}\n`);
      if (++this.count === perFile) await this.next();
    }
    await this.file.sync();
  }

  /** Ends the file at hand, full or not. */
  async close(): Promise<void> {
    if (this.count > 0) await this.finish();
    else await this.file.close();
  }

  private async next(): Promise<void> {
    await this.finish();
    this.count = 0;
    this.file = await open(join(this.folder, nameOf(++this.number, 'part')), 'a');
  }

  private async finish(): Promise<void> {
    await this.file.sync();
    await this.file.close();
    const [part, whole] = ['part', 'jsonl'].map((kind) => join(this.folder, nameOf(this.number, kind)));
    await rename(part, whole);
  }
}
