// Rounded weights: compares their expanded form in linear memory with plain arithmetic.
import { describe, expect, it } from 'vitest';
import { placeConstant } from '../../bench/place.ts';
import { readArtifact } from '../../src/artifact/read.ts';
import { writeArtifact } from '../../src/artifact/write.ts';
import type { CostModel } from '../../src/lower/cost-model.ts';
import { defaultCostModel, predictLayers } from '../../src/lower/cost.ts';
import { compileGraph } from '../../src/compile.ts';
import { lowerGraph } from '../../src/compile/lower-graph.ts';
import type { Group } from '../../src/program/tiles.ts';
import { packGemm, packSpmm, widen } from '../../src/lower/pack.ts';
import type { WeightType } from '../../src/compile/rounding.ts';
import { roundMatrix } from '../../src/compile/rounding.ts';
import { nearestHalf } from '../../src/formats/half.ts';
import { flatTaps } from '../../src/lower/taps.ts';
import { evaluate } from '../../src/graph/evaluate.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { createKernels } from '../../src/kernels.ts';
import { constantBytes } from '../../src/program/constants.ts';
import type { Constant } from '../../src/program/program.ts';
import { loadModel } from '../../src/runtime/load.ts';
import { GraphBuilder } from '../graphs.ts';
import { builds, randomFloats, relativeError } from '../kernels/wasm.ts';
import { forced, randomInputs } from '../program.ts';

const types = ['f16', 'int8', 'int4'] as const;

/** (rows, columns) weights, rows of many sizes, one of them zeros; some share of zeros. */
function weightsOf(rows: number, columns: number, seed: number, zeros: number): Float32Array {
  const random = randomFloats(seed);
  const sizes = random(rows, 6);
  const draw = random(rows * columns);
  return random(rows * columns).map((w, i) => {
    const row = Math.floor(i / columns);
    return Math.abs(draw[i]) < zeros || (rows > 2 && row === 1) ? 0 : w * 2 ** sizes[row];
  });
}

type Matrix = Extract<Constant, { form: 'gemm' | 'spmm' }>;
type Form = { form: string; group: Group | undefined; panel: 4 | 28 | undefined };

const forms: Form[] = [
  { form: 'panels of 4', group: undefined, panel: 4 },
  { form: 'panels of 28', group: undefined, panel: 28 },
  { form: 'single rows', group: 1, panel: undefined },
  { form: 'pairs of rows', group: 2, panel: undefined },
  { form: 'groups of 4 rows', group: 4, panel: undefined },
];

const sizes = [
  [1, 1],
  [3, 5],
  [4, 4],
  [5, 16],
  [7, 33],
  [29, 17],
  [56, 100],
  [60, 300],
] as const;

const pack = ({ group, panel }: Form, rows: number, columns: number, weights: Float32Array, bias?: Float32Array) =>
  (group
    ? packSpmm(rows, columns, group, weights, bias, 0, columns)
    : packGemm(rows, columns, weights, bias, panel)) as Matrix;

/** What a weight may be away from itself: parts of the row's largest. */
const bounds = { f16: 2 ** -11, int8: 0.5 / 127, int4: 0.51 / 7 + 0.31 };

describe.each(forms)('rounded weights in $form', async (form) => {
  const kernels = await Promise.all(builds.map((build) => createKernels({ build })));

  /** The floats that a constant becomes, byte offsets among them. */
  const expanded = (k: (typeof kernels)[number], c: Matrix): Uint32Array => {
    k.reset();
    const taps = placeConstant(k, { form: 'taps', taps: flatTaps(c.columns, 64) });
    // remains of other data must not matter
    const bytes = constantBytes(c);
    const address = placeConstant(k, c, taps);
    return new Uint32Array(k.memory.buffer, address, bytes / 4).slice();
  };

  it.each(types)('are the same floats once they are loaded: %s', (type) => {
    for (const [i, [rows, columns]] of sizes.entries()) {
      for (const zeros of [0, 0.7]) {
        const what = `${rows}×${columns}, ${zeros}`;
        const weights = weightsOf(rows, columns, i + 1, zeros);
        const bias = i % 2 ? randomFloats(i)(rows) : undefined;
        const { constant, error, all } = roundMatrix(pack(form, rows, columns, weights, bias), type);
        // read back from a file
        const decoded = reference(form, constant);
        const halves = bias?.map(nearestHalf);
        let squares = 0;
        for (let row = 0; row < rows; row++) {
          const most = Math.max(...weights.subarray(row * columns, (row + 1) * columns).map(Math.abs));
          for (let at = row * columns; at < (row + 1) * columns; at++) {
            const [w, changed] = [weights[at], Math.abs(decoded[at] - weights[at])];
            // subnormal halves are as far apart as 2⁻²⁴
            const bound = type === 'f16' ? Math.abs(w) * bounds.f16 + 2 ** -25 : bounds[type] * most;
            if (changed > bound * (1 + 1e-6) || (w === 0 && changed > 0)) {
              expect.fail(`${what}, weight ${at}: ${w} has become ${decoded[at]}`);
            }
            squares += changed ** 2;
          }
        }
        expect(Math.abs(Math.sqrt(error) - Math.sqrt(squares)), what).toBeLessThanOrEqual(
          1e-5 * Math.sqrt(all) + 1e-12,
        );
        // positions stay those of the weights that were not zero
        const plain = pack(form, rows, columns, weights, halves);
        const values = plain.form === 'spmm' ? keptOf(plain, decoded) : undefined;
        const wanted = values ? { ...plain, values } : pack(form, rows, columns, decoded, halves);
        for (const k of kernels) expect(expanded(k, constant), what).toEqual(expanded(k, wanted));
      }
    }
  });
});

/** (rows, columns) weights that a rounded constant stands for, by its drawing alone. */
function reference(form: Form, c: Matrix): Float32Array {
  const weights = new Float32Array(c.rows * c.columns);
  const scales = c.scales && widen(c.scales);
  const floats = scales ? undefined : widen(c.values as Uint16Array);
  const at = (i: number, row: number): number => {
    if (!scales) return floats![i];
    const { blocks, values } = c as { blocks?: Uint8Array; values: Int8Array };
    if (!blocks) return Math.fround(values[i] * scales[row]);
    const byte = values[8 * (i >> 4) + (i % 8)] & 255;
    const q = i % 16 < 8 ? byte & 15 : byte >> 4;
    return Math.fround((q > 7 ? q - 16 : q) * blocks[i >> 4] * scales[row]);
  };
  if (c.form === 'gemm') {
    for (let row = 0; row < c.rows; row++) {
      const first = Math.floor(row / c.panel) * c.panel * (c.columns + 1) + (row % c.panel);
      for (let column = 0; column < c.columns; column++) {
        weights[row * c.columns + column] = at(first + c.panel * (column + 1), row);
      }
    }
    return weights;
  }
  let [gap, value, row] = [0, 0, 0];
  for (const count of c.counts) {
    const group = c.rows - row >= form.group! ? form.group! : 1;
    let column = -1;
    for (let k = 0; k < count; k++) {
      const gaps = c.gaps as Uint8Array;
      for (; gaps[gap] === 255; gap++) column += 255;
      column += gaps[gap++] + 1;
      for (let i = 0; i < group; i++) weights[(row + i) * c.columns + column] = at(value++, row + i);
    }
    row += group;
  }
  return weights;
}

/** Values of these weights at a sparse constant's positions. */
function keptOf(c: Extract<Matrix, { form: 'spmm' }>, weights: Float32Array): Float32Array {
  const ones = { ...c, values: new Float32Array(c.values.length).fill(1) };
  const kept = reference({ form: '', group: c.group as Group, panel: undefined }, { ...ones, scales: undefined });
  const values: number[] = [];
  for (let row = 0; row < c.rows;) {
    const group = c.rows - row >= c.group ? c.group : 1;
    for (let column = 0; column < c.columns; column++) {
      if (kept[row * c.columns + column] === 0) continue;
      for (let i = 0; i < group; i++) values.push(weights[(row + i) * c.columns + column]);
    }
    row += group;
  }
  return Float32Array.from(values);
}

/** Convolutions of all kinds; `sparse`: with zeros. */
function network(sparse: boolean): Graph {
  const g = new GraphBuilder(5);
  const relu = { activation: { fn: 'silu' } } as const;
  let x = g.conv2d(g.input([1, 3, 17, 15]), 13, 3, { ...relu, stride: [2, 2] });
  x = g.conv2d(x, 13, 3, { groups: 13 });
  x = g.conv2d(x, 90, 1, relu);
  x = g.conv2d(x, 170, 1);
  x = g.node('reduce', { fn: 'mean', axes: [2, 3], keepDims: false }, x);
  const graph = g.finish(g.node('linear', {}, x, g.constant([101, 170]), g.constant([101])));
  if (sparse) {
    for (const { data } of graph.values.values()) {
      if (data && data.length > 500) data.forEach((_, i) => (i * 7) % 10 < 6 && (data[i] = 0));
    }
  }
  return graph;
}

describe.each(types)('a network whose weights are saved as %s', (type) => {
  const bytesOf = (graph: Graph, weights: WeightType, costModel: CostModel = defaultCostModel) =>
    writeArtifact(lowerGraph(graph, costModel, { weights })).length;

  it.each(['dense', 1, 2, 4, 'packed'] as const)('gives the results of its rounded weights: %s', async (encoding) => {
    const graph = network(encoding !== 'dense');
    const program = lowerGraph(graph, forced[encoding], { weights: type });
    const bytes = writeArtifact(program);
    const read = readArtifact(bytes, 'test');
    expect(read).toEqual(program);
    expect(predictLayers(read)).toEqual(predictLayers(lowerGraph(graph, forced[encoding])));
    const notes = program.notes.filter((note) => note.includes(`weights saved as ${type}, relative error`));
    expect(notes.length).toBe(5);
    const inputs = randomInputs(graph, randomFloats(9));
    const exact = evaluate(graph, inputs).output0.data as Float32Array;
    const outputs = await Promise.all(
      builds.map(async (build) => {
        const model = await loadModel(bytes, { build });
        const { output0 } = await model.run(inputs);
        model.dispose();
        return output0.data as Float32Array;
      }),
    );
    // f16: 2⁻¹¹ a layer at most. Integers: what their steps are to weights of one size, over five layers
    const bound = { f16: 1e-3, int8: 0.03, int4: 0.3 }[type];
    for (const output of outputs) expect(relativeError(output, exact)).toBeLessThan(bound);
    expect(relativeError(outputs[0], exact)).toBeGreaterThan(bound / 1000);
    expect(relativeError(outputs[0], outputs[1])).toBeLessThan(1e-5);
  });

  it('is smaller than the one with finer weights', () => {
    const finer = { f16: 'f32', int8: 'f16', int4: 'int8' } as const;
    for (const sparse of [false, true]) {
      expect(bytesOf(network(sparse), type)).toBeLessThan(bytesOf(network(sparse), finer[type]));
    }
  });

  it('keeps floats where they are not finite', () => {
    const weights = randomFloats(1)(20);
    weights[7] = Infinity;
    const constant = packGemm(4, 5, weights) as Matrix;
    expect(roundMatrix(constant, type)).toEqual({ constant, error: 0, all: 1 });
  });
});

it('rounds to the nearest half', () => {
  const halves = Array.from({ length: 0x7c00 }, (_, h) => widen(Uint16Array.of(h))[0]);
  for (let h = 0; h < halves.length - 1; h++) {
    const [low, high] = [halves[h], halves[h + 1]];
    const middle = (low + high) / 2;
    const even = h % 2 ? high : low;
    for (const [value, half] of [
      [low, low],
      [middle, even],
      [middle * (1 - 2 ** -20), low],
      [Math.min(middle * (1 + 2 ** -20), high), high],
    ]) {
      if (nearestHalf(value) !== half) expect(nearestHalf(value), `${value}`).toBe(half);
      if (nearestHalf(-value) !== -half) expect(nearestHalf(-value), `${-value}`).toBe(-half);
    }
  }
  expect([65519, 65520, NaN].map(nearestHalf)).toEqual([65504, Infinity, NaN]);
});

it('refuses other types', () => {
  const options = { weights: 'int2' as WeightType };
  expect(() => compileGraph(network(false), options)).toThrow(/weights: wanted f32, f16, int8, int4, got int2/);
});
