import { matrixKernels } from '../../src/lower/matrix-kernels.ts';
import { describe, expect, it } from 'vitest';
import { evaluate } from '../../src/graph/evaluate.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { conv2d } from '../../src/ops/conv2d.ts';
import type { Conv2dAttributes } from '../../src/ops/convolution.ts';
import { Tensor, elementCount } from '../../src/tensor.ts';
import { builds, randomFloats, relativeError } from '../kernels/wasm.ts';
import type { Build } from '../kernels/wasm.ts';
import { placementsOf } from './run-operator.ts';
import type { Storage } from './run-operator.ts';
import { forced, loadGraph, oneNode, randomInputs } from '../program.ts';

type Encoding = keyof typeof forced;
const encodings: Encoding[] = ['dense', '1', '2', '4'] as never;

// f32 sums in another order than the reference's f64 sums
const tolerance = 1e-5;

interface Case {
  batch?: number;
  channels: number;
  outputs: number;
  size: [number, number];
  kernel?: [number, number];
  /** Share of weights kept; a number ≥ 2 is that many nonzeros. */
  density?: number;
  attributes?: Partial<Conv2dAttributes>;
  bias?: boolean;
  /** `planes`: computed, so that the output may take its place; others keep or have memory of their own. */
  residual?: 'planes' | 'flat' | 'constant' | 'kept' | 'x';
}

/** Gives the convolution a residual of that kind, and an output that only the convolution makes. */
function addResidual(graph: Graph, kind: NonNullable<Case['residual']>, random: (count: number) => Float32Array): void {
  const [layer] = graph.nodes;
  const [x, w, b = ''] = layer.inputs;
  const { shape } = graph.values.get(layer.outputs[0])!;
  const computed = (name: string, from: string, op: string, attributes: object, to = shape) => {
    graph.values.set(name, { name, shape: to, dtype: 'float32' });
    graph.nodes.splice(graph.nodes.indexOf(layer), 0, { name, op, inputs: [from], outputs: [name], attributes });
    return name;
  };
  let residual: string;
  if (kind === 'constant') {
    residual = 'r';
    graph.values.set('r', { name: 'r', shape, dtype: 'float32', data: random(elementCount(shape)) });
  } else if (kind === 'x') {
    residual = computed('r', x, 'unary', { fn: 'neg' });
    layer.inputs[0] = residual;
  } else {
    const given = kind === 'flat' ? [elementCount(shape)] : shape;
    graph.values.set('given', { name: 'given', shape: given, dtype: 'float32' });
    graph.inputs.push({ value: 'given', name: 'given', dtype: 'float32' });
    residual =
      kind === 'flat' ? computed('r', 'given', 'reshape', { shape }) : computed('r', 'given', 'unary', { fn: 'neg' });
    if (kind === 'kept') graph.outputs.push({ value: residual, name: 'kept', dtype: 'float32' });
  }
  layer.inputs = [layer.inputs[0], w, b, residual];
}

/** A seeded convolution. Sparse weights leave whole rows empty when there are few of them. */
function convolution(c: Case, seed: number): { graph: Graph; inputs: Record<string, Tensor> } {
  const random = randomFloats(seed);
  const groups = c.attributes?.groups ?? 1;
  const [kh, kw] = c.kernel ?? [1, 1];
  const shape = [c.outputs, c.channels / groups, kh, kw];
  const weights = random(elementCount(shape));
  const density = c.density ?? 1;
  const draw = random(weights.length);
  const kept = density >= 2 ? density / weights.length : density;
  weights.forEach((_, i) => {
    if ((draw[i] + 1) / 2 >= kept) weights[i] = 0;
  });
  if (density === 0.001) weights[weights.length >> 1] = 0.7; // exactly one
  const attributes: Conv2dAttributes = {
    stride: [1, 1],
    dilation: [1, 1],
    pads: [0, 0, 0, 0],
    groups,
    ...c.attributes,
  };
  const constants = [new Tensor('float32', shape, weights)];
  if (c.bias !== false) constants.push(new Tensor('float32', [c.outputs], random(c.outputs)));
  const graph = oneNode('conv2d', attributes, [[c.batch ?? 1, c.channels, ...c.size]], constants);
  if (c.residual) addResidual(graph, c.residual, random);
  return { graph, inputs: randomInputs(graph, random) };
}

async function check(c: Case, encoding: Encoding, build: Build, seed = 1): Promise<void> {
  const { graph, inputs } = convolution(c, seed);
  const expected = evaluate(graph, inputs).y0;
  const model = await loadGraph(graph, build, forced[encoding]);
  if (c.residual) await model.run(randomInputs(graph, randomFloats(seed + 1))); // leaves its garbage in memory
  const { y0 } = await model.run(inputs);
  model.dispose();
  const what = `${encoding} ${JSON.stringify(c)}`;
  expect(y0.shape, what).toEqual(expected.shape);
  expect(relativeError(y0.data as Float32Array, expected.data as Float32Array), what).toBeLessThan(tolerance);
}

describe.each(builds)('convolutions, %s build', (build) => {
  describe.each(encodings)('encoded %s', (encoding) => {
    it('meet the reference at every pixel count up to two tiles and beyond', async () => {
      for (let pixels = 1; pixels <= 61; pixels++) {
        await check({ channels: 6, outputs: 7, size: [1, pixels], density: 0.5 }, encoding, build, pixels);
      }
      for (const side of [7, 8, 9, 14, 19, 28]) {
        await check({ channels: 5, outputs: 9, size: [side, side], density: 0.3 }, encoding, build, side);
      }
    });

    it('meet the reference at every number of output channels', async () => {
      for (let outputs = 1; outputs <= 18; outputs++) {
        for (const size of [
          [1, 1],
          [1, 3],
          [5, 5],
        ] as [number, number][]) {
          await check({ channels: 5, outputs, size, density: 0.5 }, encoding, build, outputs);
        }
      }
    });

    it('meet the reference where many columns go in runs, their tiles packed', async () => {
      const activation = { fn: 'clamp', alpha: 0, beta: 6 } as const;
      for (const [channels, side, kernel] of [
        [96, 9, 1],
        [700, 7, 1],
        [40, 8, 3],
        [40, 9, 3], // rows that vectors run over: one run
      ]) {
        const attributes = { pads: kernel === 3 ? [1, 1, 1, 1] : [0, 0, 0, 0] } as Partial<Conv2dAttributes>;
        const c: Case = {
          channels,
          outputs: 33,
          size: [side, side],
          kernel: [kernel, kernel],
          density: 0.6,
          attributes,
        };
        await check(c, encoding, build, channels);
        await check({ ...c, batch: 2, attributes: { ...attributes, activation } }, encoding, build, side);
      }
    });

    it.each([0, 0.001, 0.1, 0.5, 0.9, 1])('meet the reference at density %f, empty rows included', async (density) => {
      for (const [channels, outputs] of [
        [1, 1],
        [1, 6],
        [17, 1],
        [33, 13],
        [600, 5],
      ]) {
        for (const size of [
          [1, 1],
          [4, 4],
          [7, 7],
        ] as [number, number][]) {
          await check({ channels, outputs, size, density }, encoding, build, channels);
        }
      }
    });

    it('meet the reference for k×k windows, strides, dilations and uneven padding', async () => {
      const geometries: [[number, number], Partial<Conv2dAttributes>][] = [
        [[3, 3], { pads: [1, 1, 1, 1] }],
        [[3, 3], { stride: [2, 2], pads: [0, 0, 1, 1] }],
        [[3, 3], { stride: [2, 2], pads: [1, 1, 1, 1] }],
        [[1, 1], { stride: [2, 2] }],
        [[1, 1], { pads: [1, 0, 2, 1] }],
        [[2, 2], { stride: [2, 2] }],
        [[5, 5], { stride: [3, 3], pads: [2, 2, 2, 2] }],
        [[1, 7], { pads: [0, 3, 0, 3] }],
        [[7, 1], { pads: [3, 0, 3, 0], stride: [2, 1] }],
        [[3, 3], { dilation: [2, 2], pads: [2, 2, 2, 2] }],
        [[3, 2], { dilation: [2, 3], stride: [2, 2], pads: [2, 1, 0, 3] }],
        [[4, 4], { stride: [4, 4] }],
      ];
      for (const [kernel, attributes] of geometries) {
        for (const size of [
          [13, 13],
          [9, 16],
          [8, 11],
          [20, 5],
        ] as [number, number][]) {
          await check({ channels: 3, outputs: 6, size, kernel, attributes, density: 0.5 }, encoding, build);
        }
      }
    });

    it('meet the reference where a window covers the whole input', async () => {
      await check({ channels: 5, outputs: 11, size: [4, 4], kernel: [4, 4], density: 0.4 }, encoding, build);
      const attributes = { pads: [1, 1, 1, 1] as const };
      await check({ channels: 5, outputs: 6, size: [1, 1], kernel: [3, 3], attributes, density: 0.4 }, encoding, build);
    });

    it('meet the reference for batches and groups of channels', async () => {
      const c: Case = { batch: 3, channels: 6, outputs: 8, size: [5, 5], density: 0.5 };
      await check(c, encoding, build);
      await check({ ...c, size: [1, 1] }, encoding, build);
      await check({ ...c, attributes: { groups: 2 } }, encoding, build);
      await check(
        { ...c, kernel: [3, 3], attributes: { groups: 2, pads: [1, 1, 1, 1], stride: [2, 1] } },
        encoding,
        build,
      );
    });

    it.each(['planes', 'flat', 'constant', 'kept', 'x'] as const)('add a residual, %s', async (residual) => {
      const activations = [undefined, { fn: 'clamp', alpha: -0.5, beta: 0.25 }, { fn: 'silu' }] as const;
      const sizes = [
        [1, 1],
        [1, 9],
        [7, 7],
        [6, 8],
        [9, 10],
      ] as [number, number][];
      for (const [i, size] of sizes.entries()) {
        const activation = activations[i % activations.length];
        const c: Case = { batch: 1 + (i % 2), channels: 7, outputs: 7, size, density: 0.6, residual, bias: i !== 2 };
        await check({ ...c, attributes: { activation } }, encoding, build);
        await check({ ...c, kernel: [3, 3], attributes: { activation, pads: [1, 1, 1, 1] } }, encoding, build);
      }
      // tiles packed, in runs
      for (const activation of activations) {
        const c: Case = {
          channels: 330,
          outputs: 330,
          size: [6, 8],
          density: 0.1,
          residual,
          attributes: { activation },
        };
        await check(c, encoding, build);
        await check({ ...c, outputs: residual === 'x' ? 330 : 33, density: 0.6 }, encoding, build);
      }
    });

    it('clamp and activate', async () => {
      const activations = [
        { fn: 'clamp', alpha: 0, beta: 0.25 },
        { fn: 'silu' },
        { fn: 'leakyRelu', alpha: 0.1 },
        { fn: 'sigmoid' },
      ] as const;
      for (const activation of activations) {
        for (const size of [
          [1, 1],
          [1, 9],
          [7, 7],
        ] as [number, number][]) {
          const c: Case = { channels: 4, outputs: 5, size, density: 0.6, attributes: { activation } };
          await check(c, encoding, build);
          await check({ ...c, kernel: [3, 3], attributes: { activation, pads: [1, 1, 1, 1] } }, encoding, build);
        }
      }
    });
  });

  it('need no bias', async () => {
    for (const encoding of encodings) {
      await check({ channels: 4, outputs: 5, size: [3, 3], density: 0.5, bias: false }, encoding, build);
    }
  });
});

describe('a residual', () => {
  type Operand = { shape: number[]; storage: Storage };
  const attributes = { stride: [1, 1], dilation: [1, 1], pads: [0, 0, 0, 0], groups: 1 } as const;
  const float32 = (...shape: number[]) => ({ shape, dtype: 'float32' as const });
  const infer = (groups: number, residual: number[]) =>
    conv2d.infer({ ...attributes, groups }, [
      float32(1, 4, 3, 3),
      float32(6, 4 / groups, 1, 1),
      undefined,
      float32(...residual),
    ]);

  it('has the shape of the output, and one group', () => {
    expect(infer(1, [1, 6, 3, 3])).toEqual([[1, 6, 3, 3]]);
    expect(() => infer(1, [6, 3, 3])).toThrow('the residual must be as the output, [1,6,3,3], got [6,3,3]');
    expect(() => infer(2, [1, 6, 3, 3])).toThrow('a residual and 2 groups');
  });

  it('gives the output its place when it dies and kernels are flat', () => {
    const place = (kernel: number, dying: string[], ...more: Operand[]) =>
      placementsOf(
        conv2d,
        attributes,
        [
          { shape: [1, 6, 3, 3], storage: 'planes' },
          { shape: [6, 6, kernel, kernel], storage: 'constant' },
          { shape: [6], storage: 'constant' },
          ...more,
        ],
        [{ shape: [1, 6, 3, 3], storage: 'planes' }],
        dying,
      );
    const residual = (storage: Storage) => ({ shape: [1, 6, 3, 3], storage });
    expect(place(1, ['x0', 'x3'], residual('planes'))).toEqual([['y0', 'x3']]);
    expect(place(1, ['x0'], residual('planes'))).toEqual([]);
    expect(place(3, ['x0', 'x3'], residual('planes'))).toEqual([]);
    expect(place(1, ['x0', 'x3'], residual('flat'))).toEqual([]);
    expect(place(1, ['x0', 'x3'], residual('constant'))).toEqual([]);
    expect(place(1, ['x0', 'x1'])).toEqual([]);
  });
});

describe('the choice of encoding', () => {
  const costs = Object.fromEntries(
    Object.entries(matrixKernels).map(([name, { group }]) => {
      return [name, { vector: group === 'dense' ? 1.1 : { 1: 1.5, 2: 1.2, 4: 1.15 }[group] }];
    }),
  );
  const shares = { peak: 1, l1Bytes: Infinity, cacheBytes: Infinity, costs: { ...costs, other: {} } };

  const kernelOf = async (density: number, shared: number) => {
    const random = randomFloats(3);
    const shape = [64, 64, 1, 1];
    const weights = random(64 * 64);
    const draw = random(64 * 64);
    weights.forEach((_, i) => {
      const [row, column] = [Math.floor(i / 64), i % 64];
      if ((draw[Math.floor(row / shared) * 64 + column] + 1) / 2 >= density) weights[i] = 0;
    });
    const attributes = { stride: [1, 1], dilation: [1, 1], pads: [0, 0, 0, 0], groups: 1 };
    const graph = oneNode('conv2d', attributes, [[1, 64, 8, 8]], [new Tensor('float32', shape, weights)]);
    const model = await loadGraph(graph, 'simd', shares);
    const [layer] = await model.profile(randomInputs(graph, random), { runs: 1 });
    expect(layer.sparsity).toBeCloseTo(weights.filter((w) => w === 0).length / weights.length, 10);
    return layer.kernels.at(-1);
  };

  it('is dense for full weights and follows shared positions', async () => {
    expect(await kernelOf(1, 1)).toBe('f32_gemm_8x4');
    expect(await kernelOf(0.1, 1)).toBe('f32_spmm_28x1');
    expect(await kernelOf(0.1, 2)).toBe('f32_spmm_16x2');
    expect(await kernelOf(0.1, 4)).toBe('f32_spmm_8x4');
  });
});
