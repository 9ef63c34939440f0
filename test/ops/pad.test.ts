import { beforeAll, describe, expect, it } from 'vitest';
import { pad, type PadAttributes } from '../../src/ops/pad.ts';
import { builds, loadKernels, type Kernels } from '../kernels/wasm.ts';
import { counting, evaluated, random } from './dense.ts';
import { emittedKernels, expectLoweredLikeEvaluated } from './run-operator.ts';

const type = (...shape: number[]) => ({ shape, dtype: 'float32' as const });
const planes = 'planes' as const;

const padding = (
  before: number[],
  after: number[],
  mode: PadAttributes['mode'] = 'constant',
  value = 0,
): PadAttributes => ({ before, after, mode, value });

describe('pad', () => {
  it('adds to the shape, or takes from it', () => {
    expect(pad.infer(padding([0, 1, -1], [0, 2, 3]), [type(2, 3, 4)])).toEqual([[2, 6, 6]]);
  });

  it('refuses inputs and attributes that do not fit', () => {
    expect(() => pad.infer(padding([0], [0, 0]), [type(2, 3)])).toThrow(
      'before [0] must be integers, one for each axis',
    );
    expect(() => pad.infer(padding([0, 0], [0, 0.5]), [type(2, 3)])).toThrow('after [0,0.5] must be integers');
    expect(() => pad.infer(padding([0, -2], [0, -1]), [type(2, 3)])).toThrow('nothing is left of axis 1');
    const tooFew = 'axis 1 has 3 elements, too few to reflect 3';
    expect(() => pad.infer(padding([0, 3], [0, 0], 'reflect'), [type(2, 3)])).toThrow(tooFew);
    expect(() => pad.infer(padding([0, 0], [0, 3], 'reflect'), [type(2, 3)])).toThrow(tooFew);
    expect(() => pad.infer(padding([0, 0], [0, 0], 'wrap' as 'edge'), [type(2, 3)])).toThrow(
      'mode "wrap" must be constant, reflect or edge',
    );
  });

  it.each([
    ['constant', [9, 9, 0, 1, 2, 9]],
    ['reflect', [2, 1, 0, 1, 2, 1]],
    ['edge', [0, 0, 0, 1, 2, 2]],
  ] as const)('continues a row, mode %s', (mode, expected) => {
    expect([...evaluated(pad, padding([2], [1], mode, 9), [counting([3])])[0].data]).toEqual(expected);
  });

  it('surrounds rows and columns', () => {
    const y = evaluated(pad, padding([1, 0], [0, 1], 'constant', 7), [counting([2, 2])])[0];
    expect([...y.data]).toEqual([7, 7, 7, 0, 1, 7, 2, 3, 7]);
    const mirrored = evaluated(pad, padding([1, 1], [1, 1], 'reflect'), [counting([2, 2])])[0];
    expect([...mirrored.data]).toEqual([3, 2, 3, 2, 1, 0, 1, 0, 3, 2, 3, 2, 1, 0, 1, 0]);
  });

  it('crops one side and pads the other', () => {
    expect([...evaluated(pad, padding([-1], [2], 'constant', 9), [counting([3])])[0].data]).toEqual([1, 2, 9, 9]);
    expect([...evaluated(pad, padding([-1], [2], 'edge'), [counting([3])])[0].data]).toEqual([1, 2, 2, 2]);
    expect([...evaluated(pad, padding([-3], [2], 'constant', 9), [counting([3])])[0].data]).toEqual([9, 9]);
  });
});

describe.each(builds)('pad, lowered, %s build', (build) => {
  let kernels: Kernels;
  beforeAll(async () => {
    kernels = await loadKernels(build);
  });

  describe.each(['constant', 'reflect', 'edge'] as const)('mode %s', (mode) => {
    it.each([
      [
        [1, 3, 5, 6],
        [0, 0, 1, 2],
        [0, 0, 3, 0],
      ],
      [
        [2, 3, 5, 6],
        [0, 1, 1, 1],
        [1, 2, 1, 1],
      ],
      [
        [1, 6, 5, 5],
        [0, 2, 0, 0],
        [0, 3, 0, 0],
      ],
      [
        [2, 6, 5, 5],
        [0, 0, 0, 0],
        [0, 3, 0, 0],
      ],
      [
        [1, 6, 5, 5],
        [0, 0, 0, 0],
        [0, 0, 0, 0],
      ],
      [
        [1, 6, 5, 5],
        [0, -2, 0, 0],
        [0, -1, 0, 0],
      ],
      [
        [1, 6, 5, 5],
        [0, -2, -1, 2],
        [0, 1, 0, -3],
      ],
      [
        [1, 1, 4, 5],
        [0, 0, 1, 0],
        [0, 0, 2, 0],
      ],
      [
        [4, 5],
        [0, 1],
        [2, 3],
      ],
      [
        [3, 3, 3, 3, 3],
        [1, 0, 1, 0, 1],
        [0, 2, 0, 2, 0],
      ],
      [[5], [2], [4]],
    ])('matches evaluation of shape [%s] by [%s] and [%s] in all layouts', (shape, before, after) => {
      expectLoweredLikeEvaluated(kernels, pad, padding(before, after, mode, -2.5), [random(1, shape)]);
    });
  });

  it('matches evaluation when channels and rows are added to one plane', () => {
    expectLoweredLikeEvaluated(kernels, pad, padding([0, 0, 1, 0], [0, 1, 1, 0]), [random(1, [1, 1, 2, 2])]);
  });

  it('matches evaluation when nothing of the input is left', () => {
    expectLoweredLikeEvaluated(kernels, pad, padding([-5], [3], 'constant', 4), [random(1, [5])]);
  });

  it('matches evaluation of a value that is not a number', () => {
    expectLoweredLikeEvaluated(kernels, pad, padding([1, 1], [0, 0], 'constant', -Infinity), [random(1, [2, 3])]);
  });

  it('writes only the added channels of an input that is computed in place', () => {
    const x = { ...random(1, [1, 6, 5, 5]), storage: planes };
    const after = padding([0, 0, 0, 0], [0, 3, 0, 0]);
    const around = padding([0, 2, 0, 0], [0, 3, 0, 0]);
    expect(emittedKernels(kernels, pad, after, [x], [planes])).toEqual(['f32_fill']);
    expect(emittedKernels(kernels, pad, around, [x], [planes])).toEqual(['f32_fill', 'f32_fill']);
  });

  it('moves nothing to crop channels', () => {
    const x = { ...random(1, [1, 6, 5, 5]), storage: planes };
    expect(emittedKernels(kernels, pad, padding([0, -2, 0, 0], [0, -1, 0, 0]), [x], [planes])).toEqual([]);
  });
});
