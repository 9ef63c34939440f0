// MobileNetV2 (Sandler et al., https://arxiv.org/abs/1801.04381, table 2).
import type { Graph } from '../src/graph/graph.ts';
import { buildNetwork, type NetworkBuilder, relu6 } from './builder.ts';
import { pooled } from './classifier.ts';
import { invertedResidual } from './inverted-residual.ts';
import { type NetworkOptions, type PaddingOptions, resolveOptions, roundChannels } from './options.ts';

/** Expansion, output channels, repeats, stride of the first. */
const stages = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
];

/** An image → the last feature map, and the inputs of each block's depthwise convolution. */
export function mobilenetV2Features(
  b: NetworkBuilder,
  image: string,
  width: number,
): { y: string; expanded: string[] } {
  let x = b.conv('stem', image, roundChannels(32 * width), { kernel: 3, stride: 2, activation: relu6, role: 'first' });
  const expanded: string[] = [];
  for (const [expansion, channels, repeats, firstStride] of stages) {
    for (let i = 0; i < repeats; i++) {
      const block = invertedResidual(b, `block${expanded.length + 1}`, x, {
        hidden: expansion * b.shape(x)[1],
        outputs: roundChannels(channels * width),
        kernel: 3,
        stride: i === 0 ? firstStride : 1,
        activation: relu6,
      });
      x = block.y;
      expanded.push(block.expanded);
    }
  }
  const y = b.conv('features', x, roundChannels(1280 * Math.max(1, width)), { activation: relu6 });
  return { y, expanded };
}

/** (1, 3, 224, 224), pixels from −1 to 1 → `logits` (1, classes). */
export function mobilenetV2(options: NetworkOptions & PaddingOptions = {}): Graph {
  const resolved = resolveOptions({ padding: 'same', ...options }, { resolution: 224, classes: 1000 });
  const { width, classes } = resolved;
  return buildNetwork('mobilenet-v2', resolved, (b) => {
    const { y } = mobilenetV2Features(b, b.image('input', [-1, 1]), width);
    return { logits: b.linear('classifier', pooled(b, y), classes, { role: 'last' }) };
  });
}
