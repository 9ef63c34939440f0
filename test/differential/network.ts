// Random networks from recipes: lists of numbers, so that shorter lists are smaller networks.
import fc from 'fast-check';
import type { Graph } from '../../src/graph/graph.ts';
import { permuteShape } from '../../src/graph/permute.ts';
import { elementCount, Tensor } from '../../src/tensor.ts';
import { GraphBuilder } from '../graphs.ts';
import { randomFloats } from '../kernels/wasm.ts';
import { Dice } from './dice.ts';
import { drawStep } from './operators.ts';

export interface Recipe {
  input: readonly number[];
  /** One a step. */
  seeds: readonly number[];
}

export type Feeds = Record<string, Tensor>;

const maximumElements = 12_000;
const maxAxes = 6;

/** A batch of small maps; rows, columns and single pixels of tile edges; vectors. */
export const recipes = fc.record<Recipe>({
  input: fc.oneof(
    fc.tuple(
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 12 }),
      ...[1, 1].map(() => fc.integer({ min: 1, max: 17 })),
    ),
    fc.constantFrom(
      [1, 3, 1, 700],
      [1, 2, 300, 1],
      [1, 700, 1, 1],
      [3, 130, 1, 2],
      [1, 110, 4, 3],
      [1, 4, 16, 17],
      [1, 4, 29, 29],
      [2, 6, 15, 13],
      [5, 8, 1, 1],
      [1, 600, 1, 3],
      [2, 520],
      [2, 12],
      [1, 128],
      [5, 130],
      [1, 3, 40],
      [2, 3, 100],
      [2, 2, 3, 2, 4],
    ),
  ),
  seeds: fc.array(fc.nat(), { minLength: 1, maxLength: 10 }),
});

/** The network of a recipe. Steps that do not fit are left out. */
export function build({ input, seeds }: Recipe): Graph {
  const more = new Dice(seeds[0] ?? 1);
  const b = new GraphBuilder(more.from(1, 1e6));
  const isMap = input.length === 4;
  const dtype = more.oneIn(6) ? more.one(['uint8', 'int8'] as const) : 'float32';
  const values = [b.input(input, { permutation: isMap && more.oneIn(2) ? [0, 2, 3, 1] : undefined, dtype })];
  if (dtype !== 'float32') b.graph.inputs[0].quantization = { scale: 1 / 64, zeroPoint: more.from(-5, 5) };
  if (more.oneIn(3)) values.push(b.input(input));
  for (const seed of seeds) {
    const dice = new Dice(seed);
    const x = values[Math.max(values.length - 1 - dice.one([0, 0, 0, 1, 1, 2, 4]), 0)];
    const made = drawStep(b.shape(x), dice)(b, x, dice, values);
    for (const value of made) {
      const shape = b.shape(value);
      if (shape.length <= maxAxes && elementCount(shape) <= maximumElements) values.push(value);
    }
  }
  const outputs = values.slice(1).filter((_, i) => i === values.length - 2 || more.oneIn(5));
  b.output(...(outputs.length ? outputs : [values[0]]));
  for (const port of b.graph.outputs) {
    if (b.shape(port.value).length === 4 && more.oneIn(2)) port.permutation = [0, 2, 3, 1];
  }
  return b.graph;
}

/** Seeded inputs by port name, in the author's axis order: −3…3, some of them 0 in places; all of an integer's range. */
export function feedsOf(graph: Graph, seed = 7): Feeds {
  const random = randomFloats(seed);
  const dice = new Dice(seed);
  return Object.fromEntries(
    graph.inputs.map(({ value, name, dtype, permutation }) => {
      const { shape } = graph.values.get(value)!;
      const wanted = permutation ? permuteShape(shape, permutation) : shape;
      const data = random(elementCount(shape), 3);
      if (dice.oneIn(4)) data.forEach((v, i) => (data[i] = v < 0 ? 0 : v));
      if (dtype === 'float32') return [name, new Tensor('float32', wanted, data)];
      const integers = Array.from(data, (v) => Math.round((v / 3) * 127) + (dtype === 'uint8' ? 128 : 0));
      return [name, new Tensor(dtype, wanted, integers)];
    }),
  );
}
