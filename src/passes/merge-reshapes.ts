import { isOp } from '../ops/nodes.ts';
import { type Pass, become, rewriteEach, shapeOf } from './match.ts';

/**
 * A reshape of a reshape becomes one. A transpose or reduction that moves or removes only axes of size 1 becomes a reshape.
 */
export const mergeReshapes: Pass = (graph) =>
  rewriteEach(graph, (node, edges) => {
    const [x] = node.inputs;
    const shape = shapeOf(graph, node.outputs[0]);
    if (isOp(node, 'reshape')) {
      const before = edges.maker(x);
      return isOp(before, 'reshape') && become(node, 'reshape', { shape }, before.inputs);
    }
    if (isOp(node, 'transpose')) {
      const source = shapeOf(graph, x);
      const moved = node.attributes.permutation.filter((axis) => source[axis] !== 1);
      return moved.every((axis, i) => i === 0 || moved[i - 1] < axis) && become(node, 'reshape', { shape }, [x]);
    }
    if (isOp(node, 'reduce')) {
      const source = shapeOf(graph, x);
      return node.attributes.axes.every((axis) => source[axis] === 1) && become(node, 'reshape', { shape }, [x]);
    }
    return false;
  });
