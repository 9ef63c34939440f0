import { activateInPlace } from '../graph/activation.ts';
import type { Activation } from '../program/activations.ts';
import type { InputType, Operator } from './operator.ts';

/** A 2-D convolution's geometry, height first. */
export interface Conv2dAttributes {
  stride: readonly [number, number];
  dilation: readonly [number, number];
  /** Zeros around the input: top, left, bottom, right. */
  pads: readonly [number, number, number, number];
  groups: number;
  activation?: Activation;
}

/** (N, I, H, W), weights (O, I/groups, kh, kw), bias (O)? → (N, O, H′, W′). ONNX Conv; TFLite CONV_2D, DEPTHWISE_CONV_2D. */
export const conv2d: Operator<Conv2dAttributes> = {
  infer({ stride, dilation, pads, groups }, [x, weights, bias]) {
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
    return [[n, outputs, h, w]];
  },
  evaluate({ stride, dilation, pads, activation }, [x, weights, bias], [shape]) {
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
        data.set(sums, (image * outputs + oc) * h * w);
      }
    }
    return [{ shape, data: activateInPlace(data, activation) }];
  },
  layout: 'planes',
  lower() {
    throw new Error('not written yet');
  },
};

/** Pixels of a convolution's output along one axis; below 1 where the kernel does not fit. */
export function convolvedSize(
  size: number,
  kernel: number,
  stride: number,
  dilation: number,
  padBegin: number,
  padEnd: number,
): number {
  return Math.floor((size + padBegin + padEnd - ((kernel - 1) * dilation + 1)) / stride) + 1;
}

/** The shape of an (N, C, H, W) or (O, I, kh, kw) tensor. @throws Error when it is absent or not rank 4. */
export function rank4(type: InputType | undefined, what: string): readonly [number, number, number, number] {
  if (!type) throw new Error(`${what} must be given`);
  if (type.shape.length !== 4) throw new Error(`${what} must have rank 4, got [${type.shape}]`);
  return type.shape as [number, number, number, number];
}

/** What forward and transposed convolutions ask of their attributes. @throws Error naming the value. */
export function checkGeometry({
  stride,
  dilation,
  pads,
  groups,
}: Pick<Conv2dAttributes, 'stride' | 'dilation' | 'pads' | 'groups'>): void {
  if (!isVector(stride, 2, 1)) throw new Error(`stride [${stride}] must be two positive integers`);
  if (!isVector(dilation, 2, 1)) throw new Error(`dilation [${dilation}] must be two positive integers`);
  if (!isVector(pads, 4, 0)) throw new Error(`pads [${pads}] must be four non-negative integers`);
  if (!isVector([groups], 1, 1)) throw new Error(`groups ${groups} must be a positive integer`);
}

/** @throws Error when a bias is given and is not (outputs). */
export function checkBias(bias: InputType | undefined, outputs: number): void {
  if (bias && (bias.shape.length !== 1 || bias.shape[0] !== outputs)) {
    throw new Error(`the bias must be [${outputs}], one for each output channel, got [${bias.shape}]`);
  }
}

function isVector(values: readonly number[], length: number, least: number): boolean {
  return values.length === length && values.every((v) => Number.isInteger(v) && v >= least);
}
