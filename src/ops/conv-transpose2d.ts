import { elementCount } from '../tensor.ts';
import { activateInPlace } from '../graph/activation.ts';
import type { Activation } from '../program/activations.ts';
import { checkBias, checkGeometry, rank4 } from './convolution.ts';
import { ownStorage, type Operator } from './operator.ts';

/** A transposed convolution's geometry, height first. `pads` crops the output: top, left, bottom, right. */
export interface ConvTranspose2dAttributes {
  stride: readonly [number, number];
  dilation: readonly [number, number];
  pads: readonly [number, number, number, number];
  outputPadding: readonly [number, number];
  groups: number;
  activation?: Activation;
}

/** (N, I, H, W), weights (I, O/groups, kh, kw), bias (O)? → (N, O, H′, W′). ONNX ConvTranspose; TFLite TRANSPOSE_CONV. */
export const convTranspose2d: Operator<ConvTranspose2dAttributes> = {
  infer({ stride, dilation, pads, outputPadding, groups }, [x, weights, bias]) {
    const [n, channels, height, width] = rank4(x, 'the input');
    const [inputs, perGroup, kh, kw] = rank4(weights, 'the weights');
    checkGeometry({ stride, dilation, pads, groups });
    if (outputPadding.length !== 2 || !outputPadding.every((p) => Number.isInteger(p) && p >= 0)) {
      throw new Error(`outputPadding [${outputPadding}] must be two non-negative integers`);
    }
    if (inputs !== channels) {
      throw new Error(
        `weights [${weights!.shape}] want ${inputs} input channels, the input [${x!.shape}] has ${channels}`,
      );
    }
    if (channels % groups !== 0) throw new Error(`${channels} input channels do not divide into ${groups} groups`);
    checkBias(bias, perGroup * groups);
    const h = (height - 1) * stride[0] + (kh - 1) * dilation[0] + 1 - pads[0] - pads[2] + outputPadding[0];
    const w = (width - 1) * stride[1] + (kw - 1) * dilation[1] + 1 - pads[1] - pads[3] + outputPadding[1];
    if (h < 1 || w < 1) {
      throw new Error(`pads ${pads} crop all of the ${h + pads[0] + pads[2]}×${w + pads[1] + pads[3]} output`);
    }
    return [[n, perGroup * groups, h, w]];
  },
  evaluate({ stride, dilation, pads, groups, activation }, [x, weights, bias], [shape]) {
    const [, channels, height, width] = x!.shape;
    const [n, outputs, h, w] = shape;
    const [, perGroup, kh, kw] = weights!.shape;
    const perGroupInputs = channels / groups;
    const sums = new Float64Array(n * outputs * h * w);
    if (bias) for (let i = 0; i < sums.length; i++) sums[i] = bias.data[Math.floor(i / (h * w)) % outputs];
    for (let image = 0; image < n; image++) {
      for (let c = 0; c < channels; c++) {
        const firstOutput = Math.floor(c / perGroupInputs) * perGroup;
        for (let iy = 0; iy < height; iy++) {
          for (let ix = 0; ix < width; ix++) {
            const v = x!.data[((image * channels + c) * height + iy) * width + ix];
            for (let o = 0; o < perGroup; o++) {
              for (let ky = 0; ky < kh; ky++) {
                const oy = iy * stride[0] + ky * dilation[0] - pads[0];
                if (oy < 0 || oy >= h) continue;
                for (let kx = 0; kx < kw; kx++) {
                  const ox = ix * stride[1] + kx * dilation[1] - pads[1];
                  if (ox < 0 || ox >= w) continue;
                  sums[((image * outputs + firstOutput + o) * h + oy) * w + ox] +=
                    v * weights!.data[((c * perGroup + o) * kh + ky) * kw + kx];
                }
              }
            }
          }
        }
      }
    }
    return [{ shape, data: activateInPlace(Float32Array.from(sums), activation) }];
  },
  /** Every input element is multiplied by all weights of its channel. */
  evaluationWork(_attributes, [x, weights]) {
    return elementCount(x) * (elementCount(weights) / weights[0]);
  },
  layout: 'planes',
  place: ownStorage,
  lower() {
    throw new Error('a transposed convolution is rewritten as a convolution before lowering (passes/)');
  },
};
