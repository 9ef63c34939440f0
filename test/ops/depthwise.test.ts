import { describe, expect, it } from 'vitest';
import { conv2d } from '../../src/ops/conv2d.ts';
import type { Conv2dAttributes } from '../../src/ops/convolution.ts';
import { builds, loadKernels, randomFloats, relativeError } from '../kernels/wasm.ts';
import { runOperator, type Input } from './run-operator.ts';

describe.each(builds)('depthwise convolution lowered, %s build', async (build) => {
  const wasm = await loadKernels(build);
  const base: Conv2dAttributes = { stride: [1, 1], dilation: [1, 1], pads: [1, 1, 1, 1], groups: 4 };

  const run = (
    attributes: Partial<Conv2dAttributes>,
    kernel: [number, number],
    size: [number, number],
    { multiplier = 1, batch = 1, bias = true, storage = 'planes' as Input['storage'] } = {},
  ) => {
    const all = { ...base, ...attributes };
    const random = randomFloats(3);
    const weights = random(all.groups * multiplier * kernel[0] * kernel[1]).map((w, i) => (i % 4 ? w : 0));
    const inputs: Input[] = [
      { shape: [batch, all.groups, ...size], data: random(batch * all.groups * size[0] * size[1]), storage },
      { shape: [all.groups * multiplier, 1, ...kernel], data: weights, storage: 'constant' },
    ];
    if (bias)
      inputs.push({ shape: [all.groups * multiplier], data: random(all.groups * multiplier), storage: 'constant' });
    const { actual, expected, steps } = runOperator(wasm, conv2d, all, inputs, ['planes']);
    expect(relativeError(actual[0], expected[0])).toBeLessThan(2e-6); // f32 sums of up to 49 products against f64
    return steps.map(({ kernel: name }) => name);
  };

  it('takes the kernel made for the window', () => {
    expect(run({}, [3, 3], [9, 9])).toEqual(['f32_depthwise_3x3']);
    expect(run({ stride: [2, 2] }, [3, 3], [9, 9])).toEqual(['f32_depthwise_3x3s2']);
    expect(run({ pads: [2, 2, 2, 2] }, [5, 5], [7, 7])).toEqual(['f32_depthwise_5x5']);
    expect(run({ pads: [1, 1, 2, 2], stride: [2, 2] }, [5, 5], [14, 14])).toEqual(['f32_depthwise_5x5s2']);
    expect(run({}, [3, 3], [1, 1])).toEqual(['f32_depthwise']);
    expect(run({ dilation: [2, 2] }, [3, 3], [9, 9])).toEqual(['f32_depthwise']);
    expect(run({ stride: [2, 1] }, [3, 3], [9, 9])).toEqual(['f32_depthwise']);
    expect(run({ pads: [0, 0, 0, 0] }, [7, 7], [7, 7])).toEqual(['f32_depthwise']);
  });

  it('reads planes without a border in place', () => {
    run({ pads: [0, 0, 0, 0] }, [3, 3], [8, 9]);
    run({ pads: [0, 0, 0, 0], dilation: [2, 3] }, [3, 2], [8, 9]);
    run({ pads: [0, 0, 0, 0] }, [1, 1], [1, 1]);
  });

  it('takes multipliers, batches, flat inputs and no bias', () => {
    run({}, [3, 3], [6, 7], { multiplier: 2, batch: 2 });
    run({ stride: [2, 2] }, [3, 3], [13, 17], { multiplier: 3, bias: false });
    run({ stride: [3, 2], dilation: [1, 2], pads: [0, 3, 1, 2] }, [2, 3], [13, 17], { batch: 2, storage: 'flat' });
    run({ activation: { fn: 'clamp', alpha: 0, beta: 0.5 } }, [3, 3], [6, 7]);
  });

  it('fuses any activation', () => {
    for (const size of [
      [1, 1],
      [5, 7],
      [8, 8],
    ] as [number, number][]) {
      run({ activation: { fn: 'leakyRelu', alpha: 0.25 } }, [3, 3], size, { batch: 2 });
      run({ activation: { fn: 'hardSwish', alpha: 1 / 6, beta: 0.5 }, stride: [2, 2] }, [3, 3], size);
    }
  });
});
