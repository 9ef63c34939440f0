import { addNode, freshName } from '../graph/edit.ts';
import { isOp } from '../ops/nodes.ts';
import { become, isActive, type Pass, rewriteEach, shapeOf } from './match.ts';

/** Average pooling with one window over the whole map becomes a mean over its pixels. */
export const poolToReduce: Pass = (graph) =>
  rewriteEach(graph, (node) => {
    if (!isOp(node, 'averagePool')) return false;
    const { kernel, pads, countIncludePad, activation } = node.attributes;
    const [, , height, width] = shapeOf(graph, node.inputs[0]);
    const [, , outHeight, outWidth] = shapeOf(graph, node.outputs[0]);
    const isWhole = outHeight === 1 && outWidth === 1 && kernel[0] - pads[0] >= height && kernel[1] - pads[1] >= width;
    const isExact = pads.every((p) => p === 0) && kernel[0] === height && kernel[1] === width;
    if (!isWhole || (countIncludePad && !isExact)) return false;
    const mean = { fn: 'mean', axes: [2, 3], keepDims: true } as const;
    if (!isActive(activation)) return become(node, 'reduce', mean, node.inputs);
    const value = freshName(graph, `${node.outputs[0]}_mean`);
    addNode(
      graph,
      { name: `${node.name}_mean`, op: 'reduce', inputs: node.inputs, outputs: [value], attributes: mean },
      node,
    );
    return become(node, 'unary', activation, [value]);
  });
