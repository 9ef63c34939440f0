// Reads labels.csv, the class of each image, and computes a classifier's accuracy.
import { FiligreeError } from '../errors.ts';

export interface LabelledImage {
  readonly file: string;
  /** Class of the data set, from 0. */
  readonly classIndex: number;
  /** Line of the csv, from 1. */
  readonly line: number;
}

const imageColumns = ['image', 'file', 'file_name', 'filename'];
const classColumns = ['imagenet_class', 'class', 'class_index', 'label'];

/**
 * Reads a csv (RFC 4180). Its header must have a column `image` and one called `imagenet_class`, `class` or `label`, of
 * whole numbers from 0. Other columns are skipped.
 * @param file prefix of messages
 * @throws FiligreeError `invalid-argument` naming file and line
 */
export function readLabelledImages(text: string, file: string): LabelledImage[] {
  const fail = (line: number, message: string): never => {
    throw new FiligreeError('invalid-argument', `${file}: line ${line}: ${message}`);
  };
  const [header, ...rows] = readCsv(text.replace(/^\uFEFF/, ''), fail);
  if (!header) return fail(1, 'wanted a header, found nothing');
  const names = header.cells.map((name) => name.trim().toLowerCase());
  const column = (choices: readonly string[]): number => {
    const found = choices.map((name) => names.indexOf(name)).find((index) => index >= 0);
    return found ?? fail(header.line, `no column "${choices[0]}" in the header; found ${names.join(', ')}`);
  };
  const image = column(imageColumns);
  const label = column(classColumns);
  const seen = new Map<string, number>();
  const images = rows.map(({ cells, line }): LabelledImage => {
    if (cells.length !== names.length) {
      fail(line, `wanted ${names.length} columns, as in the header; found ${cells.length}`);
    }
    const name = cells[image].trim();
    if (name === '') fail(line, `the column "${names[image]}" is empty`);
    const classIndex = Number(cells[label]);
    if (cells[label].trim() === '' || !Number.isSafeInteger(classIndex) || classIndex < 0) {
      fail(line, `${names[label]}: wanted a whole number from 0, found "${cells[label]}"`);
    }
    const before = seen.get(name);
    if (before !== undefined) fail(line, `${name} is on line ${before} already`);
    seen.set(name, line);
    return { file: name, classIndex, line };
  });
  if (images.length === 0) fail(header.line, 'no images below the header');
  return images;
}

interface Row {
  cells: string[];
  line: number;
}

/** Reads rows; blank lines are left out. A quoted cell may hold commas, line breaks, and doubled quotes. */
function readCsv(text: string, fail: (line: number, message: string) => never): Row[] {
  const rows: Row[] = [];
  const plain = /[^",\r\n]*/y;
  const quoted = /"((?:[^"]|"")*)"/y;
  let cells: string[] = [];
  let line = 1;
  let rowLine = 1;
  for (let at = 0; at <= text.length;) {
    const pattern = text[at] === '"' ? quoted : plain;
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (!match) return fail(line, 'a quote is not closed');
    at = pattern.lastIndex;
    cells.push(match[1] === undefined ? match[0] : match[1].replaceAll('""', '"'));
    line += match[0].split('\n').length - 1;
    const end = text[at];
    if (end === ',') {
      at++;
      continue;
    }
    if (end === '\r' && text[at + 1] === '\n') at++;
    else if (end !== undefined && end !== '\n' && end !== '\r') return fail(line, `"${end}" within a cell`);
    if (cells.length > 1 || cells[0] !== '') rows.push({ cells, line: rowLine });
    at++;
    line++;
    rowLine = line;
    cells = [];
  }
  return rows;
}

/**
 * Shares of images whose true class is ranked first, and among the first five, by a classifier's classes, best first.
 * @throws RangeError without images
 */
export function topAccuracy(predictions: readonly { readonly truth: number; readonly ranked: readonly number[] }[]): {
  top1: number;
  top5: number;
} {
  if (predictions.length === 0) throw new RangeError('topAccuracy: no predictions');
  const within = (k: number) =>
    predictions.filter(({ truth, ranked }) => ranked.slice(0, k).includes(truth)).length / predictions.length;
  return { top1: within(1), top5: within(5) };
}
