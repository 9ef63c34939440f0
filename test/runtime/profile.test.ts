// Times of layers by a clock as coarse as that of a page.
import { expect, it } from 'vitest';
import { layerTimes } from '../../src/runtime/profile.ts';

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
