// Depthwise convolution: conv2d with as many groups as input channels.
import type { Node } from '../graph/graph.ts';
import type { Lowering } from '../compile/lowering.ts';
import { activationArguments } from '../program/activations.ts';
import type { Conv2dAttributes } from './conv2d.ts';
import { windowPhases } from './window.ts';

/** Kernels for square windows with the same stride both ways, and the smallest plane their tiles fit in. */
const squares = [
  { size: 3, stride: 1, rows: 2, kernel: 'f32_depthwise_3x3' },
  { size: 3, stride: 2, rows: 2, kernel: 'f32_depthwise_3x3s2' },
  { size: 5, stride: 1, rows: 4, kernel: 'f32_depthwise_5x5' },
  { size: 5, stride: 2, rows: 4, kernel: 'f32_depthwise_5x5s2' },
] as const;

/** (O, kh·kw) weights and (O) biases as the kernels want them: per output channel its bias, then its weights. */
export function packDepthwise(weights: Float32Array, bias: Float32Array | undefined, outputs: number): Float32Array {
  const area = weights.length / outputs;
  const packed = new Float32Array(outputs * (area + 1));
  for (let o = 0; o < outputs; o++) {
    packed[o * (area + 1)] = bias?.[o] ?? 0;
    packed.set(weights.subarray(o * area, (o + 1) * area), o * (area + 1) + 1);
  }
  return packed;
}

/**
 * Emits (N, C, H, W), weights (C·m, 1, kh, kw), bias (C·m)? → (N, C·m, H′, W′) as one step.
 * @throws Error when weights or bias are not constant.
 */
export function lowerDepthwise(node: Node & { attributes: Conv2dAttributes }, lowering: Lowering): void {
  const [x, w, b] = node.inputs;
  const [y] = node.outputs;
  const { stride, dilation, pads, activation } = node.attributes;
  const [batch, channels, xHeight, xWidth] = lowering.shape(x);
  const [outputs, , kh, kw] = lowering.shape(w);
  const [, , height, width] = lowering.shape(y);
  const weights = lowering.constantData(w);
  const bias = b ? lowering.constantData(b) : undefined;
  if (!weights || (b && !bias)) throw new Error('weights and bias of a depthwise convolution must be constant');

  const window = { kernel: [kh, kw], stride, dilation, pads } as const;
  const unitStride = stride[0] === 1 && stride[1] === 1;
  const inPlace = unitStride && pads.every((pad) => pad === 0);
  const { rows, columns, phasesH, phasesW, phaseBytes, taps } = windowPhases([height, width], window);
  const [xBatch, xPlane] = lowering.strides(x);
  const [yBatch, yPlane] = lowering.strides(y);
  const args = {
    x: lowering.at(x),
    weights: lowering.constant({ form: 'f32', data: packDepthwise(weights, bias, outputs) }),
    // Tiles read up to 3 floats past the last row.
    scratch: lowering.scratch(inPlace ? 4 : phasesH * phasesW * phaseBytes + 16),
    y: lowering.at(y),
    batch,
    xBatch: 4 * xBatch,
    yBatch: 4 * yBatch,
    channels,
    multiplier: outputs / channels,
    xPlane: 4 * xPlane,
    xHeight,
    xWidth,
    yPlane: 4 * yPlane,
    height,
    width,
    rows: inPlace ? 0 : rows,
    columns,
    strideH: stride[0],
    strideW: stride[1],
    phasesH,
    phasesW,
    top: pads[0],
    left: pads[1],
    ...activationArguments(activation),
  };
  const kept = weights.reduce((count, value) => count + (value === 0 ? 0 : 1), 0);
  const positions = batch * height * width;
  const cost = {
    macs: weights.length * positions,
    effectiveMacs: kept * positions,
    sparsity: 1 - kept / weights.length,
  };
  const square = squares.find(
    ({ size, stride: s, rows: least }) =>
      size === kh && size === kw && s === stride[0] && s === stride[1] && height >= least && width >= 4,
  );
  if (square && dilation[0] === 1 && dilation[1] === 1) {
    lowering.emit(square.kernel, args, cost);
    return;
  }
  const data = inPlace
    ? Int32Array.from(taps, (_, i) => 4 * (Math.floor(i / kw) * dilation[0] * xWidth + (i % kw) * dilation[1]))
    : taps;
  lowering.emit('f32_depthwise', { ...args, area: kh * kw, taps: lowering.constant({ form: 'i32', data }) }, cost);
}
