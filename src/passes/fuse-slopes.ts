import { addConstant, constantOf } from '../graph/edit.ts';
import { isOp } from '../ops/nodes.ts';
import { absorb, isActive, type Pass, rewriteEach, shapeOf } from './match.ts';

/**
 * A PReLU with a slope for each channel, the only reader of a convolution's output, becomes slopes of the convolution. It runs
 * after all other passes, which know no slopes.
 */
export const fuseSlopes: Pass = (graph) =>
  rewriteEach(graph, (node, edges) => {
    if (!isOp(node, 'binary') || node.attributes.fn !== 'prelu' || isActive(node.attributes.activation)) return false;
    const [x, slope] = node.inputs;
    const layer = edges.maker(x);
    const slopes = constantOf(graph, slope);
    if (!isOp(layer, 'conv2d') || edges.soleReader(x) !== node || !slopes?.data) return false;
    const { activation } = layer.attributes;
    const [input, weights, bias = '', residual = ''] = layer.inputs;
    const [, outputs, height, width] = shapeOf(graph, x);
    // kernels for one pixel take no slopes
    if (residual !== '' || isActive(activation) || height * width === 1) return false;
    const isOfChannels = slopes.shape.every((d, i) => d === (i === slopes.shape.length - 3 ? outputs : 1));
    if (!isOfChannels || slopes.data.length !== outputs) return false;
    absorb(graph, layer, node);
    layer.inputs = [input, weights, bias, '', addConstant(graph, slope, [outputs], Float32Array.from(slopes.data))];
    layer.attributes = { ...layer.attributes, activation: undefined };
    return true;
  });
