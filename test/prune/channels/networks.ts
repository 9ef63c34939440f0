// Small networks of every kind, and random ones.
import { networks, type NetworkName, type NetworkOptions } from '../../../models/index.ts';
import type { Graph } from '../../../src/graph/graph.ts';
import { optimise } from '../../../src/passes/index.ts';
import type { Activation } from '../../../src/program/activations.ts';
import { GraphBuilder } from '../../graphs.ts';

export const networkNames = Object.keys(networks) as NetworkName[];

/** A narrow network on a small image, optimised. */
export function smallNetwork(name: NetworkName): Graph {
  const options: NetworkOptions = { width: 0.125, resolution: name.startsWith('yolo') ? 32 : 33, classes: 5 };
  const graph = networks[name](options);
  optimise(graph);
  return graph;
}

const relu: Activation = { fn: 'clamp', alpha: 0, beta: Infinity };

/** Numbers from 0 to below `n`, the same ones for the same seed. */
export function dice(seed: number): (n: number) => number {
  let state = seed + 1;
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

/** A graph of operators picked at random, on (1, 3, 8, 8). Everything that is not read is an output. */
export function randomGraph(seed: number): Graph {
  const b = new GraphBuilder(seed);
  const pick = dice(seed);
  const image = b.input([1, 3, 8, 8]);
  const maps = [b.conv2d(image, 8, 3), b.conv2d(image, 12, 1, { activation: relu })];
  const some = () => maps[pick(maps.length)];
  const like = (x: string) => maps.filter((y) => b.shape(y).every((size, axis) => size === b.shape(x)[axis]));
  const plain = { stride: [1, 1], dilation: [1, 1], pads: [0, 0, 0, 0] } as const;
  const steps: (() => string | string[] | undefined)[] = [
    () => b.conv2d(some(), 4 + 4 * pick(4), 1 + 2 * pick(2), { activation: pick(2) ? relu : { fn: 'sigmoid' } }),
    () => b.conv2d(some(), 8, 1),
    () => {
      const x = some();
      return b.conv2d(x, b.shape(x)[1], 3, { groups: b.shape(x)[1], activation: relu });
    },
    () => {
      const x = some();
      const [, channels] = b.shape(x);
      return b.node('conv2d', { ...plain, groups: channels }, x, b.constant([2 * channels, 1, 1, 1]));
    },
    () => {
      const x = some();
      return b.shape(x)[1] % 4 ? undefined : b.conv2d(x, 8, 1, { groups: pick(2) ? 2 : 4 });
    },
    () => {
      const x = some();
      const same = like(x);
      return b.node('binary', { fn: pick(2) ? 'add' : 'mul' }, x, same[pick(same.length)]);
    },
    () => {
      const x = some();
      const [, channels, height, width] = b.shape(x);
      const shapes = [[1, channels, 1, 1], [channels, 1, 1], [1], [1, channels, height, width]];
      return b.node('binary', { fn: pick(2) ? 'sub' : 'max' }, b.constant(shapes[pick(4)]), x);
    },
    () => {
      const x = some();
      const gate = b.node('reduce', { fn: 'mean', axes: [2, 3], keepDims: true }, x);
      return b.node('binary', { fn: 'mul' }, x, b.conv2d(b.conv2d(gate, 4, 1), b.shape(x)[1], 1));
    },
    () => {
      const x = some();
      const [, , height, width] = b.shape(x);
      const same = maps.filter((y) => b.shape(y)[2] === height && b.shape(y)[3] === width);
      return b.node('concat', { axis: 1 }, x, same[pick(same.length)]);
    },
    () => {
      const x = some();
      const [, channels] = b.shape(x);
      const first = 1 + pick(channels - 1);
      return b.nodes('split', { axis: 1, sizes: [first, channels - first] }, [x], 2);
    },
    () => {
      const x = some();
      const [, channels, height, width] = b.shape(x);
      const start = pick(channels - 1);
      const taken = 1 + pick(channels - start);
      return b.node('slice', { starts: [0, start, 0, 0], sizes: [1, taken, height, width], steps: [1, 1, 1, 1] }, x);
    },
    () => b.node('unary', { fn: pick(2) ? 'silu' : 'hardSigmoid', alpha: 0.2, beta: 0.5 }, some()),
    () => {
      const x = some();
      const [channels, extra] = [b.shape(x)[1], pick(3)];
      if (channels > 12) return undefined;
      return b.node('pad', { before: [0, extra, 0, 0], after: [0, 0, 0, 0], mode: 'constant', value: pick(2) }, x);
    },
    () => {
      const x = some();
      const { graph } = b;
      const [, channels] = b.shape(x);
      const indices = b.constant([channels]);
      const data = BigInt64Array.from({ length: channels }, (_, i) => BigInt(-1 - i));
      Object.assign(graph.values.get(indices)!, { dtype: 'int64', data });
      return b.node('gather', { axis: 1 }, x, indices);
    },
    () => {
      const x = some();
      return b.shape(x)[2] % 2 ? undefined : b.node('spaceToDepth', { blockSize: 2 }, x);
    },
    () => {
      const x = some();
      const [, channels, height] = b.shape(x);
      if (channels % 4 || height > 8) return undefined;
      return b.node('depthToSpace', { blockSize: 2, order: pick(2) ? 'DCR' : 'CRD' }, x);
    },
    () => b.node('maxPool', { ...plain, kernel: [3, 3], pads: [1, 1, 1, 1], ceilMode: false }, some()),
    () => {
      const x = some();
      const [, , height, width] = b.shape(x);
      if (height > 8) return undefined;
      const size = [2 * height, 2 * width] as const;
      return b.node('resize', { mode: 'nearest', size, coordinates: 'asymmetric', nearest: 'floor' }, x);
    },
    () => b.node('softmax', { axis: 1 + pick(3), beta: 1 }, some()),
  ];
  for (let i = 0; i < 16; i++) {
    const made = steps[pick(steps.length)]();
    if (made) maps.push(...[made].flat().filter((x) => b.shape(x)[1] > 1 && b.shape(x)[1] <= 48));
  }
  const x = maps.at(-1)!;
  const [, channels, height, width] = b.shape(x);
  const isNhwc = pick(2) === 1;
  const pixels = isNhwc ? b.node('transpose', { permutation: [0, 2, 3, 1] }, x) : x;
  const features = b.node('reshape', { shape: [1, channels * height * width] }, pixels);
  const hidden = b.node(
    'linear',
    { activation: relu },
    features,
    b.constant([6, channels * height * width]),
    b.constant([6]),
  );
  const read = new Set(b.graph.nodes.flatMap((node) => node.inputs));
  // values made from unread channels depend on all of them
  const rest = b.graph.nodes.flatMap((node) => node.outputs).filter((name) => !read.has(name) && name !== hidden);
  const summed = rest.map((name) => (b.shape(name).length === 4 ? b.conv2d(name, 3, 1) : name));
  return b.finish(b.node('linear', {}, hidden, b.constant([3, 6])), ...summed);
}
