import { describe, expect, it } from 'vitest';
import { pythonNames } from '../../src/formats/python-names.ts';

describe('names of classes in Python', () => {
  it.each([
    ["{0: 'person', 1: 'traffic light'}", ['person', 'traffic light']],
    [`{0: "driver's hat", 1: 'say \\'cheese\\'', 2: 'a, b: {c}'}`, ["driver's hat", "say 'cheese'", 'a, b: {c}']],
    ["['cat', 'dog']", ['cat', 'dog']],
    ['{"0": "x"}', undefined],
    ["{1: 'b', 0: 'a'}", undefined],
    ["{0: 'a'", undefined],
    ["{0: a, 1: 'b'}", undefined],
    ['{}', undefined],
    ['', undefined],
  ])('%s', (text, names) => expect(pythonNames(text)).toEqual(names));
});
