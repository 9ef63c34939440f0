// MobileNetV3 (Howard et al., https://arxiv.org/abs/1905.02244, tables 1 and 2).
import type { Graph } from '../src/graph/graph.ts';
import { buildNetwork, hardSwish, relu } from './builder.ts';
import { pooled } from './classifier.ts';
import { invertedResidual } from './inverted-residual.ts';
import { type NetworkOptions, type PaddingOptions, resolveOptions, roundChannels } from './options.ts';

type Block = readonly [
  kernel: number,
  hidden: number,
  outputs: number,
  squeeze: boolean,
  activation: 'relu' | 'hardSwish',
  stride: number,
];

interface Variant {
  name: string;
  blocks: readonly Block[];
  /** Channels of the last feature map and of the layer before the classifier. */
  features: number;
  hidden: number;
}

const large: Variant = {
  name: 'mobilenet-v3-large',
  blocks: [
    [3, 16, 16, false, 'relu', 1],
    [3, 64, 24, false, 'relu', 2],
    [3, 72, 24, false, 'relu', 1],
    [5, 72, 40, true, 'relu', 2],
    [5, 120, 40, true, 'relu', 1],
    [5, 120, 40, true, 'relu', 1],
    [3, 240, 80, false, 'hardSwish', 2],
    [3, 200, 80, false, 'hardSwish', 1],
    [3, 184, 80, false, 'hardSwish', 1],
    [3, 184, 80, false, 'hardSwish', 1],
    [3, 480, 112, true, 'hardSwish', 1],
    [3, 672, 112, true, 'hardSwish', 1],
    [5, 672, 160, true, 'hardSwish', 2],
    [5, 960, 160, true, 'hardSwish', 1],
    [5, 960, 160, true, 'hardSwish', 1],
  ],
  features: 960,
  hidden: 1280,
};

const small: Variant = {
  name: 'mobilenet-v3-small',
  blocks: [
    [3, 16, 16, true, 'relu', 2],
    [3, 72, 24, false, 'relu', 2],
    [3, 88, 24, false, 'relu', 1],
    [5, 96, 40, true, 'hardSwish', 2],
    [5, 240, 40, true, 'hardSwish', 1],
    [5, 240, 40, true, 'hardSwish', 1],
    [5, 120, 48, true, 'hardSwish', 1],
    [5, 144, 48, true, 'hardSwish', 1],
    [5, 288, 96, true, 'hardSwish', 2],
    [5, 576, 96, true, 'hardSwish', 1],
    [5, 576, 96, true, 'hardSwish', 1],
  ],
  features: 576,
  hidden: 1024,
};

function mobilenetV3(variant: Variant, options: NetworkOptions & PaddingOptions): Graph {
  const resolved = resolveOptions({ padding: 'same', ...options }, { resolution: 224, classes: 1000 });
  const { width, classes } = resolved;
  return buildNetwork(variant.name, resolved, (b) => {
    const scaled = (channels: number) => roundChannels(channels * width);
    let x = b.conv('stem', b.image('input', [-1, 1]), scaled(16), {
      kernel: 3,
      stride: 2,
      activation: hardSwish,
      role: 'first',
    });
    for (const [i, [kernel, hidden, outputs, squeeze, activation, stride]] of variant.blocks.entries()) {
      x = invertedResidual(b, `block${i + 1}`, x, {
        hidden: scaled(hidden),
        outputs: scaled(outputs),
        kernel,
        stride,
        activation: activation === 'relu' ? relu : hardSwish,
        squeeze,
      }).y;
    }
    x = b.conv('features', x, scaled(variant.features), { activation: hardSwish });
    const hidden = roundChannels(variant.hidden * Math.max(1, width));
    x = b.linear('hidden', pooled(b, x), hidden, { activation: hardSwish });
    return { logits: b.linear('classifier', x, classes, { role: 'last' }) };
  });
}

/** (1, 3, 224, 224), pixels from −1 to 1 → `logits` (1, classes). */
export function mobilenetV3Large(options: NetworkOptions & PaddingOptions = {}): Graph {
  return mobilenetV3(large, options);
}

/** (1, 3, 224, 224), pixels from −1 to 1 → `logits` (1, classes). */
export function mobilenetV3Small(options: NetworkOptions & PaddingOptions = {}): Graph {
  return mobilenetV3(small, options);
}
