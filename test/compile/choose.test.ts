// Which layers of an integer program stay in floats: the cost model chooses, and notes say why.
import { describe, expect, it } from 'vitest';
import { minimumCut } from '../../src/compile/bytes/minimum-cut.ts';
import { compileGraph } from '../../src/compile/compile.ts';
import { evaluate } from '../../src/graph/evaluate.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { defaultCostModel, predictLayers } from '../../src/lower/cost.ts';
import type { CostModel } from '../../src/lower/cost-model.ts';
import type { Program } from '../../src/program/program.ts';
import { GraphBuilder } from '../graphs.ts';
import { randomFloats } from '../kernels/wasm.ts';
import { loadModel } from '../../src/runtime/load.ts';
import { writeArtifact } from '../../src/artifact/write.ts';
import { randomInputs } from '../program.ts';

type Keep = (row: number, column: number) => boolean;

const channels = 64;

/** Random weights, of which about a tenth is kept. */
function unstructured(seed: number): Keep {
  const dice = randomFloats(seed)(channels * channels);
  return (row, column) => dice[row * channels + column] > 0.8;
}

/** The same in blocks of 4 × 4. */
const blocks = (seed: number): Keep => {
  const keep = unstructured(seed);
  return (row, column) => keep(row >> 2, column >> 2);
};

const all = (): Keep => () => true;

/** A row of pointwise layers with these zeros; every second one is followed by SiLU. */
function network(zeros: readonly ((seed: number) => Keep)[]): Graph {
  const g = new GraphBuilder(5);
  let x = g.input([1, channels, 24, 24]);
  zeros.forEach((of, layer) => {
    x = g.conv2d(x, channels, 1, layer % 2 ? { activation: { fn: 'silu' } } : {});
    const keep = of(layer + 1);
    const weights = g.graph.values.get(g.graph.nodes.at(-1)!.inputs[1])!.data as Float32Array;
    weights.forEach((w, i) => {
      weights[i] = keep(Math.floor(i / channels), i % channels) ? w / 4 : 0;
    });
  });
  return g.finish(x);
}

/** As many products of bytes take as long as products of floats that skip no zeros: bytes gain by blocks of zeros alone. */
const slowDots: CostModel = {
  ...defaultCostModel,
  costs: {
    ...defaultCostModel.costs,
    i8_dot_12x4: { group: 57, vector: 3.2 },
    i8_dot_24x2: { group: 91, vector: 3.2 },
    i8_dot_52x1: { group: 98, vector: 3.2 },
  },
};

function compiled(zeros: readonly ((seed: number) => Keep)[], costModel: CostModel, bytes = true): Program {
  const values = new Map<string, { data: ArrayLike<number> }>();
  const graph = network(zeros);
  evaluate(graph, randomInputs(graph, randomFloats(3)), { intermediates: values as never });
  const ranges: Record<string, { min: number; max: number }> = {};
  for (const [name, { data }] of values) {
    const numbers = Array.from(data);
    ranges[name] = { min: Math.min(...numbers), max: Math.max(...numbers) };
    ranges[`${name}:sum`] = { min: -3, max: 3 };
  }
  ranges.input0 = { min: -1, max: 1 };
  return compileGraph(network(zeros), bytes ? { int8: { ranges }, costModel } : { costModel });
}

const milliseconds = (program: Program, model: CostModel) => predictLayers(program, model).reduce((a, b) => a + b, 0);

const isByteProduct = ({ kernel }: { kernel: string }) => kernel.startsWith('i8_dot');

const repeated = (of: (seed: number) => Keep) => Array.from({ length: 6 }, () => of);

describe('an integer program', () => {
  it.each([
    ['unstructured', unstructured],
    ['blocks of 4 × 4', blocks],
    ['dense', all],
  ])('is not predicted to be slower than floats: %s', (_, zeros) => {
    for (const model of [defaultCostModel, slowDots]) {
      const [bytes, floats] = [compiled(repeated(zeros), model), compiled(repeated(zeros), model, false)];
      expect(milliseconds(bytes, model)).toBeLessThanOrEqual(milliseconds(floats, model));
    }
  });

  it('is of floats where bytes cannot skip as many zeros, and says so', () => {
    const { steps, notes } = compiled(repeated(unstructured), slowDots);
    expect(steps.map(({ kernel }) => kernel).filter((kernel) => kernel.startsWith('i8'))).toEqual([]);
    expect(notes.join()).toMatch(
      /6 layers stay in floats: their zeros are skipped there, predicted [\d.]+ ms instead of/,
    );
  });

  it.each([
    ['blocks of 4 × 4', blocks],
    ['dense layers', all],
  ])('is of bytes where these skip as many: %s', (_, zeros) => {
    const { steps, notes } = compiled(repeated(zeros), defaultCostModel);
    expect(steps.filter(isByteProduct)).toHaveLength(6);
    expect(notes.join()).not.toContain('stay in floats');
  });

  it('has parts of each, joined by conversions, whose float layers keep their functions', async () => {
    const zeros = [...repeated(blocks), ...repeated(unstructured), ...repeated(blocks)];
    const program = compiled(zeros, slowDots);
    const inBytes = program.steps.filter(isByteProduct).length;
    // those beside a seam may be on either side of it
    expect(inBytes).toBeGreaterThan(8);
    expect(inBytes).toBeLessThan(13);
    expect(program.steps.filter(({ kernel }) => kernel === 'i8_from_f32')).toHaveLength(2);
    // of nine functions those whose sums a layer of bytes makes for floats: at the end, and before a seam
    expect(program.steps.filter(({ kernel }) => kernel === 'f32_unary')).toHaveLength(2);
    expect(program.notes.join()).toContain(`${18 - inBytes} layers stay in floats: their zeros are skipped there`);
    const graph = network(zeros);
    const inputs = randomInputs(graph, randomFloats(3));
    const expected = evaluate(graph, inputs).output0.data as Float32Array;
    using model = await loadModel(writeArtifact(program));
    const actual = (await model.run(inputs)).output0.data as Float32Array;
    const size = (values: Float32Array) => Math.hypot(...values);
    expect(size(expected.map((v, i) => v - actual[i]))).toBeLessThan(0.2 * size(expected));
  });
});

describe('minimumCut', () => {
  it('is the cheapest of all divisions', () => {
    for (let seed = 1; seed <= 30; seed++) {
      const dice = randomFloats(seed)(200);
      const count = 7;
      const edges = Array.from({ length: 18 }, (_, i) => ({
        from: Math.floor((dice[3 * i] + 1) * 3.49),
        to: Math.floor((dice[3 * i + 1] + 1) * 3.49),
        capacity: i === 5 ? Infinity : dice[3 * i + 2] + 1,
      })).filter(({ from, to, capacity }) => from !== to && !(capacity === Infinity && from === 0 && to === 6));
      const cost = (side: readonly boolean[]) =>
        edges.reduce((sum, { from, to, capacity }) => sum + (side[from] && !side[to] ? capacity : 0), 0);
      const divisions = Array.from({ length: 32 }, (_, bits) =>
        Array.from({ length: count }, (_, i) => i === 0 || (i < 6 && ((bits >> (i - 1)) & 1) === 1)),
      );
      const found = minimumCut(count, 0, 6, edges);
      expect([found[0], found[6]]).toEqual([true, false]);
      expect(cost(found)).toBeCloseTo(Math.min(...divisions.map(cost)), 9);
    }
  });
});
