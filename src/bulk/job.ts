// A job is one photo, named by its key. Job files and brokers' messages hold jobs; every job gets one result.
import type { FiligreeErrorCode } from '../errors.ts';
import { FiligreeError } from '../errors.ts';
import type { Classification } from '../vision/classifier.ts';
import type { Detection } from '../vision/detection.ts';

/** `unavailable`: a server, disk or network that may answer later. The others stay as they are when a job is done again. */
export type JobErrorCode = FiligreeErrorCode | 'unavailable';

/** A detection as results have it: its mask, where there is one, as COCO's run lengths of the whole photo. */
export type WrittenDetection = Omit<Detection, 'mask'> & {
  mask?: { size: [height: number, width: number]; counts: number[] };
};

/** What a model says of one photo. Pixels have two decimals, scores four. */
export interface PhotoFindings {
  width: number;
  height: number;
  /** Best first. */
  detections?: WrittenDetection[];
  /** Best first. */
  classifications?: Classification[];
}

/** One line of the results: what was found in a photo, or why nothing could be looked at. */
export type JobResult = { id: string; key: string } & (
  (PhotoFindings & { error?: undefined }) | { error: { code: JobErrorCode; message: string } }
);

/** Bytes of UTF-8 that a key may have. S3 allows 1,024. */
const maxKeyBytes = 2048;

/** Characters of a line that may be a job. Others are not parsed. */
export const maxLine = 16_384;

/**
 * The key of one line of a job file, or of one message: `"photos/a.jpg"` or `{ "key": "photos/a.jpg" }`. Other fields may be
 * there and are ignored, but for `id`, which is computed.
 * @throws FiligreeError `invalid-argument`, which says what was found and what is wanted
 */
export function parseJob(text: string): string {
  if (text.length > maxLine) {
    throw wrong(`${text.length} characters; a job has at most ${maxLine}`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw wrong(`not JSON (${reasonOf(error as Error)}), starting with ${shown(text)}; ${wanted}`);
  }
  return keyOf(value);
}

/** The key of a job that is parsed already. @throws FiligreeError as `parseJob` */
export function keyOf(job: unknown): string {
  const fields = typeof job === 'object' && job !== null && !Array.isArray(job) ? job : undefined;
  if (fields && Object.hasOwn(fields, 'id')) {
    throw wrong('has an "id"; ids are computed from key, model and options: leave it out');
  }
  if (fields && !Object.hasOwn(fields, 'key')) throw wrong(`has no "key"; ${wanted}`);
  const key = fields ? (fields as { key: unknown }).key : job;
  if (typeof key !== 'string') throw wrong(`${fields ? '"key" is ' : ''}${kindOf(key)}; ${wanted}`);
  if (key === '') throw wrong('the key is empty; wanted a path, a URL or an S3 key');
  if (key.length > maxKeyBytes || new TextEncoder().encode(key).length > maxKeyBytes) {
    throw wrong(`a key of ${key.length} characters; at most ${maxKeyBytes} bytes are allowed`);
  }
  // oxlint-disable-next-line no-control-regex
  if (/[\0-\x1f\x7f]/.test(key)) throw wrong(`the key ${shown(key)} has control characters`);
  if (!isWellFormed(key)) throw wrong(`the key ${shown(key)} has half of a surrogate pair`);
  return key;
}

const wanted = 'wanted "photos/a.jpg" or {"key": "photos/a.jpg"}';

const wrong = (what: string) => new FiligreeError('invalid-argument', `job: ${what}`);

const kindOf = (value: unknown) =>
  value === null
    ? 'null'
    : Array.isArray(value)
      ? 'a list'
      : typeof value === 'object'
        ? 'an object'
        : `a ${typeof value}`;

/** Unpaired surrogates are the same three bytes for all in UTF-8, so that different keys would have the same id. */
const isWellFormed = (text: string) =>
  !/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/.test(text);

/** The beginning of a text, in one line and in quotes. */
const shown = (text: string) => JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);

/** The parser's message without the text itself, which newer engines quote. */
const reasonOf = ({ message }: Error) =>
  message
    .replace(/,? ?"?\.\.\..*|, ".*$/s, '')
    .replace(/\s+/g, ' ')
    .slice(0, 100);
