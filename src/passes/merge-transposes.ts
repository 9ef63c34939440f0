import { composePermutations } from '../graph/permute.ts';
import { isOp } from '../ops/nodes.ts';
import { become, type Pass, rewriteEach } from './match.ts';

/** A transpose of a transpose becomes one. A pair that cancels leaves an identity, which another pass drops. */
export const mergeTransposes: Pass = (graph) =>
  rewriteEach(graph, (node, edges) => {
    const before = edges.maker(node.inputs[0]);
    if (!isOp(node, 'transpose') || !isOp(before, 'transpose')) return false;
    const permutation = composePermutations(before.attributes.permutation, node.attributes.permutation);
    return become(node, 'transpose', { permutation }, before.inputs);
  });
