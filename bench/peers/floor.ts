// The minimum possible time of a network, layer by layer.
import { elementCount } from '../../src/tensor.ts';
import type { LayerProfile } from '../../src/runtime/layer-profile.ts';
import type { Floor } from './results.ts';

/** Bytes of a kept weight in sparse kernels: its value and the position of its input. Dense ones have no position. */
const sparseWeightBytes = 8;
const denseWeightBytes = 4;

/** Multiply-adds at `gflops`, or weights once at `memoryGbps`. The floor of layers without weights is 0. */
export function floorOf(
  layers: readonly LayerProfile[],
  activationBytes: ReadonlyMap<string, number>,
  gflops: number,
  memoryGbps: number,
): Floor {
  const bounded = layers.map((layer) => {
    const { shape, macs, effectiveMacs } = layer;
    const positions = shape.length === 4 ? shape[0] * shape[2] * shape[3] : elementCount(shape.slice(0, -1));
    const kept = effectiveMacs / positions;
    const weightBytes = kept * (effectiveMacs < macs ? sparseWeightBytes : denseWeightBytes);
    const floorMs = Math.max((2 * effectiveMacs) / gflops, weightBytes / memoryGbps) / 1e6;
    return { ...layer, weightBytes, activationBytes: activationBytes.get(layer.name), floorMs };
  });
  const sum = (of: (layer: (typeof bounded)[number]) => number) =>
    bounded.reduce((total, layer) => total + of(layer), 0);
  return { ms: sum(({ floorMs }) => floorMs), measuredMs: sum(({ ms }) => ms), layers: bounded };
}
