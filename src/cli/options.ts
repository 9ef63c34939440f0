// Parses values of command-line options. A wrong value ends the program with a usage error.
import { InvalidArgumentError } from 'commander';

/** A number from 0 to 1. */
export function fraction(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 1))
    throw new InvalidArgumentError('It must be a number from 0 to 1.');
  return value;
}

/** A number from 0, less than 1. */
export function share(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value < 1)) {
    throw new InvalidArgumentError('It must be a number from 0, less than 1.');
  }
  return value;
}

/** Milliseconds: `8`, `8ms`. */
export function latency(text: string): number {
  const value = Number(text.replace(/\s*ms$/, ''));
  if (!(value > 0 && value < Infinity)) throw new InvalidArgumentError('It must be milliseconds, as in 8ms.');
  return value;
}

/** A positive number of seconds. */
export function seconds(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < Infinity)) throw new InvalidArgumentError('It must be a number of seconds above 0.');
  return value;
}

/** A factor: `2`, `2x`. */
export function speedup(text: string): number {
  const value = Number(text.replace(/x$/, ''));
  if (!(value >= 1 && value < Infinity)) throw new InvalidArgumentError('It must be a number from 1, as in 2.5.');
  return value;
}

/** A positive number with an optional unit: `150M`, `2.5 MB`; powers of 1000. */
export function quantity(text: string): number {
  const [, number, unit = ''] = /^([\d.]+(?:e\d+)?)\s*([kKMG]?)B?$/.exec(text.trim()) ?? [];
  const value = Number(number) * 1000 ** ' kMG'.indexOf(unit.replace('K', 'k') || ' ');
  if (!(value > 0 && value < Infinity)) throw new InvalidArgumentError('It must be a positive number, as in 150M.');
  return value;
}

/** A whole number from 1. */
export function count(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('It must be a whole number from 1.');
  return value;
}

/** A number of threads from 1, or `auto`. */
export function threadCount(text: string): number | 'auto' {
  if (text === 'auto') return text;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 64) {
    throw new InvalidArgumentError("It must be a whole number from 1 to 64, or 'auto'.");
  }
  return value;
}

/** A whole number from 0. */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < 0) {
    throw new InvalidArgumentError('It must be a whole number from 0.');
  }
  return value;
}

/** A file or directory name. */
export function fileName(text: string): string {
  if (text === '') throw new InvalidArgumentError('It must not be empty.');
  return text;
}

/** Collects an option that may be given several times. */
export function collect(text: string, before: string[] = []): string[] {
  return [...before, text];
}

/** Adds `name=value` to the values of earlier options of the same kind; `read` parses the value. */
function named<T>(text: string, before: Record<string, T>, wanted: string, read: (value: string) => T | undefined) {
  const at = text.lastIndexOf('=');
  const value = at > 0 ? read(text.slice(at + 1)) : undefined;
  if (value === undefined) throw new InvalidArgumentError(`It must be ${wanted}.`);
  return { ...before, [text.slice(0, at)]: value };
}

const size = (text: string) => (/^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined);

/** `name=640` */
export function namedSize(text: string, before: Record<string, number> = {}): Record<string, number> {
  return named(text, before, 'a name and a whole number, as in height=640', size);
}

/** `name=1,3,640,640` */
export function namedShape(text: string, before: Record<string, number[]> = {}): Record<string, number[]> {
  return named(text, before, 'a name and sizes, as in images=1,3,640,640', (value) => {
    const sizes = value.split(',').map(size);
    return sizes.every((n) => n !== undefined) ? sizes : undefined;
  });
}
