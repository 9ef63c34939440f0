// Names of jobs that are the same wherever they are computed.
import { createHash } from 'node:crypto';

/** What results depend on besides the photo. */
export interface JobSettings {
  /** SHA-256 of the model's file, in hexadecimal. */
  model: string;
  /** Whatever changes results: thresholds, labels, tiles. Its order does not matter; undefined values do not count. */
  options: Readonly<Record<string, unknown>>;
}

/**
 * The id of a job: the first 32 hexadecimal digits of the SHA-256 of `["filigree-job-1", key, model, options]` as JSON, the
 * fields of options sorted by name. The same photo under the same model and options has the same id on any machine: a job that is
 * sent twice is known, and another model makes other jobs.
 */
export function jobId(key: string, { model, options }: JobSettings): string {
  return idOf(key, settingsText({ model, options }));
}

/** Makes ids of many keys. */
export function idMaker(settings: JobSettings): (key: string) => string {
  const text = settingsText(settings);
  return (key) => idOf(key, text);
}

const idOf = (key: string, settings: string) =>
  createHash('sha256')
    .update(`["filigree-job-1",${JSON.stringify(key)},${settings}]`)
    .digest('hex')
    .slice(0, 32);

const settingsText = ({ model, options }: JobSettings) => `${JSON.stringify(model)},${JSON.stringify(sorted(options))}`;

/** The same JSON value, fields in order of their names. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return Object.fromEntries(
    fields.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, field]) => [name, sorted(field)]),
  );
}

/** SHA-256 of bytes, in hexadecimal. */
export const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
