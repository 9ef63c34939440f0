// JSON with error positions: engines differ in whether and how they report them.
import { FiligreeError } from '../errors.ts';

/**
 * @param file prefix of messages
 * @throws FiligreeError `invalid-argument` naming file, line and column of the first syntax error
 */
export function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const at = syntaxError(text);
    const before = text.slice(0, at).split('\n');
    const found = at < text.length ? `"${text.slice(at, at + 20).split('\n')[0]}"` : 'the end of the file';
    const place = `line ${before.length}, column ${before.at(-1)!.length + 1}`;
    throw new FiligreeError('invalid-argument', `${file}: not valid JSON: ${place}: unexpected ${found}`, { cause });
  }
}

const whitespace = /[ \t\r\n]*/y;
// \p{Cc} matches every control character; JSON forbids only the first 32.
const string = /"(?:[^"\\\p{Cc}]|[\x7f-\x9f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/uy;
const scalar = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])|(?:true|false|null)(?!\w)/y;

/** Offset of the first invalid token of `text`, which is not valid JSON. */
function syntaxError(text: string): number {
  let at = 0;
  const read = (pattern: RegExp): boolean => {
    pattern.lastIndex = at;
    const matched = pattern.test(text);
    if (matched) at = pattern.lastIndex;
    return matched;
  };
  const token = (character: string): boolean => {
    if (text[at] !== character) return false;
    at++;
    return true;
  };
  /** Closing brackets of the open arrays and objects. */
  const open: string[] = [];
  let expected: 'value' | 'first value' | 'key' | 'first key' | 'more' = 'value';
  for (;;) {
    read(whitespace);
    if (expected === 'more') {
      if (open.length === 0) return at; // trailing text; the end when there is none
      if (token(',')) expected = open.at(-1) === '}' ? 'key' : 'value';
      else if (token(open.at(-1)!)) open.pop();
      else return at;
    } else if ((expected === 'first key' || expected === 'first value') && token(open.at(-1)!)) {
      open.pop();
      expected = 'more';
    } else if (expected === 'key' || expected === 'first key') {
      if (!read(string)) return at;
      read(whitespace);
      if (!token(':')) return at;
      expected = 'value';
    } else if (token('{')) {
      open.push('}');
      expected = 'first key';
    } else if (token('[')) {
      open.push(']');
      expected = 'first value';
    } else if (read(string) || read(scalar)) {
      expected = 'more';
    } else {
      return at;
    }
  }
}
