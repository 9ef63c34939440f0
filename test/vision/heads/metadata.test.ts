// A head's metadata is untrusted: whatever stands in a field, making a decoder either works or names what is wrong.
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { FiligreeError } from '../../../src/errors.ts';
import { headTypeNames, type Head } from '../../../src/vision/heads/head.ts';
import { decoderOf } from '../../../src/vision/heads/index.ts';
import { everyHead, input } from './every-head.ts';

/** So deep that no engine can follow it by calling itself. */
const deep = JSON.parse('['.repeat(20_000) + ']'.repeat(20_000)) as unknown;

const junk = [
  deep,
  undefined,
  null,
  -1,
  0,
  0.5,
  3,
  1e9,
  NaN,
  '',
  'nowhere',
  true,
  [],
  [1],
  [[]],
  ['o', 'o'],
  {},
  { count: 1e9, values: 2 },
  [1e9, 1],
  [[1e9]],
];

/** The head with one of its values, however deep, replaced. */
function* changed(value: unknown): Generator<unknown> {
  if (typeof value !== 'object' || value === null) return;
  for (const key of Object.keys(value)) {
    const copy = (inner: unknown) =>
      Array.isArray(value) ? value.map((v, i) => (String(i) === key ? inner : v)) : { ...value, [key]: inner };
    for (const other of junk) yield copy(other);
    for (const inner of changed((value as Record<string, unknown>)[key])) yield copy(inner);
  }
}

describe.each(headTypeNames)('the head %s', (type) => {
  const [head, ...outputs] = everyHead[type];

  it('has a decoder that reads JSON', async () => {
    const decoder = await decoderOf(JSON.parse(JSON.stringify(head)) as Head, input, outputs);
    expect(decoder.classes === undefined || decoder.classes > 0).toBe(true);
  });

  it('is refused with a message, or makes a decoder, whatever its metadata', async () => {
    let refused = 0;
    for (const other of changed(head)) {
      if ((other as Head).type !== type) continue; // checked before
      const failure = await decoderOf(other as Head, input, outputs).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (failure === undefined) continue;
      refused++;
      expect(failure, inspect(other, { depth: 4 })).toBeInstanceOf(FiligreeError);
      expect((failure as FiligreeError).message).toContain('metadata.vision.head');
    }
    expect(refused).toBeGreaterThan(10);
  });

  it('is refused with outputs of other shapes', async () => {
    for (const [i, output] of outputs.entries()) {
      for (const shape of [
        [],
        [1],
        [1, 1, 1],
        [1, 16, 3, 3, 3],
        output.shape.map((d) => d + 1),
        [2, ...output.shape.slice(1)],
      ]) {
        const others = outputs.with(i, { ...output, shape });
        const failure = await decoderOf(head, input, others).then(
          () => undefined,
          (error: unknown) => error,
        );
        if (failure !== undefined) expect(failure, shape.join()).toBeInstanceOf(FiligreeError);
      }
    }
  });
});
