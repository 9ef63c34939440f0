// Where a key's photo lies.
import { FiligreeError } from '../errors.ts';

/** A file by its path, or a URL to fetch. */
export type Location = { path: string } | { url: string };

const isUrl = (text: string) => /^https?:\/\//i.test(text);

/** Checks a base once, before the first job. @throws FiligreeError `invalid-argument` */
export function checkBase(base: string): void {
  if (!isUrl(base)) {
    if (!/^[a-z][a-z\d+.-]+:\/\//i.test(base)) return;
    throw new FiligreeError(
      'invalid-argument',
      `base ${base}: wanted a folder, or a URL of http or https; the files of an S3 bucket lie under https://BUCKET.s3.REGION.amazonaws.com/`,
    );
  }
  const { search, hash } = parsed(base, 'base');
  if (search || hash) {
    throw new FiligreeError(
      'invalid-argument',
      `base ${base}: keys are appended to it, so it cannot have a query or a fragment`,
    );
  }
}

/**
 * Where a key leads.
 *
 *   base               key                       photo
 *   none               photos/a.jpg, /mnt/a.jpg  that file
 *   none               https://host/a.jpg        that URL
 *   photos/            2024/a b.jpg              the file photos/2024/a b.jpg
 *   https://host/x/    2024/a b.jpg              https://host/x/2024/a%20b.jpg
 *   either             s3://bucket/2024/a.jpg    as the key bucket/2024/a.jpg
 *
 * With a base, no key leads out of it.
 * @throws FiligreeError `invalid-argument` for keys that do
 */
export function locationOf(key: string, base?: string): Location {
  const refuse = (why: string) => new FiligreeError('invalid-argument', `key ${JSON.stringify(key)}: ${why}`);
  if (base === undefined) {
    if (isUrl(key)) return { url: parsed(key, 'key').href };
    if (/^[a-z][a-z\d+.-]+:\/\//i.test(key)) {
      throw refuse(
        'is neither a path nor a URL of http or https; give the folder or URL that keys are relative to as base',
      );
    }
    return { path: key };
  }
  const relative = key.replace(/^s3:\/\//i, '');
  if (isUrl(relative) || /^[a-z][a-z\d+.-]+:\/\//i.test(relative)) {
    throw refuse('is a URL; with a base, keys are relative to it');
  }
  const parts = relative.split('/');
  if (parts.includes('..') || parts.includes('.'))
    throw refuse(`leads through "." or ".."; with a base, keys stay below it`);
  if (isUrl(base)) {
    const encoded = parts.map(encodeURIComponent).join('/');
    return { url: base.replace(/\/?$/, '/') + encoded };
  }
  // Windows also parts paths by backslashes, and knows drives
  if (relative.startsWith('/') || /^[a-z]:|\\/i.test(relative)) {
    throw refuse(
      'is an absolute path, or has a backslash; with a folder as base, keys are relative to it, parted by "/"',
    );
  }
  return { path: `${base.replace(/[/\\]$/, '')}/${relative}` };
}

function parsed(text: string, what: string): URL {
  try {
    return new URL(text);
  } catch (cause) {
    throw new FiligreeError('invalid-argument', `${what} ${JSON.stringify(text)}: not a valid URL`, { cause });
  }
}
