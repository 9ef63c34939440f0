import { describe, expect, it } from 'vitest';
import { FiligreeError } from '../../../src/errors.ts';
import { writeArtifact } from '../../../src/artifact/write.ts';
import { defaultCostModel } from '../../../src/lower/cost.ts';
import { lowerGraph } from '../../../src/compile/lower-graph.ts';
import { loadModel } from '../../../src/runtime/load.ts';
import { essentialSparsity, kneeOf } from '../../../src/prune/distribution/essential.ts';
import type { EssentialOptions } from '../../../src/prune/distribution/essential.ts';
import { prepared } from '../../../src/prune/prepare.ts';
import { stitched } from '../../../src/prune/distribution/search/stitch.ts';
import { smallNetwork, smallSamples } from '../networks.ts';
import { byMagnitude, prunable } from './search/pruned.ts';

const graph = prepared(smallNetwork());
const layers = prunable(graph);
const samples = smallSamples(4);
const essential = (options: Partial<EssentialOptions> = {}) =>
  essentialSparsity(graph, layers, { make: byMagnitude(graph), samples, ...options });

describe('essentialSparsity', () => {
  it('gives the error of the network at each sparsity, and of each layer', async () => {
    const { points, knee, layers: own } = await essential();
    expect(points.map(({ sparsity }) => sparsity)).toEqual(Array.from({ length: 20 }, (_, i) => i / 20));
    expect(points[0].error).toBe(0);
    expect(points.slice(1).every(({ error }) => error > 0)).toBe(true);
    expect(points.some(({ sparsity }) => sparsity === knee)).toBe(true);
    expect(own!.map(({ name }) => name)).toEqual(layers.map(({ name }) => name));
    own!.forEach(({ errors }) => expect(errors).toEqual(points.map(({ sparsity }) => sparsity ** 2)));

    const at = points.find(({ sparsity }) => sparsity === 0.5)!;
    const weights = new Map(
      await Promise.all(
        layers.map(async (layer) => [layer.name, (await byMagnitude(graph)(layer, [0.5], graph))[0]] as const),
      ),
    );
    const pruned = await loadModel(writeArtifact(lowerGraph(stitched(graph, weights), defaultCostModel)));
    const dense = await loadModel(writeArtifact(lowerGraph(graph, defaultCostModel)));
    let mean = 0;
    for (const sample of samples) {
      const [[y], [x]] = await Promise.all(
        [dense, pruned].map(async (model) => Object.values(await model.run(sample))),
      );
      const [a, b] = [y.data as Float32Array, x.data as Float32Array];
      const error = a.reduce((sum, v, i) => sum + (v - b[i]) ** 2, 0) / a.reduce((sum, v) => sum + v * v, 0);
      mean += error / samples.length;
    }
    expect(at.error / mean).toBeCloseTo(1, 9);
    for (const model of [pruned, dense]) model.dispose();
  });

  it.each<[Partial<EssentialOptions>, RegExp]>([
    [{ sparsities: [0.1, 0.5, 0.9] }, /increasing from 0 on/],
    [{ sparsities: [0, 0.9] }, /3 to 255 numbers/],
    [{ sparsities: [0, 0.5, 1] }, /below 1/],
    [{ samples: [] }, /needs calibration images/],
  ])('refuses %j', async (options, message) => {
    await expect(essential(options)).rejects.toThrow(message);
    await expect(essential(options)).rejects.toBeInstanceOf(FiligreeError);
  });
});

describe('kneeOf', () => {
  const curve = (errorAt: (s: number) => number) =>
    Array.from({ length: 20 }, (_, i) => ({ sparsity: i / 20, error: errorAt(i / 20) }));

  it('is where a flat curve begins to rise', () => {
    expect(kneeOf(curve((s) => (s <= 0.6 ? 1e-4 * s : ((s - 0.6) / 0.35) ** 2)))).toBeCloseTo(0.6, 9);
  });

  it('is not moved by how bad it becomes in the end', () => {
    const errors = (end: number) => curve((s) => (s < 0.7 ? 0.01 * s : s < 0.9 ? 25 * (s - 0.7) ** 2 + 0.01 : end));
    expect(kneeOf(errors(1))).toBe(kneeOf(errors(1e9)));
    expect(kneeOf(errors(NaN))).toBe(kneeOf(errors(1)));
  });

  it('is none where a curve has no bend', () => {
    expect(kneeOf(curve((s) => s ** 2))).toBeCloseTo(0, 9);
    expect(kneeOf(curve(() => 0))).toBeGreaterThan(0);
  });
});
