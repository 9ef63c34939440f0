import { addConstant, addNode, constantOf, freshName } from '../graph/edit.ts';
import { FiligreeError } from '../errors.ts';
import type { Graph, Node } from '../graph/graph.ts';
import { spend } from '../graph/folding-budget.ts';
import { isOp, type NodeOf } from '../ops/nodes.ts';
import { become, type Pass, rewriteEach, shapeOf } from './match.ts';

/**
 * A transposed convolution of stride s is a convolution that makes s·s pixels at once, as channels, which then move
 * into place. Along one axis, output u (before cropping) is a sum over the taps k = r + j·s with r = u mod s:
 *
 *     y[q·s + r] = Σ_j x[q − j] · w[r + j·s],   j = 0 … ⌈k/s⌉ − 1,   w past its end is 0
 *
 * which is a convolution of x with ⌈k/s⌉ taps, other weights for each r. Dilated weights are written out with their
 * gaps first. Weights and bias must be constants; other nodes stay as they are.
 */
export const lowerConvTranspose: Pass = (graph) =>
  rewriteEach(graph, (node) => {
    if (!isOp(node, 'convTranspose2d')) return false;
    const [x, w, b = ''] = node.inputs;
    const weights = constantOf(graph, w);
    const bias = constantOf(graph, b);
    if (!weights || (b !== '' && !bias)) return false;

    const { stride, dilation, pads, groups, activation } = node.attributes;
    const [, , height, width] = shapeOf(graph, x);
    const [, outputs, outHeight, outWidth] = shapeOf(graph, node.outputs[0]);
    const [sh, sw] = stride;
    const v = axisPlan(height, outHeight, weights.shape[2], sh, dilation[0], pads[0]);
    const h = axisPlan(width, outWidth, weights.shape[3], sw, dilation[1], pads[1]);

    const packed = phaseWeights(graph, node, weights.data, weights.shape, v.taps, h.taps);
    const inputs = [x, addConstant(graph, `${w}_phases`, packed.shape, packed.data)];
    if (bias) {
      const repeated = Float32Array.from({ length: outputs * sh * sw }, (_, i) => bias.data[Math.floor(i / (sh * sw))]);
      inputs.push(addConstant(graph, `${b}_phases`, [repeated.length], repeated));
    }
    let value = insert(graph, node, 'conv2d', inputs, {
      stride: [1, 1],
      dilation: [1, 1],
      pads: [v.before, h.before, v.after, h.after],
      groups,
      activation,
    });
    value = interleave(graph, node, value, outputs);
    const [n] = shapeOf(graph, value);
    const crop = { starts: [0, 0, v.crop, h.crop], sizes: [n, outputs, outHeight, outWidth], steps: [1, 1, 1, 1] };
    return become(node, 'slice', crop, [value]);
  });

/** One axis of the convolution: its taps, the padding of its input, and the start of the result in its output. */
function axisPlan(size: number, outSize: number, kernel: number, stride: number, dilation: number, cropped: number) {
  const taps = Math.ceil(((kernel - 1) * dilation + 1) / stride);
  // Groups of `stride` outputs that are cropped entirely need no padding before them.
  const before = Math.max(0, taps - 1 - Math.floor(cropped / stride));
  const groups = Math.ceil((cropped + outSize) / stride);
  return { taps, before, after: Math.max(0, groups - size), crop: cropped - (taps - 1 - before) * stride };
}

/** (I, O/groups, kh, kw) → (O·sh·sw, I/groups, taps, taps): output channels in the order (O, row phase, column phase). */
function phaseWeights(
  graph: Graph,
  node: NodeOf<'convTranspose2d'>,
  weights: Float32Array,
  [inputs, perGroup, kh, kw]: readonly number[],
  tapsV: number,
  tapsH: number,
) {
  const { stride, dilation, groups } = node.attributes;
  const [sh, sw] = stride;
  const groupInputs = inputs / groups;
  const shape = [groups * perGroup * sh * sw, groupInputs, tapsV, tapsH];
  const elements = shape[0] * groupInputs * tapsV * tapsH;
  if (!spend(graph, 'elements', elements)) {
    const geometry = `strides [${stride}] and dilations [${dilation}]`;
    const message = `${geometry} take weights of ${elements} elements, which is too many`;
    throw new FiligreeError('unsupported', `${graph.name}: node "${node.name}" (${node.op}): ${message}`);
  }
  const data = new Float32Array(elements);
  for (let c = 0; c < inputs; c++) {
    const group = Math.floor(c / groupInputs);
    for (let o = 0; o < perGroup; o++) {
      for (let ky = 0; ky < kh; ky++) {
        for (let kx = 0; kx < kw; kx++) {
          const [y, x] = [ky * dilation[0], kx * dilation[1]];
          const channel = ((group * perGroup + o) * sh + (y % sh)) * sw + (x % sw);
          const row = tapsV - 1 - Math.floor(y / sh);
          const column = tapsH - 1 - Math.floor(x / sw);
          data[((channel * groupInputs + (c % groupInputs)) * tapsV + row) * tapsH + column] =
            weights[((c * perGroup + o) * kh + ky) * kw + kx];
        }
      }
    }
  }
  return { shape, data };
}

/** (N, O·sh·sw, H, W) → (N, O, H·sh, W·sw). */
function interleave(graph: Graph, node: NodeOf<'convTranspose2d'>, value: string, outputs: number): string {
  const [sh, sw] = node.attributes.stride;
  if (sh === sw) return insert(graph, node, 'depthToSpace', [value], { blockSize: sh, order: 'CRD' });
  const [n, , h, w] = shapeOf(graph, value);
  const split = insert(graph, node, 'reshape', [value], { shape: [n * outputs, sh, sw, h, w] });
  const moved = insert(graph, node, 'transpose', [split], { permutation: [0, 3, 1, 4, 2] });
  return insert(graph, node, 'reshape', [moved], { shape: [n, outputs, h * sh, w * sw] });
}

/** Adds a node before another; returns its output. */
function insert(graph: Graph, before: Node, op: string, inputs: string[], attributes: object): string {
  const output = freshName(graph, `${before.outputs[0]}_${op}`);
  addNode(graph, { name: `${before.name}_${op}`, op, inputs, outputs: [output], attributes }, before);
  return output;
}
