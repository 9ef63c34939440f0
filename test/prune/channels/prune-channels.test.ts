import { describe, expect, it } from 'vitest';
import { importModel } from '../../../src/compile.ts';
import type { Graph } from '../../../src/graph/graph.ts';
import { batchNormScales } from '../../../src/prune/channels/batch-norm.ts';
import { foldConstantChannels } from '../../../src/prune/channels/constants.ts';
import { eliminate } from '../../../src/prune/channels/elimination.ts';
import { magnitude } from '../../../src/prune/criteria/magnitude.ts';
import { removeChannels } from '../../../src/prune/channels/remove.ts';
import { keptCount } from '../../../src/prune/channels/shares.ts';
import { channelSpaces } from '../../../src/prune/channels/spaces.ts';
import { biasOf, layersOf, setBias, setWeights, weightsOf } from '../../../src/prune/layers.ts';
import { hasPattern } from '../../../src/prune/patterns/masks.ts';
import { blocksOf, patternNamed } from '../../../src/prune/patterns/patterns.ts';
import { prepared } from '../../../src/prune/prepare.ts';
import { prune } from '../../../src/prune/prune.ts';
import { permuteChannels } from '../../../src/prune/channels/permute.ts';
import { RandomNumbers } from '../../../src/prune/random-numbers.ts';
import { cloneGraph, expectSameResults, GraphBuilder, inputsOf } from '../../graphs.ts';
import { OnnxBuilder } from '../../import/onnx/model.ts';
import { smallNetwork as builtNetwork } from './networks.ts';

const relu = { fn: 'clamp', alpha: 0, beta: Infinity } as const;
const weightCount = (graph: Graph) => layersOf(graph).reduce((sum, { rows, columns }) => sum + rows * columns, 0);
const samplesOf = (graph: Graph, count: number) => Array.from({ length: count }, (_, i) => inputsOf(graph, i + 1));

/** Convolutions with a depthwise one, a residual and a concatenation; pointwise ones read the removed channels. */
function network(seed = 1): Graph {
  const b = new GraphBuilder(seed);
  const stem = b.conv2d(b.input([1, 3, 8, 8]), 8, 3, { activation: relu });
  const wide = b.conv2d(stem, 24, 1, { activation: relu });
  const narrow = b.conv2d(b.conv2d(wide, 24, 3, { groups: 24, activation: relu }), 8, 1);
  const sum = b.node('binary', { fn: 'add' }, narrow, stem);
  const left = b.conv2d(sum, 12, 1, { activation: relu });
  const right = b.conv2d(sum, 16, 3, { activation: relu });
  return prepared(b.finish(b.conv2d(b.node('concat', { axis: 1 }, left, right), 5, 1)));
}

/** Makes rows of a layer zero, with this bias. */
function level(graph: Graph, name: string, rows: readonly number[], bias: number): void {
  const layer = layersOf(graph).find((candidate) => candidate.name === name)!;
  const weights = weightsOf(graph, layer).slice();
  const biases = biasOf(graph, layer)!.slice();
  for (const row of rows) {
    weights.fill(0, row * layer.columns, (row + 1) * layer.columns);
    biases[row] = bias;
  }
  setWeights(graph, layer, weights);
  setBias(graph, layer, biases);
}

describe('pruning by channels', () => {
  const criteria = ['magnitude', 'random', 'second-order'] as const;

  it.each(criteria)('by %s removes as much as was asked for, for real', async (criterion) => {
    const graph = network();
    const before = cloneGraph(graph);
    const samples = criterion === 'second-order' ? samplesOf(graph, 4) : [];
    const options = { pattern: 'channel', criterion, sparsity: 0.5, samples };
    const { graph: smaller, report, masks } = await prune(graph, options);
    expect(graph).toEqual(before);
    expect(masks.size).toBe(0);
    expect(report.sparsity).toBeGreaterThanOrEqual(0.5);
    expect(report.sparsity).toBeLessThan(0.8);
    expect(weightCount(smaller)).toBeLessThan(0.55 * weightCount(graph));
    for (const { name, size, fixed } of channelSpaces(smaller)) {
      expect(fixed === undefined ? size % 4 : 0, name).toBe(0);
    }
    const shapes = new Map(report.layers.map(({ name, shape }) => [name, shape]));
    for (const { name, shape } of layersOf(smaller)) expect(shapes.get(name)!.after).toEqual(shape);
    expect((await prune(graph, options)).graph).toEqual(smaller);
  });

  it('by 0 is the identity', async () => {
    const graph = network();
    const { graph: same, report } = await prune(graph, { pattern: 'channel', sparsity: 0 });
    expect(same).toEqual(prepared(graph));
    expect(report.sparsity).toBe(0);
  });

  it('removes channels that are zero first, and leaves the results', async () => {
    const graph = network();
    const { space } = (await magnitude.rank(graph, channelSpaces(graph)))[1];
    const dead = [1, 2, 3, 5, 8, 13, 20, 21];
    for (const { layer } of [...space.producers, ...space.depthwise]) level(graph, layer, dead, 0);
    const ranking = (await magnitude.rank(graph, channelSpaces(graph)))[1];
    expect(ranking.order.slice(0, 8).toSorted((a, b) => a - b)).toEqual(dead);
    expectSameResults(removeChannels(graph, new Map([[space.name, dead]])), graph, 0);
  });

  it('folds channels that are constant into biases, through activations and depthwise layers', async () => {
    const graph = network();
    const name = layersOf(graph)[1].name;
    const depthwise = layersOf(graph).find(({ kind }) => kind === 'depthwise')!.name;
    level(graph, name, [4, 9], 0); // zero, padded, then a bias of its own
    level(graph, name, [17], -2); // zero after the activation
    const removed = new Map([[name, [4, 9, 17]]]);
    const plain = removeChannels(graph, removed);
    const folded = removeChannels(foldConstantChannels(graph, removed), removed);
    expect(() => expectSameResults(plain, graph, 1e-3)).toThrow();
    expectSameResults(folded, graph, 2e-6); // biases are rounded once more
    // and so does prune, by itself
    expect(depthwise).toBeDefined();
    const left = layersOf(graph).at(-3)!.name;
    level(graph, left, [0, 1, 2, 3], 3);
    const gone = new Map([[left, [0, 1, 2, 3]]]);
    expectSameResults(removeChannels(foldConstantChannels(graph, gone), gone), graph, 2e-6);
  });

  it('compensates for removed channels with the others', async () => {
    const graph = network(7);
    const samples = samplesOf(graph, 6);
    const error = async (criterion: 'magnitude' | 'random' | 'second-order') => {
      const { report } = await prune(graph, { pattern: 'channel', criterion, sparsity: 0.6, samples });
      return report.outputError!;
    };
    const [random, magnitude, secondOrder] = [
      await error('random'),
      await error('magnitude'),
      await error('second-order'),
    ];
    expect(secondOrder).toBeLessThan(magnitude);
    expect(secondOrder).toBeLessThan(random);
  });

  it.each(['magnitude', 'second-order'] as const)('searched by %s meets budgets of all kinds', async (criterion) => {
    const graph = network(3);
    const samples = samplesOf(graph, 4);
    const options = { pattern: 'channel', criterion, distribution: 'search', samples } as const;
    const { report } = await prune(graph, { ...options, targetSpeedup: 1.2 });
    expect(report.predictedMs.before / report.predictedMs.after).toBeGreaterThanOrEqual(1.2);
    const { macs } = (await prune(graph, { ...options, targetMacs: 30000 })).report;
    expect(macs.after).toBeLessThanOrEqual(30000);
    expect((await prune(graph, { ...options, sparsity: 0.4 })).report.sparsity).toBeGreaterThanOrEqual(0.4);
    await expect(prune(graph, { ...options, targetMacs: 10 })).rejects.toThrow(
      /multiply-adds of 10 cannot be reached: the best is \d+, with almost no channels left/,
    );
  });

  it('leaves all channels of first layers, heads and excluded layers', async () => {
    const graph = network();
    const [stem, wide] = layersOf(graph).map(({ name }) => name);
    const run = async (options: object) => {
      const { graph: smaller } = await prune(graph, {
        pattern: 'channel',
        sparsity: 0.3,
        channelMultiple: 1,
        ...options,
      });
      return new Map(layersOf(smaller).map(({ name, rows }) => [name, rows]));
    };
    expect((await run({ exclude: [wide] })).get(wide)).toBe(24);
    expect((await run({})).get(wide)).toBeLessThan(24);
    expect((await run({})).get(layersOf(graph).at(-1)!.name)).toBe(5);
    expect((await run({ distribution: new Map([[wide, 0.5]]), sparsity: undefined })).get(wide)).toBe(12);
    expect(stem).toBeDefined();
  });

  it('says what is wrong', async () => {
    const graph = network();
    const failing = (options: object) => expect(prune(graph, { sparsity: 0.5, ...options })).rejects;
    await failing({ pattern: 'channel', channelMultiple: 0 }).toThrow('channels in multiples of 0');
    await failing({ criterion: 'batch-norm' }).toThrow('use the pattern channel');
    await failing({ pattern: 'channel', criterion: 'second-order' }).toThrow('calibration images');
    await failing({ pattern: 'channel', sparsity: 0.9999 }).toThrow(/cannot be reached: the best is 0\.\d+/);
  });
});

describe('networks as built', () => {
  it.each(['mobilenet-v3-small', 'yolox-nano', 'yolov8n'] as const)('%s loses channels', async (name) => {
    const graph = builtNetwork(name);
    const { report } = await prune(graph, {
      pattern: 'channel',
      criterion: 'magnitude',
      sparsity: 0.3,
      channelMultiple: 1,
    });
    expect(report.sparsity).toBeGreaterThanOrEqual(0.3);
    expect(report.macs.after).toBeLessThan(0.9 * report.macs.before);
  });
});

describe('counts', () => {
  it.each([
    [64, 0.5, 4, 32],
    [64, 0.49, 4, 32],
    [30, 0.5, 4, 16],
    [30, 0, 4, 30],
    [64, 0.999, 4, 4],
    [3, 0.5, 4, 2],
    [3, 0.99, 4, 1],
    [10, 0.01, 8, 8],
  ])('of %i channels, %f gone, in multiples of %i: %i', (size, share, multiple, kept) => {
    expect(keptCount(size, share, multiple)).toBe(kept);
  });
});

describe('elimination', () => {
  /** Solves A x = b by Gauss–Jordan. */
  function solve(a: number[][], b: number[]): number[] {
    const m = a.map((row, i) => [...row, b[i]]);
    for (let i = 0; i < m.length; i++) {
      const pivot = m.slice(i).reduce((best, row, k) => (Math.abs(row[i]) > Math.abs(m[best][i]) ? i + k : best), i);
      [m[i], m[pivot]] = [m[pivot], m[i]];
      for (let r = 0; r < m.length; r++) {
        if (r === i) continue;
        const factor = m[r][i] / m[i][i];
        for (let c = i; c <= m.length; c++) m[r][c] -= factor * m[i][c];
      }
    }
    return m.map((row, i) => row[m.length] / row[i]);
  }

  it('adds up to the error of the layers refitted without the channels', () => {
    const random = new RandomNumbers(4);
    const [count, taps, rows] = [6, 2, 3];
    const n = count * taps;
    const x = Array.from({ length: 40 }, () => Array.from({ length: n }, () => random.normal()));
    const h = Array.from({ length: n }, (_, i) =>
      Array.from({ length: n }, (_, j) => x.reduce((s, r) => s + r[i] * r[j], 0)),
    );
    const columns = Array.from({ length: n }, (_, i) =>
      solve(
        h,
        h.map((_, k) => Number(k === i)),
      ),
    );
    const weights = Float64Array.from({ length: rows * n }, () => random.normal());
    const inverse = Float64Array.from({ length: n * n }, (_, i) => columns[i % n][Math.floor(i / n)]);
    const reader = {
      rows,
      n,
      weights: weights.slice(),
      inverse,
      scale: 1,
      columns: Array.from({ length: count }, (_, c) => Int32Array.of(2 * c, 2 * c + 1)),
    };
    const errorWithout = (gone: readonly number[]): number => {
      const kept = Array.from({ length: n }, (_, i) => i).filter((i) => !gone.includes(i >> 1));
      let error = 0;
      for (let r = 0; r < rows; r++) {
        const w = weights.subarray(r * n, (r + 1) * n);
        const target = kept.map((i) => h[i].reduce((s, v, k) => s + v * w[k], 0));
        const fitted = solve(
          kept.map((i) => kept.map((k) => h[i][k])),
          target,
        );
        const rest = Float64Array.from(w);
        kept.forEach((i, k) => (rest[i] -= fitted[k]));
        for (let i = 0; i < n; i++) for (let k = 0; k < n; k++) error += rest[i] * h[i][k] * rest[k];
      }
      return error;
    };
    const { order, errors } = eliminate([reader], count);
    expect(new Set(order).size).toBe(count - 1);
    order.forEach((_, k) => expect(errors[k]).toBeCloseTo(errorWithout(order.slice(0, k + 1)), 6));
    // the first one to go is the one that costs least
    const alone = Array.from({ length: count }, (_, c) => errorWithout([c]));
    expect(alone[order[0]]).toBe(Math.min(...alone));
  });
});

describe('batch norms', () => {
  /** A convolution, a batch norm, another convolution. */
  function model(gamma: readonly number[]): Uint8Array {
    const m = new OnnxBuilder(15);
    const x = m.node('Conv', [m.input([1, 3, 4, 4]), m.floats([8, 3, 1, 1])]);
    const ones = m.floats(
      [8],
      Float32Array.from({ length: 8 }, () => 1),
    );
    const y = m.node('BatchNormalization', [
      x,
      m.floats([8], Float32Array.from(gamma)),
      m.floats([8]),
      m.floats([8]),
      ones,
    ]);
    const z = m.node('Conv', [m.node('Relu', [y]), m.floats([8, 8, 1, 1])]);
    m.output(m.node('Conv', [m.node('Relu', [z]), m.floats([2, 8, 1, 1])]));
    return m.bytesOfModel();
  }
  const gamma = [0.5, -3, 0.01, 2, -0.02, 1, 4, 0.3];

  it('tell their scales, and which channels go', async () => {
    const graph = importModel(model(gamma), 'model.onnx');
    const scales = batchNormScales(graph);
    const [first, second] = layersOf(prepared(graph)).map(({ name }) => name);
    expect([...scales.keys()]).toEqual([first]);
    expect(scales.get(first)).toEqual(Float32Array.from(gamma));
    const { graph: smaller, report } = await prune(graph, {
      pattern: 'channel',
      criterion: 'batch-norm',
      include: ['first'],
      distribution: new Map([
        [first, 0.5],
        [second, 0.5],
      ]),
      sparsity: undefined,
    });
    const dense = prepared(graph);
    const kept = [1, 3, 5, 6].map((row) => weightsOf(dense, { name: first }).subarray(3 * row, 3 * row + 3));
    expect(weightsOf(smaller, { name: first })).toEqual(Float32Array.from(kept.flatMap((row) => [...row])));
    expect(report.notes.join('\n')).toContain(`${second}: no batch norm after its layers`);
  });
});

describe('prune with rearrange', () => {
  it('gives masks of the network that it gives', async () => {
    const graph = builtNetwork('mobilenet-v2');
    const options = { pattern: 'group4', criterion: 'magnitude', sparsity: 0.6 } as const;
    const plain = await prune(graph, options);
    const { graph: sparse, masks, permutations, report } = await prune(graph, { ...options, rearrange: true });
    expect(permutations!.size).toBeGreaterThan(5);
    const dense = permuteChannels(prepared(graph), permutations!);
    for (const layer of layersOf(sparse)) {
      const mask = masks.get(layer.name);
      if (!mask) continue;
      expect(hasPattern(mask, blocksOf(patternNamed('group4'), layer).blocks)).toBe(true);
      const before = weightsOf(dense, layer);
      expect(weightsOf(sparse, layer)).toEqual(before.map((w, i) => (mask[i] === 1 ? w : 0)));
    }
    expect(report.notes[0]).toMatch(/^rearranged: \d+ sets of channels, groups keep/);
    expect(plain.permutations).toBeUndefined();
    const energy = (g: Graph) =>
      layersOf(g).reduce((sum, l) => sum + weightsOf(g, l).reduce((s, w) => s + w * w, 0), 0);
    expect(energy(sparse)).toBeGreaterThan(energy(plain.graph));
    const again = await prune(sparse, { masks, criterion: 'magnitude' });
    for (const layer of layersOf(sparse)) expect(weightsOf(again.graph, layer)).toEqual(weightsOf(sparse, layer));
    await expect(prune(graph, { masks, rearrange: true })).rejects.toThrow('give either masks or rearrange');
  });

  it('weighs weights by calibration images where there are some', async () => {
    const graph = network();
    const options = { pattern: 'group2', criterion: 'magnitude', sparsity: 0.5, rearrange: true } as const;
    const { report, permutations } = await prune(graph, { ...options, samples: samplesOf(graph, 3) });
    expect(permutations!.size).toBeGreaterThan(0);
    expect(report.outputError).toBeGreaterThan(0);
  });
});
