// Reads label files: class names, as published with models.
import { FiligreeError } from '../errors.ts';

/**
 * Reads a label file: one name per line, in class order. Where every line begins with a number (`0 background`, `1:
 * tench`), that is its class, and classes may be missing. WordNet ids (`n01440764 tench`) are dropped. Classes without
 * a name get an empty one.
 * @param file prefix of messages
 * @throws FiligreeError `invalid-argument` naming file and line
 */
export function parseLabels(text: string, file: string): string[] {
  const fail = (line: number, message: string): never => {
    throw new FiligreeError('invalid-argument', `${file}: line ${line}: ${message}`);
  };
  const lines = text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\r|\n/)
    .map((content, i) => ({ content: content.trim(), line: i + 1 }));
  while (lines.at(-1)?.content === '') lines.pop();
  const filled = lines.filter(({ content }) => content !== '');
  if (filled.length === 0) return fail(1, 'wanted one name per line; the file is empty');
  const binary = filled.find(({ content }) => content.includes('\0') || content.includes('\uFFFD'));
  if (binary) fail(binary.line, 'not a text file');

  const numbered = filled.map(({ content, line }) => ({ line, parts: /^(\d+)\s*[:,\s]\s*(\S[^]*)$/.exec(content) }));
  if (numbered.every(({ parts }) => parts !== null)) return numberedLabels(numbered as NumberedLine[], fail);
  const wordNet = /^n\d{8}\s+(?=\S)/;
  if (filled.every(({ content }) => wordNet.test(content))) {
    return lines.map(({ content }) => content.replace(wordNet, ''));
  }
  return lines.map(({ content }) => content);
}

interface NumberedLine {
  line: number;
  parts: RegExpExecArray;
}

const maxClasses = 65536;

function numberedLabels(lines: readonly NumberedLine[], fail: (line: number, message: string) => never): string[] {
  const labels: string[] = [];
  const lineOf = new Map<number, number>();
  for (const { line, parts } of lines) {
    const index = Number(parts[1]);
    if (index >= maxClasses) fail(line, `class ${parts[1]}: wanted less than ${maxClasses}`);
    const before = lineOf.get(index);
    if (before !== undefined) fail(line, `class ${index} is on line ${before} already`);
    lineOf.set(index, line);
    labels[index] = parts[2];
  }
  return Array.from(labels, (label) => label ?? '');
}
