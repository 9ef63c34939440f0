import type { Lowering } from '../lower/lowering.ts';
import type { Node } from '../graph/graph.ts';
import { activationArguments, unaryFunctions, type Activation } from '../program/activations.ts';
import { binaryFunctions, type BinaryFunction } from '../program/kernels/elementwise.ts';
import { elementCount } from '../tensor.ts';
import {
  broadcastIndices,
  broadcastShape,
  broadcastStrides,
  collapse,
  innermost,
  withUnitInner,
  type Loops,
} from './broadcast.ts';
import { everyElement, type Operator } from './operator.ts';
import { applyActivation } from '../graph/activation.ts';
import { activateValue, floatInputs, sameStrides, sharedStorage } from './unary.ts';

export type { BinaryFunction };

export interface BinaryAttributes {
  /** prelu(x, slope) is x < 0 ? slope·x : x. */
  fn: BinaryFunction;
  activation?: Activation;
}

const functions: Record<BinaryFunction, (a: number, b: number) => number> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  min: Math.min,
  max: Math.max,
  pow: Math.pow,
  prelu: (a, b) => (a < 0 ? b * a : a),
  less: (a, b) => Number(a < b),
  lessOrEqual: (a, b) => Number(a <= b),
  equal: (a, b) => Number(a === b),
  select: (a, b) => (a === 0 ? -0 : b),
};

/** fn(a, b) for two numbers. */
export const applyBinary = (fn: BinaryFunction, a: number, b: number): number => functions[fn](a, b);

const commutative: readonly BinaryFunction[] = ['add', 'mul', 'min', 'max', 'equal'];

/** (a, b) → act(f(a, b)) with NumPy broadcasting. */
export const binary: Operator<BinaryAttributes> = {
  infer({ fn, activation }, inputs) {
    if (!binaryFunctions.includes(fn)) throw new Error(`unknown function "${String(fn)}"`);
    if (activation && !unaryFunctions.includes(activation.fn)) {
      throw new Error(`unknown activation "${String(activation.fn)}"`);
    }
    const [a, b] = floatInputs(inputs, 2);
    return [broadcastShape(a.shape, b.shape)];
  },

  evaluate({ fn, activation }, [a, b], [shape]) {
    const f = functions[fn];
    const aAt = broadcastIndices(a!.shape, shape);
    const bAt = broadcastIndices(b!.shape, shape);
    return [
      { shape, data: Float32Array.from(aAt, (at, i) => applyActivation(f(a!.data[at], b!.data[bAt[i]]), activation)) },
    ];
  },

  evaluationWork: everyElement,

  layout: 'inherit',

  place(node, placement) {
    const [y] = node.outputs;
    for (const x of node.inputs) {
      if (placement.isConstant(x) || !placement.diesHere(x)) continue;
      if (!sameStrides(placement.shape(x), placement.shape(y))) continue;
      if (sameStrides(placement.strides(x), placement.strides(y)) && placement.alias(y, x)) return;
    }
  },

  lower(node, lowering) {
    const { fn, activation } = node.attributes;
    const [a, b] = node.inputs;
    const [y] = node.outputs;
    if (elementCount(lowering.shape(y)) === 0) return;
    if (fn === 'pow' && !activation && sameStrides(lowering.shape(a), lowering.shape(y))) {
      const exponent = lowering.constantData(b);
      if (exponent?.every((e) => e === 2)) {
        activateValue(a, y, activationArguments({ fn: 'square' }), lowering);
        return;
      }
    }
    lowerLoops(node, lowering, binaryLoops(a, b, y, lowering));
  },
};

/** Loops over (a, b, y). The innermost is contiguous in y, and contiguous or of stride 0 in a and b. */
function binaryLoops(a: string, b: string, y: string, lowering: Lowering): Loops {
  const shape = lowering.shape(y);
  const storage = sharedStorage([a, b, y], lowering);
  if (storage) return { dims: [storage], strides: [[1], [1], [1]] };
  const strides = [
    broadcastStrides(lowering.shape(a), lowering.strides(a), shape),
    broadcastStrides(lowering.shape(b), lowering.strides(b), shape),
    lowering.strides(y),
  ];
  const loops = wholePlanes(y, lowering, collapse(shape, strides));
  const [aInner, bInner, yInner] = loops.strides.map((s) => s.at(-1)!);
  const isVector = yInner === 1 && (aInner === 0 || aInner === 1) && (bInner === 0 || bInner === 1);
  return isVector ? loops : withUnitInner(loops);
}

/** Rounds an innermost loop that covers a padded plane of y up to whole vectors: no tails, but padding is written. */
function wholePlanes(y: string, lowering: Lowering, loops: Loops): Loops {
  const pixels = loops.dims.at(-1)!;
  const shape = lowering.shape(y);
  if (!lowering.inPlanes(y) || shape[2] * shape[3] !== pixels) return loops;
  const rounded = (pixels + 3) & ~3;
  if (lowering.strides(y)[1] < rounded || loops.strides[2].at(-1) !== 1) return loops;
  return { dims: [...loops.dims.slice(0, -1), rounded], strides: loops.strides };
}

function lowerLoops(node: Node & { attributes: BinaryAttributes }, lowering: Lowering, loops: Loops): void {
  const { fn, activation } = node.attributes;
  const [y] = node.outputs;
  let [a, b] = node.inputs;
  const { inner, offsets } = innermost(loops, 4);
  const [dim0, dim1, dim2, dim3] = inner.dims;
  // The kernel is fast when b has stride 0 along a row, not when a has.
  const isSwapped = commutative.includes(fn) && inner.strides[0][3] === 0 && inner.strides[1][3] !== 0;
  const [first, second] = isSwapped ? [1, 0] : [0, 1];
  if (isSwapped) [a, b] = [b, a];
  const [a0, a1, a2, a3] = inner.strides[first].map((s) => 4 * s);
  const [b0, b1, b2, b3] = inner.strides[second].map((s) => 4 * s);
  const [y0, y1, y2] = inner.strides[2].map((s) => 4 * s);
  const sizes = { dim0, dim1, dim2, dim3 };
  const steps = { a0, a1, a2, a3, b0, b1, b2, b3, y0, y1, y2 };
  for (const at of offsets) {
    lowering.emit('f32_binary', {
      a: lowering.at(a, at[first]),
      b: lowering.at(b, at[second]),
      y: lowering.at(y, at[2]),
      fn: binaryFunctions.indexOf(fn),
      ...sizes,
      ...steps,
      ...activationArguments(activation),
    });
  }
}
