import type { Lowering } from '../compile/lowering.ts';
import type { Node } from '../graph/graph.ts';
import type { Conv2dAttributes } from './conv2d.ts';
export function lowerDepthwise(_node: Node & { attributes: Conv2dAttributes }, _lowering: Lowering): void {
  throw new Error('not written yet');
}
