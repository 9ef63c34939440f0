import { describe, expect, it } from 'vitest';
import { parseJson } from '../../src/formats/json.ts';

describe('parseJson', () => {
  it('reads JSON', () => {
    expect(parseJson('{"a": [1, -2.5e3, true, null, "\\u00e9\\"\u007f"]}', 'f')).toEqual({
      a: [1, -2500, true, null, 'é"\u007f'],
    });
  });

  it.each([
    ['', 'line 1, column 1: unexpected the end of the file'],
    ['  \n ', 'line 2, column 2: unexpected the end of the file'],
    ['{"a": 1,\n "b": [1, 2,, 3]}', 'line 2, column 13: unexpected ", 3]}"'],
    ['{"a": 1,\n}', 'line 2, column 1: unexpected "}"'],
    ['[1, 2,]', 'line 1, column 7: unexpected "]"'],
    ['{"a": 1', 'line 1, column 8: unexpected the end of the file'],
    ['{"a"\n 1}', 'line 2, column 2: unexpected "1}"'],
    ['{a: 1}', 'line 1, column 2: unexpected "a: 1}"'],
    ['[1]]', 'line 1, column 4: unexpected "]"'],
    ['{"a": [1}', 'line 1, column 9: unexpected "}"'],
    ['[01]', 'line 1, column 2: unexpected "01]"'],
    ['[1.]', 'line 1, column 2: unexpected "1.]"'],
    ['[NaN]', 'line 1, column 2: unexpected "NaN]"'],
    ['["a\nb"]', 'line 1, column 2: unexpected ""a"'],
    ['["\\x"]', 'line 1, column 2: unexpected ""\\x"]"'],
    ['<html>\n', 'line 1, column 1: unexpected "<html>"'],
  ])('says where %j is wrong', (text, message) => {
    expect(() => parseJson(text, 'x.json')).toThrow(`x.json: not valid JSON: ${message}`);
    expect(() => parseJson(text, 'x.json')).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
  });
});
