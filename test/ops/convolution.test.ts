// Shape rules and references of convolutions and linear layers, against numbers worked by hand and against each other.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { conv2d } from '../../src/ops/conv2d.ts';
import type { Conv2dAttributes } from '../../src/ops/convolution.ts';
import { convTranspose2d, type ConvTranspose2dAttributes } from '../../src/ops/conv-transpose2d.ts';
import { convolvedSize } from '../../src/ops/convolution.ts';
import { linear } from '../../src/ops/linear.ts';
import type { DenseTensor } from '../../src/ops/operator.ts';
import { elementCount } from '../../src/tensor.ts';
import { randomFloats } from '../kernels/wasm.ts';

const tensor = (shape: number[], data: readonly number[] | Float32Array): DenseTensor => ({
  shape,
  data: Float32Array.from(data),
});
const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, v, i) => sum + v * b[i], 0);
const type = (...shape: number[]) => ({ shape, dtype: 'float32' as const });
const plain: Conv2dAttributes = { stride: [1, 1], dilation: [1, 1], pads: [0, 0, 0, 0], groups: 1 };
const plainTransposed: ConvTranspose2dAttributes = { ...plain, outputPadding: [0, 0] };

describe('conv2d', () => {
  it('slides a kernel over a padded image', () => {
    const x = tensor([1, 1, 2, 3], [1, 2, 3, 4, 5, 6]);
    const weights = tensor([1, 1, 2, 2], [1, 10, 100, 1000]);
    const attributes = { ...plain, pads: [1, 0, 0, 1] as const };
    const [shape] = conv2d.infer(attributes, [type(1, 1, 2, 3), type(1, 1, 2, 2)]);
    expect(shape).toEqual([1, 1, 2, 3]);
    const [{ data }] = conv2d.evaluate(attributes, [x, weights, tensor([1], [0.5])], [shape]);
    expect([...data]).toEqual([2100.5, 3200.5, 300.5, 5421.5, 6532.5, 603.5]);
  });

  it('strides, dilates and pads unevenly', () => {
    const x = tensor([1, 1, 1, 7], [1, 2, 3, 4, 5, 6, 7]);
    const weights = tensor([1, 1, 1, 2], [1, 10]);
    const attributes = { ...plain, stride: [1, 3] as const, dilation: [1, 2] as const, pads: [0, 1, 0, 2] as const };
    const [shape] = conv2d.infer(attributes, [type(1, 1, 1, 7), type(1, 1, 1, 2)]);
    expect(shape).toEqual([1, 1, 1, 3]); // first taps at −1, 2, 5
    expect([...conv2d.evaluate(attributes, [x, weights], [shape])[0].data]).toEqual([20, 53, 6]);
  });

  it('keeps groups apart', () => {
    const x = tensor([1, 4, 1, 1], [1, 2, 3, 4]);
    const weights = tensor([2, 2, 1, 1], [1, 10, 100, 1000]);
    const attributes = { ...plain, groups: 2 };
    const [shape] = conv2d.infer(attributes, [type(1, 4, 1, 1), type(2, 2, 1, 1)]);
    expect([...conv2d.evaluate(attributes, [x, weights], [shape])[0].data]).toEqual([21, 4300]);
  });

  it('applies its activation', () => {
    const x = tensor([1, 1, 1, 3], [-2, 0.5, 9]);
    const attributes = { ...plain, activation: { fn: 'clamp', alpha: 0, beta: 6 } as const };
    const [{ data }] = conv2d.evaluate(attributes, [x, tensor([1, 1, 1, 1], [1])], [[1, 1, 1, 3]]);
    expect([...data]).toEqual([0, 0.5, 6]);
  });

  it.each([
    [plain, [type(1, 3, 4, 4), type(8, 4, 1, 1)], 'want 4 input channels, the input [1,3,4,4] has 3'],
    [{ ...plain, groups: 2 }, [type(1, 3, 4, 4), type(8, 1, 1, 1)], 'do not divide into 2 groups'],
    [{ ...plain, groups: 2 }, [type(1, 4, 4, 4), type(3, 2, 1, 1)], '3 output channels do not divide'],
    [plain, [type(1, 3, 4, 4), type(8, 3, 5, 5)], '5×5 kernel (dilation 1,1, pads 0,0,0,0) does not fit the 4×4 input'],
    [plain, [type(1, 3, 4, 4), type(8, 3, 1, 1), type(7)], 'bias must be [8]'],
    [plain, [type(3, 4, 4), type(8, 3, 1, 1)], 'the input must have rank 4, got [3,4,4]'],
    [plain, [type(1, 3, 4, 4), undefined], 'the weights must be given'],
    [{ ...plain, stride: [0, 1] }, [type(1, 3, 4, 4), type(8, 3, 1, 1)], 'stride [0,1] must be two positive integers'],
    [{ ...plain, pads: [0, -1, 0, 0] }, [type(1, 3, 4, 4), type(8, 3, 1, 1)], 'four non-negative integers'],
  ] as const)('rejects inputs and attributes that do not fit: %#', (attributes, inputs, message) => {
    expect(() => conv2d.infer(attributes as Conv2dAttributes, [...inputs])).toThrow(message);
  });
});

describe('convTranspose2d', () => {
  it('spreads each pixel over a window', () => {
    const x = tensor([1, 1, 1, 2], [1, 2]);
    const weights = tensor([1, 1, 1, 3], [1, 10, 100]);
    const attributes = { ...plainTransposed, stride: [1, 2] as const, outputPadding: [0, 1] as const };
    const [shape] = convTranspose2d.infer(attributes, [type(1, 1, 1, 2), type(1, 1, 1, 3)]);
    expect(shape).toEqual([1, 1, 1, 6]);
    const [{ data }] = convTranspose2d.evaluate(attributes, [x, weights, tensor([1], [0.5])], [shape]);
    expect([...data]).toEqual([1.5, 10.5, 102.5, 20.5, 200.5, 0.5]);
  });

  // ⟨conv(x), y⟩ = ⟨x, convTranspose(y)⟩ with the same weights: (O, I/g, kh, kw) read as (I, O/g, kh, kw).
  it('is the adjoint of conv2d', () => {
    const size = fc.integer({ min: 1, max: 3 });
    const pad = fc.integer({ min: 0, max: 2 });
    const geometry = fc.record({
      stride: fc.tuple(size, size),
      dilation: fc.tuple(size, size),
      kernel: fc.tuple(size, size),
      pads: fc.tuple(pad, pad, pad, pad),
      groups: fc.integer({ min: 1, max: 2 }),
      outputs: size,
      channels: size,
      size: fc.tuple(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 7 })),
      seed: fc.integer({ min: 1, max: 1e6 }),
    });
    fc.assert(
      fc.property(geometry, ({ stride, dilation, kernel, pads, groups, outputs, channels, size: [h, w], seed }) => {
        const y = [0, 1].map((i) => convolvedSize([h, w][i], kernel[i], stride[i], dilation[i], pads[i], pads[i + 2]));
        fc.pre(y.every((d) => d >= 1));
        const random = randomFloats(seed);
        const weightShape = [outputs * groups, channels, ...kernel];
        const weights = tensor(weightShape, random(elementCount(weightShape)));
        const xShape = [2, channels * groups, h, w];
        const yShape = [2, outputs * groups, ...y];
        const x = tensor(xShape, random(elementCount(xShape)));
        const g = tensor(yShape, random(elementCount(yShape)));
        const forward = { stride, dilation, pads, groups };
        // Rows and columns that no window reaches.
        const outputPadding = [h, w].map(
          (d, i) => d - ((y[i] - 1) * stride[i] + (kernel[i] - 1) * dilation[i] + 1 - pads[i] - pads[i + 2]),
        ) as [number, number];
        const backward = { ...forward, outputPadding };
        expect(conv2d.infer(forward, [type(...xShape), type(...weightShape)])).toEqual([yShape]);
        expect(convTranspose2d.infer(backward, [type(...yShape), type(...weightShape)])).toEqual([xShape]);
        const left = dot(conv2d.evaluate(forward, [x, weights], [yShape])[0].data, g.data);
        const right = dot(x.data, convTranspose2d.evaluate(backward, [g, weights], [xShape])[0].data);
        // Products of numbers below 1, each rounded to float32 once.
        expect(Math.abs(left - right)).toBeLessThanOrEqual(1e-6 * elementCount(yShape) * elementCount(weightShape));
      }),
      { numRuns: 150 },
    );
  });

  it.each([
    [plainTransposed, [type(1, 3, 4, 4), type(4, 2, 2, 2)], 'want 4 input channels, the input [1,3,4,4] has 3'],
    [{ ...plainTransposed, groups: 2 }, [type(1, 3, 4, 4), type(3, 2, 2, 2)], 'do not divide into 2 groups'],
    [{ ...plainTransposed, pads: [2, 0, 2, 0] }, [type(1, 3, 1, 1), type(3, 2, 2, 2)], 'crop all of the 2×2 output'],
    [{ ...plainTransposed, groups: 3 }, [type(1, 3, 4, 4), type(3, 2, 2, 2), type(2)], 'bias must be [6]'],
    [{ ...plainTransposed, outputPadding: [0, -1] }, [type(1, 3, 4, 4), type(3, 2, 2, 2)], 'outputPadding [0,-1]'],
  ] as const)('rejects inputs and attributes that do not fit: %#', (attributes, inputs, message) => {
    expect(() => convTranspose2d.infer(attributes as ConvTranspose2dAttributes, [...inputs])).toThrow(message);
  });
});

describe('linear', () => {
  it('multiplies every row', () => {
    const x = tensor([2, 1, 2], [1, 2, 3, 4]);
    const weights = tensor([3, 2], [1, 0, 0, 1, 10, 100]);
    const [shape] = linear.infer({}, [type(2, 1, 2), type(3, 2), type(3)]);
    expect(shape).toEqual([2, 1, 3]);
    const [{ data }] = linear.evaluate({}, [x, weights, tensor([3], [0.5, 0, -1])], [shape]);
    expect([...data]).toEqual([1.5, 2, 209, 3.5, 4, 429]);
  });

  it.each([
    [[type(2, 3), type(4, 2)], 'want 2 inputs, the input [2,3] ends in 3'],
    [[type(2, 3), type(4, 3, 1)], 'weights must be (outputs, inputs), got [4,3,1]'],
    [[type(2, 3), type(4, 3), type(3)], 'bias must be [4]'],
    [[type(), type(4, 3)], 'rank 1 or more'],
  ])('rejects inputs and attributes that do not fit: %#', (inputs, message) => {
    expect(() => linear.infer({}, inputs)).toThrow(message);
  });
});
