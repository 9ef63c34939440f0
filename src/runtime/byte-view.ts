// Callers' tensors → inputs in bytes, four channels side by side (program/quads.ts).
import type { Endpoint } from '../program/program.ts';
import { fileGrid, type ByteGrid } from '../quantisation.ts';
import { elementCount } from '../tensor.ts';
import type { CopySession, EndpointView } from './endpoint-view.ts';

/** A view of an input in quads, which is only written. */
export function byteView(session: CopySession, endpoint: Endpoint, address: number): EndpointView {
  const { name, dtype, shape, strides, quads, quantization } = endpoint;
  const [channelAxis, row] = quads === 1 ? [1, 2] : [3, 1];
  const channels = shape[channelAxis];
  const pixels = shape[row] * shape[row + 1];
  const grid = fileGrid(dtype, quantization!)!;
  return {
    address,
    inPlace: undefined,
    read: () => {
      throw new Error(`input "${name}" is in bytes, which are not read`);
    },
    write(values) {
      const staged = session.scratch(elementCount(shape), 'tensors');
      const isFloats = values instanceof Float32Array;
      if (isFloats) quantise(values, grid, staged);
      else staged.set(new Uint8Array(values.buffer, values.byteOffset, values.length));
      for (let n = 0; n < shape[0]; n++) {
        session.call('i8_from_bytes', {
          x: staged.byteOffset + n * channels * pixels,
          y: address + 4 * n * strides[0],
          channels,
          pixels,
          xPixel: quads === 1 ? 1 : channels,
          xChannel: quads === 1 ? pixels : 1,
          yPlane: 4 * strides[channelAxis],
          shift: dtype === 'int8' && !isFloats ? 128 : 0,
        });
      }
    },
    roundPlanes(x, xPlane) {
      const { scale, zero, most } = grid;
      const planes = { channels, pixels, xPlane, yPlane: 0 };
      session.call('i8_from_f32', { x, y: address, ...planes, scale: 1 / scale, zero, low: 0, high: most });
    },
  };
}

/** 1.5 · 2²³: adding it to a float rounds it to the nearest integer, ties to even. */
const magic = 12582912;

/** Real numbers as bytes, as the kernel i8_from_f32 rounds them. NaN gives the least. */
function quantise(reals: Float32Array, { scale, zero, most }: ByteGrid, bytes: Uint8Array): void {
  const steps = Math.fround(1 / scale);
  const [low, high] = [-zero, most - zero];
  const count = reals.length;
  for (let i = 0; i < count; i++) {
    const v = Math.fround(reals[i] * steps);
    const inside = v > low ? (v < high ? v : high) : low;
    bytes[i] = Math.fround(inside + magic) - magic + zero;
  }
}
