import { describe, expect, it } from 'vitest';
import type { Criterion } from '../../../src/prune.ts';
import { pruneCommand } from '../../../src/cli/commands/prune.ts';
import { criteria, criterionNamed, criterionNames } from '../../../src/prune/criteria/criteria.ts';
import { magnitude } from '../../../src/prune/criteria/magnitude.ts';
import { secondOrder } from '../../../src/prune/criteria/second-order.ts';
import { layersOf, weightsOf } from '../../../src/prune/layers.ts';
import { prepared } from '../../../src/prune/prepare.ts';
import { prune } from '../../../src/prune/prune.ts';
import { smallNetwork, smallSamples } from '../networks.ts';

describe('criteria', () => {
  it('are found by their names', () => {
    expect(criterionNames).toEqual(['magnitude', 'random', 'second-order', 'batch-norm']);
    for (const criterion of criteria) expect(criterionNamed(criterion.name)).toBe(criterion);
  });

  it('are the choices of the command line', () => {
    const { options } = pruneCommand({} as never);
    expect(options.find(({ long }) => long === '--criterion')!.argChoices).toEqual(criterionNames);
  });
});

/** The largest weights go. */
const upsideDown: Criterion = {
  name: 'upside-down',
  needsSamples: false,
  score: (judged) => magnitude.score(judged).map((score) => 1 / (1 + score)),
};

describe("a criterion of one's own", () => {
  it('says which weights stay', async () => {
    const graph = smallNetwork();
    const { masks, report } = await prune(graph, { sparsity: 0.5, criterion: upsideDown });
    expect(report.criterion).toBe('upside-down');
    const dense = prepared(graph);
    for (const layer of layersOf(dense)) {
      const mask = masks.get(layer.name);
      if (!mask) continue;
      const weights = weightsOf(dense, layer).map(Math.abs);
      const kept = Math.max(...weights.filter((_, i) => mask[i] === 1));
      const removed = Math.min(...weights.filter((_, i) => mask[i] === 0));
      expect(kept).toBeLessThanOrEqual(removed);
    }
  });

  it('fits the weights that its mask keeps', async () => {
    const samples = smallSamples(8);
    const fitting: Criterion = { ...upsideDown, needsSamples: true, fit: secondOrder.fit };
    const options = { sparsity: 0.5, samples };
    const fitted = await prune(smallNetwork(), { ...options, criterion: fitting });
    const plain = await prune(smallNetwork(), { ...options, criterion: upsideDown });
    const [name, mask] = [...fitted.masks][0];
    expect(mask).toEqual(plain.masks.get(name));
    expect(fitted.report.outputError).toBeLessThan(0.9 * plain.report.outputError!);
  });

  it.each([
    [{ ...upsideDown, needsSamples: true }, {}, 'the criterion upside-down needs calibration images'],
    [upsideDown, { pattern: 'channel' }, 'the criterion upside-down cannot rank whole channels'],
    [{ name: 'order', needsSamples: false, rank: magnitude.rank }, {}, 'the criterion order is for whole channels'],
    [{ ...upsideDown, score: () => new Float32Array(3) }, {}, /"upside-down": layer ".+": wanted \d+ scores.*got 3 of/],
    [{ ...upsideDown, score: ({ blocks }) => new Float32Array(blocks.count).fill(NaN) }, {}, /not negative, got NaN/],
    [{ ...upsideDown, score: ({ blocks }) => new Float32Array(blocks.count).fill(-1) }, {}, /not negative, got -1/],
  ] as [Criterion, object, string | RegExp][])(
    'is refused where it makes no sense: %#',
    async (criterion, more, message) => {
      await expect(prune(smallNetwork(), { sparsity: 0.5, criterion, ...more })).rejects.toThrow(message);
    },
  );
});
