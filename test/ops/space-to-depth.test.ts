import { beforeAll, describe, expect, it } from 'vitest';
import { spaceToDepth } from '../../src/ops/space-to-depth.ts';
import { builds, loadKernels, type Kernels } from '../kernels/wasm.ts';
import { counting, evaluated, random } from './dense.ts';
import { emittedKernels, expectLoweredLikeEvaluated } from './run-operator.ts';

const type = (...shape: number[]) => ({ shape, dtype: 'float32' as const });

describe('spaceToDepth', () => {
  it('moves blocks into channels', () => {
    expect(spaceToDepth.infer({ blockSize: 2 }, [type(1, 3, 6, 10)])).toEqual([[1, 12, 3, 5]]);
  });

  it('refuses inputs and attributes that do not fit', () => {
    expect(() => spaceToDepth.infer({ blockSize: 2 }, [type(3, 6, 10)])).toThrow('got shape [3,6,10]');
    const wrong = 'height 6 and width 9 must be multiples of the block size 2';
    expect(() => spaceToDepth.infer({ blockSize: 2 }, [type(1, 3, 6, 9)])).toThrow(wrong);
    expect(() => spaceToDepth.infer({ blockSize: -2 }, [type(1, 3, 6, 8)])).toThrow('block size -2');
  });

  it('puts the position in the block before the channel', () => {
    const [y] = evaluated(spaceToDepth, { blockSize: 2 }, [counting([1, 2, 2, 2])]);
    expect(y.shape).toEqual([1, 8, 1, 1]);
    expect([...y.data]).toEqual([0, 4, 1, 5, 2, 6, 3, 7]);
  });

  it('takes each channel from its place in the block', () => {
    const [n, c, h, w, b] = [2, 3, 2, 4, 3];
    const x = random(1, [n, c, h * b, w * b]);
    const [y] = evaluated(spaceToDepth, { blockSize: b }, [x]);
    for (let i = 0; i < y.data.length; i++) {
      const column = i % w;
      const row = Math.floor(i / w) % h;
      const channel = Math.floor(i / (w * h)) % (c * b * b);
      const image = Math.floor(i / (w * h * c * b * b));
      const place = Math.floor(channel / c);
      const from = (image * c + (channel % c)) * h * b + row * b + Math.floor(place / b);
      expect(y.data[i]).toBe(x.data[from * w * b + column * b + (place % b)]);
    }
  });
});

describe.each(builds)('spaceToDepth, lowered, %s build', (build) => {
  let kernels: Kernels;
  beforeAll(async () => {
    kernels = await loadKernels(build);
  });

  it.each([
    [[1, 3, 8, 10], 2],
    [[2, 2, 6, 4], 2],
    [[1, 1, 6, 9], 3],
    [[1, 2, 4, 4], 4],
    [[1, 5, 3, 3], 1],
  ])('matches evaluation of shape [%s], block %i, in all layouts', (shape, blockSize) => {
    expectLoweredLikeEvaluated(kernels, spaceToDepth, { blockSize }, [random(1, shape)]);
  });

  it('is one copy', () => {
    const x = { ...random(1, [2, 3, 4, 6]), storage: 'planes' as const };
    expect(emittedKernels(kernels, spaceToDepth, { blockSize: 2 }, [x], ['planes'])).toEqual(['f32_copy']);
  });
});
