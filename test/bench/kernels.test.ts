import { describe, expect, it } from 'vitest';
import { cases } from '../../bench/cases.ts';
import { benchmark, formatReport } from '../../bench/kernels.ts';
import { defaultShapes, readShapes } from '../../bench/read-shapes.ts';
import { planContests, thinContests } from '../../bench/suite.ts';
import type { RawKernels } from '../../src/kernels.ts';
import { createKernels, kernelNames } from '../../src/kernels.ts';
import type { Output } from '../../bench/cases/case.ts';
import { relativeError } from '../kernels/wasm.ts';

/** The pixels of a result, without what lies between planes. */
function pixelsOf(kernels: RawKernels, { address, planes, pixels, plane }: Output): number[] {
  return Array.from({ length: planes }, (_, i) => [...kernels.floats(address + i * plane, pixels)]).flat();
}

describe('the benchmark', async () => {
  const layers = readShapes(defaultShapes);
  const kernels = await createKernels({ build: 'simd' });

  it('has a case for every kernel of the registry, and a layer for every case', () => {
    expect(Object.keys(cases).toSorted()).toEqual([...kernelNames].toSorted());
    const measured = planContests(layers, [1]).flatMap(({ reported }) => reported);
    expect(new Set(measured)).toEqual(new Set(kernelNames));
  });

  it('gives each kernel work that it finishes: every output element is written, and dense equals sparse', () => {
    const done = new Set<string>();
    for (const { kernels: names, layer } of thinContests(planContests(layers, [1]), 1)) {
      const expected: { borders?: number[]; own?: number[] } = {};
      for (const name of names) {
        kernels.reset();
        const { run, y } = cases[name].build(kernels, layer, 1);
        kernels.floats(y.address, (y.planes * y.plane) / 4).fill(NaN);
        run();
        const actual = pixelsOf(kernels, y);
        expect(actual.every(Number.isFinite), `${name} ${JSON.stringify(layer)}`).toBe(true);
        expect(new Set(actual).size > 1 || ['f32_fill', 'i16_linear_input'].includes(name), name).toBe(true);
        const wanted = (expected[cases[name].hasOwnInput ? 'own' : 'borders'] ??= actual);
        // f32 sums in different orders; eight bits and the clamp to 0…6 leave two digits
        const tolerance = name.startsWith('i8_') ? 0.03 : 1e-5;
        expect(relativeError(actual, wanted), `${name} ${JSON.stringify(layer)}`).toBeLessThan(tolerance);
        done.add(name);
      }
    }
    expect(done).toEqual(new Set(kernelNames));
  });

  it('reports finite positive numbers', async () => {
    const timing = { batchMs: 0.2, batches: 3, warmUpMs: 1 };
    const report = await benchmark({ quick: true, filter: /^f32_(spmm_16x2|fill|depthwise)$/, build: 'simd', timing });
    const json: unknown = JSON.parse(JSON.stringify(report));
    expect(json).toEqual(report);
    expect(report.peak.gflops).toBeGreaterThan(0);
    expect(new Set(report.results.map(({ kernel }) => kernel))).toEqual(
      new Set(['f32_spmm_16x2', 'f32_fill', 'f32_depthwise']),
    );
    for (const result of report.results) {
      const { ms, bestMs, gbps, shareOfPeak, speedup = 1, gflops = 1, effectiveMacs, macs } = result;
      for (const value of [ms, bestMs, gbps, shareOfPeak, speedup, gflops]) {
        expect(Number.isFinite(value) && value > 0, JSON.stringify(result)).toBe(true);
      }
      expect(effectiveMacs).toBeLessThanOrEqual(macs);
    }
    for (const { kernel } of report.summary) expect(formatReport(report)).toContain(kernel);
  });

  it('refuses a filter that nothing matches', async () => {
    await expect(benchmark({ filter: /^f64_/ })).rejects.toThrow('no kernel matches /^f64_/');
  });
});
