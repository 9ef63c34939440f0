// Reads the results of a folder, shard by shard.
import { createReadStream } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { JobResult } from './job.ts';

/** Results of the whole shards in a folder, in the order of jobs. */
export async function* resultsIn(folder: string): AsyncGenerator<JobResult> {
  const names = (await readdir(folder)).filter((name) => /^\d{5,}\.(jsonl|parquet)$/.test(name));
  names.sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
  for (const name of names) {
    const path = join(folder, name);
    if (name.endsWith('.parquet')) {
      const { fromParquet } = await import('./parquet.ts');
      yield* await fromParquet(await readFile(path));
    } else {
      for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
        yield JSON.parse(line) as JobResult;
      }
    }
  }
}
