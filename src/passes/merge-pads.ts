import { answer, isOp, type NodeOf, type OperatorTable } from '../ops/nodes.ts';
import { type Edges, type Pass, rewriteEach, shapeOf } from './match.ts';
import { isNonNegative } from './ranges.ts';

/**
 * Moves padding into the convolution or pooling that reads it, when the result is the same:
 * - conv2d pads with zeros;
 * - averagePool pads with zeros if it counts its padding. It does afterwards, so it may not have padding that it does not count;
 * - maxPool pads with −∞, which equals zeros when no input is negative.
 */
export const mergePads: Pass = (graph) =>
  rewriteEach(graph, (node, edges) => {
    const pad = edges.maker(node.inputs[0]);
    if (!isOp(pad, 'pad')) return false;
    const added = spatialPadding(pad);
    if (!added) return false;
    const attributes = answer(absorbed, node, { pad, added, edges });
    if (!attributes) return false;
    node.attributes = attributes;
    node.inputs = [pad.inputs[0], ...node.inputs.slice(1)];
    return true;
  });

/** Constant pixels around the planes that a node reads. */
interface Padding {
  pad: NodeOf<'pad'>;
  /** Top, left, bottom, right. */
  added: readonly number[];
  edges: Edges;
}

/** The attributes of a node that includes the padding; undefined when it cannot, or when results would differ. */
const absorbed: OperatorTable<[padding: Padding], object | undefined> = {
  conv2d({ attributes }, { pad, added }) {
    return pad.attributes.value === 0 ? { ...attributes, pads: sum(attributes.pads, added) } : undefined;
  },
  maxPool({ attributes }, { pad, added, edges }) {
    const pads = sum(attributes.pads, added);
    if (!isInsideWindows(attributes, pads)) return undefined;
    if (attributes.dilation.some((d) => d !== 1) || !neverWins(edges, pad)) return undefined;
    return { ...attributes, pads };
  },
  averagePool({ attributes }, { pad, added }) {
    const pads = sum(attributes.pads, added);
    if (!isInsideWindows(attributes, pads)) return undefined;
    const counts = attributes.countIncludePad || attributes.pads.every((p) => p === 0);
    return pad.attributes.value === 0 && counts ? { ...attributes, pads, countIncludePad: true } : undefined;
  },
  convTranspose2d: cannot,
  linear: cannot,
  matmul: cannot,
  topK: cannot,
  takeAlongAxis: cannot,
  unary: cannot,
  binary: cannot,
  reduce: cannot,
  resize: cannot,
  concat: cannot,
  split: cannot,
  slice: cannot,
  gather: cannot,
  pad: cannot,
  reshape: cannot,
  transpose: cannot,
  depthToSpace: cannot,
  spaceToDepth: cannot,
  softmax: cannot,
  gridSample: cannot,
};

function cannot(): undefined {
  return undefined;
}

const sum = (pads: readonly number[], added: readonly number[]) => pads.map((p, i) => p + added[i]);

/** Whether every window keeps a real pixel, and none is dropped because it begins in the padding. */
function isInsideWindows(
  { kernel, ceilMode }: { kernel: readonly number[]; ceilMode: boolean },
  pads: readonly number[],
): boolean {
  return !ceilMode && pads.every((p, i) => p < kernel[i % 2]);
}

/** Top, left, bottom, right, when a pad only adds constant pixels around planes. */
function spatialPadding({ attributes }: NodeOf<'pad'>): number[] | undefined {
  const { before, after, mode } = attributes;
  if (mode !== 'constant' || before.length !== 4) return undefined;
  if (before[0] !== 0 || before[1] !== 0 || after[0] !== 0 || after[1] !== 0) return undefined;
  const pads = [before[2], before[3], after[2], after[3]];
  return pads.every((p) => p >= 0) ? pads : undefined;
}

function neverWins(edges: Edges, pad: NodeOf<'pad'>): boolean {
  const { value } = pad.attributes;
  const [x] = pad.inputs;
  return value === -Infinity || (value <= 0 && shapeOf(edges.graph, x).length === 4 && isNonNegative(edges, x));
}
