import { describe, expect, it } from 'vitest';
import { gridPaddings, gridSample, type GridSampleAttributes } from '../../src/ops/grid-sample.ts';
import { sizes } from '../kernels/planes.ts';
import { builds, loadKernels, randomFloats, relativeError } from '../kernels/wasm.ts';
import { counting, evaluated, random } from './dense.ts';
import { bits, runOperator, type Layout } from './run-operator.ts';

const base: GridSampleAttributes = { mode: 'linear', padding: 'zeros', alignCorners: false };
const modes = ['nearest', 'linear'] as const;

/** A grid (1, height, width, 2) whose coordinates come in pairs of equals. */
const diagonal = (rows: readonly (readonly number[])[]) => ({
  shape: [1, rows.length, rows[0].length, 2],
  data: Float32Array.from(rows.flat().flatMap((v) => [v, v])),
});

describe('gridSample reference, on the examples of the ONNX specification', () => {
  /** 0 1 | 2 3 | 4 5 at coordinates on its diagonal. */
  const small = (attributes: Partial<GridSampleAttributes>, rows: readonly (readonly number[])[]) => {
    const [y] = evaluated(gridSample, { ...base, ...attributes }, [counting([1, 1, 3, 2]), diagonal(rows)]);
    expect(y.shape).toEqual([1, 1, rows.length, rows[0].length]);
    return [...y.data].map((v) => Math.round(v * 1e4) / 1e4);
  };
  const inside = [
    [-1, -0.5, -0.2, 0],
    [0, -0.2, 0.5, 1],
  ];
  const outside = [
    [-10, -5, -0.2, 10],
    [10, -0.2, 5, 10],
  ];

  it('gridsample', () => {
    const steps = [-1, -0.6, -0.2, 0.2, 0.6, 1];
    const grid = {
      shape: [1, 6, 6, 2],
      data: Float32Array.from(steps.flatMap((v) => steps.flatMap((u) => [u, v]))),
    };
    const [y] = evaluated(gridSample, base, [counting([1, 1, 4, 4]), grid]);
    expect(
      relativeError(
        y.data,
        // prettier-ignore
        [
          0, 0.15, 0.55, 0.95, 1.35, 0.75,
          0.6, 1.5, 2.3, 3.1, 3.9, 2.1,
          2.2, 4.7, 5.5, 6.3, 7.1, 3.7,
          3.8, 7.9, 8.7, 9.5, 10.3, 5.3,
          5.4, 11.1, 11.9, 12.7, 13.5, 6.9,
          3, 6.15, 6.55, 6.95, 7.35, 3.75,
        ],
      ),
    ).toBeLessThan(1e-6); // of coordinates in f32
  });

  it('gridsample_bilinear, gridsample_nearest, gridsample_aligncorners_true', () => {
    expect(small({}, inside)).toEqual([0, 0.5, 1.7, 2.5, 2.5, 1.7, 4.5, 1.25]);
    expect(small({ mode: 'nearest' }, inside)).toEqual([0, 0, 2, 2, 2, 2, 5, 0]);
    expect(small({ alignCorners: true }, inside)).toEqual([0, 1.25, 2, 2.5, 2.5, 2, 3.75, 5]);
  });

  it('gridsample_zeros_padding, gridsample_border_padding, gridsample_reflection_padding', () => {
    expect(small({}, outside)).toEqual([0, 0, 1.7, 0, 0, 1.7, 0, 0]);
    expect(small({ padding: 'border' }, outside)).toEqual([0, 0, 1.7, 5, 5, 1.7, 5, 5]);
    expect(small({ padding: 'reflection' }, outside)).toEqual([2.5, 0, 1.7, 2.5, 2.5, 1.7, 5, 2.5]);
  });
});

describe('gridSample', () => {
  it('takes columns from the first coordinate, rows from the second', () => {
    const grid = { shape: [1, 1, 2, 2], data: Float32Array.of(1, -1, -1, 1) };
    const [y] = evaluated(gridSample, { ...base, alignCorners: true }, [counting([1, 1, 2, 3]), grid]);
    expect([...y.data]).toEqual([2, 3]);
  });

  it('takes nothing of the values outside, and of NaN none but the pixel it would be', () => {
    const x = { shape: [1, 1, 1, 2], data: Float32Array.of(NaN, 7) };
    const at = (u: number, attributes: Partial<GridSampleAttributes>) => {
      const grid = { shape: [1, 1, 1, 2], data: Float32Array.of(u, 0) };
      return evaluated(gridSample, { ...base, alignCorners: true, ...attributes }, [x, grid])[0].data[0];
    };
    expect(at(1, {})).toBe(7);
    expect(at(5, {})).toBe(0);
    expect(at(NaN, {})).toBe(0);
    expect(at(Infinity, { padding: 'border' })).toBe(7);
    for (const padding of ['border', 'reflection'] as const) expect(at(NaN, { padding })).toBeNaN(); // the first pixel
    expect(at(3, { padding: 'reflection' })).toBeNaN(); // mirrored to −1
  });

  it('refuses what does not fit', () => {
    const infer = (attributes: object, x: number[], grid: number[]) =>
      gridSample.infer(
        { ...base, ...attributes },
        [x, grid].map((shape) => ({ shape, dtype: 'float32' as const })),
      );
    expect(infer({}, [2, 3, 4, 5], [2, 7, 8, 2])).toEqual([[2, 3, 7, 8]]);
    expect(() => infer({}, [2, 3, 4], [2, 7, 8, 2])).toThrow('the input must be (N, C, H, W), got shape [2,3,4]');
    for (const grid of [
      [2, 7, 8],
      [1, 7, 8, 2],
      [2, 7, 8, 3],
    ]) {
      expect(() => infer({}, [2, 3, 4, 5], grid)).toThrow(`the grid must be (2, H, W, 2), got shape [${grid}]`);
    }
    expect(() => infer({ mode: 'cubic' }, [2, 3, 4, 5], [2, 7, 8, 2])).toThrow('mode "cubic" must be');
    expect(() => infer({ padding: 'wrap' }, [2, 3, 4, 5], [2, 7, 8, 2])).toThrow(
      'padding "wrap" must be one of zeros,',
    );
    expect(() => infer({ alignCorners: 1 }, [2, 3, 4, 5], [2, 7, 8, 2])).toThrow('alignCorners must be true or false');
  });
});

/** Coordinates within the image and beyond it, at edges, corners and centres of pixels, and what is no coordinate. */
function hardGrid(shape: readonly number[], seed: number): Float32Array {
  const hard = [
    -1,
    1,
    0,
    -0,
    -1.5,
    1.5,
    3,
    -3,
    17.25,
    -17.25,
    0.5,
    -0.5,
    1e9,
    -1e9,
    1e38,
    -1e38,
    NaN,
    Infinity,
    -Infinity,
  ];
  const data = randomFloats(seed)(
    shape.reduce((a, b) => a * b),
    2.5,
  );
  for (let i = 0; i < data.length; i += 3) data[i] = hard[(i / 3 + seed) % hard.length];
  return data;
}

describe.each(builds)('f32_grid_sample, %s build', async (build) => {
  const kernels = await loadKernels(build);
  const check = (
    attributes: GridSampleAttributes,
    [batch, channels, xHeight, xWidth]: readonly number[],
    [height, width]: readonly number[],
    layouts: readonly Layout[] = ['planes', 'flat', 'planes'],
  ) => {
    const x = random(xHeight * 31 + xWidth, [batch, channels, xHeight, xWidth]);
    const gridShape = [batch, height, width, 2];
    const grid = { shape: gridShape, data: hardGrid(gridShape, height * 7 + width), storage: layouts[1] };
    const { actual, expected, steps } = runOperator(
      kernels,
      gridSample,
      attributes,
      [{ ...x, storage: layouts[0] }, grid],
      [layouts[2]],
    );
    const message = JSON.stringify([attributes, x.shape, gridShape, layouts]);
    expect(steps.map(({ kernel }) => kernel)).toEqual(['f32_grid_sample']);
    if (attributes.mode === 'nearest') expect(bits(actual[0]), message).toEqual(bits(expected[0]));
    // four products of f32 weights
    else expect(relativeError(actual[0], expected[0]), message).toBeLessThan(1e-6);
  };

  describe.each(modes)('%s', (mode) => {
    describe.each(gridPaddings)('padding %s', (padding) => {
      it.each([false, true])('of planes and grids of every size, aligned corners: %s', (alignCorners) => {
        const attributes = { mode, padding, alignCorners };
        for (const from of sizes) {
          for (const to of sizes) {
            check(attributes, [1, 2, from, 5], [to, 3]);
            check(attributes, [1, 1, 4, from], [2, to]);
          }
          check(attributes, [2, 3, from, from], [from, 6]);
        }
      });
    });
  });

  it('in every layout', () => {
    for (const x of ['planes', 'flat'] as const) {
      for (const grid of ['planes', 'flat'] as const) {
        for (const size of [
          [1, 1],
          [5, 7],
        ]) {
          check({ ...base, padding: 'border' }, [2, 3, 6, 5], size, [x, grid, 'planes']);
        }
      }
    }
  });

  it('leaves out pixels without weight, whatever they hold', () => {
    const x = { shape: [1, 1, 2, 2], data: Float32Array.of(NaN, 1, Infinity, 3), storage: 'planes' as const };
    const grid = { shape: [1, 1, 4, 2], data: Float32Array.of(1, -1, 1, 1, 9, 9, 1, 0) };
    const { actual } = runOperator(kernels, gridSample, { ...base, alignCorners: true }, [x, grid], ['planes']);
    expect([...actual[0]]).toEqual([1, 3, 0, 2]);
  });
});
