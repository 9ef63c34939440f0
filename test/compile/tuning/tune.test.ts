import { describe, expect, it } from 'vitest';
import { readArtifact } from '../../../src/artifact/read.ts';
import { fitCosts } from '../../../src/compile/tuning/fit.ts';
import { compileModel, parseCostModel, tuneModel } from '../../../src/compile.ts';
import type { Tuning } from '../../../src/compile.ts';
import { defaultCostModel, predict, predictLayers } from '../../../src/lower/cost.ts';
import { measurePeak } from '../../../src/compile/tuning/peak.ts';
import { chooseCandidates } from '../../../src/compile/tuning/tune.ts';
import { loadModel } from '../../../src/runtime/load.ts';
import { Tensor } from '../../../src/tensor.ts';
import { sparseModel } from '../../cli/tflite-model.ts';
import { ModelBuilder } from '../../import/tflite/model.ts';
import { relativeError } from '../../kernels/wasm.ts';

const x = new Tensor(
  'float32',
  [1, 4, 4, 8],
  Float32Array.from({ length: 128 }, (_, i) => Math.sin(i + 1)),
);

describe('a tuned model', () => {
  it('runs with the encodings that its metadata names, and gives the results of the untuned one', async () => {
    const tuned = await tuneModel(sparseModel(), { seconds: 0.01, build: 'simd', device: 'a desk' });
    const program = readArtifact(tuned, 'tuned');
    const { layers, ...tuning } = program.metadata.tuning as Tuning;
    expect(tuning).toMatchObject({ build: 'simd', device: 'a desk' });
    expect(tuning.rounds).toBeGreaterThanOrEqual(1);
    expect(layers).toHaveLength(1);
    const [{ kernel, predicted, ms }] = layers;
    expect(Object.keys(ms)).toContain(kernel);
    expect(Object.keys(ms)).toContain(predicted);
    expect(program.steps.map((step) => step.kernel)).toEqual([kernel]);
    const models = [
      await loadModel(tuned, { build: 'simd' }),
      await loadModel(compileModel(sparseModel()), { build: 'simd' }),
    ];
    const [y, expected] = await Promise.all(
      models.map(async (model) => (await model.run({ x })).y.data as Float32Array),
    );
    // sums in another order
    expect(relativeError(y, expected)).toBeLessThan(1e-6);
  });

  it('is refused without time to measure, and without weights', async () => {
    for (const seconds of [0, -1, NaN, Infinity]) {
      await expect(tuneModel(sparseModel(), { seconds })).rejects.toMatchObject({ code: 'invalid-argument' });
    }
    const model = new ModelBuilder();
    const input = model.input('x', [1, 4, 4, 8]);
    model.output('y', 'RELU', [input], [[1, 4, 4, 8]]);
    await expect(tuneModel(model.bytes(), { name: 'relu' })).rejects.toThrow(/has no layers with weights/);
  });
});

it('equal layers get one choice, and times within noise follow the cost model', () => {
  const layer = (name: string, workloadKey: string, a: number, b: number) => ({
    name,
    workloadKey,
    candidates: [
      { name: 'a', ms: 1, isDense: true, measuredMs: a, medianMs: a },
      { name: 'b', ms: 2, isDense: false, measuredMs: b, medianMs: b },
    ],
  });
  const layers = [
    layer('one', 'p', 1, 1.1),
    layer('two', 'p', 1.2, 1),
    layer('three', 'q', 1.01, 1),
    layer('four', 'r', 2, 1),
  ];
  expect(Object.fromEntries(chooseCandidates(layers))).toEqual({ one: 'b', two: 'b', three: 'a', four: 'b' });
});

describe('the cost model', () => {
  it('chooses the same each time', () => {
    expect(compileModel(sparseModel())).toEqual(compileModel(sparseModel()));
  });

  it('predicts every layer, and twice the peak halves it', () => {
    const program = readArtifact(compileModel(sparseModel()), 'model');
    const [ms] = predictLayers(program);
    expect(ms).toBeGreaterThan(0);
    expect(predictLayers(program, { ...defaultCostModel, peak: 2 * defaultCostModel.peak })[0]).toBeCloseTo(ms / 2, 12);
  });

  it('is found again from the times that it predicts', () => {
    const costs = { a: { group: 20, position: 4, vector: 1 }, other: {} };
    const model = { peak: 50, l1Bytes: 1, cacheBytes: 1, costs };
    const observations = Array.from({ length: 40 }, (_, i) => {
      const work = [
        { kernel: 'a', count: 'group', times: 1000 * (1 + (i % 5)) },
        { kernel: 'a', count: 'position', times: 1000 * (1 + ((i * 7) % 11)) },
        { kernel: 'a', count: 'vector', times: 9000 * (1 + ((i * 3) % 13)) },
      ];
      return { work, ms: predict(work, model) };
    });
    const fitted = fitCosts(observations, 50).a;
    for (const [count, cost] of Object.entries(costs.a)) expect(fitted[count]).toBeCloseTo(cost, 1);
  });

  it('survives a round trip, and errors name the wrong entry', () => {
    expect(parseCostModel(JSON.stringify(defaultCostModel), 'a.json')).toEqual(defaultCostModel);
    for (const [text, what] of [
      ['{', /^a\.json: not JSON/],
      ['[]', /not a cost model/],
      ['{"peak":0,"l1Bytes":1,"cacheBytes":1}', /peak must be/],
      ['{"peak":1,"l1Bytes":1,"cacheBytes":1,"costs":{}}', /costs\.other is missing/],
      ['{"peak":1,"l1Bytes":1,"cacheBytes":1,"costs":{"other":{"step":-1}}}', /costs\.other\.step must be/],
    ] as const) {
      expect(() => parseCostModel(text, 'a.json')).toThrow(what);
    }
  });
});

it("measures the machine's peak", async () => {
  const gflops = await measurePeak();
  expect(Number.isFinite(gflops) && gflops > 0).toBe(true);
});
