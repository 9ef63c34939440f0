import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { importModel } from '../../src/compile.ts';
import { evaluate } from '../../src/graph/evaluate.ts';
import { layersOf, weightsOf } from '../../src/prune/layers.ts';
import { hasPattern, sparsityOf } from '../../src/prune/patterns/masks.ts';
import { blocksOf, patternNamed } from '../../src/prune/patterns/patterns.ts';
import { prepared } from '../../src/prune/prepare.ts';
import { prune } from '../../src/prune/prune.ts';
import type { PruningReport } from '../../src/prune/report.ts';
import { Tensor } from '../../src/tensor.ts';
import { describeWithData } from '../data.ts';
import { cloneGraph } from '../graphs.ts';
import { smallNetwork, smallSamples } from './networks.ts';

const patterns = ['unstructured', 'group2', 'group4', 'kernel', '2:4', '1:16', 'inputs16', '1x4', '2x4', '4x4'];

describe.each(patterns)('prune %s', (pattern) => {
  it.each(['magnitude', 'random'] as const)(
    'by %s gives layers the pattern and leaves the input alone',
    async (criterion) => {
      const graph = smallNetwork();
      const before = cloneGraph(graph);
      const own = patternNamed(pattern).sparsity;
      const options = { pattern, criterion, sparsity: own === undefined ? 0.5 : undefined };
      const { graph: sparse, masks, report } = await prune(graph, options);
      expect(graph).toEqual(before);
      const pruned = layersOf(sparse).filter(({ exempt }) => exempt === undefined);
      expect([...masks.keys()]).toEqual(pruned.map(({ name }) => name));
      for (const layer of layersOf(sparse)) {
        const weights = weightsOf(sparse, layer);
        const outcome = report.layers.find(({ name }) => name === layer.name)!;
        expect(outcome.sparsity.after).toBe(sparsityOf(weights));
        if (layer.exempt) {
          expect(outcome.sparsity.after).toBe(0);
          expect(outcome.pattern).toBeUndefined();
          expect(outcome.remark).toMatch(/^dense: (the first layer|depthwise|a head)$/);
          continue;
        }
        const mask = masks.get(layer.name)!;
        expect(weights.every((w, i) => (w !== 0) === (mask[i] === 1))).toBe(true);
        const { blocks, pattern: applied, remark } = blocksOf(patternNamed(pattern), layer);
        expect(hasPattern(mask, blocks)).toBe(true);
        expect([outcome.pattern, outcome.remark]).toEqual([applied, remark]);
        if (own === undefined) expect(outcome.sparsity.after).toBeCloseTo(0.5, 1);
      }
      const again = await prune(graph, options);
      expect(again.masks).toEqual(masks);
      expect(again.graph).toEqual(sparse);
    },
  );

  it('by 0 is the identity', async () => {
    const graph = smallNetwork();
    const { graph: same, masks, report } = await prune(graph, { pattern, sparsity: 0 });
    expect(masks.size).toBe(0);
    expect(report.sparsity).toBe(0);
    expect(same).toEqual(prepared(graph));
    const [sample] = smallSamples(1);
    expect(evaluate(same, sample)).toEqual(evaluate(prepared(graph), sample));
  });
});

describe('with calibration images', () => {
  const samples = smallSamples(8);
  const errorOf = (outcome: { report: PruningReport }, name: string) =>
    outcome.report.layers.find((layer) => layer.name === name)!.error!;

  it.each(['unstructured', 'group2', '2:4'])(
    'second-order %s is reproducible and better than magnitude',
    async (pattern) => {
      const options = { pattern, sparsity: 0.5, samples };
      const [ours, again, magnitude] = [
        await prune(smallNetwork(), options),
        await prune(smallNetwork(), options),
        await prune(smallNetwork(), { ...options, criterion: 'magnitude' }),
      ];
      expect(ours.report.criterion).toBe('second-order');
      expect(again.graph).toEqual(ours.graph);
      expect(ours.report.outputError).toBeLessThan(magnitude.report.outputError!);
      // the first pruned layer has the same inputs in both; layers after it read pruned outputs
      const [first] = ours.masks.keys();
      expect(errorOf(ours, first)).toBeLessThan(errorOf(magnitude, first));
      for (const layer of layersOf(ours.graph)) {
        const mask = ours.masks.get(layer.name);
        if (mask) expect(hasPattern(mask, blocksOf(patternNamed(pattern), layer).blocks)).toBe(true);
      }
    },
  );

  it('random and magnitude keep the means of channels', async () => {
    const corrected = await prune(smallNetwork(), { sparsity: 0.5, criterion: 'random', samples });
    const plain = await prune(smallNetwork(), { sparsity: 0.5, criterion: 'random' });
    expect(corrected.masks).toEqual(plain.masks);
    const { outputError } = await import('../../src/prune/measure.ts');
    const dense = prepared(smallNetwork());
    expect(corrected.report.outputError).toBeLessThan(await outputError(dense, plain.graph, samples));
  });

  it('masks leave kept weights unchanged, or fit them to compensate for removed ones', async () => {
    const { masks } = await prune(smallNetwork(), { sparsity: 0.5 });
    const kept = await prune(smallNetwork(), { masks, samples });
    const fitted = await prune(smallNetwork(), { masks, samples, criterion: 'second-order' });
    const dense = prepared(smallNetwork());
    for (const layer of layersOf(dense)) {
      const mask = masks.get(layer.name);
      if (!mask) continue;
      expect(weightsOf(kept.graph, layer)).toEqual(weightsOf(dense, layer).map((w, i) => (mask[i] ? w : 0)));
      expect(weightsOf(fitted.graph, layer).every((w, i) => mask[i] === 1 || w === 0)).toBe(true);
    }
    expect(fitted.report.outputError).toBeLessThan(kept.report.outputError!);
  });

  it('second-order fits dense layers to pruned ones before them, except excluded ones', async () => {
    const dense = prepared(smallNetwork());
    const layers = layersOf(dense);
    const changed = ({ graph }: { graph: typeof dense }) =>
      layers.filter((layer) => weightsOf(graph, layer).some((w, i) => w !== weightsOf(dense, layer)[i]));
    const options = { sparsity: 0.5, samples: smallSamples(48) };
    const all = await prune(smallNetwork(), options);
    expect(changed(all)).toEqual(layers.slice(1));
    const { name: last, exempt } = layers.at(-1)!;
    expect(exempt).toBe('head');
    const refitted = all.report.layers.find(({ name }) => name === last)!;
    expect(refitted).toMatchObject({ remark: 'dense: a head', sparsity: { before: 0, after: 0 } });
    expect(refitted.pattern).toBeUndefined();
    expect([...all.masks.keys()]).toEqual(layers.flatMap(({ name, exempt: why }) => (why ? [] : [name])));
    const others = await prune(smallNetwork(), { ...options, exclude: ['depthwise', 'head'] });
    expect(changed(others)).toEqual(layers.filter(({ exempt: why }) => !why));
    expect(others.masks.size).toBe(all.masks.size);
    expect(all.report.outputError).toBeLessThan(others.report.outputError!);
    const magnitude = await prune(smallNetwork(), { ...options, criterion: 'magnitude' });
    expect(changed(magnitude)).toEqual(changed(others));
  });

  it('second-order by 0 is the identity', async () => {
    const { graph } = await prune(smallNetwork(), { sparsity: 0, samples, criterion: 'second-order' });
    expect(graph).toEqual(prepared(smallNetwork()));
  });

  it('a target is met, by each distribution', async () => {
    for (const distribution of ['uniform', 'erk', 'search'] as const) {
      const dense = (await prune(smallNetwork(), { sparsity: 0 })).report.macs.after;
      const { report } = await prune(smallNetwork(), { targetMacs: 0.7 * dense, distribution, samples });
      expect(report.macs.after, distribution).toBeLessThanOrEqual(0.7 * dense);
      expect(report.macs.after, distribution).toBeGreaterThan(0.5 * dense);
      const impossible = prune(smallNetwork(), { targetMacs: 10, distribution, samples });
      await expect(impossible).rejects.toThrow(/multiply-adds of 10 cannot be reached: the best is \d+/);
    }
  });
});

describeWithData('MobileNetV2', 'models/mobilenet_v2_1.0_224', (folder) => {
  it('keeps its first answers at 30 % zeros from 6 photos', async () => {
    const bytes = new Uint8Array(readFileSync(`${folder}/mobilenet_v2_1.0_224_dequantised.onnx`));
    const graph = importModel(bytes, 'mobilenet_v2');
    const { value, name } = graph.inputs[0];
    const photo = (seed: number) => {
      const { shape } = graph.values.get(value)!;
      const [, , height, width] = shape;
      const [a, b] = [3 + (seed % 5), 2 + (seed % 3)];
      // smooth, as photos are
      const data = Float32Array.from({ length: 3 * height * width }, (_, i) => {
        const [x, y, c] = [i % width, Math.floor(i / width) % height, Math.floor(i / width / height)];
        return Math.sin((a * x) / width + c + seed) * Math.cos((b * y) / height + seed * c);
      });
      return { [name]: new Tensor('float32', shape, data) };
    };
    const samples = Array.from({ length: 6 }, (_, i) => photo(i));
    const seen: string[] = [];
    const { graph: sparse, report } = await prune(graph, {
      sparsity: 0.3,
      samples,
      onProgress: ({ phase, layer }) => void seen.push(`${phase} ${layer}`),
    });
    expect(report.sparsity).toBeCloseTo(0.3, 3);
    // layers after the first pruned one compensate for the loss, too
    const names = report.layers.map(({ name }) => name);
    expect(seen).toEqual(
      names.slice(report.layers.findIndex(({ pattern }) => pattern)).map((name) => `pruning ${name}`),
    );
    expect(report.predictedMs.after).toBeLessThan(report.predictedMs.before);
    // photos that it was not fitted to
    const { outputError } = await import('../../src/prune/measure.ts');
    const others = Array.from({ length: 3 }, (_, i) => photo(20 + i));
    const magnitude = await prune(graph, { sparsity: 0.3, criterion: 'magnitude' });
    const [ours, theirs] = [sparse, magnitude.graph].map((pruned) => outputError(prepared(graph), pruned, others));
    expect(await ours).toBeLessThan(await theirs);
  });
});

describe('layers', () => {
  it('are chosen by role and by name', async () => {
    const graph = smallNetwork();
    const layers = layersOf(prepared(graph));
    const named = async (options: object) => [...(await prune(graph, { sparsity: 0.5, ...options })).masks.keys()];
    const of = (...roles: (string | undefined)[]) =>
      layers.filter(({ exempt }) => roles.includes(exempt)).map(({ name }) => name);
    expect(await named({ include: ['first', 'depthwise', 'head'] })).toEqual(layers.map(({ name }) => name));
    expect(await named({ include: ['depthwise'] })).toEqual(of('depthwise', undefined));
    const [first] = of('first');
    expect(await named({ include: [first], exclude: ['conv2d*'] })).toEqual([]);
    const [, second] = await named({});
    expect(await named({ exclude: [second] })).toEqual((await named({})).filter((name) => name !== second));
  });

  it('can be given a sparsity each', async () => {
    const { masks } = await prune(smallNetwork(), { distribution: new Map([['conv2d2', 0.75]]) });
    expect([...masks.keys()]).toEqual(['conv2d2']);
    expect(sparsityOf(masks.get('conv2d2')!)).toBe(0.75);
  });

  it('can be given masks', async () => {
    const graph = smallNetwork();
    const { masks } = await prune(graph, { sparsity: 0.5, pattern: 'group2' });
    const other = smallNetwork(2);
    const { graph: sparse, masks: applied } = await prune(other, { masks });
    expect(applied).toEqual(masks);
    const dense = prepared(other);
    for (const layer of layersOf(dense)) {
      const mask = masks.get(layer.name);
      const wanted = weightsOf(dense, layer).map((w, i) => (mask?.[i] === 0 ? 0 : w));
      expect(weightsOf(sparse, layer)).toEqual(wanted);
    }
  });
});

describe('invalid options', () => {
  const refused = (options: object) => expect(prune(smallNetwork(), options)).rejects;

  it.each([
    [{}, /give a target: sparsity, targetMs/],
    [{ sparsity: 1 }, /sparsity 1: wanted a number from 0 to below 1/],
    [{ sparsity: -0.1 }, /sparsity -0.1/],
    [{ sparsity: NaN }, /sparsity NaN/],
    [{ sparsity: 0.5, targetMs: 3 }, /sparsity and targetMs are targets: give one of them/],
    [{ targetSpeedup: 0.5 }, /targetSpeedup 0.5: wanted a number above 1/],
    [{ targetMacs: 0 }, /targetMacs 0: wanted a positive number/],
    [{ sparsity: 0.5, pattern: 'group8' }, /unknown pattern "group8"/],
    [{ sparsity: 0.7, pattern: '2:4' }, /2:4 has a sparsity of 0.5: it cannot meet sparsity 0.7/],
    [{ sparsity: 0.5, criterion: 'size' }, /criterion "size": wanted magnitude, random, second-order/],
    [{ sparsity: 0.5, criterion: 'second-order' }, /second-order needs calibration images.*--calibrate/],
    [{ sparsity: 0.5, distribution: 'search' }, /search needs calibration images/],
    [{ sparsity: 0.5, distribution: 'even' }, /distribution "even": wanted uniform, erk, search/],
    [{ sparsity: 0.5, viewsPerImage: 0 }, /viewsPerImage 0: wanted a whole number from 1/],
    [{ sparsity: 0.5, regions: [[]] }, /regions: wanted a list for each of 0 samples, got 1/],
    [{ sparsity: 0.5, seed: 0.5 }, /seed 0.5: wanted a whole number/],
    [{ sparsity: 0.5, exclude: ['conv'] }, /exclude: no layer "conv"; layers with weights are "conv2d0"/],
    [{ sparsity: 0.5, include: ['x*'] }, /include: no layer "x\*"/],
    [{ masks: new Map([['none', new Uint8Array(3)]]) }, /masks: no layer "none"/],
    [{ masks: new Map([['conv2d2', new Uint8Array(3)]]) }, /masks do not fit: "conv2d2" \(32×16×1×1, mask of 3\)/],
  ])('%j', (options, message) => refused(options).toThrow(message));

  it('NaN among weights', async () => {
    const graph = smallNetwork();
    (graph.values.get(graph.nodes[2].inputs[1])!.data as Float32Array)[5] = NaN;
    await expect(prune(graph, { sparsity: 0.5 })).rejects.toThrow(/layer "conv2d2": weight 5 is NaN/);
  });

  it('a signal that was given', async () => {
    await refused({ sparsity: 0.5, signal: AbortSignal.abort(new Error('stop it')) }).toThrow('stop it');
  });
});
