// Checks and sizes shared by forward and transposed convolutions and linear layers.
import type { Activation } from '../program/activations.ts';
import type { Shape } from '../graph/graph.ts';
import type { ByteGrid } from '../quantisation.ts';
import { elementCount } from '../tensor.ts';
import type { InputType } from './operator.ts';

/** A 2-D convolution's geometry, height first. */
export interface Conv2dAttributes {
  stride: readonly [number, number];
  dilation: readonly [number, number];
  /** Zeros around the input: top, left, bottom, right. */
  pads: readonly [number, number, number, number];
  groups: number;
  activation?: Activation;
  /** Bytes to which sums are rounded before the activation, in integer programs. */
  sumBytes?: ByteGrid;
}

/** Pixels of a convolution's output along one axis; below 1 where the kernel does not fit. */
export function convolvedSize(
  size: number,
  kernel: number,
  stride: number,
  dilation: number,
  padBegin: number,
  padEnd: number,
): number {
  return Math.floor((size + padBegin + padEnd - ((kernel - 1) * dilation + 1)) / stride) + 1;
}

/** The shape of an (N, C, H, W) or (O, I, kh, kw) tensor. @throws Error when it is absent or not rank 4. */
export function rank4(type: InputType | undefined, what: string): readonly [number, number, number, number] {
  if (!type) throw new Error(`${what} must be given`);
  if (type.shape.length !== 4) throw new Error(`${what} must have rank 4, got [${type.shape}]`);
  return type.shape as [number, number, number, number];
}

/** Checks the attributes of forward and transposed convolutions. @throws Error naming the value. */
export function checkGeometry({
  stride,
  dilation,
  pads,
  groups,
}: {
  stride: readonly number[];
  dilation: readonly number[];
  pads: readonly number[];
  groups: number;
}): void {
  if (!isVector(stride, 2, 1)) throw new Error(`stride [${stride}] must be two positive integers`);
  if (!isVector(dilation, 2, 1)) throw new Error(`dilation [${dilation}] must be two positive integers`);
  if (!isVector(pads, 4, 0)) throw new Error(`pads [${pads}] must be four non-negative integers`);
  if (!isVector([groups], 1, 1)) throw new Error(`groups ${groups} must be a positive integer`);
}

/** @throws Error when a bias is given and is not (outputs). */
export function checkBias(bias: InputType | undefined, outputs: number): void {
  if (bias && (bias.shape.length !== 1 || bias.shape[0] !== outputs)) {
    throw new Error(`the bias must be [${outputs}], one for each output channel, got [${bias.shape}]`);
  }
}

/** Multiply-adds of a layer where each output element is one row of the weights (outputs, …) times its inputs. */
export function weightsForEveryOutput(_: object, [, weights]: readonly Shape[], outputs: readonly Shape[]): number {
  const made = outputs.reduce((sum, shape) => sum + elementCount(shape), 0);
  return made * (elementCount(weights) / weights[0]);
}

function isVector(values: readonly number[], length: number, least: number): boolean {
  return values.length === length && values.every((v) => Number.isInteger(v) && v >= least);
}
