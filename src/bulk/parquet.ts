// Results as Parquet: one row a photo, what was found in it as JSON. DuckDB, pandas, Spark and BigQuery read both.
import { FiligreeError } from '../errors.ts';
import type { JobResult } from './job.ts';

const columns = [
  ['id', 'STRING', (result) => result.id],
  ['key', 'STRING', (result) => result.key],
  ['width', 'INT32', (result) => (result.error ? undefined : result.width)],
  ['height', 'INT32', (result) => (result.error ? undefined : result.height)],
  ['count', 'INT32', (result) => foundIn(result)?.length],
  ['best_label', 'STRING', (result) => foundIn(result)?.[0]?.label],
  ['best_score', 'DOUBLE', (result) => foundIn(result)?.[0]?.score],
  ['found', 'JSON', (result) => foundIn(result)],
  ['error_code', 'STRING', (result) => result.error?.code],
  ['error_message', 'STRING', (result) => result.error?.message],
] as const satisfies readonly (readonly [string, string, (result: JobResult) => unknown])[];

const foundIn = (result: JobResult) => (result.error ? undefined : (result.detections ?? result.classifications));

/**
 * A Parquet file of results: `id`, `key`, `width`, `height`, `count`, `best_label`, `best_score`, `found` (JSON: the detections or
 * classifications), `error_code`, `error_message`.
 * @throws FiligreeError `environment` when hyparquet-writer is not installed
 */
export async function toParquet(results: readonly JobResult[]): Promise<Uint8Array> {
  const { parquetWriteBuffer } = await loaded();
  const columnData = columns.map(([name, type, of]) => ({
    name,
    type,
    data: results.map((result) => of(result) ?? null),
    nullable: true,
  }));
  return new Uint8Array(parquetWriteBuffer({ columnData }));
}

/** Results as they were written. @throws FiligreeError `environment` when hyparquet-writer is not installed */
export async function fromParquet(bytes: Uint8Array): Promise<JobResult[]> {
  await loaded();
  const { parquetReadObjects } = await import('hyparquet');
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  const rows = await parquetReadObjects({ file });
  return rows.map(({ id, key, width, height, found, error_code: code, error_message: message }) => {
    if (code) return { id, key, error: { code, message } };
    const isClasses = (found as object[]).length > 0 && !('box' in found[0]);
    return { id, key, width, height, ...(isClasses ? { classifications: found } : { detections: found }) };
  }) as JobResult[];
}

async function loaded(): Promise<typeof import('hyparquet-writer')> {
  try {
    return await import('hyparquet-writer');
  } catch (cause) {
    throw new FiligreeError(
      'environment',
      'Parquet is written by the package hyparquet-writer, which is not installed: npm install hyparquet-writer',
      { cause },
    );
  }
}

/** @throws FiligreeError `environment` when hyparquet-writer is not installed */
export async function checkParquet(): Promise<void> {
  await loaded();
}
