// Depthwise convolution: conv2d with as many groups as input channels.
import type { Node } from '../graph/graph.ts';
import type { Lowering } from '../lower/lowering.ts';
import { activationArguments, preluCode } from '../program/activations.ts';
import type { KernelName } from '../program/kernels.ts';
import type { Conv2dAttributes } from './convolution.ts';
import type { Pair, Window } from './window.ts';
import { windowPhases } from './window.ts';

/** Kernels for square windows with the same stride both ways, and the fewest rows of 4 pixels that their tiles fit in. */
const squares = [
  { size: 3, stride: 1, rows: 1, kernel: 'f32_depthwise_3x3' },
  { size: 3, stride: 2, rows: 1, kernel: 'f32_depthwise_3x3s2' },
  { size: 5, stride: 1, rows: 4, kernel: 'f32_depthwise_5x5' },
  { size: 5, stride: 2, rows: 4, kernel: 'f32_depthwise_5x5s2' },
] as const;

/** Packs (O, kh·kw) weights, (O) biases and (O) slopes for the kernels: per output channel its bias, its weights, its slope. */
export function packDepthwise(
  weights: Float32Array,
  bias: Float32Array | undefined,
  outputs: number,
  slopes?: Float32Array,
): Float32Array {
  const area = weights.length / outputs;
  const each = area + (slopes ? 2 : 1);
  const packed = new Float32Array(outputs * each);
  for (let o = 0; o < outputs; o++) {
    packed[o * each] = bias?.[o] ?? 0;
    packed.set(weights.subarray(o * area, (o + 1) * area), o * each + 1);
    if (slopes) packed[(o + 1) * each - 1] = slopes[o];
  }
  return packed;
}

/** The kernel for a window and an output (height, width). */
export function depthwiseKernel([height, width]: Pair, { kernel, stride, dilation = [1, 1] }: Window) {
  const square = squares.find(
    ({ size, stride: s, rows }) =>
      size === kernel[0] && size === kernel[1] && s === stride[0] && s === stride[1] && height >= rows && width >= 4,
  );
  return square && dilation[0] === 1 && dilation[1] === 1 ? square.kernel : 'f32_depthwise';
}

/** What that kernel needs for planes (height, width): record fields, bytes of scratch, byte offsets of the window's pixels. */
export function depthwiseGeometry(name: KernelName, size: Pair, output: Pair, window: Window) {
  const { kernel, stride, dilation = [1, 1], pads } = window;
  const [top, left] = pads;
  const phases = (of: Pair, strides: Pair) => {
    const { rows, columns, phasesH, phasesW, phaseBytes, taps } = windowPhases(of, { ...window, stride: strides });
    const geometry = { rows, columns, strideH: strides[0], strideW: strides[1], phasesH, phasesW, top, left };
    // vectors run past the end of the last row
    return { geometry, scratchBytes: phasesH * phasesW * phaseBytes + 48, taps };
  };
  const inPlace = <T extends { geometry: object }>(padded: T) => ({
    ...padded,
    geometry: { ...padded.geometry, rows: 0 },
    scratchBytes: 4,
  });
  if (name === 'f32_depthwise_3x3' || name === 'f32_depthwise_3x3s2') {
    const last = [0, 1].map((i) => (output[i] - 1) * stride[i]);
    const padded = phases([last[0] + 1, last[1] + 1], [1, 1]);
    // the kernel copes with one column or row beyond the plane
    const isNear = [0, 1].every((i) => pads[i] <= 1 && last[i] + 2 - pads[i] <= size[i]);
    return isNear ? inPlace(padded) : padded;
  }
  const padded = phases(output, stride);
  if (Math.max(...stride) > 1 || Math.max(...pads) > 0) return padded;
  const taps = padded.taps.map(
    (_, i) => 4 * (Math.floor(i / kernel[1]) * dilation[0] * size[1] + (i % kernel[1]) * dilation[1]),
  );
  return { ...inPlace(padded), taps };
}

/**
 * Emits (N, C, H, W), weights (C·m, 1, kh, kw), bias (C·m)?, slopes (C·m)? → (N, C·m, H′, W′) as one step.
 * @throws Error when weights or bias are not constant.
 */
export function lowerDepthwise(node: Node & { attributes: Conv2dAttributes }, lowering: Lowering): void {
  const [x, w, b, , s] = node.inputs;
  const [y] = node.outputs;
  const { stride, dilation, pads, activation } = node.attributes;
  const [batch, channels, xHeight, xWidth] = lowering.shape(x);
  const [outputs, , kh, kw] = lowering.shape(w);
  const [, , height, width] = lowering.shape(y);
  const weights = lowering.constantData(w);
  const bias = b ? lowering.constantData(b) : undefined;
  const slopes = s ? lowering.constantData(s) : undefined;
  if (!weights || (b && !bias) || (s && !slopes)) {
    throw new Error('weights, bias and slopes of a depthwise convolution must be constant');
  }

  const window = { kernel: [kh, kw], stride, dilation, pads } as const;
  const name = depthwiseKernel([height, width], window);
  const { geometry, scratchBytes, taps } = depthwiseGeometry(name, [xHeight, xWidth], [height, width], window);
  const [xBatch, xPlane] = lowering.strides(x);
  const [yBatch, yPlane] = lowering.strides(y);
  const args = {
    x: lowering.at(x),
    weights: lowering.constant({ form: 'f32', data: packDepthwise(weights, bias, outputs, slopes) }, 'weights'),
    scratch: lowering.scratch(scratchBytes),
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
    ...geometry,
    ...activationArguments(activation),
    ...(slopes ? { activation: preluCode } : {}),
  };
  const kept = weights.reduce((count, value) => count + (value === 0 ? 0 : 1), 0);
  const positions = batch * height * width;
  const cost = {
    macs: weights.length * positions,
    effectiveMacs: kept * positions,
    sparsity: 1 - kept / weights.length,
  };
  if (name !== 'f32_depthwise') lowering.emit(name, args, cost);
  else lowering.emit(name, { ...args, area: kh * kw, taps: lowering.constant({ form: 'i32', data: taps }) }, cost);
}
