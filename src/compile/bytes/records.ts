// The records of operators on bytes that multiply no matrices.
import { applyActivation, roundHalfToEven } from '../../graph/activation.ts';
import type { Node } from '../../graph/graph.ts';
import { isOp, type NodeOf } from '../../ops/nodes.ts';
import type { Lowering } from '../../lower/lowering.ts';
import type { Activation } from '../../program/activations.ts';
import { quadsOf } from '../../program/quads.ts';
import { byteOf, realOf, type ByteGrid } from '../../quantisation.ts';

/** The bytes of a value. @throws Error when it is stored in floats */
function bytesOf(lowering: Lowering, value: string): ByteGrid {
  const bytes = lowering.bytes?.(value);
  if (!bytes) throw new Error(`"${value}" is not stored in bytes`);
  return bytes;
}

/** Record fields of the bytes that a kernel makes, within a fused clamp. */
export function resultFields(grid: ByteGrid, activation?: Activation): { zero: number; low: number; high: number } {
  const { zero, most } = grid;
  if (!activation || activation.fn === 'identity') return { zero, low: 0, high: most };
  if (activation.fn !== 'clamp') throw new Error(`${activation.fn} is not fused with bytes`);
  return { zero, low: byteOf(activation.alpha ?? 0, grid), high: byteOf(activation.beta ?? 0, grid) };
}

/** Strides in words and the size of a value's planes. */
function planesOf(lowering: Lowering, value: string) {
  const [batch, channels, height, width] = lowering.shape(value);
  const [image, plane] = lowering.strides(value);
  return { batch, channels, quads: quadsOf(channels), pixels: height * width, image, plane };
}

/** Floats ↔ bytes, and any function of bytes by a table. */
export function convertBytes(node: NodeOf<'unary'>, lowering: Lowering): void {
  const [x] = node.inputs;
  const [y] = node.outputs;
  const { batch, channels, pixels } = planesOf(lowering, x);
  const [from, to] = [lowering.bytes?.(x), lowering.bytes?.(y)];
  const [xStrides, yStrides] = [lowering.strides(x), lowering.strides(y)];
  const isPlain = node.attributes.fn === 'identity';
  for (let n = 0; n < batch; n++) {
    const at = { x: lowering.at(x, n * xStrides[0]), y: lowering.at(y, n * yStrides[0]) };
    const planes = { channels, pixels, xPlane: 4 * xStrides[1], yPlane: 4 * yStrides[1] };
    if (from && to) {
      const words = (quadsOf(channels) - 1) * xStrides[1] + pixels;
      if (xStrides[1] !== yStrides[1]) throw new Error('planes of different strides');
      lowering.emit('i8_table', { ...at, table: tableOf(from, to, node.attributes, lowering), words });
    } else if (!isPlain) {
      throw new Error(`${node.attributes.fn} of floats does not make bytes`);
    } else if (from) {
      lowering.emit('i8_to_f32', { ...at, ...planes, scale: from.scale, zero: from.zero });
    } else if (to) {
      lowering.emit('i8_from_f32', { ...at, ...planes, scale: 1 / to.scale, ...resultFields(to) });
    }
  }
}

/** A function of bytes as 256 bytes. */
export function tableOf(from: ByteGrid, to: ByteGrid, activation: Activation, lowering: Lowering) {
  const bytes = Uint8Array.from({ length: 256 }, (_, byte) => {
    return byteOf(applyActivation(realOf(byte, from), activation), to);
  });
  return lowering.constant({ form: 'i32', data: new Int32Array(bytes.buffer) });
}

/** Sums and products of two values, the second of which may have one pixel. */
export function binaryBytes(node: NodeOf<'binary'>, lowering: Lowering): void {
  const [y] = node.outputs;
  const { fn, activation } = node.attributes;
  const pixelsOf = (value: string) => planesOf(lowering, value).pixels;
  const [a, b] = pixelsOf(node.inputs[0]) < pixelsOf(y) ? node.inputs.toReversed() : node.inputs;
  const [from, other, to] = [bytesOf(lowering, a), bytesOf(lowering, b), bytesOf(lowering, y)];
  const { batch, quads, pixels } = planesOf(lowering, y);
  const isWord = pixelsOf(b) < pixels;
  const multiply = fn === 'mul' ? 1 : 0;
  const [aStrides, bStrides, yStrides] = [a, b, y].map((value) => lowering.strides(value));
  for (let n = 0; n < batch; n++) {
    lowering.emit('i8_binary', {
      a: lowering.at(a, n * aStrides[0]),
      b: lowering.at(b, n * bStrides[0]),
      y: lowering.at(y, n * yStrides[0]),
      planes: quads,
      words: pixels,
      aPlane: 4 * aStrides[1],
      bPlane: 4 * bStrides[1],
      yPlane: 4 * yStrides[1],
      bStep: isWord ? 0 : 4,
      multiply,
      aZero: from.zero,
      bZero: other.zero,
      ...factors(from.scale / to.scale, other.scale / to.scale, fn === 'sub' ? -1 : 1),
      scale: multiply ? Math.fround(Math.fround(from.scale * other.scale) / to.scale) : 0,
      ...resultFields(to, activation),
    });
  }
}

/** Two factors as integers of 21 bits, the larger one at least 2²⁰ if it can be, and their shift, as XNNPACK has them. */
function factors(a: number, b: number, sign: 1 | -1) {
  const most = Math.fround(Math.max(a, b));
  const shift = Math.min(Math.max(20 - Math.floor(Math.log2(most)), 0), 30);
  const factor = (ratio: number) => Math.min(roundHalfToEven(Math.fround(ratio) * 2 ** shift), 2 ** 22);
  return { aFactor: factor(a), bFactor: sign * factor(b), shift };
}

/** The mean over whole planes. */
export function meanBytes(node: NodeOf<'reduce'>, lowering: Lowering): void {
  const [x] = node.inputs;
  const [y] = node.outputs;
  const [from, to] = [bytesOf(lowering, x), bytesOf(lowering, y)];
  const { batch, quads, pixels, image, plane } = planesOf(lowering, x);
  const [yImage, yPlane] = lowering.strides(y);
  for (let n = 0; n < batch; n++) {
    lowering.emit('i8_mean', {
      x: lowering.at(x, n * image),
      y: lowering.at(y, n * yImage),
      planes: quads,
      pixels,
      xPlane: 4 * plane,
      yPlane: 4 * yPlane,
      xZero: from.zero,
      scale: from.scale / to.scale / pixels,
      ...resultFields(to),
    });
  }
}

/** Means over windows. */
export function averageBytes(node: NodeOf<'averagePool'>, lowering: Lowering): void {
  const [x] = node.inputs;
  const [y] = node.outputs;
  const { kernel, stride, pads, countIncludePad, activation } = node.attributes;
  const [from, to] = [bytesOf(lowering, x), bytesOf(lowering, y)];
  const { batch, quads, image, plane } = planesOf(lowering, x);
  const [, , xHeight, xWidth] = lowering.shape(x);
  const [, , height, width] = lowering.shape(y);
  const [yImage, yPlane] = lowering.strides(y);
  for (let n = 0; n < batch; n++) {
    lowering.emit('i8_average_pool', {
      x: lowering.at(x, n * image),
      y: lowering.at(y, n * yImage),
      planes: quads,
      xPlane: 4 * plane,
      xHeight,
      xWidth,
      yPlane: 4 * yPlane,
      height,
      width,
      kernelH: kernel[0],
      kernelW: kernel[1],
      strideH: stride[0],
      strideW: stride[1],
      top: pads[0],
      left: pads[1],
      divisor: countIncludePad ? kernel[0] * kernel[1] : 0,
      xZero: from.zero,
      scale: from.scale / to.scale,
      ...resultFields(to, activation),
    });
  }
}

/** Concatenation, splits and gathers along the channels where they do not begin at whole words. */
export function channelBytes(node: Node, lowering: Lowering): void {
  if (isOp(node, 'concat')) {
    let start = 0;
    for (const x of node.inputs) {
      const { channels } = planesOf(lowering, x);
      emitChannels(
        x,
        node.outputs[0],
        Array.from({ length: channels }, (_, c) => c),
        lowering,
        start,
      );
      start += channels;
    }
  } else if (isOp(node, 'split')) {
    let start = 0;
    for (const [i, y] of node.outputs.entries()) {
      const size = node.attributes.sizes[i];
      const first = start;
      emitChannels(
        node.inputs[0],
        y,
        Array.from({ length: size }, (_, c) => first + c),
        lowering,
      );
      start += size;
    }
  } else if (isOp(node, 'gather')) {
    const { channels } = planesOf(lowering, node.inputs[0]);
    const indices = Array.from(lowering.constantData(node.inputs[1])!, (c) => (c < 0 ? c + channels : c));
    emitChannels(node.inputs[0], node.outputs[0], indices, lowering);
  }
}

/** y's channels from `start` on are these of x. */
function emitChannels(x: string, y: string, channels: readonly number[], lowering: Lowering, start = 0): void {
  const from = planesOf(lowering, x);
  const to = planesOf(lowering, y);
  const keep = start % 4;
  const first = (start - keep) / 4;
  const planes = quadsOf(keep + channels.length);
  const table = Int32Array.from({ length: 4 * planes }, (_, i) => {
    const c = channels[Math.min(Math.max(i - keep, 0), channels.length - 1)];
    return 4 * from.plane * Math.floor(c / 4) + (c % 4);
  });
  const pointer = lowering.constant({ form: 'i32', data: table });
  for (let n = 0; n < to.batch; n++) {
    lowering.emit('i8_channels', {
      x: lowering.at(x, n * from.image),
      from: pointer,
      y: lowering.at(y, n * to.image + first * to.plane),
      planes,
      pixels: to.pixels,
      yPlane: 4 * to.plane,
      keep,
    });
  }
}
