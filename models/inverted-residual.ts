// The block of MobileNetV2 and its descendants (Sandler et al., https://arxiv.org/abs/1801.04381, section 3.3):
// pointwise up, depthwise, pointwise down without an activation, added to the input where the shapes agree.
import type { Activation } from '../src/program/activations.ts';
import { hardSigmoid, type NetworkBuilder, relu } from './builder.ts';
import { roundChannels } from './options.ts';

export interface InvertedResidualOptions {
  /** Channels of the depthwise convolution. The number of input channels means no expansion. */
  hidden: number;
  outputs: number;
  kernel: number;
  stride: number;
  activation: Activation;
  /** Squeeze-and-excite after the depthwise convolution, as in MobileNetV3. */
  squeeze?: boolean;
}

export function invertedResidual(
  b: NetworkBuilder,
  name: string,
  x: string,
  { hidden, outputs, kernel, stride, activation, squeeze }: InvertedResidualOptions,
): { y: string; expanded: string } {
  const inputs = b.shape(x)[1];
  const expanded = hidden === inputs ? x : b.conv(`${name}/expand`, x, hidden, { activation });
  let y = b.depthwise(`${name}/depthwise`, expanded, { kernel, stride, activation });
  if (squeeze) y = squeezeExcite(b, name, y);
  y = b.conv(`${name}/project`, y, outputs);
  if (stride === 1 && inputs === outputs) y = b.binary(`${name}/add`, 'add', y, x);
  return { y, expanded };
}

/** Scales channels by factors that a small network computes from their means (https://arxiv.org/abs/1905.02244, section 5.3). */
function squeezeExcite(b: NetworkBuilder, name: string, x: string): string {
  const channels = b.shape(x)[1];
  const means = b.globalAverage(`${name}/squeeze`, x);
  const reduced = b.conv(`${name}/squeeze/reduce`, means, roundChannels(channels / 4), { activation: relu });
  const gate = b.conv(`${name}/squeeze/expand`, reduced, channels, { activation: hardSigmoid });
  return b.binary(`${name}/excite`, 'mul', x, gate);
}
