// The graph's inputs: dimensions that are open in the file, and the options that fix them.
import { FiligreeError } from '../../errors.ts';
import { isDType, type DType } from '../../tensor.ts';
import type { Dimension, ElementType, OnnxModel, ValueInfo } from './schema.ts';

export interface ShapeOptions {
  /** Sizes for the dimensions that the file leaves open under a name: `{ batch: 1, height: 640, width: 640 }`. */
  dimensions?: Record<string, number>;
  /** Whole shapes by input: `{ images: [1, 3, 640, 640] }`. They win over `dimensions`. */
  inputShapes?: Record<string, readonly number[]>;
}

export function portType(type: ElementType): DType | undefined {
  return isDType(type) ? type : undefined;
}

/**
 * The shape of every input, by name. An open first dimension is the batch, 1 unless an option says otherwise.
 * @throws FiligreeError `invalid-argument` that names the option to give for each other open dimension, or the wrong one.
 */
export function inputShapes(
  { file, inputs, initializers }: OnnxModel,
  { dimensions = {}, inputShapes: shapes = {} }: ShapeOptions,
  notes: string[],
): Map<string, number[]> {
  const real = inputs.filter(({ name }) => !initializers.has(name));
  const fail = (message: string): never => {
    throw new FiligreeError('invalid-argument', `${file}: ${message}`);
  };
  const list = (names: Iterable<string>) => [...names].map((name) => `"${name}"`).join(', ') || 'none';

  const symbols = new Set(
    real.flatMap(({ shape }) => shape ?? []).filter((d): d is string => typeof d === 'string' && d !== ''),
  );
  for (const [name, size] of Object.entries(dimensions)) {
    if (!symbols.has(name))
      fail(`option dimensions: no input has a dimension "${name}"; open dimensions are ${list(symbols)}`);
    if (!isSize(size)) fail(`option dimensions: "${name}" must be a positive integer, got ${String(size)}`);
  }
  const names = real.map(({ name }) => name);
  for (const [name, shape] of Object.entries(shapes)) {
    const input = real.find((candidate) => candidate.name === name);
    if (!input) return fail(`option inputShapes: no input is named "${name}"; inputs are ${list(names)}`);
    if (!shape.every(isSize)) fail(`option inputShapes: "${name}" must hold positive integers, got [${shape}]`);
    if (input.shape && !fits(input.shape, shape)) {
      fail(`option inputShapes: "${name}" is [${declared(input.shape)}] in the file, [${shape}] does not fit`);
    }
  }

  const result = new Map<string, number[]>();
  const open: string[] = [];
  for (const input of real) {
    const { name } = input;
    const given = Object.hasOwn(shapes, name) ? [...shapes[name]] : undefined;
    const shape = given ?? input.shape?.map((d, axis) => sizeOf(d, axis, dimensions));
    const unknown = shape?.flatMap((d, axis) => (d === undefined ? [axis] : []));
    if (!shape || unknown!.length > 0) {
      open.push(describe(input, unknown ?? []));
      continue;
    }
    result.set(name, shape as number[]);
    if (input.shape?.some((d) => typeof d === 'string')) {
      notes.push(`input "${name}" is declared [${declared(input.shape)}]; it runs as [${shape}]`);
    }
  }
  if (open.length > 0) fail(`the size of inputs is open:\n  ${open.join('\n  ')}`);
  return result;
}

const isSize = (size: number) => Number.isInteger(size) && size > 0;

function fits(shape: readonly Dimension[], given: readonly number[]): boolean {
  return shape.length === given.length && shape.every((d, axis) => typeof d === 'string' || d === given[axis]);
}

function sizeOf(d: Dimension, axis: number, dimensions: Record<string, number>): number | undefined {
  if (typeof d === 'number') return d;
  if (d !== '' && Object.hasOwn(dimensions, d)) return dimensions[d];
  return axis === 0 ? 1 : undefined;
}

/** `batch, 3, ?, ?`. */
export function declared(shape: readonly Dimension[]): string {
  return shape.map((d) => (d === '' ? '?' : d)).join(', ');
}

/** A sentence that names the open dimensions of an input, and the option that fixes them. */
function describe({ name, shape }: ValueInfo, axes: readonly number[]): string {
  const quoted = JSON.stringify(name);
  if (!shape) return `input ${quoted} has no shape: give the option inputShapes: { ${quoted}: [1, 3, 224, 224] }, say`;
  const symbols = [...new Set(axes.map((axis) => shape[axis]))];
  const example = `inputShapes: { ${quoted}: [${shape.map((d, axis) => (typeof d === 'number' ? d : axis === 0 ? 1 : 640)).join(', ')}] }`;
  const byName = `dimensions: { ${symbols.map((d) => `${JSON.stringify(d)}: 640`).join(', ')} }`;
  const which = symbols.map((d) => (d === '' ? 'one without a name' : `"${d}"`)).join(', ');
  const options = symbols.includes('') ? example : `${byName} or ${example}`;
  return `input ${quoted} [${declared(shape)}] has the open dimension${symbols.length === 1 ? '' : 's'} ${which}: give the option ${options}, say`;
}
