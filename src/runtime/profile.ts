// Times layers one by one; loaded only when asked for.
import { FiligreeError } from '../errors.ts';
import type { Program } from '../program/program.ts';
import type { Instance } from './instantiate.ts';
import type { LayerProfile } from './layer-profile.ts';

/** Share of the timed runs that count. The slowest are left out: something else ran meanwhile. */
const counted = 3 / 4;

/** See `Model.profile`. `write` writes the inputs. */
export function profileLayers(
  { name, steps, layers }: Program,
  records: readonly number[],
  { exports }: Instance,
  write: () => void,
  { runs = 20, warmup = runs }: { runs?: number; warmup?: number },
): LayerProfile[] {
  if (!Number.isInteger(runs) || runs < 1 || !Number.isInteger(warmup) || warmup < 0) {
    throw new FiligreeError('invalid-argument', `${name}: cannot profile ${runs} runs after ${warmup}`);
  }
  for (let i = 0; i < warmup; i++) {
    write();
    exports.run(records[0], records.length);
  }
  const times: number[][] = [];
  const timeline = performance;
  for (let i = 0; i < runs; i++) {
    write(); // the last run has reused the inputs' memory
    const spent = layers.map(() => 0);
    const first: number[] = [];
    steps.forEach(({ layer }, step) => {
      const start = timeline.now();
      exports.run(records[step], 1);
      spent[layer] += timeline.now() - start;
      first[layer] ??= start;
    });
    times.push(spent);
    // Browsers' profilers show these measures (User Timing) as they are made. They are then removed from the page's
    // list of entries.
    first.forEach((start, layer) => {
      const measure = `filigree: ${layers[layer].name}`;
      timeline.measure?.(measure, { start, duration: spent[layer] }); // some edge hosts only have the clock
      timeline.clearMeasures?.(measure);
    });
  }
  return layerTimes(times).map((ms, i) => {
    const kernels = steps.filter((step) => step.layer === i).map((step) => step.kernel);
    return { ...layers[i], kernels, ms, gflops: ms > 0 ? (2 * layers[i].effectiveMacs) / ms / 1e6 : 0 };
  });
}

/**
 * Milliseconds of each layer: its mean over the runs with the smallest total time. Clocks of pages that are not
 * isolated tick every 100 µs, longer than many layers take. A mean over runs averages that out. A median would be 0 or
 * one tick; so would a mean without each layer's own largest times, since those are a quick layer's few ticks.
 * @param runs for each run the milliseconds of every layer
 */
export function layerTimes(runs: readonly (readonly number[])[]): number[] {
  const total = (times: readonly number[]) => times.reduce((a, b) => a + b, 0);
  const kept = runs.toSorted((a, b) => total(a) - total(b)).slice(0, Math.ceil(runs.length * counted));
  return runs[0].map((_, layer) => total(kept.map((times) => times[layer])) / kept.length);
}
