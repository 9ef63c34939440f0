import { activateInPlace } from '../graph/activation.ts';
import type { Activation } from '../program/activations.ts';
import { elementCount } from '../tensor.ts';
import { checkPooling, poolArguments, windowForEveryOutput } from './pooling.ts';
import { ownStorage, type Operator } from './operator.ts';
import { windowOutput } from './window.ts';

export interface MaxPoolAttributes {
  kernel: readonly [number, number];
  stride: readonly [number, number];
  dilation: readonly [number, number];
  /** Top, left, bottom, right. Padding counts as −∞. */
  pads: readonly [number, number, number, number];
  ceilMode: boolean;
  activation?: Activation;
}

/** (N, C, H, W) → (N, C, H′, W′). ONNX MaxPool; TFLite MAX_POOL_2D. A window that holds a NaN gives NaN. */
export const maxPool: Operator<MaxPoolAttributes> = {
  infer(attributes, [x]) {
    const [n, c, height, width] = checkPooling(attributes, x);
    return [[n, c, ...windowOutput([height, width], attributes)]];
  },

  evaluate({ kernel, stride, dilation, pads, activation }, [x], [shape]) {
    const [, , xHeight, xWidth] = x!.shape;
    const [n, c, height, width] = shape;
    const data = new Float32Array(elementCount(shape));
    let at = 0;
    for (let plane = 0; plane < n * c; plane++) {
      for (let i = 0; i < height; i++) {
        for (let j = 0; j < width; j++) {
          let largest = -Infinity;
          for (let ky = 0; ky < kernel[0]; ky++) {
            const row = i * stride[0] + ky * dilation[0] - pads[0];
            if (row < 0 || row >= xHeight) continue;
            for (let kx = 0; kx < kernel[1]; kx++) {
              const column = j * stride[1] + kx * dilation[1] - pads[1];
              if (column < 0 || column >= xWidth) continue;
              largest = Math.max(largest, x!.data[(plane * xHeight + row) * xWidth + column]);
            }
          }
          data[at++] = largest;
        }
      }
    }
    return [{ shape, data: activateInPlace(data, activation) }];
  },

  evaluationWork: windowForEveryOutput,

  layout: 'planes',
  place: ownStorage,

  lower(node, lowering) {
    lowering.emit('f32_max_pool', poolArguments(node, node.attributes, lowering));
  },
};
