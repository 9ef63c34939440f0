import { describe, expect, it } from 'vitest';
import { FiligreeError } from '../../../../src/errors.ts';
import { defaultCostModel } from '../../../../src/lower/cost.ts';
import type { Graph } from '../../../../src/graph/graph.ts';
import { lowerGraph } from '../../../../src/compile/lower-graph.ts';
import { addCosts, noCosts, programCosts } from '../../../../src/prune/distribution/budget.ts';
import type { Budget } from '../../../../src/prune/distribution/budget.ts';
import { prepared } from '../../../../src/prune/prepare.ts';
import { search } from '../../../../src/prune/distribution/search/index.ts';
import { Journal } from '../../../../src/prune/distribution/search/journal.ts';
import type { Tensor } from '../../../../src/tensor.ts';
import type { SearchOptions } from '../../../../src/prune/distribution/search/index.ts';
import { stitched } from '../../../../src/prune/distribution/search/stitch.ts';
import { smallNetwork, smallSamples } from '../../networks.ts';
import { byMagnitude, prunable } from './pruned.ts';

const graph = prepared(smallNetwork());
const layers = prunable(graph);
const total = layers.reduce((sum, { rows, columns }) => sum + rows * columns, 0);
const samples = smallSamples(8);

const searched = (options: Partial<SearchOptions> = {}) =>
  search(graph, layers, {
    budget: { kind: 'sparsity', value: 0.6 },
    make: byMagnitude(graph),
    samples,
    generations: 4,
    children: 6,
    ...options,
  });

const costsOf = (of: Graph, onDense = false) =>
  programCosts(lowerGraph(of, defaultCostModel, { dense: onDense })).reduce(addCosts, noCosts);
const dense = costsOf(graph, true);

const pruned = async (distribution: ReadonlyMap<string, number>) => {
  const weights = new Map<string, { weights: Float32Array }>();
  for (const layer of layers) {
    const sparsity = distribution.get(layer.name)!;
    if (sparsity > 0) weights.set(layer.name, (await byMagnitude(graph)(layer, [sparsity], graph))[0]);
  }
  return stitched(graph, weights);
};
const compiled = async (distribution: ReadonlyMap<string, number>) => costsOf(await pruned(distribution));

describe('search', () => {
  it.each([0.3, 0.6, 0.85])('is no worse than uniform and ERK at a sparsity of %f', async (value) => {
    const { distribution, divergence, baselines } = await searched({ budget: { kind: 'sparsity', value } });
    const kept = layers.reduce(
      (sum, { name, rows, columns }) => sum + (1 - distribution.get(name)!) * rows * columns,
      0,
    );
    expect(kept).toBeLessThanOrEqual((1 - value) * total * (1 + 1e-9));
    expect(kept).toBeGreaterThan((1 - value) * total - 0.05 * total); // it uses its budget
    expect([...baselines.uniform.distribution.values()].every((s) => s === value)).toBe(true);
    expect(divergence).toBeLessThanOrEqual(baselines.uniform.divergence);
    expect(divergence).toBeLessThanOrEqual(baselines.erk.divergence);
    expect(divergence).toBeGreaterThan(0);
  });

  it.each<[Budget, (costs: typeof dense) => boolean]>([
    [{ kind: 'macs', value: 0.5 * dense.macs }, ({ macs }) => macs <= 0.5 * dense.macs],
    [{ kind: 'bytes', value: 0.8 * dense.bytes }, ({ bytes }) => bytes <= 0.8 * dense.bytes],
    [{ kind: 'latencyMs', value: 0.8 * dense.ms }, ({ ms }) => ms <= 0.8 * dense.ms * (1 + 1e-9)],
    [{ kind: 'speedup', value: 1.3 }, ({ ms }) => dense.ms / ms >= 1.3 * (1 - 1e-9)],
  ])('meets %j, compiled', async (budget, isMet) => {
    const { distribution, costs, divergence, baselines } = await searched({ budget });
    const real = await compiled(distribution);
    expect(isMet(real)).toBe(true);
    expect(costs.macs).toBe(real.macs);
    expect(costs.bytes).toBe(real.bytes);
    expect(costs.ms / real.ms).toBeCloseTo(1, 9);
    for (const baseline of Object.values(baselines)) {
      expect(isMet(await compiled(baseline.distribution))).toBe(true);
      expect(divergence).toBeLessThanOrEqual(baseline.divergence);
    }
  });

  it('counts bytes as they will be saved', async () => {
    const value = 0.3 * dense.bytes;
    const { distribution, costs } = await searched({ budget: { kind: 'bytes', value }, weights: 'int8' });
    expect([...distribution.values()].some((sparsity) => sparsity < 0.3)).toBe(true);
    expect(costs.bytes).toBeLessThanOrEqual(value);
    const program = lowerGraph(await pruned(distribution), defaultCostModel, { weights: 'int8' });
    expect(programCosts(program).reduce(addCosts, noCosts).bytes).toBe(costs.bytes);
  });

  it('gives the same for the same seed, on any number of threads', async () => {
    const [a, b] = [await searched({ seed: 5, threads: 1 }), await searched({ seed: 5, threads: 2 })];
    expect(b.distribution).toEqual(a.distribution);
    expect(b.divergence).toBe(a.divergence);
    expect(b.runs).toBe(a.runs);
  });

  it('is judged on photos that it has not seen', async () => {
    // the samples are compared first, then the judges; to those the opposite of what was searched for is good
    let photos = 0;
    const comparison = (reference: Record<string, Tensor>) => {
      const isJudge = photos++ >= samples.length;
      const [{ data: wanted }] = Object.values(reference);
      return (other: Record<string, Tensor>) => {
        const [{ data }] = Object.values(other);
        const distance = (wanted as Float32Array).reduce((sum, v, i) => sum + Math.abs(v - Number(data[i])), 0);
        return isJudge ? 1 / (1e-6 + distance) : distance;
      };
    };
    const found = await searched({ comparison, judges: smallSamples(13).slice(8) });
    expect(photos).toBe(samples.length + 5);
    const { uniform, erk, searched: own } = found.baselines;
    expect(found.name).not.toBe('searched');
    expect(found.divergence).toBe(Math.min(uniform.divergence, erk.divergence));
    expect(own.divergence).toBeGreaterThan(found.divergence);
    expect(found.distribution).toEqual(found.baselines[found.name].distribution);
  });

  it('goes on from the journal of a search that was stopped', async () => {
    const whole = await searched();
    const controller = new AbortController();
    const first = new Journal([], () => first.entries.size === 20 && controller.abort(new Error('enough')));
    await expect(searched({ journal: first, signal: controller.signal })).rejects.toThrow('enough');
    const kept = [...first.entries];
    expect(kept.length).toBeGreaterThanOrEqual(20);
    let measured = 0;
    const second = new Journal(kept, () => measured++);
    const { seconds, ...found } = await searched({ journal: second });
    expect({ ...found, seconds: whole.seconds }).toEqual(whole);
    expect(measured).toBe(second.entries.size - kept.length);
    expect(seconds.networks).toBeGreaterThan(0);
  });

  it('walks its own ladders', async () => {
    const { distribution } = await searched({ ladder: () => [0, 0.5, 0.75, 0.875] });
    for (const sparsity of distribution.values()) expect([0, 0.5, 0.75, 0.875]).toContain(sparsity);
  });

  it('tells how far it is', async () => {
    const seen: string[] = [];
    await searched({ onProgress: ({ phase, stage, stages, done, total: of }) => {
      expect(done).toBeLessThanOrEqual(of);
      expect(stages).toBe(2);
      const key = `${stage} ${phase}`;
      if (seen.at(-1) !== key) seen.push(key);
    } }); // prettier-ignore
    expect(seen).toEqual([
      '0 candidates',
      '0 layers',
      '0 evolution',
      '1 candidates',
      '1 layers',
      '1 evolution',
      '1 candidates', // remade for the judges
    ]);
  });

  it('ends when its time is over, and says so', async () => {
    const { stopped, divergence, baselines } = await searched({ seconds: 0, generations: 100_000 });
    expect(stopped).toBe(true);
    expect(divergence).toBeLessThanOrEqual(baselines.uniform.divergence);
  });

  it.each(['candidates', 'layers', 'evolution'])('ends with the reason of a signal during %s', async (during) => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const run = searched({
      signal: controller.signal,
      onProgress: ({ phase }) => phase === during && controller.abort(reason),
    });
    await expect(run).rejects.toBe(reason);
  });

  it('ends at once for a signal that was given before', async () => {
    await expect(searched({ signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow('before');
  });

  it.each<[string, Budget, RegExp]>([
    [
      'latency',
      { kind: 'latencyMs', value: 1e-6 },
      /predicted latency of 0\.000001 ms cannot be reached: the best is 0\.\d+ ms/,
    ],
    [
      'speed-up',
      { kind: 'speedup', value: 1000 },
      /predicted speed-up of 1000 cannot be reached: the best is \d\.\d\d, with at most 95 %/,
    ],
    ['size', { kind: 'bytes', value: 10 }, /size of 10 bytes cannot be reached: the best is \d+ bytes/],
    ['work', { kind: 'macs', value: 10 }, /multiply-adds of 10 cannot be reached: the best is \d+/],
  ])('names the best %s where a budget cannot be met', async (_, budget, message) => {
    await expect(searched({ budget })).rejects.toThrow(message);
    await expect(searched({ budget })).rejects.toBeInstanceOf(FiligreeError);
  });

  it('names the best sparsity of its ladders', async () => {
    const message = /sparsity of 0\.6 cannot be reached: the best is 0\.500, with at most 50 % .* from 4 layers/;
    await expect(searched({ ladder: () => [0, 0.5] })).rejects.toThrow(message);
  });

  it.each<[Partial<SearchOptions>, RegExp]>([
    [{ budget: { kind: 'sparsity', value: 1 } }, /sparsity 1: wanted a number from 0 to below 1/],
    [{ budget: { kind: 'sparsity', value: NaN } }, /sparsity NaN: wanted/],
    [{ budget: { kind: 'speedup', value: 0.5 } }, /speedup 0\.5: wanted a number from 1 on/],
    [{ budget: { kind: 'latencyMs', value: -1 } }, /latencyMs -1: wanted a positive number/],
    [{ budget: { kind: 'bytes', value: Infinity } }, /bytes Infinity: wanted a positive number/],
    [{ budget: { kind: 'joules' as 'bytes', value: 1 } }, /budget: wanted one of sparsity, .* got "joules"/],
    [{ budget: { kind: 'macs', value: '9' as unknown as number } }, /macs 9: wanted a positive number/],
    [{ samples: [] }, /needs calibration images/],
    [{ judges: [] }, /judges: no images/],
    [{ photos: 0 }, /photos 0: wanted a whole number from 1 on/],
    [{ threads: 1.5 }, /threads 1\.5: wanted a whole number from 1 on/],
    [{ generations: -1 }, /generations -1: wanted a whole number from 0 on/],
    [{ seconds: NaN }, /seconds NaN: wanted a number from 0 on/],
    [{ stages: 4 as 3 }, /stages 4: wanted 1, 2 or 3/],
    [
      { ladder: () => [0.5, 0.7] },
      /ladder of layer ".+": wanted sparsities below 1, increasing from 0 on, got \[0\.5, 0\.7\]/,
    ],
    [{ ladder: () => [0, 0.7, 0.7] }, /increasing/],
    [{ ladder: () => [0, 1] }, /below 1/],
    [{ samples: [{}] }, /sample 0: input "input0" is missing/],
  ])('refuses %j', async (options, message) => {
    await expect(searched(options)).rejects.toThrow(message);
    await expect(searched(options)).rejects.toBeInstanceOf(FiligreeError);
  });

  it('refuses a network without layers to prune', async () => {
    const options = { budget: { kind: 'sparsity', value: 0.5 } as const, make: byMagnitude(graph), samples };
    await expect(search(graph, [], options)).rejects.toThrow(/no layers/);
  });
});
