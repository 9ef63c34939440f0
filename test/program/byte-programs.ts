// Programs made by hand of kernels for bytes, each of one step.
import { packBlocks, packDepthwise } from '../../src/lower/blocks.ts';
import { depthwiseBytesScratch, dotScratchBytes } from '../../src/program/kernels/dots.ts';
import type { KernelName } from '../../src/program/kernels.ts';
import { bufferSlack, paddedPlane } from '../../src/program/layout.ts';
import type { Buffer, Constant, Pointer, Program } from '../../src/program/program.ts';
import { quadsOf } from '../../src/program/quads.ts';
import type { Group } from '../../src/program/tiles.ts';
import { randomFloats } from '../kernels/wasm.ts';

/** Whole numbers, the same for the same seed. */
export const wholeNumbers = (seed: number, count: number, most: number) =>
  Array.from(randomFloats(seed)(count), (v) => Math.round(v * most));

/** A program of one step, from x (planes of words) to y (planes of words, or of floats). */
export function programOf(
  kernel: KernelName,
  size: { x: number; y: number; scratch: number },
  constants: Record<string, Constant>,
  numbers: Record<string, number>,
): Program {
  const buffers: Buffer[] = [];
  const pointers: Record<string, Pointer> = {};
  let arenaBytes = 0;
  for (const [name, floats] of Object.entries({ x: size.x, y: size.y, scratch: size.scratch })) {
    const bytes = 4 * (floats + bufferSlack);
    pointers[name] = { buffer: buffers.length, offset: 0 };
    buffers.push({ kind: 'arena', offset: arenaBytes, bytes });
    arenaBytes += Math.ceil(bytes / 64) * 64;
  }
  for (const [name, constant] of Object.entries(constants)) {
    pointers[name] = { buffer: buffers.length, offset: 0 };
    buffers.push({ kind: 'constant', constant });
  }
  const { taps: _, ...rest } = pointers;
  const endpoint = (name: 'x' | 'y') =>
    ({ name, dtype: 'float32', shape: [size[name]], strides: [1], at: pointers[name] }) as const;
  return {
    name: kernel,
    buffers,
    arenaBytes,
    steps: [{ kernel, layer: 0, arguments: { ...rest, ...numbers } }],
    layers: [{ name: kernel, op: 'conv2d', shape: [1], macs: 0, effectiveMacs: 0 }],
    inputs: [endpoint('x')],
    outputs: [endpoint('y')],
    naiveArenaBytes: arenaBytes,
    notes: [],
    metadata: {},
  };
}

interface Product {
  group: Group | 'dense';
  rows: number;
  inputs: number;
  height: number;
  width: number;
  kernel: number;
  bits: 7 | 8;
  floats?: boolean;
  look?: boolean;
}

/** Two images. */
function product(name: KernelName, p: Product): Program {
  const { rows, inputs, height, width, kernel, bits } = p;
  const area = kernel * kernel;
  const rowPixels = kernel > 1 ? width + kernel - 1 : 0;
  const plane = paddedPlane(rowPixels ? (height + kernel - 1) * rowPixels : height * width);
  const weights = Int8Array.from(wholeNumbers(1, rows * inputs * area, 127), (w, i) => (i % 3 ? w : 0));
  const scales = new Float32Array(rows).fill(1e-3);
  const taps: Constant = {
    form: 'taps',
    taps: {
      channels: quadsOf(inputs),
      kernel: [kernel, kernel],
      stride: [1, 1],
      dilation: [1, 1],
      channelBytes: 4 * plane,
      phaseBytes: 0,
      rowBytes: 4 * rowPixels,
    },
  };
  // x, y and scratch are buffers 0 to 2
  const blocks = packBlocks(
    { rows, inputs, area, weights, scales, bias: wholeNumbers(2, rows, 999), bits },
    p.group,
    3,
  );
  const yPlane = paddedPlane(height * width);
  const planes = p.floats ? rows : quadsOf(rows);
  const sizes = { x: 2 * quadsOf(inputs) * plane, y: 2 * planes * yPlane, scratch: dotScratchBytes / 4 };
  const table: Constant = { form: 'i32', data: Int32Array.from(wholeNumbers(3, 64, 2 ** 31)) };
  return programOf(
    name,
    sizes,
    { taps, weights: blocks, table },
    {
      batch: 2,
      xBatch: 4 * quadsOf(inputs) * plane,
      yBatch: 4 * planes * yPlane,
      rows,
      height: rowPixels ? height : 1,
      width: rowPixels ? width : height * width,
      rowPixels,
      yPlane: 4 * yPlane,
      floats: p.floats ? 1 : 0,
      zero: p.floats ? 0 : 7,
      low: p.floats ? -5 : 7,
      high: p.floats ? 5 : 127,
      look: p.look ? 1 : 0,
    },
  );
}

/** Depthwise, two images. */
function depthwise(kernel: number, stride: number, bits: 7 | 8): Program {
  const [channels, height, width, pad] = [7, 6, 9, kernel >> 1];
  const area = kernel * kernel;
  const outputs = [height, width].map((size) => Math.ceil(size / stride));
  const weights = Int8Array.from(wholeNumbers(4, channels * area, 127));
  const numbers = { scales: new Float32Array(channels).fill(1e-2), bias: wholeNumbers(5, channels, 99) };
  const packed = packDepthwise({ rows: channels, inputs: 1, area, weights, ...numbers, bits });
  const [xPlane, yPlane] = [paddedPlane(height * width), paddedPlane(outputs[0] * outputs[1])];
  const planes = quadsOf(channels);
  const shape = {
    xWidth: width,
    width: outputs[1],
    kernelH: kernel,
    kernelW: kernel,
    strideH: stride,
    strideW: stride,
  };
  const sizes = { x: 2 * planes * xPlane, y: 2 * planes * yPlane, scratch: depthwiseBytesScratch(shape) / 4 };
  const table: Constant = { form: 'i32', data: Int32Array.from(wholeNumbers(3, 64, 2 ** 31)) };
  return programOf(
    'i8_depthwise',
    sizes,
    { weights: packed, table },
    {
      batch: 2,
      xBatch: 4 * planes * xPlane,
      yBatch: 4 * planes * yPlane,
      planes,
      xPlane: 4 * xPlane,
      xHeight: height,
      yPlane: 4 * yPlane,
      height: outputs[0],
      top: pad,
      left: pad,
      bits,
      xZero: 3,
      zero: 5,
      low: 0,
      high: 127,
      look: bits - 7,
      ...shape,
    },
  );
}

/** By name, programs in which every kernel is that operators do not lower to yet. */
export const bytePrograms: Record<string, Program> = {
  'products of bytes, dense': product('i8_dot_12x4', {
    group: 'dense',
    rows: 6,
    inputs: 7,
    height: 3,
    width: 5,
    kernel: 1,
    bits: 8,
  }),
  'products of bytes, blocks of four rows': product('i8_dot_12x4', {
    group: 4,
    rows: 5,
    inputs: 6,
    height: 3,
    width: 3,
    kernel: 3,
    bits: 7,
    look: true,
  }),
  'products of bytes, blocks of two rows': product('i8_dot_24x2', {
    group: 2,
    rows: 5,
    inputs: 9,
    height: 4,
    width: 6,
    kernel: 2,
    bits: 7,
    floats: true,
  }),
  'products of bytes, blocks of one row': product('i8_dot_52x1', {
    group: 1,
    rows: 4,
    inputs: 12,
    height: 6,
    width: 9,
    kernel: 1,
    bits: 7,
  }),
  'products of bytes, one pixel': product('i8_dot_12x4', {
    group: 4,
    rows: 9,
    inputs: 14,
    height: 1,
    width: 1,
    kernel: 1,
    bits: 8,
  }),
  'depthwise, bytes': depthwise(3, 1, 7),
  'depthwise 5×5 in steps, bytes': depthwise(5, 2, 8),
};
