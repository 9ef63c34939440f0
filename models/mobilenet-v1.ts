// MobileNetV1 (Howard et al., https://arxiv.org/abs/1704.04861, table 1), with ReLU6 as in TensorFlow's models.
import type { Graph } from '../src/graph/graph.ts';
import { buildNetwork, relu6 } from './builder.ts';
import { pooled } from './classifier.ts';
import { type NetworkOptions, type PaddingOptions, resolveOptions } from './options.ts';

/** Output channels and stride of each depthwise-separable block. */
const blocks = [
  [64, 1],
  [128, 2],
  [128, 1],
  [256, 2],
  [256, 1],
  [512, 2],
  ...Array.from({ length: 5 }, () => [512, 1]),
  [1024, 2],
  [1024, 1],
];

/** (1, 3, 224, 224), pixels from −1 to 1 → `logits` (1, classes). */
export function mobilenetV1(options: NetworkOptions & PaddingOptions = {}): Graph {
  const resolved = resolveOptions({ padding: 'same', ...options }, { resolution: 224, classes: 1000 });
  const { width, classes } = resolved;
  return buildNetwork('mobilenet-v1', resolved, (b) => {
    const scaled = (channels: number) => Math.max(8, Math.floor(channels * width));
    let x = b.conv('stem', b.image('input', [-1, 1]), scaled(32), {
      kernel: 3,
      stride: 2,
      activation: relu6,
      role: 'first',
    });
    for (const [i, [channels, stride]] of blocks.entries()) {
      x = b.depthwise(`block${i + 1}/depthwise`, x, { stride, activation: relu6 });
      x = b.conv(`block${i + 1}/pointwise`, x, scaled(channels), { activation: relu6 });
    }
    return { logits: b.linear('classifier', pooled(b, x), classes, { role: 'last' }) };
  });
}
