// SSD (Liu et al., https://arxiv.org/abs/1512.02325) on MobileNetV2 as TensorFlow's object detection API builds it
// (ssd_mobilenet_v2): pointwise predictors on six feature maps, before anchors are applied.
import type { Graph } from '../src/graph/graph.ts';
import { buildNetwork, relu6 } from './builder.ts';
import { mobilenetV2Features } from './mobilenet-v2.ts';
import { type NetworkOptions, type PaddingOptions, resolveOptions, roundChannels } from './options.ts';

/** Channels of the pointwise and the strided 3×3 convolution of each feature map beyond the backbone. */
const extras = [
  [256, 512],
  [128, 256],
  [128, 256],
  [64, 128],
];

/** The block whose expansion is the first feature map: the last one at stride 16. */
const firstMapBlock = 13;

/**
 * (1, 3, 300, 300), pixels from −1 to 1 → `boxes` (1, A, 4), offsets (y, x, height, width) from anchors, and `classes` (1, A, classes + 1),
 * logits with the background first. A = 1917: 3 anchors per cell of the first map, 6 of the others; cells row by row.
 */
export function ssdMobilenetV2(options: NetworkOptions & PaddingOptions = {}): Graph {
  const resolved = resolveOptions({ padding: 'same', ...options }, { resolution: 300, classes: 90 });
  const { width, classes } = resolved;
  return buildNetwork('ssd-mobilenet-v2', resolved, (b) => {
    const features = mobilenetV2Features(b, b.image('input', [-1, 1]), width);
    const maps = [features.expanded[firstMapBlock], features.y];
    for (const [i, [reduced, outputs]] of extras.entries()) {
      const name = `extra${i + 1}`;
      const x = b.conv(`${name}/reduce`, maps.at(-1)!, roundChannels(reduced * width), { activation: relu6 });
      maps.push(b.conv(name, x, roundChannels(outputs * width), { kernel: 3, stride: 2, activation: relu6 }));
    }
    const predict = (what: string, length: number): string => {
      const parts = maps.map((map, i) => {
        const [, , height, columns] = b.shape(map);
        const anchors = i === 0 ? 3 : 6;
        const name = `head${i + 1}/${what}`;
        const planes = b.conv(name, map, anchors * length, { role: 'last' });
        const pixels = b.transpose(`${name}/pixels`, planes, [0, 2, 3, 1]);
        return b.reshape(`${name}/anchors`, pixels, [1, height * columns * anchors, length]);
      });
      return b.concat(what, 1, parts);
    };
    return { boxes: predict('boxes', 4), classes: predict('classes', classes + 1) };
  });
}
