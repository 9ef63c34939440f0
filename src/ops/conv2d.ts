import type { Conv2dAttributes } from './convolution.ts';
import { activateInPlace } from '../graph/activation.ts';
import { emitMatrixProduct } from '../lower/matrix.ts';
import type { MatrixProduct } from '../lower/product.ts';
import { isForTiles } from '../lower/winograd.ts';
import type { Lowering } from '../lower/lowering.ts';
import type { Node, Shape } from '../graph/graph.ts';
import { paddedPlane } from '../program/layout.ts';
import type { Pointer } from '../program/program.ts';
import { byteOf, realOf } from '../quantisation.ts';
import { lowerDepthwise } from './depthwise.ts';
import { checkBias, checkGeometry, convolvedSize, rank4, weightsForEveryOutput } from './convolution.ts';
import { emitStridedCopy } from './copy.ts';
import type { Operator } from './operator.ts';
import { sameStrides } from './unary.ts';

/**
 * (N, I, H, W), weights (O, I/groups, kh, kw), bias (O)?, residual (N, O, H′, W′)?, slopes (O)? → (N, O, H′, W′). The
 * residual is added before the activation, and needs groups = 1. Slopes are in place of residual and activation: negative
 * results are multiplied by the slope of their channel. ONNX Conv; TFLite CONV_2D, DEPTHWISE_CONV_2D.
 */
export const conv2d: Operator<Conv2dAttributes> = {
  infer({ stride, dilation, pads, groups, activation }, [x, weights, bias, residual, slopes]) {
    const [n, channels, height, width] = rank4(x, 'the input');
    const [outputs, perGroup, kh, kw] = rank4(weights, 'the weights');
    checkGeometry({ stride, dilation, pads, groups });
    if (channels % groups !== 0 || outputs % groups !== 0) {
      throw new Error(`${channels} input and ${outputs} output channels do not divide into ${groups} groups`);
    }
    if (perGroup * groups !== channels) {
      throw new Error(
        `weights [${weights!.shape}] in ${groups} group${groups === 1 ? '' : 's'} want ${perGroup * groups} input channels, ` +
          `the input [${x!.shape}] has ${channels}`,
      );
    }
    checkBias(bias, outputs);
    const h = convolvedSize(height, kh, stride[0], dilation[0], pads[0], pads[2]);
    const w = convolvedSize(width, kw, stride[1], dilation[1], pads[1], pads[3]);
    if (h < 1 || w < 1) {
      throw new Error(
        `the ${kh}×${kw} kernel (dilation ${dilation}, pads ${pads}) does not fit the ${height}×${width} input: empty output`,
      );
    }
    const shape = [n, outputs, h, w];
    if (slopes && (residual || activation)) throw new Error('slopes, and a residual or an activation');
    if (slopes && slopes.shape.join() !== `${outputs}`) {
      throw new Error(`the slopes must be [${outputs}], one for each output channel, got [${slopes.shape}]`);
    }
    if (residual && groups !== 1) throw new Error(`a residual and ${groups} groups: only one group takes a residual`);
    if (residual && !sameStrides(residual.shape, shape)) {
      throw new Error(`the residual must be as the output, [${shape}], got [${residual.shape}]`);
    }
    return [shape];
  },
  evaluate({ stride, dilation, pads, activation, sumBytes }, [x, weights, bias, residual, slopes], [shape]) {
    const [, channels, height, width] = x!.shape;
    const [n, outputs, h, w] = shape;
    const [, perGroup, kh, kw] = weights!.shape;
    const perGroupOutputs = outputs / (channels / perGroup);
    const data = new Float32Array(n * outputs * h * w);
    const sums = new Float64Array(h * w);
    for (let image = 0; image < n; image++) {
      for (let oc = 0; oc < outputs; oc++) {
        const firstChannel = Math.floor(oc / perGroupOutputs) * perGroup;
        sums.fill(bias ? bias.data[oc] : 0);
        for (let c = 0; c < perGroup; c++) {
          const plane = (image * channels + firstChannel + c) * height;
          for (let ky = 0; ky < kh; ky++) {
            for (let kx = 0; kx < kw; kx++) {
              const weight = weights!.data[((oc * perGroup + c) * kh + ky) * kw + kx];
              for (let oy = 0; oy < h; oy++) {
                const iy = oy * stride[0] - pads[0] + ky * dilation[0];
                if (iy < 0 || iy >= height) continue;
                for (let ox = 0; ox < w; ox++) {
                  const ix = ox * stride[1] - pads[1] + kx * dilation[1];
                  if (ix >= 0 && ix < width) sums[oy * w + ox] += weight * x!.data[(plane + iy) * width + ix];
                }
              }
            }
          }
        }
        const at = (image * outputs + oc) * h * w;
        if (slopes) sums.forEach((sum, i) => (sums[i] = sum < 0 ? sum * slopes.data[oc] : sum));
        if (residual) sums.forEach((sum, i) => (sums[i] = sum + residual.data[at + i]));
        data.set(sums, at);
      }
    }
    const rounded = sumBytes ? data.map((sum) => realOf(byteOf(sum, sumBytes), sumBytes)) : data;
    return [{ shape, data: activateInPlace(rounded, activation) }];
  },
  evaluationWork: weightsForEveryOutput,
  layout: 'planes',

  // Flat kernels read a tile of the residual just before they write that tile; x must last until all rows are done.
  place({ attributes, inputs, outputs }, placement) {
    const [x, w, , residual] = inputs;
    const [y] = outputs;
    if (!residual || placement.isConstant(residual) || !placement.diesHere(residual)) return;
    if (!isPointwise(attributes, placement.shape(w)) || placement.overlap(x, residual)) return;
    if (sameStrides(placement.strides(residual), placement.strides(y))) placement.alias(y, residual);
  },

  lower: lowerConv2d,
};

/** Whether each output pixel reads only the input pixel at the same place. `weights` is a shape, (O, I / groups, kh, kw). */
export function isPointwise({ stride, pads }: Conv2dAttributes, weights: Shape): boolean {
  const [, , kh, kw] = weights;
  return kh === 1 && kw === 1 && stride.every((s) => s === 1) && pads.every((p) => p === 0);
}

type Conv2dNode = Node & { attributes: Conv2dAttributes };

function lowerConv2d(node: Conv2dNode, lowering: Lowering): void {
  const { groups } = node.attributes;
  const [x, w] = node.inputs;
  const [, channels] = lowering.shape(x);
  if (groups === channels && groups > 1) return lowerDepthwise(node, lowering);
  const planes = isPointwise(node.attributes, lowering.shape(w))
    ? planesOf(x, lowering)
    : paddedPlanesOf(node, lowering);
  emitGroups(node, planes, lowering);
}

/** The residual in the layout of y: in place if it has that layout, else a copy. */
function residualOf({ inputs, outputs }: Conv2dNode, lowering: Lowering): Pointer | undefined {
  const [, , , residual] = inputs;
  if (!residual) return undefined;
  const shape = lowering.shape(residual);
  const strides = lowering.strides(outputs[0]);
  const x = { at: lowering.at(residual), strides: lowering.strides(residual) };
  if (sameStrides(x.strides, strides)) return x.at;
  const copy = lowering.scratch(4 * shape[0] * strides[0]);
  emitStridedCopy(lowering, shape, x, { at: copy, strides });
  return copy;
}

/** The planes that weights multiply: x's own, or a padded copy of them. Strides in floats. */
interface Planes {
  /** Emits the copy when it is first asked. */
  x(): Pointer;
  xBatch: number;
  /** Floats from one channel to the next. */
  channel: number;
  phase: number;
  /** 0 when planes are read pixel by pixel. */
  rowPixels: number;
  /** Floats that a copy reads and writes. */
  copied?: MatrixProduct['copied'];
}

function planesOf(x: string, lowering: Lowering): Planes {
  const [xBatch, channel] = lowering.strides(x);
  return { x: () => lowering.at(x), xBatch, channel, phase: 0, rowPixels: 0 };
}

/**
 * Copies x with its padding, one phase per position within the stride, so that every tap reads consecutive pixels.
 * Rows are a multiple of 4 floats, so that no vector of output pixels straddles two of them.
 */
function paddedPlanesOf(node: Conv2dNode, lowering: Lowering): Planes {
  const { stride, dilation, pads } = node.attributes;
  const [x, w] = node.inputs;
  const [batch, channels, height, width] = lowering.shape(x);
  const [, , outHeight, outWidth] = lowering.shape(node.outputs[0]);
  const reach = [0, 1].map((i) => (lowering.shape(w)[2 + i] - 1) * dilation[i]);
  const phases = [0, 1].map((i) => Math.min(stride[i], reach[i] + 1));
  const rows = outHeight + Math.floor(reach[0] / stride[0]);
  const columns = 4 * Math.ceil((outWidth + Math.floor(reach[1] / stride[1])) / 4);
  const phase = paddedPlane(rows * columns);
  const channel = phases[0] * phases[1] * phase;
  let copy: Pointer | undefined;
  return {
    x: () => (copy ??= emitPad()),
    xBatch: channels * channel,
    channel,
    phase,
    rowPixels: columns,
    copied: {
      read: batch * channels * height * width,
      written: batch * channels * phases[0] * phases[1] * rows * columns,
      planes: batch * channels,
    },
  };

  function emitPad(): Pointer {
    const copy = lowering.scratch(4 * batch * channels * channel);
    const [xBatch, xPlane] = lowering.strides(x);
    for (let n = 0; n < batch; n++) {
      lowering.emit('f32_pad', {
        x: lowering.at(x, n * xBatch),
        y: { buffer: copy.buffer, offset: copy.offset + 4 * n * channels * channel },
        planes: channels,
        xPlane: 4 * xPlane,
        xHeight: height,
        xWidth: width,
        yPlane: 4 * channel,
        yPhase: 4 * phase,
        rows,
        columns,
        strideH: stride[0],
        strideW: stride[1],
        phasesH: phases[0],
        phasesW: phases[1],
        top: pads[0],
        left: pads[1],
        value: 0,
      });
    }
    return copy;
  }
}

const moved = ({ buffer, offset }: Pointer, bytes: number): Pointer => ({ buffer, offset: offset + bytes });

/** One matrix product per group of channels. */
function emitGroups(node: Conv2dNode, planes: Planes, lowering: Lowering): void {
  const { stride, dilation, groups, activation } = node.attributes;
  const [x, w, b, , s] = node.inputs;
  const residual = residualOf(node, lowering);
  const slopes = s ? lowering.constantData(s) : undefined;
  const weights = lowering.constantData(w);
  const bias = b ? lowering.constantData(b) : undefined;
  if (!weights || (b && !bias) || (s && !slopes)) throw new Error('weights, bias and slopes must be constants');
  const [rows, channels, kh, kw] = lowering.shape(w);
  const [batch, , height, width] = lowering.shape(node.outputs[0]);
  const [yBatch, yPlane] = lowering.strides(node.outputs[0]);
  const groupRows = rows / groups;
  const columns = channels * kh * kw;
  const [, , xHeight, xWidth] = lowering.shape(x);
  const [xBatch, xPlane] = lowering.strides(x);
  const tiled = isForTiles([kh, kw], stride, dilation, node.attributes.pads);
  for (let g = 0; g < groups; g++) {
    const first = g * groupRows;
    emitMatrixProduct(
      {
        rows: groupRows,
        columns,
        weights: weights.subarray(first * columns, (first + groupRows) * columns),
        bias: bias?.subarray(first, first + groupRows),
        taps: {
          channels,
          kernel: [kh, kw],
          stride,
          dilation,
          channelBytes: 4 * planes.channel,
          phaseBytes: 4 * planes.phase,
          rowBytes: 4 * planes.rowPixels,
        },
        get x() {
          return moved(planes.x(), 4 * g * channels * planes.channel);
        },
        y: lowering.at(node.outputs[0], first * yPlane),
        batch,
        xBatch: planes.xBatch,
        yBatch,
        height,
        width,
        yPlane,
        rowPixels: planes.rowPixels,
        residual,
        activation,
        copied: planes.copied,
        unpadded: tiled
          ? {
              x: lowering.at(x, g * channels * xPlane),
              xBatch,
              xPlane,
              height: xHeight,
              width: xWidth,
              pads: node.attributes.pads,
            }
          : undefined,
        slopes: slopes?.subarray(first, first + groupRows),
      },
      lowering,
    );
  }
}
