// Expands templates: AssemblyScript with lines that begin with `$`, such as assembly/templates/spmm.ts.in.
//
//   $for v of range(4)       repeats the deeper indented lines below it, with `v` set
//   $if v > 0                keeps them if the JavaScript expression is true; `$else` may follow
//   $let bytes = 16 * v      names a value until the end of the block
//   $// remark               is left out
//
// Each level of a block is indented by two columns, which are removed from the output. ${expression} anywhere else is replaced
// by the value of a JavaScript expression; braces inside it must pair up.

/** 0 … end − 1, or start … end − 1. */
const range = (start, end) =>
  end === undefined ? range(0, start) : Array.from({ length: Math.max(0, end - start) }, (_, i) => start + i);

/**
 * @param text the template
 * @param file its name, for messages
 * @param values names that expressions may use, besides `range`
 * @throws Error that names the file and the line
 */
export function expand(text, file, values = {}) {
  const lines = text.split('\n').map((line, i) => ({ line, indent: line.search(/\S/), at: `${file}:${i + 1}` }));
  return emit(parse(lines), { range, ...values }, 0).join('\n');
}

/** Removes a block from the front: the lines indented deeper than `outer`. Blank lines at its end belong to the next block. */
function parse(lines, outer = -1) {
  const nodes = [];
  for (;;) {
    const next = lines.find(({ indent }) => indent >= 0);
    if (next ? next.indent <= outer : outer >= 0 || lines.length === 0) return nodes;
    const { line, indent, at } = lines.shift();
    const [, word, rest] = /^\s*\$(\w+|\/\/)\s*(.*)$/.exec(line) ?? [];
    if (word === undefined) {
      nodes.push({ kind: 'text', line, at });
    } else if (word === 'for') {
      const [, name, expression] = /^(\w+) of (.+)$/.exec(rest) ?? fail(at, 'wanted `$for NAME of EXPRESSION`');
      nodes.push({ kind: 'for', name, expression, at, body: blockOf(lines, indent, at) });
    } else if (word === 'if') {
      if (!rest) fail(at, 'wanted `$if EXPRESSION`');
      nodes.push({ kind: 'if', indent, expression: rest, at, body: blockOf(lines, indent, at) });
    } else if (word === 'else') {
      const before = nodes.at(-1);
      if (before?.kind !== 'if' || before.indent !== indent || before.otherwise || rest)
        fail(at, '`$else` without an `$if` just above its block');
      before.otherwise = blockOf(lines, indent, at);
    } else if (word === 'let') {
      const [, name, expression] = /^(\w+) = (.+)$/.exec(rest) ?? fail(at, 'wanted `$let NAME = EXPRESSION`');
      nodes.push({ kind: 'let', name, expression, at });
    } else if (word !== '//') {
      fail(at, `unknown directive \`$${word}\`: wanted $for, $if, $else, $let or $//`);
    }
  }
}

function blockOf(lines, indent, at) {
  const body = parse(lines, indent);
  return body.length > 0 ? body : fail(at, 'nothing below it is indented deeper');
}

function emit(nodes, outer, depth) {
  const scope = { ...outer };
  return nodes.flatMap((node) => {
    const { kind, at, expression, body } = node;
    if (kind === 'text') return [substitute(node.line.replace(new RegExp(`^ {0,${2 * depth}}`), ''), scope, at)];
    const value = evaluate(expression, scope, at);
    if (kind === 'let') {
      scope[node.name] = value;
      return [];
    }
    if (kind === 'if') return emit(value ? body : (node.otherwise ?? []), scope, depth + 1);
    if (typeof value?.[Symbol.iterator] !== 'function') fail(at, `\`${expression}\` is ${value}, not a list`);
    return [...value].flatMap((item) => emit(body, { ...scope, [node.name]: item }, depth + 1));
  });
}

/** The line with the values of its ${expressions}. */
function substitute(line, scope, at) {
  let result = '';
  for (;;) {
    const start = line.indexOf('${');
    if (start < 0) return result + line;
    let end = start + 2;
    for (let open = 1; open > 0; end++) {
      if (end === line.length) fail(at, '`${` without its `}`');
      if (line[end] === '{') open++;
      else if (line[end] === '}') open--;
    }
    const expression = line.slice(start + 2, end - 1);
    const value = evaluate(expression, scope, at);
    if (typeof value !== 'string' && !Number.isFinite(value)) {
      fail(at, `\`${expression}\` is ${value}: wanted a number or text`);
    }
    result += line.slice(0, start) + value;
    line = line.slice(end);
  }
}

function evaluate(expression, scope, at) {
  try {
    return new Function(...Object.keys(scope), `'use strict'; return (${expression}\n);`)(...Object.values(scope));
  } catch (error) {
    return fail(at, `\`${expression}\`: ${error.message}`);
  }
}

function fail(at, message) {
  throw new Error(`${at}: ${message}`);
}
