import type { Lowering } from '../lower/lowering.ts';
import { applyActivation } from '../graph/activation.ts';
import { elementCount } from '../tensor.ts';
import {
  activationArguments,
  unaryFunctions,
  type Activation,
  type ActivationArguments,
} from '../program/activations.ts';
import { collapse, innermost, withUnitInner } from './broadcast.ts';
import { everyElement, type InputType, type Operator } from './operator.ts';

/** x → f(x), element by element; the functions are listed in program/activations.ts. */
export const unary: Operator<Activation> = {
  infer({ fn }, inputs) {
    if (!unaryFunctions.includes(fn)) throw new Error(`unknown function "${String(fn)}"`);
    const [x] = floatInputs(inputs, 1);
    return [[...x.shape]];
  },

  evaluate(activation, [x], [shape]) {
    return [{ shape, data: Float32Array.from(x!.data, (v) => applyActivation(v, activation)) }];
  },

  evaluationWork: everyElement,

  layout: 'inherit',

  place(node, placement) {
    const [x] = node.inputs;
    const [y] = node.outputs;
    if (placement.isConstant(x) || !placement.diesHere(x)) return;
    if (sameStrides(placement.strides(x), placement.strides(y))) placement.alias(y, x);
  },

  lower(node, lowering) {
    activateValue(node.inputs[0], node.outputs[0], activationArguments(node.attributes), lowering);
  },
};

/** Emits y = act(x) for values of one shape, in any layout. */
export function activateValue(x: string, y: string, activation: ActivationArguments, lowering: Lowering): void {
  const shape = lowering.shape(y);
  if (elementCount(shape) === 0) return;
  const storage = sharedStorage([x, y], lowering);
  let loops = storage
    ? { dims: [storage], strides: [[1], [1]] }
    : collapse(shape, [lowering.strides(x), lowering.strides(y)], 1);
  if (loops.strides.some((s) => s.at(-1) !== 1) && loops.dims.at(-1) !== 1) loops = withUnitInner(loops);
  const { inner, offsets } = innermost(loops, 2);
  const [rows, columns] = inner.dims;
  for (const [xAt, yAt] of offsets) {
    lowering.emit('f32_unary', {
      x: lowering.at(x, xAt),
      y: lowering.at(y, yAt),
      rows,
      columns,
      xRow: 4 * inner.strides[0][0],
      yRow: 4 * inner.strides[1][0],
      ...activation,
    });
  }
}

/** Stored floats, padding of planes included, when values of one shape all have the same layout; else 0. */
export function sharedStorage(values: readonly string[], lowering: Lowering): number {
  const [first, ...others] = values;
  const shape = lowering.shape(first);
  const strides = lowering.strides(first);
  for (const other of others) {
    if (!sameStrides(lowering.shape(other), shape) || !sameStrides(lowering.strides(other), strides)) return 0;
    if (lowering.inPlanes(other) !== lowering.inPlanes(first)) return 0;
  }
  const { dims, strides: runs } = collapse(shape, [strides]);
  if (dims.length === 1 && (dims[0] === 1 || runs[0][0] === 1)) return dims[0];
  const [n, c, h, w] = shape;
  const plane = strides[1];
  const isWhole = lowering.inPlanes(first) && strides[3] === 1 && strides[2] === w && strides[0] === c * plane;
  return isWhole && plane >= h * w ? n * c * plane : 0;
}

export function sameStrides(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((stride, axis) => stride === b[axis]);
}

/** The inputs, checked to be `count` and float32. @throws Error naming the one that is not. */
export function floatInputs(inputs: readonly (InputType | undefined)[], count: number): InputType[] {
  if (inputs.length !== count)
    throw new Error(`expected ${count} input${count === 1 ? '' : 's'}, got ${inputs.length}`);
  return inputs.map((input, i) => {
    if (!input) throw new Error(`input ${i} is missing`);
    if (input.dtype !== 'float32') throw new Error(`input ${i} must be float32, got ${input.dtype}`);
    return input;
  });
}
