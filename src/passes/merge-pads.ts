import type { Graph } from '../graph/graph.ts';
import { isOp, type NodeOf } from '../ops/nodes.ts';
import { type Edges, type Pass, rewriteEach, shapeOf } from './match.ts';
import { isNonNegative } from './ranges.ts';

/**
 * Padding moves into the convolution or pooling that reads it, where that means the same:
 * - conv2d pads with zeros;
 * - averagePool too, when it counts what it pads (it does from then on), so it may not have padding that it does not count;
 * - maxPool pads with −∞, which is as good as zeros when no input is negative.
 */
export const mergePads: Pass = (graph) =>
  rewriteEach(graph, (node, edges) => {
    if (!isOp(node, 'conv2d', 'averagePool', 'maxPool')) return false;
    const pad = edges.maker(node.inputs[0]);
    if (!isOp(pad, 'pad')) return false;
    const added = spatialPadding(pad);
    if (!added) return false;
    const { value } = pad.attributes;
    const pads = node.attributes.pads.map((p, i) => p + added[i]) as unknown as typeof node.attributes.pads;

    if (isOp(node, 'conv2d')) {
      if (value !== 0) return false;
      node.attributes = { ...node.attributes, pads };
    } else {
      const { kernel, ceilMode } = node.attributes;
      // Every window keeps a real pixel, and no window is dropped for beginning in the padding.
      if (ceilMode || pads.some((p, i) => p >= kernel[i % 2])) return false;
      if (isOp(node, 'averagePool')) {
        const counts = node.attributes.countIncludePad || node.attributes.pads.every((p) => p === 0);
        if (value !== 0 || !counts) return false;
        node.attributes = { ...node.attributes, pads, countIncludePad: true };
      } else if (isOp(node, 'maxPool')) {
        if (node.attributes.dilation.some((d) => d !== 1) || !neverWins(graph, edges, pad)) return false;
        node.attributes = { ...node.attributes, pads };
      }
    }
    node.inputs = [pad.inputs[0], ...node.inputs.slice(1)];
    return true;
  });

/** Top, left, bottom, right, when a pad only adds constant pixels around planes. */
function spatialPadding({ attributes }: NodeOf<'pad'>): number[] | undefined {
  const { before, after, mode } = attributes;
  if (mode !== 'constant' || before.length !== 4) return undefined;
  if (before[0] !== 0 || before[1] !== 0 || after[0] !== 0 || after[1] !== 0) return undefined;
  const pads = [before[2], before[3], after[2], after[3]];
  return pads.every((p) => p >= 0) ? pads : undefined;
}

function neverWins(graph: Graph, edges: Edges, pad: NodeOf<'pad'>): boolean {
  const { value } = pad.attributes;
  const [x] = pad.inputs;
  return value === -Infinity || (value <= 0 && shapeOf(graph, x).length === 4 && isNonNegative(edges, x));
}
