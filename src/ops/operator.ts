import { elementCount, type DType, type TensorData } from '../tensor.ts';
import type { Node, Shape } from '../graph/graph.ts';
import type { Lowering } from '../lower/lowering.ts';
import type { Placement } from '../lower/placement.ts';

/** An input in a shape rule: its type, and its data when it is a constant. `undefined` stands for an absent input. */
export interface InputType {
  shape: Shape;
  dtype: DType;
  data?: TensorData;
}

/** A float32 tensor for the reference evaluator, row-major. */
export interface DenseTensor {
  shape: Shape;
  data: Float32Array;
}

/**
 * How a node's outputs lie in memory.
 * - `planes`: rank 4, every (n, c) plane padded to `paddedPlane(h·w)` floats.
 * - `flat`: row-major, no padding.
 * - `inherit`: planes when the first input of the same rank and spatial size lies in planes, else flat.
 */
export type OutputLayout = 'planes' | 'flat' | 'inherit';

/** Everything about one operator, in one file. `A` is the type of its attributes. */
export interface Operator<A extends object = object> {
  /** Shape rule. Throws an Error whose message says what does not fit; the caller adds the node's name. */
  infer(attributes: A, inputs: (InputType | undefined)[]): Shape[];
  /** Reference evaluation in plain loops with f64 sums: the oracle. Constants that are indices arrive as floats. */
  evaluate(attributes: A, inputs: (DenseTensor | undefined)[], outputs: Shape[]): DenseTensor[];
  /**
   * An upper bound of the work of `evaluate`, in multiply-adds or elements read. Constants are folded only while that is
   * affordable. The shape of an absent input is []. Use `everyElement` for an operator that reads each element once.
   */
  evaluationWork(attributes: A, inputs: readonly Shape[], outputs: readonly Shape[]): number;
  /** Layout of the outputs; `planes` values keep their padding, see OutputLayout. */
  layout: OutputLayout | ((node: Node & { attributes: A }) => OutputLayout);
  /** Asks for outputs and inputs to share storage, before memory is planned. Use `ownStorage` if they cannot share. */
  place(node: Node & { attributes: A }, placement: Placement): void;
  /** Emits kernel records. */
  lower(node: Node & { attributes: A }, lowering: Lowering): void;
}

/** An `evaluationWork`: the elements of all inputs and outputs. */
export function everyElement(_attributes: object, inputs: readonly Shape[], outputs: readonly Shape[]): number {
  return [...inputs, ...outputs].reduce((sum, shape) => sum + elementCount(shape), 0);
}

/** A `place`: every output has storage of its own. */
export function ownStorage(): void {}
