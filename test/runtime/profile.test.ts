// Times of layers by a clock as coarse as that of a page, and their entries in a browser's profiler.
import { describe, expect, it } from 'vitest';
import { writeArtifact } from '../../src/artifact/write.ts';
import { compileGraph } from '../../src/compile.ts';
import { loadModel } from '../../src/runtime/load.ts';
import { layerTimes } from '../../src/runtime/profile.ts';
import { Tensor } from '../../src/tensor.ts';
import { GraphBuilder } from '../graphs.ts';

it('finds layers that take less than a tick of the clock', () => {
  // 100 µs ticks; layers of 10, 55 and 230 µs, one after the other, runs apart by no multiple of a tick
  const layers = [0.01, 0.055, 0.23];
  const tick = (ms: number) => Math.floor(ms * 10) / 10;
  const runs = Array.from({ length: 200 }, (_, run) => {
    let now = run * 0.7368;
    return layers.map((ms) => tick((now += ms)) - tick(now - ms));
  });
  const found = layerTimes(runs);
  // 150 samples of a tick's rounding, at most half a tick of standard deviation
  layers.forEach((ms, i) => expect(Math.abs(found[i] - ms)).toBeLessThan(0.02));
});

it('leaves out the slowest quarter of runs', () => {
  expect(
    layerTimes([
      [1, 2],
      [100, 100],
      [1, 4],
      [3, 3],
    ]),
  ).toEqual([5 / 3, 3]);
  expect(layerTimes([[7]])).toEqual([7]);
});

describe('the User Timing API', () => {
  it('has a measure for each layer of each timed run, and keeps none', async () => {
    const builder = new GraphBuilder();
    const pooled = builder.node(
      'maxPool',
      { kernel: [2, 2], dilation: [1, 1], ceilMode: false, stride: [2, 2], pads: [0, 0, 0, 0] },
      builder.input([1, 4, 6, 6]),
    );
    const graph = builder.finish(builder.conv2d(pooled, 8, 1));
    const model = await loadModel(writeArtifact(compileGraph(graph)));
    const observed: PerformanceEntry[] = [];
    const observer = new PerformanceObserver((list) => void observed.push(...list.getEntries()));
    observer.observe({ entryTypes: ['measure'] });
    performance.measure('mine');
    const start = performance.now();
    const layers = await model.profile({ input0: new Tensor('float32', [1, 4, 6, 6]) }, { runs: 3, warmup: 2 });
    const end = performance.now();
    model.dispose();
    while (observed.length < 1 + 3 * layers.length) await new Promise((done) => void setImmediate(done));
    observer.disconnect();

    const own = observed.filter(({ name }) => name.startsWith('filigree: '));
    const names = layers.map(({ name }) => `filigree: ${name}`);
    expect(names.length).toBe(2);
    expect(own.map(({ name }) => name)).toEqual([...names, ...names, ...names]);
    let before = start;
    for (const { startTime, duration } of own) {
      expect(startTime).toBeGreaterThanOrEqual(before); // one layer after the other
      before = startTime + duration - 1e-9; // the sum is rounded
    }
    expect(before).toBeLessThanOrEqual(end);
    expect(performance.getEntriesByType('measure').map(({ name }) => name)).toEqual(['mine']);
    expect(performance.getEntriesByType('mark')).toEqual([]);
    performance.clearMeasures('mine');
  });
});
