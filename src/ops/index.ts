// Every operator by the name that nodes carry in `op`.
import { averagePool } from './average-pool.ts';
import { binary } from './binary.ts';
import { concat } from './concat.ts';
import { convTranspose2d } from './conv-transpose2d.ts';
import { conv2d } from './conv2d.ts';
import { depthToSpace } from './depth-to-space.ts';
import { gather } from './gather.ts';
import { gridSample } from './grid-sample.ts';
import { linear } from './linear.ts';
import { matmul } from './matmul.ts';
import { maxPool } from './max-pool.ts';
import { pad } from './pad.ts';
import { reduce } from './reduce.ts';
import { reshape } from './reshape.ts';
import { resize } from './resize.ts';
import { slice } from './slice.ts';
import { softmax } from './softmax.ts';
import { spaceToDepth } from './space-to-depth.ts';
import { split } from './split.ts';
import { takeAlongAxis } from './take-along-axis.ts';
import { topK } from './top-k.ts';
import { transpose } from './transpose.ts';
import { unary } from './unary.ts';
import type { Operator } from './operator.ts';

export const operators = {
  conv2d,
  convTranspose2d,
  linear,
  matmul,
  topK,
  takeAlongAxis,
  unary,
  binary,
  maxPool,
  averagePool,
  reduce,
  resize,
  concat,
  split,
  slice,
  gather,
  pad,
  reshape,
  transpose,
  depthToSpace,
  spaceToDepth,
  softmax,
  gridSample,
};

export type OperatorName = keyof typeof operators;

/** The operator by that name, or undefined. */
export function operatorNamed(name: string): Operator | undefined {
  return Object.hasOwn(operators, name) ? (operators[name as OperatorName] as unknown as Operator) : undefined;
}
