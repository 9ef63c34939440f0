// Convolutions of bytes: weights as blocks, sums requantised in the kernel's last step.
import type { Graph, Node } from '../../graph/graph.ts';
import { valueOf } from '../../graph/graph.ts';
import { blockKernels, blockVectors, fastestGroup } from '../../lower/block-cost.ts';
import { packBlocks, packDepthwise, sumsFit, type ByteMatrix } from '../../lower/blocks.ts';
import type { Lowering, StepCost } from '../../lower/lowering.ts';
import { isPointwise } from '../../ops/conv2d.ts';
import { isOp, type NodeOf } from '../../ops/nodes.ts';
import { activationArguments } from '../../program/activations.ts';
import { depthwiseBytesScratch, dotScratchBytes } from '../../program/kernels/dots.ts';
import { paddedPlane } from '../../program/layout.ts';
import type { Pointer, TapTable } from '../../program/program.ts';
import { eightBits, maximumProducts, quadsOf } from '../../program/quads.ts';
import type { ByteGrid } from '../../quantisation.ts';
import { resultFields, tableOf } from './records.ts';
import { beyondBytes } from './weights.ts';

type Layer = NodeOf<'conv2d'>;

/**
 * Whether a layer has a kernel for bytes, which computes it exactly.
 * @param from the bytes of its input; its weights are rounded, and its output has its bytes unless it is in floats
 */
export function hasByteKernel(graph: Graph, node: Node, from: ByteGrid): boolean {
  if (!isOp(node, 'conv2d') || !hasKernelFor(graph, node)) return false;
  return sumsFit(inBytes(integers(node, graph, from, outputBytes(graph, node))).matrix);
}

/** The bytes to which a layer's sums are rounded; undefined: it makes floats. */
const outputBytes = (graph: Graph, { attributes, outputs: [y] }: Layer) =>
  attributes.sumBytes ?? valueOf(graph, y).bytes;

function hasKernelFor(graph: Graph, node: Layer): boolean {
  const { attributes, inputs } = node;
  const [x, w] = inputs;
  const { groups, dilation } = attributes;
  if (beyondBytes(graph, node) > (groups === 1 ? 254 : 127)) return false;
  const [rows, perGroup, kh, kw] = valueOf(graph, w).shape;
  if (perGroup * kh * kw > maximumProducts) return false;
  if (groups === 1) return true;
  return groups === rows && groups === valueOf(graph, x).shape[1] && dilation.every((d) => d === 1);
}

/** Whether a convolution is one for each channel, and so makes no floats. */
const isDepthwise = ({ attributes: { groups } }: Layer) => groups > 1;

/** The word whose four bytes are these, as the float that f32_pad writes. */
export function wordOf(byte: number): number {
  return new Float32Array(Uint32Array.of(byte * 0x01010101).buffer)[0];
}

/** Weights that are whole numbers, of more than eight bits perhaps. */
type Wide = Omit<ByteMatrix, 'weights'> & { weights: Int16Array };

/**
 * Weights beyond −127…127 (uint8 files have a few) as the sum of two: planes of x that hold such inputs are read twice. The second
 * is what the first lacks.
 */
function inBytes(m: Wide): { matrix: ByteMatrix; planes: number[] } {
  const { rows, inputs, area } = m;
  const quads = quadsOf(inputs);
  const clamped = new Int8Array(m.weights.length);
  const twice = new Set<number>();
  for (let i = 0; i < clamped.length; i++) {
    const w = m.weights[i];
    clamped[i] = Math.min(Math.max(w, -127), 127);
    if (w !== clamped[i]) twice.add((Math.floor(i / area) % inputs) >> 2);
  }
  const planes = [...Array(quads).keys(), ...twice];
  if (twice.size === 0) return { matrix: { ...m, weights: clamped }, planes };
  const weights = new Int8Array(rows * 4 * planes.length * area);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < 4 * planes.length; i++) {
      const input = 4 * planes[i >> 2] + (i & 3);
      if (input >= inputs) continue;
      for (let tap = 0; tap < area; tap++) {
        const from = (row * inputs + input) * area + tap;
        const to = (row * 4 * planes.length + i) * area + tap;
        weights[to] = i < 4 * quads ? clamped[from] : m.weights[from] - clamped[from];
      }
    }
  }
  return { matrix: { ...m, inputs: 4 * planes.length, weights }, planes };
}

/** Words that weights multiply: x's own, or a padded copy of them. */
interface Words {
  x: Pointer;
  /** Words from one image to the next. */
  image: number;
  taps: TapTable;
  rowPixels: number;
}

/** Emits y = round(W · x + bias), with a fused clamp or table; y is in bytes or in floats. */
export function layerBytes(node: Layer, graph: Graph, lowering: Lowering): void {
  const [x, w] = node.inputs;
  const [y] = node.outputs;
  const { activation, sumBytes } = node.attributes;
  const from = lowering.bytes!(x)!;
  const to = lowering.bytes!(y);
  const sum = outputBytes(graph, node);
  const matrix = integers(node, graph, from, sum);
  const table = sumBytes && to && tableOf(sumBytes, to, activation!, lowering);
  const bounds = activationArguments(activation);
  const results =
    sum && to
      ? { floats: 0, ...resultFields(sum, table ? undefined : activation) }
      : { floats: 1, zero: 0, low: bounds.min, high: bounds.max };
  const [, inputs, kh, kw] = lowering.shape(w);
  const [batch, , height, width] = lowering.shape(y);
  const positions = batch * height * width;
  let nonzeros = 0;
  for (const weight of matrix.weights) if (weight !== 0) nonzeros++;
  const cost = {
    macs: positions * matrix.rows * inputs * kh * kw,
    effectiveMacs: positions * nonzeros,
    sparsity: 1 - nonzeros / matrix.weights.length,
  };
  const emit = isDepthwise(node) ? emitDepthwise : emitDots;
  emit(node, matrix, { from, table, results, cost }, lowering);
}

interface Step {
  from: ByteGrid;
  table?: Pointer;
  results: { floats: number; zero: number; low: number; high: number };
  cost: StepCost;
}

function emitDots(node: Layer, wide: Wide, { from, table, results, cost }: Step, lowering: Lowering): void {
  const [x, w] = node.inputs;
  const [y] = node.outputs;
  const [batch, , height, width] = lowering.shape(y);
  const { matrix, planes } = inBytes(wide);
  const isCopy = !isPointwise(node.attributes, lowering.shape(w)) || planes.length > quadsOf(wide.inputs);
  const words = isCopy ? paddedWordsOf(node, from, planes, lowering) : wordsOf(x, lowering);
  const taps = lowering.constant({ form: 'taps', taps: words.taps });
  const [yImage, yPlane] = lowering.strides(y);
  const isFlat = words.rowPixels === 0;
  const plane = {
    batch,
    height: isFlat ? 1 : height,
    width: isFlat ? height * width : width,
    rowPixels: words.rowPixels,
  };
  const group = fastestGroup(matrix, blockVectors(plane), lowering.costModel);
  const record = {
    x: words.x,
    weights: lowering.constant(packBlocks(matrix, group, taps.buffer)),
    table: table ?? words.x,
    scratch: lowering.scratch(dotScratchBytes),
    y: lowering.at(y),
    ...plane,
    xBatch: 4 * words.image,
    yBatch: 4 * yImage,
    rows: matrix.rows,
    yPlane: 4 * yPlane,
    ...results,
    look: table ? 1 : 0,
  };
  lowering.emit(blockKernels[group === 'dense' ? 4 : group], record, cost);
}

function emitDepthwise(node: Layer, wide: Wide, step: Step, lowering: Lowering): void {
  const { from, table, results, cost } = step;
  const [x, w] = node.inputs;
  const [y] = node.outputs;
  const { stride, pads } = node.attributes;
  const [, , kernelH, kernelW] = lowering.shape(w);
  const [batch, channels, xHeight, xWidth] = lowering.shape(x);
  const [, , height, width] = lowering.shape(y);
  const [xImage, xPlane] = lowering.strides(x);
  const [yImage, yPlane] = lowering.strides(y);
  const { floats, ...bytes } = results;
  if (floats) throw new Error('depthwise convolutions of bytes make bytes');
  const window = { xWidth, width, kernelH, kernelW, strideH: stride[0], strideW: stride[1] };
  const record = {
    x: lowering.at(x),
    weights: lowering.constant(packDepthwise({ ...wide, weights: Int8Array.from(wide.weights) })),
    table: table ?? lowering.at(x),
    scratch: lowering.scratch(depthwiseBytesScratch(window)),
    y: lowering.at(y),
    batch,
    xBatch: 4 * xImage,
    yBatch: 4 * yImage,
    planes: quadsOf(channels),
    xPlane: 4 * xPlane,
    xHeight,
    yPlane: 4 * yPlane,
    height,
    top: pads[0],
    left: pads[1],
    ...window,
    bits: wide.bits,
    xZero: from.zero,
    ...bytes,
    look: table ? 1 : 0,
  };
  lowering.emit('i8_depthwise', record, cost);
}

/** Weights and biases as whole numbers, and the factor of each row's sum. */
function integers(node: Layer, graph: Graph, from: ByteGrid, to: ByteGrid | undefined): Wide {
  const [, w, b] = node.inputs;
  const value = valueOf(graph, w);
  const [rows, inputs, kh, kw] = value.shape;
  const { rowScales, data } = value;
  if (!rowScales || !data) throw new Error('the weights have no scales');
  const given = b ? valueOf(graph, b).data : undefined;
  const size = inputs * kh * kw;
  const weights = new Int16Array(rows * size);
  const sums = new Float64Array(rows);
  for (let row = 0, i = 0; row < rows; row++) {
    for (const end = i + size; i < end; i++) {
      weights[i] = Math.round(Number(data[i]) / rowScales[row]);
      sums[row] += weights[i];
    }
  }
  // each step rounded to a float, as XNNPACK does
  const scales = Float32Array.from(rowScales, (scale) => Math.fround(from.scale * scale) / (to?.scale ?? 1));
  const bias = Float64Array.from({ length: rows }, (_, row) => {
    return Math.round(Number(given?.[row] ?? 0) / (from.scale * rowScales[row])) - from.zero * sums[row];
  });
  return { rows, inputs, area: kh * kw, weights, scales, bias, bits: from.most === eightBits ? 8 : 7 };
}

function wordsOf(x: string, lowering: Lowering): Words {
  const [, channels] = lowering.shape(x);
  const [image, plane] = lowering.strides(x);
  const one = { kernel: [1, 1], stride: [1, 1], dilation: [1, 1], phaseBytes: 0, rowBytes: 0 } as const;
  return {
    x: lowering.at(x),
    image,
    taps: { channels: quadsOf(channels), channelBytes: 4 * plane, ...one },
    rowPixels: 0,
  };
}

/** Copies these planes of x with their padding, one phase per position within the stride, so that every tap reads consecutive words. */
function paddedWordsOf(node: Layer, from: ByteGrid, planes: readonly number[], lowering: Lowering): Words {
  const { stride, dilation, pads } = node.attributes;
  const [x, w] = node.inputs;
  const [batch, channels, xHeight, xWidth] = lowering.shape(x);
  const [, , height, width] = lowering.shape(node.outputs[0]);
  const [, , kh, kw] = lowering.shape(w);
  const own = quadsOf(channels);
  const quads = planes.length;
  const reach = [(kh - 1) * dilation[0], (kw - 1) * dilation[1]];
  const phases = [0, 1].map((i) => Math.min(stride[i], reach[i] + 1));
  const rows = height + Math.floor(reach[0] / stride[0]);
  const columns = 4 * Math.ceil((width + Math.floor(reach[1] / stride[1])) / 4);
  const phase = paddedPlane(rows * columns);
  const channel = phases[0] * phases[1] * phase;
  const copy = lowering.scratch(4 * batch * quads * channel);
  const [image, plane] = lowering.strides(x);
  const geometry = { xPlane: 4 * plane, xHeight, xWidth, yPlane: 4 * channel, yPhase: 4 * phase, rows, columns };
  const window = { strideH: stride[0], strideW: stride[1], phasesH: phases[0], phasesW: phases[1] };
  const pad = (n: number, first: number, at: number, count: number) =>
    lowering.emit('f32_pad', {
      x: lowering.at(x, n * image + first * plane),
      y: { buffer: copy.buffer, offset: copy.offset + 4 * (n * quads + at) * channel },
      planes: count,
      ...geometry,
      ...window,
      top: pads[0],
      left: pads[1],
      value: wordOf(from.zero),
    });
  for (let n = 0; n < batch; n++) {
    pad(n, 0, 0, own);
    for (let at = own; at < quads; at++) pad(n, planes[at], at, 1);
  }
  const bytes = { channelBytes: 4 * channel, phaseBytes: 4 * phase, rowBytes: 4 * columns };
  const taps = { channels: quads, kernel: [kh, kw] as const, stride, dilation, ...bytes };
  return { x: copy, image: quads * channel, taps, rowPixels: columns };
}
