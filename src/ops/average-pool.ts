import { activateInPlace } from '../graph/activation.ts';
import type { Activation } from '../program/activations.ts';
import { elementCount } from '../tensor.ts';
import { checkPooling, poolArguments, windowForEveryOutput } from './pooling.ts';
import { ownStorage, type Operator } from './operator.ts';
import { windowOutput } from './window.ts';

export interface AveragePoolAttributes {
  kernel: readonly [number, number];
  stride: readonly [number, number];
  pads: readonly [number, number, number, number];
  ceilMode: boolean;
  /** Whether padding counts in the divisor. */
  countIncludePad: boolean;
  activation?: Activation;
}

/** (N, C, H, W) → (N, C, H′, W′). ONNX AveragePool; TFLite AVERAGE_POOL_2D. */
export const averagePool: Operator<AveragePoolAttributes> = {
  infer(attributes, [x]) {
    const [n, c, height, width] = checkPooling(attributes, x);
    return [[n, c, ...windowOutput([height, width], attributes)]];
  },

  evaluate({ kernel, stride, pads, countIncludePad, activation }, [x], [shape]) {
    const [, , xHeight, xWidth] = x!.shape;
    const [n, c, height, width] = shape;
    const [top, left, bottom, right] = pads;
    const data = new Float32Array(elementCount(shape));
    let at = 0;
    for (let plane = 0; plane < n * c; plane++) {
      for (let i = 0; i < height; i++) {
        for (let j = 0; j < width; j++) {
          let sum = 0;
          let count = 0;
          for (let ky = 0; ky < kernel[0]; ky++) {
            for (let kx = 0; kx < kernel[1]; kx++) {
              const row = i * stride[0] + ky - top;
              const column = j * stride[1] + kx - left;
              // Positions beyond the padding (ceil mode) never count.
              if (row >= xHeight + bottom || column >= xWidth + right) continue;
              const isInside = row >= 0 && row < xHeight && column >= 0 && column < xWidth;
              if (isInside || countIncludePad) count++;
              if (isInside) sum += x!.data[(plane * xHeight + row) * xWidth + column];
            }
          }
          data[at++] = sum / count;
        }
      }
    }
    return [{ shape, data: activateInPlace(data, activation) }];
  },

  evaluationWork: windowForEveryOutput,

  layout: 'planes',
  place: ownStorage,

  lower(node, lowering) {
    const { kernel, stride, pads, countIncludePad } = node.attributes;
    const [, , xHeight, xWidth] = lowering.shape(node.inputs[0]);
    const [, , height, width] = lowering.shape(node.outputs[0]);
    lowering.claimTables?.(height + width);
    const counts = Float32Array.from([
      ...windowCounts(height, xHeight, kernel[0], stride[0], pads[0], pads[2], countIncludePad),
      ...windowCounts(width, xWidth, kernel[1], stride[1], pads[1], pads[3], countIncludePad),
    ]);
    lowering.emit('f32_average_pool', {
      ...poolArguments(node, { ...node.attributes, dilation: [1, 1] }, lowering),
      counts: lowering.constant({ form: 'f32', data: counts }),
    });
  },
};

/** Elements that each window counts along one axis. */
function windowCounts(
  outputs: number,
  inputs: number,
  kernel: number,
  stride: number,
  before: number,
  after: number,
  includePad: boolean,
): number[] {
  return Array.from({ length: outputs }, (_, i) => {
    const start = i * stride - before;
    if (includePad) return Math.min(start + kernel, inputs + after) - start;
    return Math.min(start + kernel, inputs) - Math.max(start, 0);
  });
}
