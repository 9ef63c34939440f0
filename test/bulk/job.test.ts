import { describe, expect, it } from 'vitest';
import { FiligreeError } from '../../src/errors.ts';
import { IdTable } from '../../src/bulk/id-table.ts';
import { jobId } from '../../src/bulk/job-id.ts';
import { parseJob } from '../../src/bulk/job.ts';
import { checkBase, locationOf } from '../../src/bulk/location.ts';

const messageOf = (action: () => unknown): string => {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(FiligreeError);
    expect((error as FiligreeError).code).toBe('invalid-argument');
    expect((error as FiligreeError).message).not.toContain('\n');
    return (error as FiligreeError).message;
  }
  throw new Error('nothing was thrown');
};

describe('a job', () => {
  it('is a string, or an object with a key', () => {
    expect(parseJob('"a/b c.jpg"')).toBe('a/b c.jpg');
    expect(parseJob('{"key": "ä.jpg", "size": 5}')).toBe('ä.jpg');
    expect(parseJob('"__proto__"')).toBe('__proto__');
  });

  it.each([
    ['a.jpg', 'not JSON'],
    ['{"key": "a.jpg"', 'not JSON'],
    ['5', 'a number; wanted "photos/a.jpg" or {"key": "photos/a.jpg"}'],
    ['null', 'null; wanted'],
    ['["a.jpg"]', 'a list; wanted'],
    ['{"key": 5}', '"key" is a number; wanted'],
    ['{"key": null}', '"key" is null; wanted'],
    ['{"key": {"key": "a"}}', '"key" is an object; wanted'],
    ['{"name": "a.jpg"}', 'has no "key"; wanted'],
    ['{"__proto__": {"key": "a.jpg"}}', 'has no "key"; wanted'],
    ['{"key": "a.jpg", "id": "../../x"}', 'has an "id"; ids are computed'],
    ['""', 'the key is empty'],
    ['"a\\u0000.jpg"', 'the key "a\\u0000.jpg" has control characters'],
    ['"a\\n.jpg"', 'has control characters'],
    ['"\\ud800.jpg"', 'has half of a surrogate pair'],
    [JSON.stringify('ä'.repeat(1100)), 'a key of 1100 characters; at most 2048 bytes are allowed'],
    [JSON.stringify('x'.repeat(20_000)), '20002 characters; a job has at most 16384'],
    ['['.repeat(8000) + ']'.repeat(8000), 'a list; wanted'],
    ['['.repeat(8000), 'not JSON'],
  ])('is not %.30s', (line, message) => {
    const text = messageOf(() => parseJob(line));
    expect(text).toContain(message);
    expect(text.length).toBeLessThan(250);
  });
});

describe('an id', () => {
  const settings = { model: 'ab', options: { scoreThreshold: 0.3, labels: ['x'] } };

  it('is the hash of key, model and options', () => {
    // printf '["filigree-job-1","a.jpg","ab",{"labels":["x"],"scoreThreshold":0.3}]' | sha256sum
    expect(jobId('a.jpg', settings)).toBe('69ff4011d87b907605100e99effac15c');
  });

  it('changes with each of them, and not with the order of options', () => {
    const ids = [
      jobId('a.jpg', settings),
      jobId('b.jpg', settings),
      jobId('a.jpg', { ...settings, model: 'ac' }),
      jobId('a.jpg', { ...settings, options: { ...settings.options, scoreThreshold: 0.4 } }),
    ];
    expect(new Set(ids).size).toBe(4);
    expect(jobId('a.jpg', { model: 'ab', options: { labels: ['x'], tiles: undefined, scoreThreshold: 0.3 } })).toBe(
      ids[0],
    );
  });

  it('is kept in a table, however many there are', () => {
    const table = new IdTable();
    const ids = Array.from({ length: 5000 }, (_, i) => jobId(String(i), settings));
    const first = ids.map((id, i) => table.add(id, i + 1));
    expect(first.every((known) => known === undefined)).toBe(true);
    expect(ids.map((id) => table.add(id, 1))).toEqual(ids.map((_, i) => i + 1));
    expect(table.size).toBe(5000);
    expect(table.has(ids[17])).toBe(true);
    expect(table.has(jobId('5000', settings))).toBe(false);
    // ids that begin alike lie next to each other
    const alike = Array.from({ length: 100 }, (_, i) => `00000001${String(i).padStart(24, '0')}`);
    expect(alike.map((id) => table.add(id, 7)).every((known) => known === undefined)).toBe(true);
    expect(alike.every((id) => table.has(id))).toBe(true);
  });
});

describe('a key', () => {
  it.each([
    [undefined, 'photos/a.jpg', { path: 'photos/a.jpg' }],
    [undefined, '/mnt/a.jpg', { path: '/mnt/a.jpg' }],
    [undefined, '../a.jpg', { path: '../a.jpg' }],
    [undefined, 'https://host/a b.jpg', { url: 'https://host/a%20b.jpg' }],
    ['photos/', '2024/a b.jpg', { path: 'photos/2024/a b.jpg' }],
    ['photos', 's3://bucket/a.jpg', { path: 'photos/bucket/a.jpg' }],
    ['/', 'a.jpg', { path: '/a.jpg' }],
    ['https://host/x', '2024/a b+c?#.jpg', { url: 'https://host/x/2024/a%20b%2Bc%3F%23.jpg' }],
    ['https://host/x/', 's3://bucket/ä.jpg', { url: 'https://host/x/bucket/%C3%A4.jpg' }],
    ['https://host/', '%2e%2e/a.jpg', { url: 'https://host/%252e%252e/a.jpg' }],
    ['photos', 'a..b/...jpg', { path: 'photos/a..b/...jpg' }],
  ])('under %s: %s', (base, key, location) => {
    expect(locationOf(key, base)).toEqual(location);
  });

  it.each([
    [undefined, 's3://bucket/a.jpg', 'give the folder or URL'],
    [undefined, 'file:///etc/passwd', 'give the folder or URL'],
    [undefined, 'http://[', 'not a valid URL'],
    ['photos', '../a.jpg', 'leads through "." or ".."'],
    ['photos', 'a/../../b.jpg', 'leads through "." or ".."'],
    ['photos', 's3://../a.jpg', 'leads through "." or ".."'],
    ['photos', '/etc/passwd', 'is an absolute path'],
    ['photos', 'C:/a.jpg', 'is an absolute path'],
    ['photos', '..\\a.jpg', 'has a backslash'],
    ['photos', 'https://host/a.jpg', 'is a URL'],
    ['photos', 'file:///etc/passwd', 'is a URL'],
    ['photos', 's3://http://host/a.jpg', 'is a URL'],
    ['https://host/', '../a.jpg', 'leads through "." or ".."'],
    ['https://host/', './a.jpg', 'leads through "." or ".."'],
  ])('is refused under %s: %s', (base, key, message) => {
    expect(messageOf(() => locationOf(key, base))).toContain(message);
  });

  it('has a base that is a folder or a URL', () => {
    for (const base of ['photos', './photos/', '/mnt', 'https://host/x', 'HTTP://host']) checkBase(base);
    expect(messageOf(() => checkBase('s3://bucket/'))).toContain('https://BUCKET.s3.REGION.amazonaws.com/');
    expect(messageOf(() => checkBase('https://host/?a'))).toContain('cannot have a query');
    expect(messageOf(() => checkBase('https://'))).toContain('not a valid URL');
  });
});
