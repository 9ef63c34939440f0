// Random networks through everything, against the evaluator; see trial.ts. A failure comes out as code, as small as it can be
// made. `npm run differential -- --minutes 30` goes on for so long, from another seed each time.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Graph } from '../../src/graph/graph.ts';
import { operators } from '../../src/ops/index.ts';
import { kernelNames, kernels } from '../../src/program/kernels.ts';
import type { Kernel } from '../../src/program/kernel.ts';
import { kernelsOf } from '../../src/lower/matrix-kernels.ts';
import { byteNetworks } from '../compile/byte-networks.ts';
import { graphAsCode } from '../graph-code.ts';
import { patience } from '../patience.ts';
import { duration, startSeed } from './duration.ts';
import { tryEdges, withEdges } from './edges.ts';
import { minimise } from './minimise.ts';
import { build, feedsOf, recipes, type Feeds, type Recipe } from './network.ts';
import { Coverage, plainSetting, settingOf, tryNetwork, type Setting } from './trial.ts';

/** What is wrong with a network, and code that shows it. */
async function report(recipe: Recipe): Promise<string> {
  const graph = build(recipe);
  const wrong = (candidate: { graph: Graph; feeds: Feeds; setting: Setting }) =>
    tryNetwork(candidate.graph, candidate.feeds, candidate.setting).catch((error: Error) => error.message);
  const failure = { graph, feeds: feedsOf(graph), setting: settingOf(recipe) };
  const smallest = await minimise(failure, plainSetting, async (candidate) => (await wrong(candidate)) !== undefined);
  const setting = Object.entries(smallest.setting).filter(([key, v]) => v !== plainSetting[key as keyof Setting]);
  return [
    `${String(await wrong(smallest))}\n`,
    graphAsCode(smallest.graph, smallest.feeds),
    `const setting = { ...plainSetting, ...${JSON.stringify(Object.fromEntries(setting))} };`,
    'expect(await tryNetwork(graph, feeds, setting)).toBeUndefined();',
    `\nmade from ${JSON.stringify(recipe)}`,
  ].join('\n');
}

/** Tries so many networks. @throws Error with the smallest network that fails. */
async function tryMany(numRuns: number, seed: number, coverage: Coverage): Promise<void> {
  const property = fc.asyncProperty(recipes, async (recipe) => {
    const graph = build(recipe);
    const wrong = await tryNetwork(graph, feedsOf(graph), settingOf(recipe), coverage);
    if (wrong !== undefined) throw new Error(wrong);
  });
  const result = await fc.check(property, { numRuns, seed, endOnFailure: true });
  if (result.failed) {
    throw new Error(await report(result.counterexample![0]), { cause: result.errorInstance });
  }
}

/** What there is and no network has had: operators, kernels of programs, ways to do products, forms of constants. */
function missed({ operators: ops, kernels: used, ways, forms }: Coverage): string[] {
  const matrix = (['vector', 'flat', 'shifted'] as const).flatMap(kernelsOf);
  const kept = ['f32', 'i32', 'taps', 'gemm 4', 'gemm 28', 'winograd 2', 'winograd 4', 'quantised 4', 'quantised 8'];
  for (const group of [1, 2, 4]) kept.push(`spmm ${group}`, `blocks ${group}`);
  return [
    ...Object.keys(operators).filter((name) => !ops.has(name)),
    ...kernelNames.filter((name) => !(kernels[name] as Kernel).standalone && !used.has(name)),
    ...[...matrix, 'planes', 'f32_winograd_8x4'].filter((name) => !ways.has(name)),
    ...kept.filter((name) => !forms.has(name)),
  ];
}

describe('random networks', () => {
  const coverage = new Coverage();
  const { minutes, networks } = duration;

  it('agree with the evaluator', { timeout: patience + 120_000 * minutes }, async () => {
    const end = Date.now() + 60_000 * minutes;
    let seed = startSeed;
    do await tryMany(60, seed++, coverage);
    while (
      Date.now() < end ||
      coverage.networks < networks ||
      (missed(coverage).length > 0 && coverage.networks < 600)
    );
    const { skipped, cancelled } = coverage;
    if (minutes > 0) {
      const counts = `${coverage.networks} networks of ${coverage.nodes} layers, ${skipped} left out, seeds ${startSeed}…${seed - 1}`;
      console.log(`differential: ${counts}`);
    }
    expect(skipped).toBeLessThan(0.1 * coverage.networks);
    expect(cancelled).toBeLessThan(0.05 * coverage.networks);
  });

  it.each(Object.entries(byteNetworks))('of integers agree to the bit: %s', async (name, network) => {
    const [channels, size] = [5, 6];
    const graph = network(channels, size);
    for (const choices of [1, 2]) {
      const setting = { ...plainSetting, eightBits: true, choices, threads: choices };
      expect(await tryNetwork(graph, feedsOf(graph), setting, coverage), name).toBeUndefined();
    }
  });

  it(
    'let NaN and infinities reach what IEEE 754 lets them reach',
    { timeout: patience + 120_000 * minutes },
    async () => {
      const end = Date.now() + (60_000 * minutes) / 4;
      let seed = startSeed;
      do {
        for (const recipe of fc.sample(recipes, { numRuns: 60, seed: seed++ })) {
          const graph = build(recipe);
          const feeds = withEdges(feedsOf(graph), recipe.seeds[0]);
          const setting = { passes: recipe.seeds[0] % 2 === 0 };
          const wrongWith = (own: { graph: Graph; feeds: Feeds; setting: typeof setting }) =>
            tryEdges(own.graph, own.feeds, own.setting.passes).catch((error: Error) => error.message);
          const wrong = await wrongWith({ graph, feeds, setting });
          if (wrong === undefined) continue;
          const fails = async (smaller: Parameters<typeof wrongWith>[0]) => (await wrongWith(smaller)) !== undefined;
          const smallest = await minimise({ graph, feeds, setting }, { passes: false }, fails);
          const lines = [wrong, await wrongWith(smallest), graphAsCode(smallest.graph, smallest.feeds)];
          throw new Error(
            `${lines.join('\n')}\nexpect(await tryEdges(graph, feeds, ${smallest.setting.passes})).toBeUndefined();`,
          );
        }
      } while (Date.now() < end);
    },
  );

  it('reach every operator, kernel, encoding and way to do a product', () => {
    expect(missed(coverage)).toEqual([]);
  });
});
