import { describe, expect, it } from 'vitest';
import { kernels as registry, type KernelName } from '../../src/program/kernels.ts';
import { builds, loadKernels, randomFloats, type Region } from './wasm.ts';

const names = Object.keys(registry).filter((name) => {
  const { family } = registry[name as KernelName];
  return ['pad', 'depthwise', 'pool', 'resize', 'image', 'grid'].includes(family);
}) as KernelName[];

const wild = [-1, -(2 ** 31), 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 30, 2 ** 16, 1e9];

/** In every buffer that is not a table. */
const floats = 1024;

/** Fields whose size bounds how long a kernel runs, not what it touches. */
const loops = /batch|planes|channels|multiplier|kernel|area|phases|width|height|rows|group/i;

describe.each(builds)('spatial kernels given records of random numbers, %s build', async (build) => {
  const kernels = await loadKernels(build);

  it.each(names)('%s touches no more than its extents say', (name) => {
    const data = randomFloats(1)(floats);
    let state = 99;
    const next = (below: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor(((state >>> 4) / 2 ** 28) * below);
    };
    const fields = Object.entries(registry[name].fields);
    let accepted = 0;
    for (let round = 0; round < 2000; round++) {
      kernels.reset();
      const args: Record<string, number> = {};
      const regions = new Map<string, Region>();
      for (const [field, kind] of fields) {
        const isTable = ['rows', 'columns', 'taps'].includes(field);
        if (kind === 'read' && isTable) {
          args[field] = kernels.integers(Array.from({ length: 64 }, () => 4 * next(round % 3 ? 8 : 64))).address;
        } else if (kind === 'read' || kind === 'write') {
          const region = kernels.floats(kind === 'read' ? data : floats);
          regions.set(field, region);
          args[field] = region.address;
        } else if (kind === 'f32') args[field] = next(3) - 1;
        else if (field === 'activation') args[field] = next(3);
        else if (loops.test(field)) args[field] = next(round % 2 ? 4 : 12);
        else if (next(16) === 0) args[field] = wild[next(wild.length)];
        else args[field] = next(4) ? 4 * next(12) : next(5);
        if (kind === 'u32') args[field] >>>= 0;
        if (kind === 'i32') args[field] |= 0;
        // Some sense, so that some records pass.
        if (field === 'columns' && kind === 'u32') args[field] = (4 * (args[field] >>> 1)) >>> 0;
        if (/^(stride|phases)/.test(field) && next(4)) args[field] = field.startsWith('stride') ? 1 + next(3) : 1;
        if (name.includes('5x5') && field === 'height') args[field] += 4;
      }
      if (name === 'f32_upsample_2x2') {
        args.width = 2 * args.xWidth;
        args.height *= 2;
      }
      if (round % 4) {
        // Few planes that lie apart, as the registry asks for.
        for (const field of ['batch', 'channels', 'multiplier']) {
          if (field in args && name !== 'f32_image') args[field] = 1 + next(2);
        }
        const { channels = 1, multiplier = 1, xHeight = 4, xWidth, height, width } = args;
        const apart = (bytes: number) => (bytes + 4 * next(3)) >>> 0;
        if ('xPlane' in args) args.xPlane = apart(4 * xHeight * xWidth);
        if ('xBatch' in args) args.xBatch = apart(channels * args.xPlane);
        if ('yPlane' in args && 'height' in args) args.yPlane = apart(4 * height * width);
        if ('yBatch' in args) args.yBatch = apart(channels * multiplier * args.yPlane);
      }
      if (name === 'f32_image') {
        Object.assign(args, { channels: [1, 3, 4, 2][next(4)], reverse: next(2), left: next(3), top: next(3) });
        Object.assign(args, { width: args.toWidth + next(4), height: args.toHeight + next(4) });
        if (next(4)) Object.assign(args, { yChannel: 4 * next(9), yPixel: 4 * next(5), yRow: 4 * next(9) });
      }
      if (name.endsWith('s2')) Object.assign(args, { phasesH: 2, phasesW: 2, strideH: 2, strideW: 2 });
      let touched: Record<string, number>;
      try {
        touched = kernels.extents(name, args);
      } catch {
        continue;
      }
      accepted++;
      // What lies beyond the extents of inputs must not be seen.
      const results = [1, 1e9].map((beyond) => {
        for (const [field, kind] of fields) {
          const region = regions.get(field);
          if (kind === 'read') region?.f32.fill(beyond, Math.min(floats, Math.ceil(touched[field] / 4)));
          else region?.f32.fill(NaN);
        }
        kernels.call(name, args);
        return fields.map(([field, kind]) => (kind === 'write' ? regions.get(field)!.f32.slice() : undefined));
      });
      expect(results[1], JSON.stringify(args)).toEqual(results[0]);
    }
    expect(accepted).toBeGreaterThan(20);
  });
});
