// Kernels on single planes: depthwise convolutions, and the padded copies that convolutions read.
import { depthwiseGeometry } from '../../src/ops/depthwise.ts';
import { windowPhases } from '../../src/ops/window.ts';
import type { KernelName } from '../../src/program/kernels.ts';
import { placeConstant, placeFloats } from '../place.ts';
import { leadingPads, outputSize } from '../shapes.ts';
import type { LayerShape } from '../shapes.ts';
import type { CaseBuilder } from './case.ts';
import { elementWork, macWork, planesOf, relu6 } from './case.ts';

/** The layout of an input that is padded for its windows. */
function padding(shape: LayerShape) {
  const { kernel, stride } = shape;
  const output = outputSize(shape);
  const [top, left] = leadingPads(shape);
  const pads = [top, left, 0, 0] as const;
  const phases = windowPhases(output, { kernel: [kernel, kernel], stride: [stride, stride], pads });
  return { ...phases, strideH: stride, strideW: stride, top, left };
}

/** `only` has the size and stride of a kernel for a single window; other kernels take any. */
function depthwise(name: KernelName, only?: { size: number; stride: number; rows: number }): CaseBuilder {
  return {
    contest: 'depthwise',
    encoding: 'dense',
    fits(shape) {
      if (shape.op !== 'depthwise') return false;
      const [height, width] = outputSize(shape);
      return !only || (shape.kernel === only.size && shape.stride === only.stride && height >= only.rows && width >= 4);
    },
    build(kernels, shape) {
      const { outputs, inputs, kernel } = shape;
      const [height, width] = outputSize(shape);
      const [top, left] = leadingPads(shape);
      const stride = [shape.stride, shape.stride] as const;
      const window = { kernel: [kernel, kernel], stride, pads: [top, left, 0, 0] } as const;
      const { geometry, scratchBytes, taps } = depthwiseGeometry(
        name,
        [shape.height, shape.width],
        [height, width],
        window,
      );
      const x = planesOf(inputs, shape.height * shape.width);
      const y = planesOf(outputs, height * width);
      const area = kernel * kernel;
      const args = {
        x: placeFloats(kernels, x.floats),
        weights: placeFloats(kernels, outputs * (area + 1)),
        scratch: kernels.allocate(scratchBytes),
        y: kernels.allocate(4 * y.floats),
        taps: placeConstant(kernels, { form: 'i32', data: taps }),
        batch: 1,
        xBatch: 0,
        yBatch: 0,
        channels: inputs,
        multiplier: outputs / inputs,
        xPlane: x.plane,
        xHeight: shape.height,
        xWidth: shape.width,
        yPlane: y.plane,
        height,
        width,
        area,
        ...geometry,
        ...relu6,
      };
      const macs = outputs * area * height * width;
      const bytes = 4 * (x.floats + y.floats + outputs * (area + 1));
      return macWork(kernels.record(name, args), { address: args.y, ...y }, macs, macs, bytes);
    },
  };
}

const pad: CaseBuilder = {
  contest: 'pad',
  encoding: 'dense',
  fits: ({ op, kernel, stride }) => op === 'conv' && (kernel > 1 || stride > 1),
  build(kernels, shape) {
    const { taps: _, phaseBytes, ...window } = padding(shape);
    const phases = window.phasesH * window.phasesW;
    const x = planesOf(shape.inputs, shape.height * shape.width);
    const yPhase = 4 * planesOf(1, phaseBytes / 4).floats;
    const args = {
      x: placeFloats(kernels, x.floats),
      y: kernels.allocate(shape.inputs * phases * yPhase),
      planes: shape.inputs,
      xPlane: x.plane,
      xHeight: shape.height,
      xWidth: shape.width,
      yPlane: phases * yPhase,
      yPhase,
      value: 0,
      ...window,
    };
    const y = { address: args.y, planes: shape.inputs * phases, pixels: phaseBytes / 4, plane: yPhase };
    const bytes = shape.inputs * (4 * x.pixels + phases * phaseBytes);
    return elementWork(kernels.record('f32_pad', args), y, 0, bytes);
  },
};

export const depthwiseCases = {
  f32_pad: pad,
  f32_depthwise_3x3: depthwise('f32_depthwise_3x3', { size: 3, stride: 1, rows: 1 }),
  f32_depthwise_3x3s2: depthwise('f32_depthwise_3x3s2', { size: 3, stride: 2, rows: 1 }),
  f32_depthwise_5x5: depthwise('f32_depthwise_5x5', { size: 5, stride: 1, rows: 4 }),
  f32_depthwise_5x5s2: depthwise('f32_depthwise_5x5s2', { size: 5, stride: 2, rows: 4 }),
  f32_depthwise: depthwise('f32_depthwise'),
};
