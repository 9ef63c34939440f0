import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { slice } from '../../src/ops/slice.ts';
import { builds, loadKernels, type Kernels } from '../kernels/wasm.ts';
import { counting, evaluated, random } from './dense.ts';
import { emittedKernels, expectLoweredLikeEvaluated } from './run-operator.ts';

const type = (...shape: number[]) => ({ shape, dtype: 'float32' as const });
const planes = 'planes' as const;

describe('slice', () => {
  it('gives the sizes it is told', () => {
    expect(slice.infer({ starts: [0, 3], sizes: [2, 2], steps: [1, -2] }, [type(2, 4)])).toEqual([[2, 2]]);
  });

  it.each([
    [{ starts: [0], sizes: [2, 2], steps: [1, 1] }, 'starts [0] must be integers, one for each axis'],
    [{ starts: [0, 0], sizes: [2, 2.5], steps: [1, 1] }, 'sizes [2,2.5] must be integers'],
    [{ starts: [0, 0], sizes: [2, 0], steps: [1, 1] }, 'nothing is left of axis 1: size 0'],
    [{ starts: [0, 0], sizes: [2, 2], steps: [1, 0] }, 'the step along axis 1 is 0'],
    [{ starts: [0, 3], sizes: [2, 2], steps: [1, 1] }, 'elements 3…4 of axis 1 lie outside 0…3'],
    [{ starts: [0, 1], sizes: [2, 3], steps: [1, -1] }, 'elements 1…-1 of axis 1 lie outside 0…3'],
    [{ starts: [-1, 0], sizes: [2, 2], steps: [1, 1] }, 'elements -1…0 of axis 0 lie outside 0…1'],
  ])('refuses %o', (attributes, message) => {
    expect(() => slice.infer(attributes, [type(2, 4)])).toThrow(message);
  });

  it('steps backwards', () => {
    const attributes = { starts: [1, 3], sizes: [2, 2], steps: [-1, -2] };
    expect([...evaluated(slice, attributes, [counting([2, 4])])[0].data]).toEqual([7, 5, 3, 1]);
  });

  it('takes input[start + i·step] along every axis', () => {
    const axis = fc
      .record({ size: fc.integer({ min: 1, max: 4 }), step: fc.constantFrom(-3, -1, 1, 2), room: fc.nat(2) })
      .map(({ size, step, room }) => {
        const length = (size - 1) * Math.abs(step) + 1 + room;
        return { length, size, step, start: step > 0 ? room : length - 1 };
      });
    fc.assert(
      fc.property(fc.array(axis, { minLength: 1, maxLength: 4 }), (axes) => {
        const x = random(
          1,
          axes.map((a) => a.length),
        );
        const attributes = {
          starts: axes.map((a) => a.start),
          sizes: axes.map((a) => a.size),
          steps: axes.map((a) => a.step),
        };
        const [y] = evaluated(slice, attributes, [x]);
        // Row by row, from the outermost axis in.
        let naive = [0];
        for (const { length, size, step, start } of axes) {
          naive = naive.flatMap((at) => Array.from({ length: size }, (_, i) => at * length + start + i * step));
        }
        expect([...y.data]).toEqual(naive.map((at) => x.data[at]));
      }),
      { numRuns: 200, seed: 1 },
    );
  });
});

describe.each(builds)('slice, lowered, %s build', (build) => {
  let kernels: Kernels;
  beforeAll(async () => {
    kernels = await loadKernels(build);
  });

  it.each([
    [
      [1, 6, 5, 5],
      [0, 2, 0, 0],
      [1, 3, 5, 5],
      [1, 1, 1, 1],
    ],
    [
      [1, 6, 5, 5],
      [0, 0, 0, 0],
      [1, 6, 5, 5],
      [1, 1, 1, 1],
    ],
    [
      [2, 6, 5, 5],
      [0, 1, 0, 0],
      [2, 4, 5, 5],
      [1, 1, 1, 1],
    ],
    [
      [1, 3, 8, 8],
      [0, 0, 1, 0],
      [1, 3, 4, 4],
      [1, 1, 2, 2],
    ],
    [
      [1, 3, 8, 9],
      [0, 2, 7, 8],
      [1, 3, 8, 9],
      [1, -1, -1, -1],
    ],
    [
      [1, 5, 6, 7],
      [0, 4, 5, 1],
      [1, 2, 3, 5],
      [1, -2, -2, 1],
    ],
    [
      [1, 1, 6, 7],
      [0, 0, 2, 0],
      [1, 1, 3, 7],
      [1, 1, 1, 1],
    ],
    [
      [3, 4, 5, 6],
      [1, 0, 0, 0],
      [2, 4, 5, 6],
      [1, 1, 1, 1],
    ],
    [
      [1, 9, 85],
      [0, 0, 4],
      [1, 9, 1],
      [1, 1, 1],
    ],
    [[10], [9], [4], [-3]],
    [[10], [3], [1], [1]],
  ])('matches evaluation of shape [%s] from [%s], sizes [%s], steps [%s]', (shape, starts, sizes, steps) => {
    expectLoweredLikeEvaluated(kernels, slice, { starts, sizes, steps }, [random(1, shape)]);
  });

  it('moves nothing when the slice is one block of the input', () => {
    const channels = { starts: [0, 2, 0, 0], sizes: [1, 3, 5, 5], steps: [1, 1, 1, 1] };
    const x = { ...random(1, [1, 6, 5, 5]), storage: planes };
    expect(emittedKernels(kernels, slice, channels, [x], [planes])).toEqual([]);
    const rows = { starts: [0, 0, 2, 0], sizes: [1, 1, 3, 7], steps: [1, 1, 1, 1] };
    expect(emittedKernels(kernels, slice, rows, [random(2, [1, 1, 6, 7])], ['flat'])).toEqual([]);
  });

  it('does not let padded planes of a crop spill into the rows that follow', () => {
    const rows = { starts: [0, 0, 2, 0], sizes: [1, 1, 3, 7], steps: [1, 1, 1, 1] };
    const x = { ...random(2, [1, 1, 6, 7]), storage: planes };
    expect(emittedKernels(kernels, slice, rows, [x], [planes])).toEqual(['f32_copy']);
  });

  it('copies reversed axes', () => {
    const reversed = { starts: [9], sizes: [10], steps: [-1] };
    expect(emittedKernels(kernels, slice, reversed, [random(1, [10])], ['flat'])).toEqual(['f32_copy']);
  });
});
