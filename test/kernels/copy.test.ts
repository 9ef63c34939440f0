import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { kernels as registry } from '../../src/program/kernels.ts';
import { builds, loadKernels, randomFloats, type Arguments, type Kernels } from './wasm.ts';

/** Axes from the outermost in; strides in floats. */
interface CopyAxis {
  size: number;
  x: number;
  y: number;
}

/** A record of f32_copy for up to six axes. */
function copyRecord(axes: CopyAxis[], x: number, y: number): Arguments {
  const record: Arguments = { x, y };
  const all = [...Array.from({ length: 6 - axes.length }, () => ({ size: 1, x: 0, y: 0 })), ...axes];
  for (const [i, axis] of all.entries()) {
    record[`d${i}`] = axis.size;
    record[`x${i}`] = 4 * axis.x;
    record[`y${i}`] = 4 * axis.y;
  }
  return record;
}

/** Floats from the lowest place to the end of the highest. */
const span = (axes: CopyAxis[], of: 'x' | 'y') => axes.reduce((sum, a) => sum + (a.size - 1) * Math.abs(a[of]), 1);

/** What y should hold: `before` with the copied elements put in. */
function copied(axes: CopyAxis[], x: Float32Array, before: Uint32Array): Uint32Array {
  const y = before.slice();
  const source = new Uint32Array(x.buffer, x.byteOffset, x.length);
  const count = axes.reduce((n, a) => n * a.size, 1);
  const start = axes.reduce((sum, a) => sum + (a.x < 0 ? (a.size - 1) * -a.x : 0), 0);
  for (let i = 0; i < count; i++) {
    let rest = i;
    let from = start;
    let to = 0;
    for (let axis = axes.length - 1; axis >= 0; axis--) {
      const { size, x: xStride, y: yStride } = axes[axis];
      from += (rest % size) * xStride;
      to += (rest % size) * yStride;
      rest = Math.floor(rest / size);
    }
    y[to] = source[from];
  }
  return y;
}

const words = (data: Float32Array) => new Uint32Array(data.buffer, data.byteOffset, data.length);

/** Every element holds its own bit pattern, signalling NaNs and negative zero among them. */
function patterns(count: number): Float32Array {
  const floats = randomFloats(7)(count, 100);
  const all = new Uint32Array(floats.buffer);
  for (let i = 0; i < count; i += 5) all[i] = 0x7fa00000 + i;
  for (let i = 3; i < count; i += 11) all[i] = 0x80000000;
  return floats;
}

describe.each(builds)('copy kernels, %s build', (build) => {
  let kernels: Kernels;
  beforeAll(async () => {
    kernels = await loadKernels(build);
  });

  function expectCopy(axes: CopyAxis[]): void {
    kernels.reset();
    const x = kernels.floats(span(axes, 'x'));
    words(x.f32).set(words(patterns(x.f32.length)));
    const y = kernels.floats(span(axes, 'y'));
    const expected = copied(axes, x.f32, words(y.f32));
    kernels.call('f32_copy', copyRecord(axes, x.address, y.address));
    expect(words(y.f32)).toEqual(expected);
  }

  describe('f32_copy', () => {
    it('moves contiguous runs of every length around the vector and the bulk copy', () => {
      for (const n of [1, 2, 3, 4, 5, 7, 8, 9, 31, 33, 127, 128, 129, 1000]) expectCopy([{ size: n, x: 1, y: 1 }]);
    });

    it('moves rows with gaps and leaves the gaps unchanged', () => {
      for (const n of [1, 2, 3, 4, 5, 9, 130]) {
        expectCopy([
          { size: 3, x: n + 5, y: n + 3 },
          { size: n, x: 1, y: 1 },
        ]);
      }
    });

    it('transposes from planes to pixels and back, for every remainder of a 4×4 tile', () => {
      for (let rows = 1; rows <= 9; rows++) {
        for (let columns = 1; columns <= 9; columns++) {
          for (const gap of [0, 3]) {
            expectCopy([
              { size: rows, x: 1, y: columns + gap },
              { size: columns, x: rows + gap, y: 1 },
            ]);
          }
        }
      }
    });

    it('walks axes backwards', () => {
      expectCopy([{ size: 9, x: -1, y: 1 }]);
      expectCopy([
        { size: 5, x: 7, y: 7 },
        { size: 7, x: -1, y: 1 },
      ]);
      expectCopy([
        { size: 5, x: -7, y: 7 },
        { size: 7, x: 1, y: 1 },
      ]);
      expectCopy([
        { size: 5, x: 1, y: 6 },
        { size: 6, x: -5, y: 1 },
      ]);
    });

    it('repeats an element along an axis of stride 0', () => {
      expectCopy([
        { size: 3, x: 1, y: 5 },
        { size: 5, x: 0, y: 1 },
      ]);
    });

    it('moves up to six axes in any order, with gaps and backwards', () => {
      const axis = fc.record({ size: fc.integer({ min: 1, max: 5 }), gap: fc.nat(2), backwards: fc.boolean() });
      fc.assert(
        fc.property(fc.array(axis, { minLength: 1, maxLength: 6 }), fc.infiniteStream(fc.nat()), (sizes, keys) => {
          const axes: CopyAxis[] = sizes.map(({ size }) => ({ size, x: 0, y: 0 }));
          let stride = 1;
          for (let i = axes.length - 1; i >= 0; i--) {
            axes[i].y = stride;
            stride = stride * axes[i].size + sizes[i].gap;
          }
          const order = axes.map((one) => ({ one, key: keys.next().value as number }));
          order.sort((a, b) => a.key - b.key);
          stride = 1;
          for (const { one } of order) {
            one.x = sizes[axes.indexOf(one)].backwards ? -stride : stride;
            stride *= one.size;
          }
          expectCopy(axes);
        }),
        { numRuns: 150, seed: 1 },
      );
    });

    it('reaches nothing outside its extents, whatever the record holds', () => {
      const sizes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 6, maxLength: 6 });
      const edges = fc.constantFrom(0, 1, 2 ** 31, 2 ** 32 - 4, 2 ** 32 - 1);
      const anySize = fc.oneof({ weight: 30, arbitrary: fc.nat(6) }, { weight: 1, arbitrary: edges });
      const stride = fc.oneof(
        { weight: 20, arbitrary: fc.integer({ min: -40, max: 40 }).map((n) => 4 * n) },
        { weight: 3, arbitrary: fc.constantFrom(4, 4, 0) },
        { weight: 1, arbitrary: fc.integer({ min: -60, max: 60 }) },
        { weight: 1, arbitrary: fc.constantFrom(2 ** 31 - 1, -(2 ** 31)) },
      );
      const upwards = stride.map(Math.abs);
      let ran = 0;
      fc.assert(
        fc.property(
          fc.oneof(sizes, fc.array(anySize, { minLength: 6, maxLength: 6 })),
          fc.array(stride, { minLength: 6, maxLength: 6 }),
          fc.array(fc.oneof({ weight: 9, arbitrary: upwards }, { weight: 1, arbitrary: stride }), {
            minLength: 6,
            maxLength: 6,
          }),
          (d, xs, ys) => {
            kernels.reset();
            const x = kernels.floats(1000);
            const y = kernels.floats(1000);
            x.f32.fill(1);
            y.f32.fill(0);
            const args: Arguments = { x: x.address, y: y.address };
            for (let i = 0; i < 6; i++) {
              args[`d${i}`] = d[i];
              args[`x${i}`] = xs[i];
              args[`y${i}`] = ys[i] >>> 0;
            }
            try {
              const { x: reads } = kernels.extents('f32_copy', args);
              if (reads - 12 > x.bytes) return; // may read the slack itself, which holds no ones
            } catch {
              return;
            }
            ran++;
            kernels.call('f32_copy', args, false); // throws when it wrote elsewhere
            if (xs.every((s) => s % 4 === 0) && ys.every((s) => s % 4 === 0)) {
              for (const value of y.f32) expect(value === 0 || value === 1).toBe(true);
            }
          },
        ),
        { numRuns: 4000, seed: 2 },
      );
      expect(ran).toBeGreaterThan(100);
    });
  });

  it('f32_fill writes n floats and no more', () => {
    for (const n of [1, 2, 3, 4, 5, 7, 8, 130]) {
      for (const value of [1.5, -0, NaN, -Infinity]) {
        kernels.reset();
        const y = kernels.floats(n + 4);
        const after = words(y.f32).slice(n);
        kernels.call('f32_fill', { y: y.address, n, value });
        expect([...y.f32.subarray(0, n)]).toEqual(Array.from({ length: n }, () => value));
        expect(words(y.f32).slice(n)).toEqual(after);
      }
    }
  });

  it('f32_gather takes runs by index along one axis, in two walks outside', () => {
    const indices = [3, 0, 3, 2];
    for (const run of [1, 2, 4, 5, 11, 140]) {
      kernels.reset();
      const [xRow, yRow] = [run + 2, run + 3];
      const [x1, y1] = [4 * xRow + 1, 4 * yRow + 2];
      const [x0, y0] = [3 * x1, 3 * y1];
      const x = kernels.floats(2 * x0);
      words(x.f32).set(words(patterns(x.f32.length)));
      const y = kernels.floats(2 * y0);
      const table = kernels.integers(indices);
      const expected = words(y.f32).slice();
      for (let a = 0; a < 2; a++) {
        for (let b = 0; b < 3; b++) {
          for (const [i, index] of indices.entries()) {
            const from = a * x0 + b * x1 + index * xRow;
            expected.set(words(x.f32).subarray(from, from + run), a * y0 + b * y1 + i * yRow);
          }
        }
      }
      kernels.call('f32_gather', {
        x: x.address,
        indices: table.address,
        y: y.address,
        d0: 2,
        d1: 3,
        n: 4,
        run,
        x0: 4 * x0,
        x1: 4 * x1,
        xIndex: 4 * xRow,
        y0: 4 * y0,
        y1: 4 * y1,
        yIndex: 4 * yRow,
      });
      expect(words(y.f32)).toEqual(expected);
    }
  });
});

const noTable = () => {
  throw new Error('no constant');
};
const floatTable = () => ({ constant: { form: 'f32' as const, data: new Float32Array(3) }, largest: 0 });
const indexTable = (largest: number) => () => ({
  constant: { form: 'i32' as const, data: new Int32Array(3) },
  largest,
});
const copyExtents = (args: Arguments) => registry.f32_copy.extents(args as never, noTable);
const gatherExtents = (args: Arguments, largest: number) =>
  registry.f32_gather.extents(args as never, indexTable(largest));

describe('extents of copy kernels', () => {
  const record = copyRecord([{ size: 5, x: -3, y: 1 }], 0, 0);
  const gatherArgs = { d0: 2, d1: 1, n: 3, run: 5, x0: 80, x1: 0, xIndex: 20, y0: 60, y1: 0, yIndex: 20 };

  it('cover reads in either direction', () => {
    expect(copyExtents(record)).toEqual({ x: 4 * 13 + 12, y: 20 });
  });

  it('refuse empty and overlapping axes', () => {
    expect(() => copyExtents({ ...record, d2: 0 })).toThrow('an extent is 0');
    expect(() => copyExtents({ ...record, d2: 2 ** 32 - 1 })).toThrow('overlap');
    expect(() => registry.f32_fill.extents({ n: 0, value: 1 }, noTable)).toThrow('an extent is 0');
    expect(() => gatherExtents({ ...gatherArgs, n: 0 }, 3)).toThrow('an extent is 0');
    expect(() => gatherExtents({ ...gatherArgs, d1: 1000 }, 3)).toThrow('overlap');
  });

  it('follow the largest index', () => {
    expect(gatherExtents(gatherArgs, 3)).toEqual({ x: 80 + 60 + 20, indices: 12, y: 60 + 40 + 20 });
    expect(gatherExtents(gatherArgs, 2 ** 32 - 1).x).toBeGreaterThan(2 ** 32);
  });

  it('refuse indices that are not integers', () => {
    expect(() => registry.f32_gather.extents(gatherArgs as never, floatTable)).toThrow('indices must be i32, got f32');
  });
});
