// Reads an artifact's vision metadata. It is untrusted: each field is checked, and an error names the field.
import { FiligreeError } from '../errors.ts';
import type { DType } from '../tensor.ts';

/** A value and its path, for messages: `metadata.vision.head.strides[0]`. */
export interface Field {
  readonly value: unknown;
  readonly path: string;
}

/** Size of a model's image input, in pixels. */
export interface Input {
  readonly width: number;
  readonly height: number;
}

/** Name, shape and type of a model's input or output. */
export interface TensorDescription {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
}

export function invalid(path: string, wanted: string, found: unknown): FiligreeError {
  const shown = shownAs(found);
  return new FiligreeError(
    'invalid-model',
    `${path}: wanted ${wanted}, found ${shown.length > 80 ? `${shown.slice(0, 77)}…` : shown}`,
  );
}

/** JSON, where it has some: a file may nest lists deeper than the engine can follow. */
function shownAs(found: unknown): string {
  try {
    return JSON.stringify(found) ?? String(found);
  } catch {
    return 'something nested deeply';
  }
}

export function field({ value, path }: Field, name: string): Field {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(path, 'an object', value);
  return {
    value: Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined,
    path: `${path}.${name}`,
  };
}

export function text({ value, path }: Field): string {
  if (typeof value !== 'string') throw invalid(path, 'a text', value);
  return value;
}

export function oneOf<const T extends string>({ value, path }: Field, choices: readonly T[]): T {
  if (!choices.includes(value as T)) throw invalid(path, choices.map((choice) => `"${choice}"`).join(' or '), value);
  return value as T;
}

export function flag({ value, path }: Field): boolean {
  if (typeof value !== 'boolean') throw invalid(path, 'true or false', value);
  return value;
}

export function number({ value, path }: Field, least = -Infinity, most = Infinity): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < least || value > most) {
    throw invalid(path, Number.isFinite(least) ? `a number from ${least} to ${most}` : 'a finite number', value);
  }
  return value;
}

export function integer(at: Field, least: number, most: number): number {
  if (!Number.isInteger(at.value)) throw invalid(at.path, `a whole number from ${least} to ${most}`, at.value);
  return number(at, least, most);
}

export function list<T>({ value, path }: Field, read: (item: Field) => T, most = 65536): T[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > most) {
    throw invalid(path, `a list of 1 to ${most}`, value);
  }
  return value.map((item, i) => read({ value: item, path: `${path}[${i}]` }));
}

export function outputNamed(outputs: readonly TensorDescription[], name: string): TensorDescription {
  const output = outputs.find((candidate) => candidate.name === name);
  if (!output)
    throw invalid('metadata.vision.head', `one of the outputs ${outputs.map((o) => o.name).join(', ')}`, name);
  return output;
}

/** Whether an output holds real numbers: quantised ones are read as what they stand for. */
export function isReal(dtype: DType): boolean {
  return dtype !== 'int32' && dtype !== 'int64' && dtype !== 'bool';
}

export function shapeIs(output: TensorDescription, shape: readonly number[]): void {
  const same = output.shape.length === shape.length && shape.every((d, i) => d === output.shape[i]);
  if (!same)
    throw invalid(`metadata.vision.head: output "${output.name}"`, `shape [${shape.join(', ')}]`, output.shape);
  if (!isReal(output.dtype))
    throw invalid(`metadata.vision.head: output "${output.name}"`, 'float32 or a quantised type', output.dtype);
}

/** The axis of the channels in an image's shape, (1, H, W, C) or (1, C, H, W) with 3 channels or 1; undefined for others. */
export function channelAxis(shape: readonly number[]): 1 | 3 | undefined {
  if (shape.length !== 4 || shape[0] !== 1) return undefined;
  for (const channels of [3, 1]) {
    if (shape[3] === channels) return 3;
    if (shape[1] === channels) return 1;
  }
  return undefined;
}
