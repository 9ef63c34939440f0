import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { depthToSpace } from '../../src/ops/depth-to-space.ts';
import { spaceToDepth } from '../../src/ops/space-to-depth.ts';
import { builds, loadKernels, type Kernels } from '../kernels/wasm.ts';
import { counting, evaluated, random } from './dense.ts';
import { emittedKernels, expectLoweredLikeEvaluated } from './run-operator.ts';

const type = (...shape: number[]) => ({ shape, dtype: 'float32' as const });

const infer = (blockSize: number, order: string, ...shape: number[]) =>
  depthToSpace.infer({ blockSize, order: order as 'DCR' }, [type(...shape)]);

describe('depthToSpace', () => {
  it('moves channels into blocks', () => {
    expect(infer(2, 'DCR', 1, 12, 3, 5)).toEqual([[1, 3, 6, 10]]);
  });

  it('refuses inputs and attributes that do not fit', () => {
    expect(() => infer(2, 'DCR', 12, 3, 5)).toThrow('the input must be (N, C, H, W), got shape [12,3,5]');
    expect(() => infer(2, 'DCR', 1, 6, 3, 5)).toThrow('6 channels must be a multiple of 4');
    expect(() => infer(0, 'DCR', 1, 6, 3, 5)).toThrow('block size 0 must be a positive integer');
    expect(() => infer(1.5, 'DCR', 1, 6, 3, 5)).toThrow('block size 1.5');
    expect(() => infer(2, 'RCD', 1, 4, 3, 5)).toThrow('order "RCD" must be DCR or CRD');
  });

  it('orders channels as ONNX does', () => {
    const x = counting([1, 8, 1, 1]);
    const dcr = evaluated(depthToSpace, { blockSize: 2, order: 'DCR' }, [x])[0];
    const crd = evaluated(depthToSpace, { blockSize: 2, order: 'CRD' }, [x])[0];
    expect(dcr.shape).toEqual([1, 2, 2, 2]);
    expect([...dcr.data]).toEqual([0, 2, 4, 6, 1, 3, 5, 7]);
    expect([...crd.data]).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it.each(['DCR', 'CRD'] as const)('takes each pixel from its channel, order %s', (order) => {
    const [n, c, h, w, b] = [2, 3, 2, 4, 3];
    const x = random(1, [n, c * b * b, h, w]);
    const [y] = evaluated(depthToSpace, { blockSize: b, order }, [x]);
    for (let i = 0; i < n; i++) {
      for (let k = 0; k < c; k++) {
        for (let row = 0; row < h * b; row++) {
          for (let column = 0; column < w * b; column++) {
            const [down, right] = [row % b, column % b];
            const channel = order === 'DCR' ? (down * b + right) * c + k : (k * b + down) * b + right;
            const from = ((i * c * b * b + channel) * h + Math.floor(row / b)) * w + Math.floor(column / b);
            expect(y.data[((i * c + k) * h * b + row) * w * b + column]).toBe(x.data[from]);
          }
        }
      }
    }
  });

  it('is undone by spaceToDepth', () => {
    const size = fc.integer({ min: 1, max: 4 });
    fc.assert(
      fc.property(size, size, size, size, size, (n, c, h, w, blockSize) => {
        const x = random(1, [n, c * blockSize * blockSize, h, w]);
        const [y] = evaluated(depthToSpace, { blockSize, order: 'DCR' }, [x]);
        expect(evaluated(spaceToDepth, { blockSize }, [y])[0]).toEqual(x);
      }),
      { numRuns: 50, seed: 1 },
    );
  });
});

describe.each(builds)('depthToSpace, lowered, %s build', (build) => {
  let kernels: Kernels;
  beforeAll(async () => {
    kernels = await loadKernels(build);
  });

  it.each([
    [[1, 8, 5, 6], 2],
    [[2, 12, 3, 5], 2],
    [[1, 9, 2, 3], 3],
    [[1, 16, 1, 1], 4],
    [[1, 5, 3, 3], 1],
  ])('matches evaluation of shape [%s], block %i, in all layouts', (shape, blockSize) => {
    for (const order of ['DCR', 'CRD'] as const) {
      expectLoweredLikeEvaluated(kernels, depthToSpace, { blockSize, order }, [random(1, shape)]);
    }
  });

  it('is one copy', () => {
    const x = { ...random(1, [2, 12, 3, 5]), storage: 'planes' as const };
    const attributes = { blockSize: 2, order: 'DCR' } as const;
    expect(emittedKernels(kernels, depthToSpace, attributes, [x], ['planes'])).toEqual(['f32_copy']);
  });
});
