// EfficientNet-Lite0 (tensorflow/tpu, models/official/efficientnet/lite): EfficientNet-B0 without squeeze-and-excite, with
// ReLU6, and with a stem and head that do not depend on the width.
import type { Graph } from '../src/graph/graph.ts';
import { buildNetwork, relu6 } from './builder.ts';
import { pooled } from './classifier.ts';
import { invertedResidual } from './inverted-residual.ts';
import { type NetworkOptions, type PaddingOptions, resolveOptions, roundChannels } from './options.ts';

/** Kernel, expansion, output channels, repeats, stride of the first. */
const stages = [
  [3, 1, 16, 1, 1],
  [3, 6, 24, 2, 2],
  [5, 6, 40, 2, 2],
  [3, 6, 80, 3, 2],
  [5, 6, 112, 3, 1],
  [5, 6, 192, 4, 2],
  [3, 6, 320, 1, 1],
];

/** (1, 3, 224, 224), pixels from −1 to 1 → `logits` (1, classes). */
export function efficientnetLite0(options: NetworkOptions & PaddingOptions = {}): Graph {
  const resolved = resolveOptions({ padding: 'same', ...options }, { resolution: 224, classes: 1000 });
  const { width, classes } = resolved;
  return buildNetwork('efficientnet-lite0', resolved, (b) => {
    let x = b.conv('stem', b.image('input', [-1, 1]), 32, {
      kernel: 3,
      stride: 2,
      activation: relu6,
      role: 'first',
    });
    for (const [stage, [kernel, expansion, channels, repeats, firstStride]] of stages.entries()) {
      for (let i = 0; i < repeats; i++) {
        x = invertedResidual(b, `stage${stage + 1}/block${i + 1}`, x, {
          hidden: expansion * b.shape(x)[1],
          outputs: roundChannels(channels * width),
          kernel,
          stride: i === 0 ? firstStride : 1,
          activation: relu6,
        }).y;
      }
    }
    x = b.conv('features', x, 1280, { activation: relu6 });
    return { logits: b.linear('classifier', pooled(b, x), classes, { role: 'last' }) };
  });
}
