// Code shared by max and average pooling.
import type { Lowering } from '../lower/lowering.ts';
import type { Node, Shape } from '../graph/graph.ts';
import { activationArguments, type Activation } from '../program/activations.ts';
import { poolRowBytes } from '../program/kernels/pool.ts';
import { elementCount } from '../tensor.ts';
import type { InputType } from './operator.ts';
import type { Window } from './window.ts';

/**
 * The input's shape. @throws Error when it is not (N, C, H, W), or when a window could lie entirely in the padding, where
 * its result is undefined.
 */
export function checkPooling({ kernel, dilation = [1, 1], pads }: Window, x: InputType | undefined): readonly number[] {
  if (x?.shape.length !== 4) throw new Error(`the input must have rank 4, got [${x?.shape ?? ''}]`);
  const reach = [0, 1].map((axis) => (kernel[axis] - 1) * dilation[axis]);
  for (const [side, amount] of pads.entries()) {
    if (!Number.isInteger(amount) || amount < 0 || amount > reach[side % 2]) {
      throw new Error(`padding [${pads}] must be less than the ${kernel[0]}×${kernel[1]} window, and not negative`);
    }
  }
  return x.shape;
}

/** An `evaluationWork`: every output element reads its window. */
export function windowForEveryOutput(
  { kernel }: Pick<Window, 'kernel'>,
  _inputs: readonly Shape[],
  outputs: readonly Shape[],
): number {
  const made = outputs.reduce((sum, shape) => sum + elementCount(shape), 0);
  return made * kernel.reduce((a, b) => a * b, 1);
}

/** Record fields common to f32_max_pool and f32_average_pool. */
export function poolArguments(node: Node, window: Window & { activation?: Activation }, lowering: Lowering) {
  const [x] = node.inputs;
  const [y] = node.outputs;
  const [batch, channels, xHeight, xWidth] = lowering.shape(x);
  const [, , height, width] = lowering.shape(y);
  const [xBatch, xPlane] = lowering.strides(x);
  const [yBatch, yPlane] = lowering.strides(y);
  const { kernel, stride, dilation = [1, 1], pads } = window;
  const numbers = {
    batch,
    xBatch: 4 * xBatch,
    yBatch: 4 * yBatch,
    channels,
    xPlane: 4 * xPlane,
    xHeight,
    xWidth,
    yPlane: 4 * yPlane,
    height,
    width,
    kernelH: kernel[0],
    kernelW: kernel[1],
    strideH: stride[0],
    strideW: stride[1],
    dilationH: dilation[0],
    dilationW: dilation[1],
    top: pads[0],
    left: pads[1],
    ...activationArguments(window.activation),
  };
  return { x: lowering.at(x), scratch: lowering.scratch(poolRowBytes(numbers)), y: lowering.at(y), ...numbers };
}
