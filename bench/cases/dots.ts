// Weights × values in quads, in bytes: bytes in, bytes out.
import type { RawKernels } from '../../src/kernels.ts';
import { packBlocks, packDepthwise } from '../../src/lower/blocks.ts';
import { constantBytes } from '../../src/program/constants.ts';
import type { KernelName } from '../../src/program/kernels.ts';
import { depthwiseBytesScratch, dotScratchBytes } from '../../src/program/kernels/dots.ts';
import { quadsOf, sevenBits } from '../../src/program/quads.ts';
import type { Group } from '../../src/program/tiles.ts';
import { placeConstant, placeFloats, seeded } from '../place.ts';
import { leadingPads, outputSize } from '../shapes.ts';
import type { LayerShape } from '../shapes.ts';
import type { CaseBuilder } from './case.ts';
import { macWork, planesOf } from './case.ts';
import { kindOf, placeInput } from './matrix.ts';

/** Linear layers have one pixel per image. */
const imagesOf = ({ op, height }: LayerShape) => (op === 'linear' ? height : 1);

/** Seven-bit values, channel 0…3 of a word. */
export function fillBytes(kernels: RawKernels, address: number, bytes: number): void {
  const view = new Uint32Array(kernels.memory.buffer, address, bytes >> 2);
  for (let i = 0; i < view.length; i++) view[i] &= 0x01010101 * sevenBits;
}

/** Random bytes (rows, inputs, area) at a density, in blocks of `group` rows and four inputs. */
function byteWeights(rows: number, inputs: number, area: number, group: number, density: number): Int8Array {
  const random = seeded(rows + inputs);
  const choose = seeded(rows + inputs + 1); // of its own, so that dense weights are the same in blocks of any size
  const kept = new Map<number, boolean>();
  const weights = new Int8Array(rows * inputs * area);
  for (let i = 0; i < weights.length; i++) {
    const [row, input, tap] = [Math.floor(i / (inputs * area)), Math.floor(i / area) % inputs, i % area];
    const block = (Math.floor(row / group) * inputs + (input >> 2)) * area + tap;
    if (!kept.has(block)) kept.set(block, choose() < density);
    if (kept.get(block)) weights[i] = Math.floor(random() * 254) - 127 || 1;
  }
  return weights;
}

function dot(name: KernelName, group: Group): CaseBuilder {
  return {
    contest: 'bytes',
    encoding: 'sparse',
    fits: (shape) => kindOf(shape) !== undefined || (shape.op === 'linear' && imagesOf(shape) === 1),
    build(kernels, shape, density) {
      const { inputs, outputs: rows, kernel } = shape;
      const kind = kindOf(shape) ?? 'flat';
      const [height, width] = outputSize(shape);
      const area = kernel * kernel;
      const x = placeInput(kernels, { ...shape, inputs: quadsOf(inputs) }, kind);
      fillBytes(kernels, x.x, x.bytes);
      const weights = byteWeights(rows, inputs, area, group, density);
      const scale = 1 / Math.sqrt(inputs * area) / 127;
      const numbers = { scales: new Float32Array(rows).fill(scale), bias: new Int32Array(rows) };
      const all = { rows, inputs, area, weights, ...numbers, bits: 7 } as const;
      const constant = packBlocks(all, density === 1 && group === 4 ? 'dense' : group, 0);
      const y = planesOf(quadsOf(rows), height * width);
      const address = kernels.allocate(4 * y.floats);
      const run = kernels.record(name, {
        x: x.x,
        weights: placeConstant(kernels, constant, x.taps),
        table: address,
        scratch: kernels.allocate(dotScratchBytes),
        y: address,
        batch: 1,
        xBatch: 0,
        yBatch: 0,
        rows,
        height: kind === 'flat' ? 1 : height,
        width: kind === 'flat' ? height * width : width,
        rowPixels: x.rowPixels,
        yPlane: y.plane,
        floats: 0,
        zero: 0,
        low: 0,
        high: sevenBits,
        look: 0,
      });
      const nonzeros = weights.reduce((count, w) => count + (w === 0 ? 0 : 1), 0);
      const pixels = height * width;
      const moved = x.bytes + constantBytes(constant) + 4 * y.floats;
      return macWork(run, { address, ...y }, rows * inputs * area * pixels, nonzeros * pixels, moved);
    },
  };
}

const depthwise: CaseBuilder = {
  contest: 'depthwise, bytes',
  encoding: 'dense',
  fits: ({ op, inputs, outputs }) => op === 'depthwise' && inputs === outputs,
  build(kernels, shape) {
    const { inputs: channels, kernel, stride } = shape;
    const [height, width] = outputSize(shape);
    const [top, left] = leadingPads(shape);
    const planes = quadsOf(channels);
    const area = kernel * kernel;
    const x = planesOf(planes, shape.height * shape.width);
    const y = planesOf(planes, height * width);
    const from = placeFloats(kernels, x.floats);
    fillBytes(kernels, from, 4 * x.floats);
    const weights = byteWeights(channels, 1, area, 1, 1);
    const numbers = { scales: new Float32Array(channels).fill(1 / 127 / kernel), bias: new Int32Array(channels) };
    const constant = packDepthwise({ rows: channels, inputs: 1, area, weights, ...numbers, bits: 7 });
    const size = { xWidth: shape.width, width, kernelH: kernel, kernelW: kernel, strideH: stride, strideW: stride };
    const address = kernels.allocate(4 * y.floats);
    const run = kernels.record('i8_depthwise', {
      x: from,
      weights: placeConstant(kernels, constant),
      table: address,
      scratch: kernels.allocate(depthwiseBytesScratch(size)),
      y: address,
      batch: 1,
      xBatch: 0,
      yBatch: 0,
      planes,
      xPlane: x.plane,
      xHeight: shape.height,
      yPlane: y.plane,
      height,
      top,
      left,
      bits: 7,
      xZero: 0,
      zero: 0,
      low: 0,
      high: sevenBits,
      look: 0,
      ...size,
    });
    const macs = channels * area * height * width;
    return macWork(run, { address, ...y }, macs, macs, 4 * (x.floats + y.floats) + constantBytes(constant));
  },
};

export const dotCases = {
  i8_depthwise: depthwise,
  i8_dot_12x4: dot('i8_dot_12x4', 4),
  i8_dot_24x2: dot('i8_dot_24x2', 2),
  i8_dot_52x1: dot('i8_dot_52x1', 1),
} satisfies Record<string, CaseBuilder>;
