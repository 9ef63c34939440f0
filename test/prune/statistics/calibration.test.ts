import { describe, expect, it } from 'vitest';
import { evaluate } from '../../../src/graph/evaluate.ts';
import type { Graph } from '../../../src/graph/graph.ts';
import { nodeOf as nodeNamed } from '../../../src/prune/layers.ts';
import type { CalibrationOptions } from '../../../src/prune/statistics/calibration.ts';
import { Calibrator } from '../../../src/prune/statistics/calibration.ts';
import type { Layer } from '../../../src/prune/layers.ts';
import { layersOf, setWeights, weightsOf } from '../../../src/prune/layers.ts';
import { cloneGraph } from '../../../src/graph/clone.ts';
import type { Conv2dAttributes } from '../../../src/ops/convolution.ts';
import type { DenseTensor } from '../../../src/ops/operator.ts';
import { Tensor } from '../../../src/tensor.ts';
import { GraphBuilder, inputsOf } from '../../graphs.ts';

/** Convolutions of all kinds, one after the other, a residual and a linear layer. */
function network(): Graph {
  const b = new GraphBuilder(5);
  const x = b.input([1, 9, 7, 3], {});
  const nchw = b.node('transpose', { permutation: [0, 3, 1, 2] }, x);
  const relu = { activation: { fn: 'clamp', alpha: 0, beta: 6 } } as const;
  const stem = b.conv2d(nchw, 8, 3, { stride: [2, 2], pads: [0, 0, 1, 1], ...relu });
  const wide = b.conv2d(stem, 12, 1, relu);
  const depthwise = b.conv2d(wide, 12, 3, { groups: 12, ...relu });
  const grouped = b.conv2d(depthwise, 8, 3, { groups: 4, dilation: [2, 2], pads: [2, 2, 2, 2] });
  const sum = b.node('binary', { fn: 'add' }, grouped, stem);
  const mean = b.node('reduce', { fn: 'mean', axes: [2, 3], keepDims: false }, sum);
  const logits = b.node('linear', {}, mean, b.constant([5, 8]), b.constant([5]));
  return b.finish(logits);
}

const samples = (graph: Graph, count: number) => Array.from({ length: count }, (_, i) => inputsOf(graph, i + 1));

/** Every column that a layer reads in one run, of one group, by the plainest loops. */
function columnsOf(graph: Graph, layer: Layer, sample: ReturnType<typeof inputsOf>, group: number): number[][] {
  const intermediates = new Map<string, DenseTensor>();
  evaluate(graph, sample, { intermediates });
  const node = nodeNamed(graph, layer);
  const x = intermediates.get(node.inputs[0])!;
  if (node.op === 'linear') return [[...x.data]];
  const { stride, dilation, pads } = node.attributes as Conv2dAttributes;
  const [, channels, height, width] = x.shape;
  const [, , h, w] = graph.values.get(node.outputs[0])!.shape;
  const [, perGroup, kh, kw] = layer.shape;
  expect(perGroup * layer.groups).toBe(channels);
  const columns: number[][] = [];
  for (let oy = 0; oy < h; oy++) {
    for (let ox = 0; ox < w; ox++) {
      const column: number[] = [];
      for (let c = group * perGroup; c < (group + 1) * perGroup; c++) {
        for (let ky = 0; ky < kh; ky++) {
          for (let kx = 0; kx < kw; kx++) {
            const y = oy * stride[0] - pads[0] + ky * dilation[0];
            const z = ox * stride[1] - pads[1] + kx * dilation[1];
            const inside = y >= 0 && y < height && z >= 0 && z < width;
            column.push(inside ? x.data[(c * height + y) * width + z] : 0);
          }
        }
      }
      columns.push(column);
    }
  }
  return columns;
}

/** Mean of a bᵀ. */
function moment(a: number[][], b: number[][]): number[] {
  return a[0].flatMap((_, i) => b[0].map((__, j) => a.reduce((sum, x, s) => sum + x[i] * b[s][j], 0) / a.length));
}

const mean = (a: number[][]) => a[0].map((_, i) => a.reduce((sum, x) => sum + x[i], 0) / a.length);

function expectClose(found: ArrayLike<number>, wanted: number[]): void {
  expect(found.length).toBe(wanted.length);
  const largest = Math.max(...wanted.map(Math.abs));
  const error = Math.max(...wanted.map((v, i) => Math.abs(v - found[i])));
  expect(error).toBeLessThanOrEqual(1e-5 * largest); // activations and blocks of sums are f32
}

/** The same network, its pointwise layer of half its weights. */
function halved(graph: Graph): Graph {
  const other = cloneGraph(graph);
  const [, pointwise] = layersOf(other);
  setWeights(
    other,
    pointwise,
    weightsOf(other, pointwise).map((w, i) => (i % 2 ? w : 0)),
  );
  return other;
}

describe('Calibrator', () => {
  it("gives the moments of each layer's inputs in both networks", async () => {
    const graph = network();
    const pruned = halved(graph);
    const images = samples(graph, 3);
    const calibrator = await Calibrator.open(graph, images, { pixels: 1000 });
    const layers = layersOf(graph);
    expect(layers.map(({ kind }) => kind)).toEqual(['convolution', 'pointwise', 'depthwise', 'grouped', 'linear']);
    for (const layer of layers) {
      const { groups } = await calibrator.statistics(layer, pruned);
      expect(groups.length).toBe(layer.groups);
      for (const [g, found] of groups.entries()) {
        const [x, y] = [graph, pruned].map((of) => images.flatMap((image) => columnsOf(of, layer, image, g)));
        expect(found.count).toBe(x.length);
        expectClose(found.dense, moment(x, x));
        expectClose(found.gram, moment(y, y));
        expectClose(found.cross, moment(x, y));
        expectClose(found.mean, mean(y));
        expectClose(found.denseMean, mean(x));
      }
    }
    calibrator.dispose();
  });

  it('gives the same whatever was asked for before, and of all layers at once', async () => {
    const graph = network();
    const pruned = halved(graph);
    const layers = layersOf(graph);
    const open = () => Calibrator.open(graph, samples(graph, 4), { pixels: 5, seed: 3 });
    const calibrator = await open();
    const forwards = await Promise.all(layers.map((layer) => calibrator.statistics(layer, pruned)));
    const backwards = [];
    for (const layer of layers.toReversed()) backwards.unshift(await calibrator.statistics(layer, pruned));
    expect(backwards).toEqual(forwards);
    const dense = await Promise.all(layers.map((layer) => calibrator.statistics(layer)));
    expect(dense).not.toEqual(forwards);
    const all = await calibrator.statisticsOfAll(layers);
    expect([...all.keys()]).toEqual(layers.map(({ name }) => name));
    expect([...all.values()]).toEqual(dense);
    const again = await open();
    expect(await again.statistics(layers[3], pruned)).toEqual(forwards[3]);
  });

  it('looks at other pixels with another seed, and at no more than asked for', async () => {
    const graph = network();
    const [, layer] = layersOf(graph);
    const of = async (seed: number) => {
      const calibrator = await Calibrator.open(graph, samples(graph, 2), { pixels: 3, seed });
      return (await calibrator.statistics(layer)).groups[0];
    };
    const [a, b] = [await of(1), await of(2)];
    expect(a.count).toBe(6);
    expect(a.mean).not.toEqual(b.mean);
  });

  /** One pointwise layer that reads pictures of 1 × 1 × 10 × 10: `left` in their left half, `right` in the other. */
  const halves = async (pictures: readonly (readonly [left: number, right: number])[], options: CalibrationOptions) => {
    const b = new GraphBuilder(1);
    const graph = b.finish(b.conv2d(b.input([1, 1, 10, 10]), 2, 1));
    const images = pictures.map(([left, right]) => {
      const data = Float32Array.from({ length: 100 }, (_, i) => (i % 10 < 5 ? left : right));
      return { input0: new Tensor('float32', [1, 1, 10, 10], data) };
    });
    const calibrator = await Calibrator.open(graph, images, options);
    const [layer] = layersOf(graph);
    return (await calibrator.statistics(layer)).groups[0];
  };

  it('looks at regions above all', async () => {
    const pixels = 20;
    const pictures = [1, 2].map(() => [3, 8] as const);
    const left = { left: 0, top: 0, right: 0.5, bottom: 1 };
    const right = { left: 0.5, top: 0, right: 1, bottom: 1 };
    const mean = async (regions: CalibrationOptions['regions']) =>
      (await halves(pictures, { pixels, regions })).mean[0];
    expect(await mean([[left], [left]])).toBeCloseTo(0.8 * 3 + 0.2 * 8, 6);
    expect(await mean([[right], [right]])).toBeCloseTo(0.2 * 3 + 0.8 * 8, 6);
    expect(await mean([[left], [right]])).toBeCloseTo(5.5, 6);
    expect(await mean([[], []])).toBe(await mean(undefined));
  });

  it('holds out every fourth image with all its views', async () => {
    const numbers = Array.from({ length: 16 }, (_, i) => [i, i] as const);
    const held = async (viewsPerImage: number) => (await halves(numbers, { viewsPerImage })).held?.mean[0];
    expect(await held(1)).toBeCloseTo((3 + 7 + 11 + 15) / 4, 5);
    expect(await held(2)).toBeCloseTo((6 + 7 + 14 + 15) / 4, 5);
    expect(await held(4)).toBeUndefined(); // four images are too few
  });

  it('is not affected by later changes of its graph', async () => {
    const graph = network();
    const layers = layersOf(graph);
    const calibrator = await Calibrator.open(graph, samples(graph, 2));
    const before = await calibrator.statistics(layers[2]);
    setWeights(
      graph,
      layers[1],
      weightsOf(graph, layers[1]).map(() => 0),
    );
    const { groups } = await calibrator.statistics(layers[2], graph);
    expect(groups.map(({ dense }) => dense)).toEqual(before.groups.map(({ dense }) => dense));
    expect(groups[0].gram).not.toEqual(before.groups[0].gram);
  });

  it('names the layer and the image of activations that are not finite', async () => {
    const graph = network();
    const images = samples(graph, 2);
    (images[1].input0.data as Float32Array)[3] = NaN;
    const calibrator = await Calibrator.open(graph, images);
    const [first] = layersOf(graph);
    await expect(calibrator.statistics(first)).rejects.toThrow(
      `test: layer "${first.name}" reads numbers that are not finite on calibration image 2`,
    );
  });

  it('wants samples that fit', async () => {
    const graph = network();
    await expect(Calibrator.open(graph, [])).rejects.toThrow('no calibration images');
    await expect(Calibrator.open(graph, samples(graph, 1), { pixels: 0 })).rejects.toThrow('pixels');
    await expect(Calibrator.open(graph, samples(graph, 1), { viewsPerImage: 1.5 })).rejects.toThrow('viewsPerImage');
    await expect(Calibrator.open(graph, samples(graph, 1), { regions: [] })).rejects.toThrow('regions');
    const [layer] = layersOf(graph);
    const calibrator = await Calibrator.open(graph, [{ photo: inputsOf(graph).input0 }]);
    await expect(calibrator.statistics(layer)).rejects.toThrow('no input is named "photo"; inputs are "input0"');
    const disposed = await Calibrator.open(graph, samples(graph, 1));
    disposed.dispose();
    disposed.dispose();
    await expect(disposed.statistics(layer)).rejects.toThrow('used after dispose()');
  });
});
