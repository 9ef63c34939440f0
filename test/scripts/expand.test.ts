// The templates of assembly/templates/, expanded by scripts/expand.mjs.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

type Expand = (text: string, file: string, values?: Record<string, unknown>) => string;

const { expand } = (await import(new URL('../../scripts/expand.mjs', import.meta.url).href)) as { expand: Expand };

const lines = (...text: string[]) => text.join('\n');

describe('expand', () => {
  it('leaves text without directives as it is', () => {
    const text = lines('', '/** `x` costs $5. */', '  const y = { a: 1 };', '', '');
    expect(expand(text, 'plain')).toBe(text);
  });

  it('replaces expressions, also with braces and several in a line', () => {
    expect(expand('a${i}${i + 1} = ${[1, 2].map((v) => `${v * i}`).join(" + ")};', 'f', { i: 3 })).toBe('a34 = 3 + 6;');
  });

  it('repeats a block, without the indentation that the block has', () => {
    const text = lines('function f() {', '  $for v of range(1, 3)', '    const a${v} = ${4 * v};', '  return;', '}');
    expect(expand(text, 'f')).toBe(lines('function f() {', '  const a1 = 4;', '  const a2 = 8;', '  return;', '}'));
  });

  it('nests blocks', () => {
    const text = lines(
      '$for g of range(2)',
      '  $for v of range(g + 1)',
      '    a${g}${v}',
      '      .deep',
      '  end ${g}',
      'after',
    );
    expect(expand(text, 'f')).toBe(
      lines('a00', '  .deep', 'end 0', 'a10', '  .deep', 'a11', '  .deep', 'end 1', 'after'),
    );
  });

  it('repeats nothing for an empty list', () => {
    expect(expand(lines('a', '$for v of range(0)', '  ${v}', 'b'), 'f')).toBe(lines('a', 'b'));
  });

  it('keeps blank lines inside a block, and moves those at its end to the next block', () => {
    const text = lines('$for v of range(2)', '', '  a${v}', '', '  b${v}', '', 'after', '');
    expect(expand(text, 'f')).toBe(lines('', 'a0', '', 'b0', '', 'a1', '', 'b1', '', 'after', ''));
  });

  it.each([
    [1, 'one'],
    [2, 'other'],
  ])('chooses by $if and $else: %i', (n, expected) => {
    expect(expand(lines('$if n === 1', '  one', '$else', '  other'), 'f', { n })).toBe(expected);
  });

  it('gives values names down to the end of their block', () => {
    const text = lines('$let a = 1', '$for v of range(1)', '  $let a = 2', '  ${a}', '${a}');
    expect(expand(text, 'f')).toBe(lines('2', '1'));
  });

  it('leaves remarks out', () => {
    expect(expand(lines('$// for readers', 'a'), 'f')).toBe('a');
  });

  it.each<[string, string, string]>([
    ['an unknown name', lines('a', '${b}'), 't.in:2: `b`: b is not defined'],
    ['a value that is no text', lines('${undefined}'), 't.in:1: `undefined` is undefined: wanted a number or text'],
    ['not a number', '${0 / 0}', 't.in:1: `0 / 0` is NaN: wanted a number or text'],
    ['wrong syntax', '${1 +}', 't.in:1: `1 +`: '],
    ['an expression without an end', 'a ${ { b', 't.in:1: `${` without its `}`'],
    ['an unknown directive', lines('', '  $while true'), 't.in:2: unknown directive `$while`'],
    ['a loop without a list', lines('$for v in range(2)', '  a'), 't.in:1: wanted `$for NAME of EXPRESSION`'],
    ['a loop over a number', lines('$for v of 2', '  a'), 't.in:1: `2` is 2, not a list'],
    ['a loop over an object', lines('$for v of {}', '  a'), 't.in:1: `{}` is [object Object], not a list'],
    ['an empty block', lines('$for v of range(2)', 'a'), 't.in:1: nothing below it is indented deeper'],
    ['an empty $else', lines('$if true', '  a', '$else'), 't.in:3: nothing below it is indented deeper'],
    ['$else alone', lines('a', '$else', '  b'), 't.in:2: `$else` without an `$if` just above its block'],
    ['$else twice', lines('$if true', '  a', '$else', '  b', '$else', '  c'), 't.in:5: `$else` without an `$if`'],
    ['$else with a condition', lines('$if true', '  a', '$else 1', '  b'), 't.in:3: `$else` without an `$if`'],
    ['a condition that is missing', lines('$if', '  a'), 't.in:1: wanted `$if EXPRESSION`'],
    ['a name without a value', '$let a', 't.in:1: wanted `$let NAME = EXPRESSION`'],
    ['an error in a repeated line', lines('$for v of range(9)', '  ', '  ${v.a.b}'), 't.in:3: `v.a.b`: '],
  ])('names file and line of %s', (_, text, message) => {
    expect(() => expand(text, 't.in')).toThrow(message);
  });
});

describe('generated files', () => {
  it('equal the output of their templates and the registry', () => {
    const script = fileURLToPath(new URL('../../scripts/generate.mjs', import.meta.url));
    expect(execFileSync(process.execPath, [script, '--check'], { encoding: 'utf8', stdio: 'pipe' })).toBe('');
  });
});
