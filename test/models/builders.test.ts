// Networks as published in size and structure, and small ones of each kind run against the reference.
import { readFileSync } from 'node:fs';
import v8 from 'node:v8';
import { describe, expect, it } from 'vitest';
import {
  imageRanges,
  type LayerDescription,
  macCount,
  networks,
  type NetworkName,
  type NetworkOptions,
  parameterCount,
  type SparsityOptions,
  type SparsityPattern,
  sparsityPatterns,
} from '../../models/index.ts';
import { writeArtifact } from '../../src/artifact/write.ts';
import { compileGraph, importModel } from '../../src/compile.ts';
import { exportOnnx } from '../../src/export/onnx/index.ts';
import { evaluate } from '../../src/graph/evaluate.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { verify } from '../../src/graph/verify.ts';
import type { DenseTensor } from '../../src/ops/operator.ts';
import { optimise } from '../../src/passes/index.ts';
import { loadModel } from '../../src/runtime/load.ts';
import type { LayerProfile } from '../../src/runtime/layer-profile.ts';
import { elementCount, Tensor } from '../../src/tensor.ts';
import { builds, randomFloats, relativeError } from '../kernels/wasm.ts';
import { type OnnxCase, runOnnxModels } from '../peers/onnxruntime.ts';
import { objectronSsd } from './published.ts';

v8.setFlagsFromString('--experimental-wasm-relaxed-simd');

const names = Object.keys(networks) as NetworkName[];

const shapeOf = (graph: Graph, value: string) => graph.values.get(value)!.shape;
const outputShapes = (graph: Graph) =>
  Object.fromEntries(graph.outputs.map(({ name, value }) => [name, shapeOf(graph, value)]));

describe('as published', () => {
  // Counts before batch normalisation is folded (two parameters a channel, of which folding leaves one) are of torchvision
  // 0.20, Keras, timm and the YOLOX repository; those after it of `yolo export` and of the yolox_nano.onnx release.
  // MACs: the papers' 569 M, 300 M, 219 M (torchvision: 217 M) and 57 M; EfficientNet-Lite's 407 M, YOLOX-nano's 1.08 and
  // YOLOX-tiny's 6.45 GFLOPs count more than multiplications of convolutions; YOLOv8's are 8.7 and 28.6 GFLOPs.
  const published: Record<
    NetworkName,
    { withNorm?: number; folded?: number; macs: number; ofPublished: [macs: number, within: number] }
  > = {
    'mobilenet-v1': { withNorm: 4_231_976, macs: 568_740_352, ofPublished: [569e6, 0.001] },
    'mobilenet-v2': { withNorm: 3_504_872, macs: 300_774_272, ofPublished: [300e6, 0.003] },
    'mobilenet-v3-large': { withNorm: 5_483_032, macs: 216_589_760, ofPublished: [217e6, 0.003] },
    'mobilenet-v3-small': { withNorm: 2_542_856, macs: 56_510_400, ofPublished: [56.5e6, 0.001] },
    'efficientnet-lite0': { withNorm: 4_652_008, macs: 385_187_552, ofPublished: [407e6, 0.06] },
    'ssd-mobilenet-v2': { folded: 6_047_647, macs: 772_779_056, ofPublished: [0.8e9, 0.05] },
    'yolox-nano': { folded: 904_463, macs: 522_553_408, ofPublished: [0.54e9, 0.04] },
    'yolox-tiny': { withNorm: 5_055_855, macs: 3_206_268_000, ofPublished: [3.225e9, 0.01] },
    yolov8n: { folded: 3_151_904, macs: 4_371_993_600, ofPublished: [4.35e9, 0.01] },
    yolov8s: { folded: 11_156_544, macs: 14_301_312_000, ofPublished: [14.3e9, 0.001] },
  };
  const outputs: Record<NetworkName, Record<string, number[]>> = {
    'mobilenet-v1': { logits: [1, 1000] },
    'mobilenet-v2': { logits: [1, 1000] },
    'mobilenet-v3-large': { logits: [1, 1000] },
    'mobilenet-v3-small': { logits: [1, 1000] },
    'efficientnet-lite0': { logits: [1, 1000] },
    'ssd-mobilenet-v2': { boxes: [1, 1917, 4], classes: [1, 1917, 91] },
    'yolox-nano': { output: [1, 3549, 85] },
    'yolox-tiny': { output: [1, 3549, 85] },
    yolov8n: { output0: [1, 84, 8400] },
    yolov8s: { output0: [1, 84, 8400] },
  };
  /** Layers that have biases of their own: no batch normalisation was folded into them. */
  const isPlain = /^classifier$|^hidden$|squeeze|^head\d\/(boxes|objectness|class-scores)$/;

  it.each(names)('%s has the parameters, MACs and outputs', (name) => {
    const graph = networks[name]();
    const { withNorm, folded, macs, ofPublished } = published[name];
    const parameters = parameterCount(graph);
    if (folded) expect(parameters).toBe(folded);
    if (withNorm) {
      const folding = graph.nodes.filter((n) => (n.op === 'conv2d' || n.op === 'linear') && !isPlain.test(n.name));
      expect(parameters + folding.reduce((sum, n) => sum + shapeOf(graph, n.inputs[2])[0], 0)).toBe(withNorm);
    }
    expect(macCount(graph)).toBe(macs);
    expect(Math.abs(macs / ofPublished[0] - 1)).toBeLessThan(ofPublished[1]);
    expect(outputShapes(graph)).toEqual(outputs[name]);
  });

  it('SSD MobileNetV2 has the layers of the published one', () => {
    const theirs = importModel(readFileSync(objectronSsd()), 'objectron');
    const layers = (graph: Graph) =>
      graph.nodes
        .filter((node) => node.op === 'conv2d')
        .map((node) => {
          const { stride, pads } = node.attributes as { stride: number[]; pads: number[] };
          return [shapeOf(graph, node.inputs[1]), shapeOf(graph, node.outputs[0]), stride, pads].join(' | ');
        })
        .sort();
    optimise(theirs);
    expect(layers(networks['ssd-mobilenet-v2']({ classes: 23 }))).toEqual(layers(theirs));
  });
});

describe('options', () => {
  it('give the same network for the same seed, and different ones for other seeds', () => {
    const build = (seed: number) => networks['mobilenet-v1']({ seed, width: 0.25, classes: 10 });
    expect(build(4)).toEqual(build(4));
    const weights = (seed: number) => build(seed).values.get('block9/pointwise/weights')!.data;
    expect(weights(4)).not.toEqual(weights(5));
  });

  it('scale channels, pixels and classes', () => {
    const graph = networks['mobilenet-v2']({ width: 1.4, resolution: [96, 128], classes: 12 });
    expect(shapeOf(graph, 'input')).toEqual([1, 3, 96, 128]);
    expect(shapeOf(graph, 'features')).toEqual([1, 1792, 3, 4]);
    expect(outputShapes(graph)).toEqual({ logits: [1, 12] });
    const yolo = networks.yolov8n({ width: 0.5, resolution: [64, 96], classes: 3 });
    expect(outputShapes(yolo)).toEqual({ output0: [1, 7, 8 * 12 + 4 * 6 + 2 * 3] });
    expect(outputShapes(networks['yolox-nano']({ resolution: [96, 64], classes: 1 }))).toEqual({
      output: [1, 126, 6],
    });
  });

  it('choose the padding at stride 2', () => {
    const pads = (options: { padding?: 'same' | 'symmetric' }) =>
      (networks['mobilenet-v1']({ ...options, width: 0.25, resolution: 64 }).nodes[0].attributes as { pads: number[] })
        .pads;
    expect(pads({})).toEqual([0, 0, 1, 1]);
    expect(pads({ padding: 'symmetric' })).toEqual([1, 1, 1, 1]);
  });

  it('choose the layers that get zeros', () => {
    const zerosIn = (graph: Graph, layer: string) => {
      const data = graph.values.get(`${layer}/weights`)!.data as Float32Array;
      return data.filter((w) => w === 0).length / data.length;
    };
    const options = { width: 0.25, resolution: 64, classes: 8 };
    const some = networks['mobilenet-v1']({ ...options, sparsity: { density: 0.25 } });
    for (const layer of ['stem', 'block3/depthwise', 'classifier']) expect(zerosIn(some, layer)).toBe(0);
    expect(zerosIn(some, 'block3/pointwise')).toBe(0.75);
    const layers = ({ role }: LayerDescription) => role === 'last';
    const last = networks['mobilenet-v1']({ ...options, sparsity: { density: 0.25, layers } });
    expect(zerosIn(last, 'block3/pointwise')).toBe(0);
    expect(zerosIn(last, 'classifier')).toBe(0.75);
  });

  it('are checked', () => {
    const build = (options: NetworkOptions) => () => networks.yolov8n(options);
    expect(build({ width: 0 })).toThrow(/width 0 must be a positive number/);
    expect(build({ resolution: 100 })).toThrow(/resolution 100×100 must be positive multiples of 32/);
    expect(build({ classes: 1.5 })).toThrow(/classes 1.5 must be a positive integer/);
    expect(build({ sparsity: {} })).toThrow(/either sparsity or density/);
  });
});

/** Small enough for the reference, large enough that planes of every kind occur: odd, and of few pixels. */
const small: Record<NetworkName, NetworkOptions> = {
  'mobilenet-v1': { width: 0.25, resolution: [48, 80], classes: 10 },
  'mobilenet-v2': { width: 0.35, resolution: [48, 80], classes: 10 },
  'mobilenet-v3-large': { width: 0.35, resolution: [48, 80], classes: 10 },
  'mobilenet-v3-small': { width: 0.5, resolution: [80, 48], classes: 10 },
  'efficientnet-lite0': { width: 0.25, resolution: [48, 80], classes: 10 },
  'ssd-mobilenet-v2': { width: 0.25, resolution: [80, 100], classes: 5 },
  'yolox-nano': { width: 0.75, resolution: [64, 96], classes: 5 },
  'yolox-tiny': { width: 0.34, resolution: [96, 64], classes: 5 },
  yolov8n: { width: 0.5, resolution: [64, 96], classes: 5 },
  yolov8s: { width: 0.25, resolution: [96, 64], classes: 5 },
};

/** Noise between black and white, by input name. */
function noise(name: NetworkName, graph: Graph): Record<string, Tensor> {
  const [low, high] = imageRanges[name];
  const [input] = graph.inputs;
  const shape = shapeOf(graph, input.value);
  const pixels = randomFloats(7)(elementCount(shape), (high - low) / 2).map((v) => v + (low + high) / 2);
  return { [input.name]: new Tensor('float32', shape, pixels) };
}

/** Outputs whose parts differ in scale are compared part by part: boxes, and the scores after them. */
function parts(name: NetworkName, { shape, data }: Tensor): Float32Array[] {
  if (!name.startsWith('yolo')) return [data as Float32Array];
  const channelOf = name.startsWith('yolox')
    ? (i: number) => i % shape[2]
    : (i: number) => Math.floor(i / shape[2]) % shape[1];
  const all = data as Float32Array;
  return [all.filter((_, i) => channelOf(i) < 4), all.filter((_, i) => channelOf(i) >= 4)];
}

/** Standard deviations of what convolutions and linear layers make, where there are enough numbers to speak of one. */
function deviations(graph: Graph, values: ReadonlyMap<string, DenseTensor>): [layer: string, deviation: number][] {
  return graph.nodes
    .filter((node) => node.op === 'conv2d' || node.op === 'linear')
    .map((node): [string, Float32Array] => [node.name, values.get(node.outputs[0])!.data])
    .filter(([, data]) => data.length >= 16)
    .map(([name, data]) => {
      const mean = data.reduce((sum, v) => sum + v, 0) / data.length;
      return [name, Math.sqrt(data.reduce((sum, v) => sum + (v - mean) ** 2, 0) / data.length)];
    });
}

// of the largest magnitude of each part: f32 sums in other orders, through up to a hundred layers
const tolerance = 1e-4;

/** What was run, to be run by onnxruntime-web too. */
const runs: { what: string; name: NetworkName; onnx: OnnxCase; outputs: Record<string, Tensor> }[] = [];

/** Runs a network in both builds against the reference; returns the layers of the first. */
async function agrees(name: NetworkName, options: NetworkOptions): Promise<LayerProfile[]> {
  const graph = networks[name](options);
  const inputs = noise(name, graph);
  const intermediates = new Map<string, DenseTensor>();
  const expected = evaluate(graph, inputs, { intermediates });
  for (const [layer, deviation] of deviations(graph, intermediates)) {
    expect(deviation, layer).toBeGreaterThan(1e-3);
    expect(deviation, layer).toBeLessThan(1e3);
  }
  const onnx: OnnxCase = { model: exportOnnx(graph), inputs };
  const artifact = writeArtifact(compileGraph(graph));
  const profiles: LayerProfile[][] = [];
  for (const build of builds) {
    const model = await loadModel(artifact, { build });
    const outputs = await model.run(inputs);
    runs.push({ what: `${name} ${JSON.stringify(options)}, ${build}`, name, onnx, outputs });
    expect(Object.keys(outputs)).toEqual(Object.keys(expected));
    for (const [output, tensor] of Object.entries(expected)) {
      expect(outputs[output].shape).toEqual(tensor.shape);
      const found = parts(name, outputs[output]);
      for (const [i, part] of parts(name, tensor).entries()) {
        expect(new Set(part).size, 'different numbers').toBeGreaterThan(part.length / 4);
        expect(relativeError(found[i], part), `${build}, ${output}, part ${i}`).toBeLessThan(tolerance);
      }
    }
    if (profiles.length === 0) profiles.push(await model.profile(inputs, { runs: 1, warmup: 0 }));
    model.dispose();
  }
  return profiles[0];
}

describe.each(names)('a small %s', (name) => {
  it('agrees with the reference when it is dense', async () => {
    const layers = await agrees(name, small[name]);
    // A distance of 0 is one of the weights that YOLOv8 averages distances by.
    expect(layers.filter((layer) => layer.sparsity && layer.name !== 'dfl/expectation')).toEqual([]);
    const optimised = networks[name](small[name]);
    optimise(optimised, { check: true });
    verify(optimised);
    expect(optimised.nodes.filter((node) => node.op === 'unary').length).toBeLessThan(15);
  });

  it.each(
    (Object.keys(sparsityPatterns) as SparsityPattern[]).flatMap((pattern) =>
      [0.5, 0.8, 0.95].map((sparsity) => [sparsity, pattern] as const),
    ),
  )('agrees with the reference at %d zeros, %s, with sparse kernels', async (sparsity, pattern) => {
    const hidden: LayerDescription[] = [];
    const choice: SparsityOptions = {
      sparsity,
      pattern,
      layers: (layer) => layer.role === 'hidden' && hidden.push(layer) > 0,
    };
    const layers = await agrees(name, { ...small[name], sparsity: choice });
    for (const { name: layer, shape: weights } of hidden) {
      const { kernels, sparsity: found, shape } = layers.find((candidate) => candidate.name === layer)!;
      // With few columns, or one pixel, dense kernels may well be faster.
      if (elementCount(weights.slice(1)) < 16 || elementCount(shape.slice(2)) === 1) continue;
      const products = kernels.filter((kernel) => /spmm|gemm|winograd/.test(kernel));
      expect(products.length, layer).toBeGreaterThan(0);
      // at half the weights dense may still be faster
      const isSparse = products.every((kernel) => kernel.includes('spmm'));
      expect(isSparse || sparsity < 0.8, `${layer}: ${kernels}`).toBe(true);
      expect(found, layer).toBeCloseTo(sparsity, 1);
    }
  });
});

describe('with all channels', () => {
  it.each([
    ['mobilenet-v3-small', {}],
    ['yolox-nano', { resolution: 192, sparsity: { sparsity: 0.9 } }],
  ] as const)('%s agrees with the reference', async (name, options) => {
    await agrees(name, options);
  });
});

it('onnxruntime-web agrees with both builds on all of these', async () => {
  expect(runs.length).toBeGreaterThan(0);
  const cases = [...new Set(runs.map(({ onnx }) => onnx))];
  const results = await runOnnxModels(cases);
  for (const { what, name, onnx, outputs } of runs) {
    const expected = results[cases.indexOf(onnx)];
    if (expected instanceof Error) throw expected;
    expect(expected.map((output) => output.name)).toEqual(Object.keys(outputs));
    for (const { name: output, shape, data } of expected) {
      const found = parts(name, outputs[output!]);
      expect(outputs[output!].shape).toEqual(shape);
      for (const [i, part] of parts(name, new Tensor('float32', shape, data)).entries()) {
        expect(relativeError(found[i], part), `${what}, ${output}, part ${i}`).toBeLessThan(tolerance);
      }
    }
  }
});
