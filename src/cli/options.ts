// Values of command-line options. What is wrong with one ends the program with a usage error.
import { InvalidArgumentError } from 'commander';

/** A number from 0 to 1. */
export function fraction(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 1))
    throw new InvalidArgumentError('It must be a number from 0 to 1.');
  return value;
}

/** A whole number from 1. */
export function count(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('It must be a whole number from 1.');
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

/** Collects an option that may be given several times. */
export function collect(text: string, before: string[] = []): string[] {
  return [...before, text];
}
